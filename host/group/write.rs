//! Set and remove: a change goes to the owner of its key, and is Ok once the owner holds
//! the key and has dropped all earlier values (rule 6).
//!
//! # Why Ok means that no get returns an older value
//! At most one node holds a key. The node that confirms a change has dropped its value
//! and interrupted its load *before* it checked that it holds the key. A value that it
//! returns later was loaded after the drop. Another node that holds the key later has
//! loaded its value after it became the holder. A load by a node that does not hold the
//! key is shared only by gets that began before the load. Copies that were lent have
//! ended.
//!
//! What remains is a set that was delayed on its way, or whose caller gave up. Each set
//! carries the newest change number that its sender knows of the owner. The owner refuses
//! the set if the key has changed since (`changes`).
//!
//! # When a caller gives up
//! A set is not retried any more, because its caller may have made a later change. An
//! owner completes a change that it has begun. A remove is retried in the background
//! until it is confirmed.
//!
//! A client that lost its connection can't tell this node that it gave up. So its set has a
//! moment at which its time is over, after which the client may make the set, and a later
//! change, through another node (`client/sets.rs`). Each attempt's number was read before
//! that moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tracing::Instrument;

use super::Group;
use super::change::Kept;
use crate::backoff::Backoff;
use crate::clock::Until;
use crate::error::Error;
use crate::flaw::{self, Flaw};
use crate::key;
use crate::membership::view::Name;
use crate::ownership::{Owner, OwnershipState};
use crate::transport::remote::{PeerCall, Remote, RemoteError, Response};
use crate::value::Ttl;

/// How often a set is tried that other changes overtake. Then it counts as applied and
/// overwritten.
const MOST_TRIES: usize = 8;

/// The pause between attempts, which doubles from the first to the last. A change of the
/// owner or of the right to hold ends it early.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_LAST: Duration = Duration::from_millis(500);

/// Time limit of one attempt. An owner confirms a change within milliseconds, or once its
/// lent copies have ended.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(2);

/// The most removals that a group retries in the background. Further ones are given up,
/// which is allowed because no caller got Ok for them.
const MOST_PENDING: usize = 1_024;

/// Time limit of one attempt in the background.
const BACKGROUND_ATTEMPT: Duration = Duration::from_secs(10);

/// A change of one key.
pub(super) enum Change {
    Set {
        value: Bytes,
        ttl: Ttl,
        /// When the set's time is over. Its client may make a later change after that, through
        /// another node.
        until: Option<Until>,
    },
    Remove,
}

/// How one attempt at a change ended.
enum Attempt {
    /// For a removal: whether a value was dropped.
    Confirmed(bool),
    /// Not yet; a later attempt may succeed.
    Later { node: String, reason: String },
}

impl Group {
    /// Stores a value for the key, in place of any earlier one. Waits at most `within` for the owner to confirm it.
    ///
    /// # Errors
    /// [`Error::InvalidKey`]; [`Error::InvalidArgument`] for a `ttl` of zero or beyond
    /// [`MAX_TTL`](super::MAX_TTL); [`Error::TooLarge`]: the older value of the key is
    /// dropped, and nothing is evicted; [`Error::Unavailable`]: no room became free, and
    /// the older value stays; [`Error::NotConfirmed`]: the value may or may not be
    /// stored.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn set(
        self: &Arc<Self>,
        key: &str,
        value: Bytes,
        ttl: impl Into<Ttl>,
        within: Duration,
    ) -> Result<(), Error> {
        self.set_until(key, value, ttl.into(), within, None).await
    }

    /// The same, which changes nothing after `until`.
    pub(crate) async fn set_until(
        self: &Arc<Self>,
        key: &str,
        value: Bytes,
        ttl: Ttl,
        within: Duration,
        until: Option<Until>,
    ) -> Result<(), Error> {
        key::parse(key.as_bytes())?;
        if let Err(refused) = self.check_set(&value, ttl) {
            if let Error::TooLarge { .. } = refused {
                self.remove(key, within).await?;
            }
            return Err(refused);
        }
        self.until_confirmed(key, &Change::Set { value, ttl, until }, within).await.map(drop)
    }

    /// Drops the value of the key. Returns whether the owner or this node held one. Waits
    /// at most `within` for the owner to confirm it. Dropping the future ends the wait,
    /// not the removal.
    ///
    /// # Errors
    /// [`Error::InvalidKey`]; [`Error::NotConfirmed`]: the owner did not confirm in time,
    /// and may still return an older value. The removal is retried in the background. If
    /// 1,024 removals of the group already are, it is given up.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn remove(self: &Arc<Self>, key: &str, within: Duration) -> Result<bool, Error> {
        key::parse(key.as_bytes())?;
        let pending = PendingRemoval::new(self, key);
        let existed = self.until_confirmed(key, &Change::Remove, within).await?;
        pending.confirm();
        Ok(existed)
    }

    /// Attempts a change until it is confirmed or `within` has passed.
    pub(super) async fn until_confirmed(
        &self,
        key: &str,
        change: &Change,
        within: Duration,
    ) -> Result<bool, Error> {
        let clock = &self.parts.clock;
        let end_ms = clock.now_ms().saturating_add(millis(within));
        let (mut backoff, mut missing) = (Backoff::new(PAUSE_FIRST, PAUSE_LAST), None);
        let confirmed = async {
            loop {
                let mut changes = self.parts.ownership.changes();
                let rest = Duration::from_millis(end_ms.saturating_sub(clock.now_ms()));
                let rest = rest.min(ATTEMPT_WITHIN);
                // An owner that hangs sends no answer before the time is over, so the
                // reason is set in advance.
                if let Owner::There(owner) = self.parts.ownership.owner(key::ring_hash(key))
                    && missing.as_ref().is_none_or(|(node, _)| node != owner.address())
                {
                    missing = Some((owner.address().to_owned(), "it has not answered".to_owned()));
                }
                let attempt = match change {
                    Change::Set { value, ttl, until } => {
                        self.try_set(key, (value, *ttl), until.as_ref(), rest).await?
                    }
                    Change::Remove => self.try_remove(key, rest).await?,
                };
                match attempt {
                    Attempt::Confirmed(existed) => return Ok(existed),
                    Attempt::Later { node, reason } => missing = Some((node, reason)),
                }
                // The owner may confirm it soon, or another node may become the owner.
                let _ = clock.timeout(backoff.pause(), changes.changed()).await;
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
        (value, ttl): (&Bytes, Ttl),
        until: Option<&Until>,
        within: Duration,
    ) -> Result<Attempt, Error> {
        let ring_hash = key::ring_hash(key);
        // 1. The set's time is over. 2. Its client makes a later change through another node.
        // 3. This node continues. A version that was read before 1 is older than that change, so
        // the owner refuses the set. So the version is read first, and then the time.
        let is_late = || until.is_some_and(|until| until.left().is_zero());
        for _ in 0..MOST_TRIES {
            let name = self.parts.ownership.name();
            let kept = match self.parts.ownership.owner(ring_hash) {
                Owner::Here => {
                    let version = self.changes.latest();
                    if is_late() {
                        return Ok(self.too_late());
                    }
                    self.set_here(key, value.clone(), ttl, version).await?
                }
                Owner::There(owner) => {
                    self.remove_here(key);
                    let version = self.owner_versions.of(owner.address());
                    if is_late() {
                        return Ok(self.too_late());
                    }
                    let call = PeerCall::Set { value: value.clone(), ttl, version };
                    match self.ask_to_change(&owner, key, call, within).await? {
                        Asked::Done { .. } => return Ok(Attempt::Confirmed(true)),
                        Asked::Overtaken { version } => Kept::Overtaken { version },
                        Asked::Later(later) => return Ok(later),
                    }
                }
            };
            match kept {
                Kept::Yes if self.confirms(key, name).await => return Ok(Attempt::Confirmed(true)),
                Kept::Yes | Kept::NotHolder => return Ok(self.not_yet()),
                Kept::Overtaken { .. } => {}
            }
        }
        // The set counts as applied and overwritten. Older values and their copies must
        // be gone all the same.
        self.try_remove(key, within).await
    }

    async fn try_remove(&self, key: &str, within: Duration) -> Result<Attempt, Error> {
        let name = self.parts.ownership.name();
        let existed = self.remove_here(key);
        let owner = match self.parts.ownership.owner(key::ring_hash(key)) {
            Owner::There(owner) => owner,
            Owner::Here if self.confirms(key, name).await => {
                return Ok(Attempt::Confirmed(existed));
            }
            Owner::Here => return Ok(self.not_yet()),
        };
        Ok(match self.ask_to_change(&owner, key, PeerCall::Remove, within).await? {
            Asked::Done { count } => Attempt::Confirmed(existed || count > 0),
            // An owner answers this to sets only.
            Asked::Overtaken { .. } => Attempt::Later {
                node: owner.address().to_owned(),
                reason: "it answered something else".into(),
            },
            Asked::Later(later) => later,
        })
    }

    /// Waits until all copies that were lent before a change have ended. Returns whether
    /// this node holds the key then, and so confirms the change. `name` is this node's
    /// registration before it dropped the old value.
    pub(super) async fn confirms(&self, key: &str, name: Name) -> bool {
        let (clock, ownership) = (&self.parts.clock, &self.parts.ownership);
        let out_until_ms = self.lender.out_until_ms(self.parts.store.hash(key));
        let until_ms = out_until_ms.max(ownership.lent_before_until_ms());
        let rest_ms = until_ms.saturating_sub(clock.now_ms());
        if rest_ms > 0 && !flaw::is(Flaw::ChangeDoesNotWaitForCopies) {
            clock.sleep(Duration::from_millis(rest_ms)).await;
        }
        // 1. A node that has started drops the value. 2. While this waits, the node
        // registers, joins, and inherits the value of before the change: an heir minds the
        // changes since it registered. 3. The node holds the key. So the name must still
        // be the same.
        let is_same = ownership.name() == name || flaw::is(Flaw::NewNameConfirms);
        let holds = ownership.holds(key::ring_hash(key)) && is_same;
        holds || flaw::is(Flaw::ChangeAnywhereIsConfirmed)
    }

    fn too_late(&self) -> Attempt {
        let node = self.parts.ownership.address().to_owned();
        Attempt::Later { node, reason: "the time of the set is over".into() }
    }

    /// The outcome if this node owns the key but does not hold it.
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
        let answer = owner.ask(self.request(key, call), within).await;
        self.without_group.note(&self.name, node, &answer);
        match answer {
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
            Err(error @ RemoteError::Late) => later(error.to_string()),
            Err(RemoteError::Answered(
                error @ (Error::Stopping | Error::DeadlineExceeded { .. }),
            )) => later(error.to_string()),
            Err(error) if error.is_of_unknown_group() => {
                // Not retried: only an operator can change that.
                let reason = "it owns the key and has no such group".into();
                Err(Error::NotConfirmed { nodes: vec![node.to_owned()], reason })
            }
            Err(RemoteError::Answered(error)) => Err(error),
        }
    }
}

/// The owner's answer to a change.
enum Asked {
    Done { count: u64 },
    Overtaken { version: u64 },
    Later(Attempt),
}

/// A removal that a caller waits for. If it is dropped unconfirmed, it continues in the
/// background.
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
            // Weak, so that a pending removal does not keep the group alive.
            while let Some(group) = group.upgrade() {
                let ended = group.until_confirmed(&key, &Change::Remove, BACKGROUND_ATTEMPT).await;
                if ended.is_ok() {
                    group.pending_removals.fetch_sub(1, Ordering::Relaxed);
                    return;
                }
                // The attempt may have failed at once.
                group.parts.clock.sleep(PAUSE_LAST).await;
            }
        };
        tokio::spawn(removal.in_current_span());
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
