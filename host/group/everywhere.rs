//! Set, remove and clear on every node.
//!
//! # Why Ok means that no reachable node returns an older value
//! A change goes to the owner first and to all others then, and each of them
//! makes it as a single node does (`change`): what is held goes, and no load that
//! began before is kept or joined. What is left is an old value on its way from
//! one node to another, from one that was not told yet to one that was:
//! - An answer to a get that was forwarded to its owner is never kept and never
//!   joined, so only a get that began before the change ended can return it.
//! - What a new owner looks up at a previous one is kept; so a node that was told
//!   of a change goes to the source for that key for a while (`removed_lately`),
//!   longer than any change lasts.
//!
//! Neither depends on the nodes agreeing about the ring. A node that did not
//! answer is named in the error.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;

use super::Group;
use crate::cluster::Owner;
use crate::cluster::remote::{Call, Remote, RemoteError, Request, Response};
use crate::error::Error;
use crate::key;

/// How long a node may take to make a change.
const CHANGE_WITHIN: Duration = Duration::from_secs(1);

impl Group {
    /// Puts a value in place of what any node holds of the key. `ttl`: `None` for
    /// the group's own.
    ///
    /// # Errors
    /// [`Error::InvalidKey`]; [`Error::InvalidArgument`] for a `ttl` of zero or
    /// beyond [`MAX_TTL`](super::MAX_TTL); [`Error::TooLarge`], and nothing was
    /// evicted; [`Error::Unavailable`] if no room came free: what was held stays.
    /// [`Error::NotConfirmed`] if some node did not answer; when that is the owner,
    /// the value may not be kept at all.
    pub async fn set(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), Error> {
        key::parse(key.as_bytes())?;
        let mut silent = Vec::new();
        let owner = match self.parts.cluster.owner(key::ring_hash(key)) {
            Owner::Local => {
                self.set_here(key, value, ttl).await?;
                None
            }
            Owner::Remote(owner) => {
                let set = Call::Set { value, ttl };
                self.change_at(&owner, key, set, &mut silent).await?;
                self.remove_here(key);
                Some(owner)
            }
        };
        self.change_at_others(owner.as_ref(), key, Call::Remove, &mut silent).await?;
        confirmed(silent)
    }

    /// Drops what any node holds of the key. Answers whether one did that answered.
    ///
    /// # Errors
    /// [`Error::InvalidKey`]; [`Error::NotConfirmed`] names the nodes that did not
    /// answer: they may return an older value still.
    pub async fn remove(&self, key: &str) -> Result<bool, Error> {
        key::parse(key.as_bytes())?;
        let mut silent = Vec::new();
        let mut dropped = 0;
        let owner = match self.parts.cluster.owner(key::ring_hash(key)) {
            Owner::Local => None,
            Owner::Remote(owner) => {
                dropped += self.change_at(&owner, key, Call::Remove, &mut silent).await?;
                Some(owner)
            }
        };
        dropped += u64::from(self.remove_here(key));
        dropped += self.change_at_others(owner.as_ref(), key, Call::Remove, &mut silent).await?;
        confirmed(silent).map(|()| dropped > 0)
    }

    /// Drops everything that any node holds of this group. Answers how many
    /// entries there were.
    ///
    /// # Errors
    /// [`Error::NotConfirmed`] names the nodes that did not answer.
    pub async fn clear(&self) -> Result<u64, Error> {
        let mut silent = Vec::new();
        let dropped =
            self.clear_here() + self.change_at_others(None, "", Call::Clear, &mut silent).await?;
        confirmed(silent).map(|()| dropped)
    }

    /// Makes the change at all nodes but this one and `but`.
    async fn change_at_others(
        &self,
        but: Option<&Arc<dyn Remote>>,
        key: &str,
        call: Call,
        silent: &mut Vec<String>,
    ) -> Result<u64, Error> {
        let mut others = self.parts.cluster.others();
        others.retain(|other| but.is_none_or(|but| other.address() != but.address()));
        let changes = others.iter().map(|other| async {
            let mut silent = Vec::new();
            let count = self.change_at(other, key, call.clone(), &mut silent).await;
            (count, silent)
        });
        // As a list first: a stream that borrows from its closure is not `Send`.
        let changes: Vec<_> = changes.collect();
        let mut total = 0;
        let mut refused = Ok(());
        for (count, unanswered) in join_all(changes).await {
            silent.extend(unanswered);
            match count {
                Ok(count) => total += count,
                Err(error) => refused = Err(error),
            }
        }
        refused.map(|()| total)
    }

    /// Makes the change at one node; one that does not answer is noted.
    async fn change_at(
        &self,
        node: &Arc<dyn Remote>,
        key: &str,
        call: Call,
        silent: &mut Vec<String>,
    ) -> Result<u64, Error> {
        let changed = node.ask(self.request(key, call), CHANGE_WITHIN).await;
        match changed {
            Ok(Response::Done { count, .. }) => Ok(count),
            // A node without this group holds nothing of it.
            Err(RemoteError::Answered(Error::UnknownGroup { .. })) => Ok(0),
            Err(RemoteError::Answered(Error::Stopping | Error::DeadlineExceeded { .. }))
            | Err(RemoteError::Unreachable(_))
            | Ok(_) => {
                silent.push(node.address().to_owned());
                Ok(0)
            }
            Err(RemoteError::Answered(error)) => Err(error),
        }
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

fn confirmed(mut silent: Vec<String>) -> Result<(), Error> {
    if silent.is_empty() {
        return Ok(());
    }
    silent.sort();
    Err(Error::NotConfirmed { nodes: silent })
}
