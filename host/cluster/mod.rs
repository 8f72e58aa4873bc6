//! Who owns a key: the ring, the other nodes, and the registry they are found in.

mod debts;
mod heirs;
mod listening;
mod owners;
mod payments;
mod snapshot;
mod standing;
mod touch;

pub use heirs::Heirs;
pub use owners::{Cluster, NodeState, Owner, REMEMBERED, State};
pub use standing::{PROMISE, Standing};
pub use touch::{CHANGE_WITHIN, LONGEST_CHANGE};
