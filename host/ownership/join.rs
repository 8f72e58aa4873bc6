//! Asks the other members for the right to hold this node's keys (rule 3, the joiner's
//! side).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;

use super::knowledge::ms;
use super::right::Ownership;
use super::signal::Changes;
use crate::flaw::{self, Flaw};
use crate::membership::registry::{Listing, Record, Registry};
use crate::membership::view::{Name, View};
use crate::transport::remote::{Hello, Identity, PeerCall, Request, Response};

/// The pause between attempts.
const RETRY_EVERY: Duration = Duration::from_millis(100);

/// A registration, and the members that it needs acks from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Joiner {
    /// Names have no meaning in another registry.
    cluster: u64,
    name: Name,
    /// The members of its view that registered before it. They can only become fewer.
    earlier: Vec<(Arc<str>, Name)>,
}

/// How an attempt to join ended.
pub(super) enum Attempt {
    /// It joined under this name.
    Joined(Name),
    /// Acks are missing after 2 T, or two addresses reach one process.
    GaveUp(String),
    /// There is no registration any more.
    Ended,
}

impl Ownership {
    /// Asks for acks until this registration has joined, its acks are missing for too
    /// long, or it ends.
    pub(super) async fn join(&self, registry: &dyn Registry) -> Attempt {
        let patience_ms = ms(self.timing().lease) * 2;
        let mut acked_ms = self.clock.now_ms();
        let mut missing = "members left before all acks came".to_owned();
        loop {
            let joiner = self.joiner();
            if joiner.name == 0 {
                return Attempt::Ended;
            }
            if self.has_joined() {
                return Attempt::Joined(joiner.name);
            }
            let waited_ms = self.clock.now_ms().saturating_sub(acked_ms);
            if waited_ms > patience_ms {
                return Attempt::GaveUp(missing);
            }
            let changes = self.changes();
            tokio::select! {
                biased;
                () = self.other_than(changes, &joiner) => continue,
                vetted = self.round(&joiner) => match vetted {
                    Ok(vetted) => {
                        acked_ms = self.clock.now_ms();
                        if let Some(reason) = self.enter(&joiner, vetted, registry).await {
                            self.problems.set_joining(Some(reason));
                        }
                    }
                    Err(Refusal::Missing(reason)) => missing = reason,
                    Err(Refusal::Never(reason)) => return Attempt::GaveUp(reason),
                },
            }
            if !self.has_joined() {
                self.clock.sleep(RETRY_EVERY).await;
            }
        }
    }

    /// Asks all members that registered earlier for acks. Returns whether one of them had
    /// joined.
    async fn round(&self, joiner: &Joiner) -> Result<bool, Refusal> {
        if flaw::is(Flaw::JoinWithoutAcks) {
            return Ok(true);
        }
        let view = self.state.lock().view.clone();
        self.same_lease_ttl(&view)?;
        let earlier = joiner.earlier.iter();
        let asked: FuturesUnordered<_> =
            earlier.map(|(address, _)| self.ask_for_ack(address, joiner.name, &view)).collect();
        let acks: Vec<_> = asked.collect().await;
        let mut vetted = false;
        let mut processes = BTreeMap::from([(self.process, self.own.to_string())]);
        for ack in acks {
            let (address, joined, identity) = ack?;
            vetted |= joined;
            if let Some(other) = processes.insert(identity.process, address.to_string()) {
                return Err(Refusal::Never(format!(
                    "{other} and {address} reach one process, which knows itself as {}; give \
                     each node an --advertise address of its own",
                    identity.address
                )));
            }
        }
        Ok(vetted)
    }

    /// Each node computes with its own T when other nodes may hold keys, so all nodes must
    /// have the same T.
    fn same_lease_ttl(&self, view: &View) -> Result<(), Refusal> {
        let own_ms = ms(self.timing().lease);
        let differs = |ttl_ms: u64| ttl_ms != 0 && ttl_ms != own_ms;
        let entries = view.members.values().map(|member| &member.entry);
        match entries.into_iter().find(|entry| differs(entry.lease_ttl_ms)) {
            None => Ok(()),
            Some(other) => Err(Refusal::Never(format!(
                "{} has --lease-ttl {:?} and this node {:?}; give all nodes the same",
                other.address,
                Duration::from_millis(other.lease_ttl_ms),
                self.timing().lease
            ))),
        }
    }

    async fn ask_for_ack(
        &self,
        address: &Arc<str>,
        name: Name,
        view: &View,
    ) -> Result<(Arc<str>, bool, Identity), Refusal> {
        let remote = self.remote_at(address);
        let call = PeerCall::Join { from: self.own.to_string(), name, view: view.clone() };
        match remote.ask(self.about_no_group(call), self.timing().lease).await {
            Ok(Response::Acked { joined, identity }) => Ok((Arc::clone(address), joined, identity)),
            Ok(_) => Err(Refusal::Missing(format!("{address} answered something else"))),
            Err(error) => Err(Refusal::Missing(format!("{address} has not acked: {error}"))),
        }
    }

    /// Joins, after all that `joiner` needs have acked. Returns why the node may not join
    /// yet, if so.
    async fn enter(
        &self,
        joiner: &Joiner,
        vetted: bool,
        registry: &dyn Registry,
    ) -> Option<String> {
        if !vetted && !flaw::is(Flaw::FirstJoinsAtOnce) {
            match registry.list().await {
                Ok(listing) => {
                    self.see(listing.view.clone());
                    let reason = self.unaccounted(&listing).await;
                    if reason.is_some() {
                        return reason;
                    }
                }
                Err(failure) => return Some(failure.to_string()),
            }
        }
        let joined = self.step(|state| {
            state.view.cluster == joiner.cluster && state.join(joiner.name, &joiner.earlier)
        });
        if joined {
            tracing::info!(vetted, "joined: this node holds what it owns");
        }
        None
    }

    /// Needed if no joined member has acked: a node outside of the view may hold keys,
    /// because other nodes vouch for it. Returns why this node may not join yet; `None`:
    /// there is no such node.
    async fn unaccounted(&self, listing: &Listing) -> Option<String> {
        let (view, since_ms) = {
            let state = self.state.lock();
            (state.view.clone(), state.registered.as_ref()?.since_ms)
        };
        if listing.view.cluster != view.cluster {
            return Some("the registry is another one".into());
        }
        if listing.view.name_at(&self.own) != view.name_at(&self.own) {
            return Some("its entry is gone from the registry".into());
        }
        // If a node has joined in this registry before, the registry has not lost its
        // data since, and each node that registered in it has left a record.
        let rest_ms = (since_ms + ms(self.timing().lease)).saturating_sub(self.clock.now_ms());
        if listing.joined_in != Some(view.cluster) && rest_ms > 0 {
            return Some(format!(
                "no node has joined in this etcd before, or it was emptied or restored; leases of \
                 before that end within {rest_ms} ms"
            ));
        }
        let others = listing.records.iter().filter(|record| record.address != *self.own);
        let missing = others.filter(|record| view.name_at(&record.address) != record.name);
        let looks = join_all(missing.map(|record| self.is_unaccounted(record))).await;
        looks.into_iter().flatten().next()
    }

    async fn is_unaccounted(&self, record: &Record) -> Option<String> {
        let remote = self.remote_at(&record.address);
        match remote.ask(self.about_no_group(self.hello()), self.timing().lease / 2).await {
            Ok(Response::Identity(identity)) if identity.name != record.name => None,
            _ => Some(format!(
                "the node that registered at {} as {} may be vouched for until its record ends",
                record.address, record.name
            )),
        }
    }

    /// Returns when the registration is another one, or a member that registered before it
    /// has gone.
    async fn other_than(&self, mut changes: Changes<'_>, joiner: &Joiner) {
        while self.joiner() == *joiner {
            changes.changed().await;
        }
    }

    fn joiner(&self) -> Joiner {
        let state = self.state.lock();
        Joiner { cluster: state.view.cluster, name: state.name(), earlier: state.earlier() }
    }

    /// Whether this node has joined, and is not leaving.
    #[must_use]
    pub fn has_joined(&self) -> bool {
        self.now.load().reigns
    }

    /// Returns when this node has joined, when the registry does not answer, or after 2
    /// T.
    pub async fn settled(&self) {
        let mut changes = self.changes();
        let joined = async {
            while !self.has_joined() && self.problems.registry_answers() {
                changes.changed().await;
            }
        };
        let _ = self.clock.timeout(self.timing().lease * 2, joined).await;
    }

    pub(super) fn timing(&self) -> super::Timing {
        self.state.lock().timing
    }

    pub(super) fn hello(&self) -> PeerCall {
        let digest = self.lists.get().map_or(0, |lists| lists.digest);
        PeerCall::Hello(Hello { from: self.own.to_string(), digest })
    }

    pub(super) fn about_no_group(&self, call: PeerCall) -> Request {
        self.request(Bytes::new(), "", call)
    }
}

enum Refusal {
    /// It may succeed later.
    Missing(String),
    /// It can't succeed before an operator has corrected something.
    Never(String),
}
