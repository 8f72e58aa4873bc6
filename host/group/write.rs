//! Set and remove: each goes to the owner of its key, and is Ok when that node holds the
//! key with all earlier values dropped [rule 6].
//!
//! # Why Ok means that no get returns an older value
//! At most one node holds a key. The one that confirms has dropped what it had, and
//! interrupted its load, *before* it looked whether it holds the key. A node that holds
//! it later loaded after it became the holder; the same node, after the drop. What other
//! nodes load they answer to gets that began before, and lent copies have ended. What is
//! left is a set that was long on its way, or whose caller gave it up. It carries the
//! owner's latest number that its sender had heard of, and the owner refuses it if the
//! key changed since (`changes`).
//!
//! # What a caller's leaving does
//! A set that nobody waits for is not sent anew, as its caller may have made a later
//! change. What an owner began it ends. A remove is tried on in the background until it
//! is confirmed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tracing::Instrument;

use super::Group;
use super::change::Kept;
use crate::error::Error;
use crate::flaw::{self, Flaw};
use crate::key;
use crate::ownership::{Owner, OwnershipState};
use crate::transport::remote::{PeerCall, Remote, RemoteError, Request, Response};

/// How often a set is made again that others overtook. Then it counts as made and
/// overtaken.
const MOST_TRIES: usize = 8;

/// Between attempts, doubling from the first to the last. A change of the owner or of
/// the right to hold ends a pause.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_LAST: Duration = Duration::from_millis(500);

/// How long one attempt may take. An owner makes a change in milliseconds, or when what
/// it lent has ended.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(2);

/// Removals of a group that go on without a caller. Those beyond are given up, as their
/// callers were told that they are not confirmed.
const MOST_PENDING: usize = 1_024;

/// How long one attempt in the background may take.
const BACKGROUND_ATTEMPT: Duration = Duration::from_secs(10);

/// A change of one key.
enum Change {
    Set { value: Bytes, ttl: Option<Duration> },
    Remove,
}

/// How one attempt at a change ended.
enum Attempt {
    /// Whether a value was dropped; says nothing of a set.
    Confirmed(bool),
    /// Not yet; a later attempt may succeed.
    Later { node: String, reason: String },
}

impl Group {
    /// Puts a value in place of what is held of the key. `ttl`: `None` for the group's
    /// own. Waits at most `within` for the owner to confirm it.
    ///
    /// # Errors
    /// [`Error::InvalidKey`]; [`Error::InvalidArgument`] for a `ttl` of zero or
    /// beyond [`MAX_TTL`](super::MAX_TTL); [`Error::TooLarge`]: nothing was evicted, and
    /// the older value of the key is gone; [`Error::Unavailable`] if no room came free:
    /// what was held stays.
    /// [`Error::NotConfirmed`]: the value may be kept or not.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn set(
        self: &Arc<Self>,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
        within: Duration,
    ) -> Result<(), Error> {
        key::parse(key.as_bytes())?;
        if let Err(refused) = self.check_set(&value, ttl) {
            if let Error::TooLarge { .. } = refused {
                self.remove(key, within).await?;
            }
            return Err(refused);
        }
        self.until_confirmed(key, &Change::Set { value, ttl }, within).await.map(drop)
    }

    /// Drops what is held of the key. Answers whether a value was held by the owner or
    /// this node. Waits at most `within` for the owner to confirm it; dropping the future
    /// gives up the wait, not the removal.
    ///
    /// # Errors
    /// [`Error::InvalidKey`]; [`Error::NotConfirmed`]: the owner did not answer in time,
    /// and may return an older value still. It is tried again in the background, at most
    /// 1,024 removals of a group at a time; those beyond are given up.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn remove(self: &Arc<Self>, key: &str, within: Duration) -> Result<bool, Error> {
        key::parse(key.as_bytes())?;
        let pending = PendingRemoval::new(self, key);
        let existed = self.until_removed(key, within).await?;
        pending.confirm();
        Ok(existed)
    }

    /// Attempts a removal until it is confirmed or `within` has passed.
    pub(super) async fn until_removed(&self, key: &str, within: Duration) -> Result<bool, Error> {
        self.until_confirmed(key, &Change::Remove, within).await
    }

    /// Attempts a change until it is confirmed or `within` has passed.
    async fn until_confirmed(
        &self,
        key: &str,
        change: &Change,
        within: Duration,
    ) -> Result<bool, Error> {
        let clock = &self.parts.clock;
        let end_ms = clock.now_ms().saturating_add(millis(within));
        let (mut pause, mut missing) = (PAUSE_FIRST, None);
        let confirmed = async {
            loop {
                let mut changes = self.parts.ownership.changes();
                let rest = Duration::from_millis(end_ms.saturating_sub(clock.now_ms()));
                let rest = rest.min(ATTEMPT_WITHIN);
                // Of an owner that hangs nothing comes back before the time is over.
                if let Owner::There(owner) = self.parts.ownership.owner(key::ring_hash(key))
                    && missing.as_ref().is_none_or(|(node, _)| node != owner.address())
                {
                    missing = Some((owner.address().to_owned(), "it has not answered".to_owned()));
                }
                let attempt = match change {
                    Change::Set { value, ttl } => self.try_set(key, value, *ttl, rest).await?,
                    Change::Remove => self.try_remove(key, rest).await?,
                };
                match attempt {
                    Attempt::Confirmed(existed) => return Ok(existed),
                    Attempt::Later { node, reason } => missing = Some((node, reason)),
                }
                // The owner may confirm it in a moment, or be another one.
                let _ = clock.timeout(pause, changes.changed()).await;
                pause = (pause * 2).min(PAUSE_LAST);
            }
        };
        match clock.timeout(within, confirmed).await {
            Ok(ended) => ended,
            Err(_) => Err(match missing {
                Some((node, reason)) => Error::NotConfirmed { nodes: vec![node], reason },
                None => Error::DeadlineExceeded { after: within },
            }),
        }
    }

    async fn try_set(
        &self,
        key: &str,
        value: &Bytes,
        ttl: Option<Duration>,
        within: Duration,
    ) -> Result<Attempt, Error> {
        let ring_hash = key::ring_hash(key);
        for _ in 0..MOST_TRIES {
            let kept = match self.parts.ownership.owner(ring_hash) {
                Owner::Here => {
                    let version = self.changes.latest();
                    self.set_here(key, value.clone(), ttl, version).await?
                }
                Owner::There(owner) => {
                    self.remove_here(key);
                    let version = self.owner_versions.of(owner.address());
                    let call = PeerCall::Set { value: value.clone(), ttl, version };
                    match self.ask_to_change(&owner, key, call, within).await? {
                        Asked::Done { .. } => return Ok(Attempt::Confirmed(true)),
                        Asked::Overtaken { version } => Kept::Overtaken { version },
                        Asked::Later(later) => return Ok(later),
                    }
                }
            };
            match kept {
                Kept::Yes if self.confirms(key).await => return Ok(Attempt::Confirmed(true)),
                Kept::Yes | Kept::NotHolder => return Ok(self.not_yet()),
                Kept::Overtaken { .. } => {}
            }
        }
        // It counts as made and overtaken; older values and copies of them must have ended.
        self.try_remove(key, within).await
    }

    async fn try_remove(&self, key: &str, within: Duration) -> Result<Attempt, Error> {
        let existed = self.remove_here(key);
        let owner = match self.parts.ownership.owner(key::ring_hash(key)) {
            Owner::There(owner) => owner,
            Owner::Here if self.confirms(key).await => return Ok(Attempt::Confirmed(existed)),
            Owner::Here => return Ok(self.not_yet()),
        };
        Ok(match self.ask_to_change(&owner, key, PeerCall::Remove, within).await? {
            Asked::Done { count } => Attempt::Confirmed(existed || count > 0),
            // It refuses sets only.
            Asked::Overtaken { .. } => Attempt::Later {
                node: owner.address().to_owned(),
                reason: "it answered something else".into(),
            },
            Asked::Later(later) => later,
        })
    }

    /// Whether this node confirms a change of the key that it has made: it holds the key
    /// once all copies that were lent before have ended.
    pub(super) async fn confirms(&self, key: &str) -> bool {
        let clock = &self.parts.clock;
        let out_until_ms = self.lender.out_until_ms(self.parts.store.hash(key));
        let until_ms = out_until_ms.max(self.parts.ownership.lent_before_until_ms());
        let rest_ms = until_ms.saturating_sub(clock.now_ms());
        if rest_ms > 0 && !flaw::is(Flaw::ChangeDoesNotWaitForCopies) {
            clock.sleep(Duration::from_millis(rest_ms)).await;
        }
        self.parts.ownership.holds(key::ring_hash(key)) || flaw::is(Flaw::ChangeAnywhereIsConfirmed)
    }

    /// This node owns the key, and does not hold it.
    fn not_yet(&self) -> Attempt {
        let ownership = &self.parts.ownership;
        let reason = match ownership.state() {
            OwnershipState::Holds => "it did not hold the key when the change was made".to_owned(),
            other => format!("it owns the key and is {}", other.word()),
        };
        Attempt::Later { node: ownership.address().to_owned(), reason }
    }

    async fn ask_to_change(
        &self,
        owner: &Arc<dyn Remote>,
        key: &str,
        call: PeerCall,
        within: Duration,
    ) -> Result<Asked, Error> {
        let node = owner.address();
        let later =
            |reason: String| Ok(Asked::Later(Attempt::Later { node: node.to_owned(), reason }));
        match owner.ask(self.request(key, call), within).await {
            Ok(Response::Done { count, version, .. }) => {
                self.owner_versions.note(node, version);
                Ok(Asked::Done { count })
            }
            Ok(Response::Overtaken { version }) => {
                self.owner_versions.note(node, version);
                Ok(Asked::Overtaken { version })
            }
            Ok(Response::NotHolder { reason, view }) => {
                if let Some(view) = view {
                    self.parts.ownership.see(view);
                }
                later(reason)
            }
            Ok(_) => later("it answered something else".into()),
            Err(RemoteError::Unreachable(reason)) => later(reason),
            Err(RemoteError::Answered(
                error @ (Error::Stopping | Error::DeadlineExceeded { .. }),
            )) => later(error.to_string()),
            Err(error) if error.is_of_unknown_group() => {
                // It stays so until an operator changes that node.
                let reason = "it owns the key and has no such group".into();
                Err(Error::NotConfirmed { nodes: vec![node.to_owned()], reason })
            }
            Err(RemoteError::Answered(error)) => Err(error),
        }
    }

    /// What this group asks of another node.
    pub(super) fn request(&self, key: &str, call: PeerCall) -> Request {
        Request {
            group: Bytes::copy_from_slice(self.config.name.as_bytes()),
            key: Bytes::copy_from_slice(key.as_bytes()),
            call,
            revision: self.parts.ownership.revision(),
        }
    }
}

/// What the owner made of a change.
enum Asked {
    Done { count: u64 },
    Overtaken { version: u64 },
    Later(Attempt),
}

/// A removal that somebody waits for. If it is dropped before it was confirmed, it goes
/// on in the background.
pub(super) struct PendingRemoval<'a> {
    group: &'a Arc<Group>,
    key: &'a str,
    confirmed: bool,
}

impl<'a> PendingRemoval<'a> {
    pub(super) fn new(group: &'a Arc<Group>, key: &'a str) -> Self {
        Self { group, key, confirmed: false }
    }

    pub(super) fn confirm(mut self) {
        self.confirmed = true;
    }
}

impl Drop for PendingRemoval<'_> {
    fn drop(&mut self) {
        if self.confirmed {
            return;
        }
        let group = self.group;
        let pending = group.pending_removals.fetch_add(1, Ordering::Relaxed);
        if pending >= MOST_PENDING || tokio::runtime::Handle::try_current().is_err() {
            group.pending_removals.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let (group, key) = (Arc::downgrade(group), self.key.to_owned());
        let removal = async move {
            // The group is not kept alive by what it has still to do.
            while let Some(group) = group.upgrade() {
                let ended = group.until_confirmed(&key, &Change::Remove, BACKGROUND_ATTEMPT).await;
                if ended.is_ok() {
                    group.pending_removals.fetch_sub(1, Ordering::Relaxed);
                    return;
                }
                // It may have failed at once.
                group.parts.clock.sleep(PAUSE_LAST).await;
            }
        };
        tokio::spawn(removal.in_current_span());
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
