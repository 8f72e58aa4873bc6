//! What retrievers that speak a protocol of their own share: where the source is, a connection
//! with a deadline, and what failures say.
//!
//! A retriever whose source sends a value for each line that it is sent:
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use std::time::{Duration, Instant};
//!
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
//!         let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
//!         let open = || Link::open(&self.place, deadline, deadline).map(BufReader::new);
//!         let answered = self.kept.ask(deadline, open, |lines| {
//!             lines.get_mut().until(deadline);
//!             lines.get_mut().write_all(format!("{key}\n").as_bytes())?;
//!             let mut value = String::new();
//!             match lines.read_line(&mut value)? {
//!                 0 => Err(Failure::Broken("it has closed the connection".into())),
//!                 _ => Ok(value.into_bytes()),
//!             }
//!         });
//!         let value = answered.map_err(|error| self.place.told(error))?;
//!         Ok(Some(Fetched { value, ttl_ms: None }))
//!     }
//! }
//! ```

mod connect;
mod dsn;
mod failure;
mod kept;
mod link;
mod place;
mod tls;
mod within;

pub use dsn::{Dsn, DsnShape};
pub use failure::Failure;
pub use kept::{Kept, Quiet};
pub use link::Link;
pub use place::Place;
