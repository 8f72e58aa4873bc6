//! The local store: entries in shards under one byte budget, each entry with its own
//! time to live.

mod packed;

mod record;

mod entry;

mod arena;
mod deferred_frees;
mod wheel;

mod shard;

mod changes;
mod epoch;
mod recency;

mod budget;
mod reservation;
mod resize;
mod tap;

mod expiry;
mod get_many;
mod hottest;
mod listen;
mod residents;
mod retain;
mod sharded;
mod stats;

pub use budget::StoreConfig;
pub use entry::{Found, NewEntry};
pub use expiry::Expired;
pub use hottest::Held;
pub use listen::Listening;
pub use record::ENTRY_OVERHEAD;
pub use reservation::{NoRoom, Reservation};
pub use sharded::Store;
pub use stats::{Evictions, Stats};
pub use tap::{Access, AccessKind, Sample};

#[cfg(test)]
mod tests;
