//! The metrics of real nodes: well-formed, moving as their names say, and all that
//! the dashboard and the alerts ask for.

mod economy;
mod exposition;
pub(crate) mod movement;
mod queries;
pub(crate) mod scrape;
