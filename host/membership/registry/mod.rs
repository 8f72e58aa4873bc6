//! The registry that the protocol needs: etcd, or a replacement in the memory of one
//! program.

pub mod etcd;
#[cfg(feature = "node")]
mod in_memory;
#[cfg(feature = "etcd")]
mod observer;

#[cfg(feature = "node")]
pub use in_memory::InMemory;
#[cfg(feature = "etcd")]
pub use observer::{Membership, Observer};

use std::time::Duration;

use futures::future::BoxFuture;

use super::view::{Entry, Member, Name, View};

/// A lease as granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The id of the registry that granted it. A restored registry may know the lease id
    /// too, but its answers do not count for this lease.
    pub cluster: u64,
    /// Its id in the registry.
    pub id: i64,
    /// The granted time to live, which may be longer than asked for.
    pub ttl: Duration,
}

/// The outcome of an attempt to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The entry was created, with this name.
    Now(Name),
    /// There is an entry at the address already.
    Before(Member),
}

/// A `records/` entry: it lasts as long as its registration may be vouched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The address of the node that registered.
    pub address: String,
    /// Its registration.
    pub name: Name,
}

/// Everything that PsyCache has in the registry at one revision.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The registrations.
    pub view: View,
    /// The records.
    pub records: Vec<Record>,
    /// The id of the registry in which a node joined last; `None`: none did.
    pub joined_in: Option<u64>,
    /// Number of keys below the prefix that are not PsyCache's.
    pub ignored: usize,
}

/// One change of the registrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A node registered.
    Came {
        /// The revision of the change.
        revision: i64,
        /// The node.
        member: Member,
    },
    /// An entry was removed.
    Went {
        /// The revision of the change.
        revision: i64,
        /// The address of the node.
        address: String,
    },
}

/// Why the registry gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryFailure {
    /// It can't be reached, or did not answer in time; a later attempt may succeed.
    #[error("{0}")]
    Broken(String),
    /// It refuses the request. An operator must correct something.
    #[error("{0}")]
    Refused(String),
}

/// The answer of a registry.
pub type RegistryAnswer<'a, T> = BoxFuture<'a, Result<T, RegistryFailure>>;

/// The operations of etcd that the protocol needs. All reads are linearizable, and
/// every operation ends in bounded time. Implementations reconnect by themselves.
pub trait Registry: Send + Sync {
    /// Grants a lease that ends when it is not renewed for `ttl`.
    fn grant(&self, ttl: Duration) -> RegistryAnswer<'_, Lease>;

    /// Renews a lease. Returns whether it exists in the registry that granted it.
    fn keep_alive(&self, lease: Lease) -> RegistryAnswer<'_, bool>;

    /// The remaining time of the lease `id` of the registry `cluster`; `None`: it does
    /// not exist. If another registry answers: [`RegistryFailure::Broken`].
    fn time_to_live(&self, cluster: u64, id: i64) -> RegistryAnswer<'_, Option<Duration>>;

    /// Ends a lease, and deletes the keys under it.
    fn revoke(&self, lease: i64) -> RegistryAnswer<'_, ()>;

    /// Puts `entry` under the lease `short` and its record under `long`, in one
    /// transaction, if there is no entry at its address.
    fn register<'a>(
        &'a self,
        entry: &'a Entry,
        short: i64,
        long: i64,
    ) -> RegistryAnswer<'a, Registered>;

    /// Reads everything.
    fn list(&self) -> RegistryAnswer<'_, Listing>;

    /// Notes that a node has joined in the registry that granted `lease`, if the
    /// registration `name` at `address` still exists under that lease. A registry that
    /// has lost it may also have lost registrations of nodes that hold keys.
    fn note_joined<'a>(
        &'a self,
        address: &'a str,
        name: Name,
        lease: Lease,
    ) -> RegistryAnswer<'a, ()>;

    /// Follows the registrations in the registry `cluster` from the revision after
    /// `revision` on.
    fn watch(&self, cluster: u64, revision: i64) -> RegistryAnswer<'_, Box<dyn Watch>>;

    /// A warning for operators about the registry's version, if there is one.
    fn warning(&self) -> RegistryAnswer<'_, Option<String>>;
}

/// The changes of the registrations as they happen.
pub trait Watch: Send {
    /// Waits for the next changes, in the order of their revisions. Dropping the future
    /// loses none.
    fn next(&mut self) -> RegistryAnswer<'_, Vec<Change>>;
}

/// Why a node can't take part.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A live node has registered the same address.
    #[error(
        "the address {address} is taken: a node of version {} that started at {} renews \
         it; give this node its own --advertise address, or stop the other one",
        holder.version, holder.started
    )]
    AddressTaken {
        /// The address.
        address: String,
        /// Who holds it.
        holder: Box<Entry>,
    },
    /// An option can't be used, or etcd does not let this node in.
    #[error("etcd: {0}")]
    Refused(String),
    /// It does not answer an observer, which can't start without it.
    #[error("etcd does not answer: {0}")]
    Unreachable(String),
}

impl RegistryError {
    /// The error of a program that was built without etcd and is configured to use it.
    #[cfg(not(feature = "etcd"))]
    pub(crate) fn without_etcd() -> Self {
        let problem = "this program was built without it; build it with the feature `etcd`";
        Self::Refused(problem.into())
    }
}

impl From<RegistryFailure> for RegistryError {
    fn from(failure: RegistryFailure) -> Self {
        match failure {
            RegistryFailure::Broken(reason) => Self::Unreachable(reason),
            RegistryFailure::Refused(reason) => Self::Refused(reason),
        }
    }
}
