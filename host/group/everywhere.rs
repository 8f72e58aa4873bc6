//! Set, remove and clear on every node.
//!
//! # Why Ok means that no reachable node returns an older value
//! A change goes to the owner first and to all others then, and each of them
//! makes it as a single node does (`change`): what is held goes, and no load that
//! began before is kept or joined. "All others" does not depend on the nodes
//! agreeing about the ring: it is everybody in this node's ring, everybody who asked
//! it to be told, and everybody of whom one of these knows; and a node that nobody
//! promises to tell holds nothing (`cluster::standing`). What is left is an old
//! value on its way from one node to another, from one that was not told yet to one
//! that was:
//! - An answer to a get that was forwarded to its owner is never kept and never
//!   joined, so only a get that began before the change ended can return it.
//! - What a new owner looks up at a previous one is kept; so a node that was told
//!   of a change goes to the source for that key for a while, longer than any
//!   change lasts; and a node that began to be told later is told by `all_others`,
//!   which looks for new nodes until there is none.
//! - A set that was long on its way, or whose caller gave it up, comes after a later
//!   change. It carries the number of the owner's last change that its sender had
//!   heard of, and the owner refuses it if the key has changed since
//!   (`changed_lately`).
//!
//! A node that did not answer is named in the error. It is owed the change, by this
//! node and by all that confirmed it, and told as soon as it answers one of them
//! (`cluster::debts`). Only a change that no other node confirmed dies with the node
//! that made it.
//!
//! # Once begun, a change runs to its end
//! Half of a change would leave an old value on some nodes and no trace of it. So a
//! change is a task of its own, which goes on when its caller goes away. What it
//! does not do then is to try a set again: its caller may have made a later change.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use tracing::Instrument;

use super::Group;
use super::change::Kept;
use super::told::{Taken, Told};
use crate::cluster::Owner;
use crate::error::Error;
use crate::key;
use crate::transport::remote::{Call, Remote, Request};

/// How often a set is made again that others overtook. Then it counts as made and
/// overtaken.
const MOST_TRIES: usize = 8;

/// The caller of a change, as long as it waits.
type Caller = Weak<()>;

impl Group {
    /// Puts a value in place of what any node holds of the key. `ttl`: `None` for
    /// the group's own. Dropping the future gives up the wait, not the set.
    ///
    /// # Errors
    /// [`Error::InvalidKey`]; [`Error::InvalidArgument`] for a `ttl` of zero or
    /// beyond [`MAX_TTL`](super::MAX_TTL); [`Error::TooLarge`], and nothing was
    /// evicted; [`Error::Unavailable`] if no room came free: what was held stays.
    /// [`Error::NotConfirmed`] if some node did not answer; when that is the owner,
    /// the value may not be kept at all.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn set(
        self: &Arc<Self>,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        let key: Box<str> = key::parse(key.as_bytes())?.into();
        let set = move |group: Arc<Self>, caller| async move {
            group.set_everywhere(&key, value, ttl, caller).await
        };
        self.to_its_end(set).await
    }

    /// Drops what any node holds of the key. Answers whether one did that answered.
    /// Dropping the future gives up the wait, not the removal.
    ///
    /// # Errors
    /// [`Error::InvalidKey`]; [`Error::NotConfirmed`] names the nodes that did not
    /// answer: they may return an older value until they are back in reach.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn remove(self: &Arc<Self>, key: &str) -> Result<bool, Error> {
        let key: Box<str> = key::parse(key.as_bytes())?.into();
        let remove = move |group: Arc<Self>, _| async move { group.remove_everywhere(&key).await };
        self.to_its_end(remove).await
    }

    /// Drops everything that any node holds of this group. Answers how many
    /// entries there were. Dropping the future gives up the wait, not the clearing.
    ///
    /// # Errors
    /// [`Error::NotConfirmed`] names the nodes that did not answer.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn clear(self: &Arc<Self>) -> Result<u64, Error> {
        let clear = |group: Arc<Self>, _| async move {
            let dropped = group.clear_here();
            let mut told = Told::new(&group, "");
            told.all_others().await;
            told.end().await.map(|elsewhere| dropped + elsewhere)
        };
        self.to_its_end(clear).await
    }

    async fn to_its_end<T, F>(
        self: &Arc<Self>,
        change: impl FnOnce(Arc<Self>, Caller) -> F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let waiting = Arc::new(());
        let change = change(Arc::clone(self), Arc::downgrade(&waiting));
        if self.parts.cluster.audience().is_empty() {
            // Nothing to be left half done: it is made here, all at once.
            return change.await;
        }
        tokio::spawn(change.in_current_span()).await.unwrap_or_else(|_| {
            Err(Error::Internal("the change ended half-way; the node is stopping".into()))
        })
    }

    async fn set_everywhere(
        &self,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
        caller: Caller,
    ) -> Result<(), Error> {
        let mut told = Told::new(self, key);
        match self.parts.cluster.owner(key::ring_hash(key)) {
            Owner::Local => {
                for _ in 0..MOST_TRIES {
                    let seen = self.changed_lately.latest();
                    let kept = self.set_here(key, value.clone(), ttl, seen).await?;
                    if kept == Kept::Yes || caller.strong_count() == 0 {
                        break;
                    }
                }
            }
            Owner::Remote(owner) => {
                self.set_at(&owner, value, ttl, &caller, &mut told).await?;
                self.remove_here(key);
            }
        }
        told.all_others().await;
        told.end().await.map(drop)
    }

    async fn set_at(
        &self,
        owner: &Arc<dyn Remote>,
        value: Bytes,
        ttl: Option<Duration>,
        caller: &Caller,
        told: &mut Told<'_>,
    ) -> Result<(), Error> {
        for _ in 0..MOST_TRIES {
            let seen = self.seen.of(owner.address());
            // 1. The caller gives up. 2. It removes the key through another node.
            // 3. This hears of it by another answer of the owner's. Only a number
            // from before the caller left tells the owner what came later.
            if caller.strong_count() == 0 {
                return Ok(());
            }
            let set = Call::Set { value: value.clone(), ttl, seen };
            match told.one(owner, set).await? {
                Taken::Overtaken => {}
                Taken::Done | Taken::Silent => return Ok(()),
            }
        }
        Ok(())
    }

    async fn remove_everywhere(&self, key: &str) -> Result<bool, Error> {
        let mut told = Told::new(self, key);
        if let Owner::Remote(owner) = self.parts.cluster.owner(key::ring_hash(key)) {
            told.one(&owner, Call::Remove).await?;
        }
        let dropped = self.remove_here(key);
        told.all_others().await;
        told.end().await.map(|elsewhere| dropped || elsewhere > 0)
    }

    /// What this group asks of another node.
    pub(super) fn request(&self, key: &str, call: Call) -> Request {
        Request {
            group: Bytes::copy_from_slice(self.config.name.as_bytes()),
            key: Bytes::copy_from_slice(key.as_bytes()),
            call,
            ring_version: self.parts.cluster.ring_version(),
        }
    }
}
