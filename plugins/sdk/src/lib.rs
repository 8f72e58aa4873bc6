//! Write an eviction policy or a data source for PsyCache in Rust.
//!
//! A plugin is a WebAssembly component that fits the contract in
//! `wit/psycache-plugin.wit`. This crate turns that contract into a trait:
//! [`Policy`] decides who leaves a group's storage, [`Retriever`] fetches what is
//! missing. The `export_…!` macros make a component of the type that implements it,
//! and expand to nothing on native targets, so that unit tests and benchmarks run
//! without any WebAssembly.
//!
//! An exact LRU, whole:
//!
//! ```
//! use psycache_plugin::{Config, ConfigError, Entry, Policy, SlotQueue, export_policy};
//!
//! /// Least recently used: a hit moves an entry to the front, the back one leaves.
//! pub struct Lru {
//!     recency: SlotQueue,
//! }
//!
//! impl Policy for Lru {
//!     fn configure(config: &Config) -> Result<Self, ConfigError> {
//!         config.options().finish()?;
//!         Ok(Self { recency: SlotQueue::new(config.max_entries) })
//!     }
//!
//!     fn touch(&mut self, slot: u32) {
//!         self.recency.move_to_front(slot);
//!     }
//!
//!     fn insert(&mut self, slot: u32, _entry: &Entry) {
//!         self.recency.push_front(slot);
//!     }
//!
//!     fn remove(&mut self, slot: u32) {
//!         self.recency.remove(slot);
//!     }
//!
//!     fn victim(&mut self) -> Option<u32> {
//!         self.recency.pop_back()
//!     }
//! }
//!
//! export_policy!(Lru);
//!
//! // On a native target the same type runs under `Stepped`, as the node would drive it.
//! use psycache_plugin::{Step, Stepped};
//! let mut lru = Stepped::<Lru>::new(&Config::new(2, 3))?;
//! let mut victims = Vec::new();
//! let one = |slot| Step { admitted: slot, hashes: &[7], attributes: &[1, 0, 0], ..Step::default() };
//! lru.step(&one(&[0]), &mut victims);
//! lru.step(&one(&[1]), &mut victims);
//! lru.step(&Step { touched: &[0], need: 1, ..one(&[2]) }, &mut victims);
//! assert_eq!(victims, [1]);
//! # Ok::<(), ConfigError>(())
//! ```
//!
//! What more the contract offers: [`Introspect`] for statistics of the policy's own, [`Snapshot`]
//! for its state in a swap between two versions, and [`key`] for rules that look at keys. The
//! first two are named where the policy is exported, `export_policy!(Lru, introspect, snapshot)`.
//!
//! Build it with `cargo build --release --target wasm32-unknown-unknown` as a
//! `cdylib` and wrap it with `wasm-tools component new`: such a component imports
//! nothing at all.
//!
//! A retriever that speaks a protocol of its own finds in `net` (feature `net`) what such
//! retrievers share: an address, a connection with a deadline and with the node's TLS, and
//! the classes of failures. One that asks by a query of SQL finds in `sql` its tokens, and the
//! query for many keys that asks as it does.

mod config;
mod export;
mod ghosts;
mod introspect;
mod io_words;
mod keys;
mod links;
mod policy;
mod residents;
mod retriever;
mod slot_array;
mod slot_list;
mod slot_queue;
mod slot_queues;
mod snapshot;
mod span;
mod stepped;

#[cfg(feature = "net")]
pub mod net;
pub mod sql;

#[doc(hidden)]
pub mod call;

#[cfg(any(target_family = "wasm", test))]
#[doc(hidden)]
pub mod arena;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod bindings;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod exported;

pub use config::{Config, ConfigError, Options};
pub use ghosts::Ghosts;
pub use introspect::Introspect;
pub use io_words::io_words;
pub use keys::key;
#[cfg(not(target_family = "wasm"))]
pub use keys::with_keys;
pub use links::{Chain, Links};
pub use policy::{Entry, Policy};
pub use retriever::{FetchError, Fetched, Retriever, RetrieverConfig};
pub use slot_array::SlotArray;
pub use slot_list::SlotList;
pub use slot_queue::SlotQueue;
pub use slot_queues::SlotQueues;
pub use snapshot::{Snapshot, State};
pub use span::Span;
pub use stepped::{Step, Stepped};
