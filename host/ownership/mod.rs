//! Who may hold a key: one node at a time, under a lease. `docs/coherence.md` is the
//! protocol; each file here names the rules that it serves.

mod timing;

mod knowledge;
mod signal;

mod snapshot;
mod state;

mod heirs;
mod lists;
mod problems;

mod right;

mod step;

mod ack;
mod join;

mod vouch;

mod inherit;
mod lend;

mod compare;

mod follow;
mod register;
mod registrar;
mod registration;

mod report;

pub use heirs::Giver;
pub use inherit::Inheritance;
pub use lists::ListProblem;
pub use registration::Registration;
pub use report::{NodeReport, Report};
pub use right::{Holdings, Owner, Ownership};
pub use signal::Changes;
pub use state::OwnershipState;
pub(crate) use timing::LENT_DRIFT;
pub use timing::Timing;
