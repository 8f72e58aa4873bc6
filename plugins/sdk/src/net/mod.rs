//! What retrievers that speak a protocol of their own share: where the source is, a connection
//! with a deadline, and what failures say.
//!
//! A retriever whose source sends a value for each line that it is sent:
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use psycache_plugin::net::{Failure, Kept, Link, Place};
//! use psycache_plugin::{ConfigError, FetchError, Fetched, Retriever, RetrieverConfig};
//!
//! struct Lines {
//!     place: Place,
//!     kept: Kept<BufReader<Link>>,
//! }
//!
//! impl Retriever for Lines {
//!     fn configure(config: &RetrieverConfig) -> Result<Self, ConfigError> {
//!         let options = config.options();
//!         let place = Place::read("place", options.required("place")?)?;
//!         options.finish()?;
//!         Ok(Self { place, kept: Kept::default() })
//!     }
//!
//!     fn fetch(&mut self, key: &str, timeout_ms: u32) -> Result<Option<Fetched>, FetchError> {
//!         let open = |deadline| Link::open(&self.place, deadline, deadline).map(BufReader::new);
//!         let value = self.kept.ask_within(&self.place, timeout_ms, open, |lines, deadline| {
//!             lines.get_mut().until(deadline);
//!             lines.get_mut().write_all(format!("{key}\n").as_bytes())?;
//!             let mut value = String::new();
//!             match lines.read_line(&mut value)? {
//!                 0 => Err(Failure::Broken("it has closed the connection".into())),
//!                 _ => Ok(value.into_bytes()),
//!             }
//!         })?;
//!         Ok(Some(Fetched::from(value)))
//!     }
//! }
//! ```

mod connect;
mod deadline;
mod dsn;
mod failure;
mod kept;
mod link;
mod place;
mod socket;
mod statement_limit;
mod tls;

pub use deadline::deadline;
pub use dsn::{Dsn, DsnShape};
pub use failure::Failure;
pub use kept::{Kept, Quiet};
pub use link::Link;
pub use place::Place;
pub use statement_limit::StatementLimit;
