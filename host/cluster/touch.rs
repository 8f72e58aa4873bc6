//! Keeping in touch: who is told of changes, greeting those who are to tell this
//! node, and paying what others have missed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;

use super::debts::{Debt, WHO_COMES};
use super::owners::Cluster;
use super::remote::{Call, Link, Remote, RemoteError, Request, Response};
use super::standing::{Greeted, Standing};
use crate::error::Error;

/// How long a node may take to make a change.
pub const CHANGE_WITHIN: Duration = Duration::from_secs(1);

/// Several greetings may be lost before a promise ends.
const GREET_EVERY: Duration = Duration::from_secs(1);
const GREET_WITHIN: Duration = Duration::from_secs(1);

/// For how long a node that leaves waits for the others to hear of it.
const GOODBYE_WITHIN: Duration = Duration::from_millis(300);

/// Between attempts to pay.
const PAY_EVERY: Duration = Duration::from_millis(250);

/// Debts that are paid to a node at a time, once it has taken the first.
const MOST_AT_ONCE: usize = 64;

impl Cluster {
    /// Whether what this node holds may be answered.
    #[must_use]
    pub fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// Every other node that is told of changes: those of the ring, and those who
    /// asked to be.
    #[must_use]
    pub fn audience(&self) -> Vec<Arc<dyn Remote>> {
        let mut told = self.others();
        let listening = self.listening.at(self.clock.now_ms());
        let in_ring = told.len();
        for remote in listening {
            if told[..in_ring].iter().all(|known| known.address() != remote.address()) {
                told.push(remote);
            }
        }
        told
    }

    /// Those who must hear of a change of an asker with this ring, and whom it may
    /// not know.
    #[must_use]
    pub fn audience_beyond(&self, ring_version: u64) -> Vec<String> {
        let told = self.audience();
        let known = if ring_version == self.ring_version() { self.others().len() } else { 0 };
        told[known.min(told.len())..].iter().map(|remote| remote.address().to_owned()).collect()
    }

    /// The node at `address`, which another one named.
    #[must_use]
    pub fn heard_of(&self, address: &str) -> Option<Arc<dyn Remote>> {
        if address == &*self.own {
            return None;
        }
        self.listening.named(address, self.clock.now_ms(), || self.remote_at(address))
    }

    /// Answers a greeting of the node at `from`: it is told of changes from now on,
    /// or no more if it is `leaving`. Answers whether it stands in the ring here.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: there are too many of them.
    pub fn greeted_by(&self, from: &str, leaving: bool) -> Result<bool, Error> {
        if leaving {
            self.listening.leaves(from);
            self.debts.cancel(from);
        } else if !self.listening.asks(from, self.clock.now_ms(), || self.remote_at(from)) {
            let reason = "it tells too many others of changes already".into();
            return Err(Error::Unavailable { who: self.own.to_string(), reason });
        } else if !self.debts.is_empty() {
            self.debts.news.notify_one();
        }
        Ok(self.others().iter().any(|other| other.address() == from))
    }

    /// Greets the others, again and again, for as long as it is polled.
    pub async fn keep_in_touch(&self) {
        let mut greetings = FuturesUnordered::new();
        let mut under_way: BTreeSet<String> = BTreeSet::new();
        let pause = || Box::pin(self.clock.sleep(GREET_EVERY));
        let mut next_round = pause();
        loop {
            tokio::select! {
                biased;
                Some(ended) = greetings.next() => {
                    under_way.remove::<String>(&ended);
                    continue;
                }
                () = self.standing.greet.notified() => {}
                () = &mut next_round => next_round = pause(),
            }
            self.standing.look();
            for other in self.others() {
                if under_way.insert(other.address().to_owned()) {
                    greetings.push(self.greet(other));
                }
            }
        }
    }

    async fn greet(&self, other: Arc<dyn Remote>) -> String {
        let sent_ms = self.clock.now_ms();
        let greeting = Call::Greet { from: self.own.to_string(), leaving: false };
        let answer = other.ask(self.about(Bytes::new(), Bytes::new(), greeting), GREET_WITHIN);
        let greeted = match answer.await {
            Ok(Response::Done { count, .. }) => Greeted::Answered { has_us_in_its_ring: count > 0 },
            _ => Greeted::OutOfReach,
        };
        self.standing.greeted(other.address(), sent_ms, greeted);
        other.address().to_owned()
    }

    /// Tells the others that this node holds nothing any more, which must be so,
    /// and need not be told of changes. Waits for those who answer soon.
    pub async fn say_goodbye(&self) {
        let audience = self.audience();
        let goodbyes = audience.iter().map(|other| {
            let call = Call::Greet { from: self.own.to_string(), leaving: true };
            other.ask(self.about(Bytes::new(), Bytes::new(), call), GOODBYE_WITHIN)
        });
        join_all(goodbyes).await;
    }

    /// Notes that `node` has missed a change of `key` in `group`; an empty key is
    /// the whole group. It gets the change when it is back in reach.
    pub fn owe(&self, node: &str, group: &Bytes, key: &Bytes) {
        if node != &*self.own {
            self.debts.owe(node, group, key, || self.present());
        }
    }

    /// Notes a change that nodes may have missed of which this one does not know,
    /// because the registry is out of reach.
    pub fn owe_who_comes(&self, group: &Bytes, key: &Bytes) {
        if !self.is_in_touch() {
            self.debts.owe(WHO_COMES, group, key, BTreeSet::new);
        }
    }

    /// Notes that `node` has made a change of `key`.
    pub fn confirmed(&self, node: &str, group: &Bytes, key: &Bytes) {
        self.debts.overtaken(node, group, key);
    }

    fn present(&self) -> BTreeSet<String> {
        self.audience().iter().map(|remote| remote.address().to_owned()).collect()
    }

    /// Tells others what they have missed, for as long as it is polled.
    pub async fn pay_debts(&self) {
        loop {
            tokio::select! {
                biased;
                () = self.debts.news.notified() => {}
                () = self.clock.sleep(PAY_EVERY), if !self.debts.is_empty() => {}
            }
            let audience = self.audience();
            let payments = self.debts.nodes().into_iter().map(|node| {
                let remote = audience.iter().find(|remote| remote.address() == node).cloned();
                async move {
                    match remote {
                        Some(remote) => self.pay(&remote).await,
                        // It has fallen by its own clock, so it has dropped what
                        // it held, or does before it answers again.
                        None => self.debts.cancel(&node),
                    }
                }
            });
            let payments: Vec<_> = payments.collect();
            join_all(payments).await;
        }
    }

    async fn pay(&self, to: &Arc<dyn Remote>) {
        let mut at_once = 1;
        while !matches!(to.link(), Link::Unreachable(_)) {
            let (debts, present) = self.debts.some_of(to.address(), at_once);
            if debts.is_empty() {
                return;
            }
            let mut whole = join_all(debts.iter().map(|debt| self.tell(to, debt))).await;
            // Who came since may have got an old value from it.
            for late in self.audience() {
                if late.address() != to.address() && !present.contains(late.address()) {
                    let told = join_all(debts.iter().map(|debt| self.tell(&late, debt))).await;
                    whole.iter_mut().zip(told).for_each(|(whole, told)| *whole &= told);
                }
            }
            for (debt, _) in debts.iter().zip(&whole).filter(|(_, told)| **told) {
                self.debts.paid(to.address(), debt);
            }
            if whole.contains(&false) {
                return;
            }
            at_once = (at_once * 2).min(MOST_AT_ONCE);
        }
    }

    async fn tell(&self, to: &Arc<dyn Remote>, debt: &Debt) -> bool {
        let call = if debt.key.is_empty() { Call::Clear } else { Call::Remove };
        let request = self.about(debt.group.clone(), debt.key.clone(), call);
        let answer = to.ask(request, CHANGE_WITHIN).await;
        // A node without the group holds nothing of it.
        let without = RemoteError::is_of_unknown_group;
        answer.as_ref().map_or_else(without, |answer| matches!(answer, Response::Done { .. }))
    }

    fn about(&self, group: Bytes, key: Bytes, call: Call) -> Request {
        Request { group, key, call, ring_version: self.ring_version() }
    }
}
