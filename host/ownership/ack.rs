//! Answers requests about membership: acks, vouches and the node's identity (rules 3 and
//! 7, the callee's side).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::right::Ownership;
use crate::error::Error;
use crate::flaw::{self, Flaw};
use crate::membership::view::{Name, View};
use crate::transport::remote::{Identity, PeerCall, Response};

/// Counts a node as waiting for an ack until this is dropped.
struct Joiner<'a>(&'a AtomicU64);

impl<'a> Joiner<'a> {
    fn new(joiners: &'a AtomicU64) -> Self {
        joiners.fetch_add(1, Ordering::AcqRel);
        Self(joiners)
    }
}

impl Drop for Joiner<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Ownership {
    /// Answers a call that is about no group, within `within`.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: the ack is not possible yet. [`Error::InvalidArgument`]:
    /// the call is about a group.
    pub async fn answer(&self, call: PeerCall, within: Duration) -> Result<Response, Error> {
        match call {
            PeerCall::Hello(hello) => {
                let identity = self.identity();
                // 1. This node lends a copy, and stops. 2. It answers that it has no
                // registration any more, and a joiner joins. 3. The joiner confirms a
                // change. So this answer waits until the copies have ended.
                if identity.name == 0 && self.lists.get().is_none() {
                    self.copies_end().await;
                }
                self.hear_list(&hello.from, hello.digest, None);
                Ok(Response::Identity(identity))
            }
            PeerCall::Join { from, name, view } => self.ack(&from, name, view, within).await,
            PeerCall::Vouch { from, name, cluster } => Ok(self.vouch(&from, name, cluster)),
            _ => {
                let problem = "it is about a group, and names none".into();
                Err(Error::InvalidArgument { argument: "call", problem })
            }
        }
    }

    /// The identity of the process at this node's address.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            process: self.process,
            address: self.own.to_string(),
            // Not from the snapshot, which is a moment later: a joiner must not believe that
            // a registration has ended which has just been made.
            name: self.state.lock().name(),
            digest: self.lists.get().map_or(0, |lists| lists.digest),
        }
    }

    /// Waits until this node can ack the joiner at `from`.
    async fn ack(
        &self,
        from: &str,
        name: Name,
        view: View,
        within: Duration,
    ) -> Result<Response, Error> {
        if self.lists.get().is_some() {
            let reason = "it has a list of nodes, which nobody joins".into();
            return Err(Error::Unavailable { who: self.own.to_string(), reason });
        }
        if flaw::is(Flaw::AckBeforeSeeing) {
            let joined = self.state.lock().joined;
            return Ok(Response::Acked { joined, identity: self.identity() });
        }
        let (cluster, revision) = (view.cluster, view.revision);
        let asker = view.members.get(from).filter(|asker| asker.name == name).cloned();
        self.see(view);
        let mut changes = self.changes();
        let mut reason = "";
        // From here on nothing is lent, so that all lent copies end.
        let _waiting = Joiner::new(&self.joiners);
        let acked = async {
            if !flaw::is(Flaw::AckWithCopies) {
                self.copies_end().await;
            }
            loop {
                {
                    let state = self.state.lock();
                    match state.keeps_waiting(from, asker.as_ref(), cluster, revision) {
                        None => return state.joined,
                        Some(why) => reason = why,
                    }
                }
                changes.changed().await;
            }
        };
        match self.clock.timeout(within, acked).await {
            Ok(joined) => Ok(Response::Acked { joined, identity: self.identity() }),
            Err(_) => Err(Error::Unavailable { who: self.own.to_string(), reason: reason.into() }),
        }
    }

    /// Vouches for the node at `from` if the view contains it. Otherwise it answers with
    /// the view: the node may be unable to reach the registry, and needs a view to route
    /// requests.
    fn vouch(&self, from: &str, name: Name, cluster: u64) -> Response {
        let now_ms = self.clock.now_ms();
        let mut state = self.state.lock();
        if let Some(name) = state.vouch_for(from, name, cluster, now_ms) {
            drop(state);
            // Wakes tasks that wait for the end of the next promise.
            self.announce();
            return Response::Vouched { name };
        }
        let view = (state.name() != 0).then(|| state.view.clone());
        Response::NotHolder { reason: "its view does not have that registration".into(), view }
    }
}
