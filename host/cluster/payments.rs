//! Paying what others have missed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;

use super::debts::{Debt, WHO_COMES};
use super::owners::Cluster;
use super::touch::{CHANGE_WITHIN, LONGEST_CHANGE, ensure_address};
use crate::error::Error;
use crate::transport::remote::{Call, Link, Remote, RemoteError, Response};

/// Between attempts to pay.
const PAY_EVERY: Duration = Duration::from_millis(250);

/// Debts that are paid to a node at a time, once it has taken the first.
const MOST_AT_ONCE: usize = 64;

impl Cluster {
    /// Notes that `node` has missed a change of `key` in `group`; an empty key is
    /// the whole group. It gets the change when it is back in reach.
    pub fn owe(&self, node: &str, group: &Bytes, key: &Bytes) {
        if node != &*self.own {
            self.debts.owe(node, group, key, || self.present());
        }
    }

    /// The same at the word of another node.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: nobody can be there.
    pub fn owe_as_told(&self, node: &str, group: &Bytes, key: &Bytes) -> Result<(), Error> {
        ensure_address("node", node)?;
        self.owe(node, group, key);
        Ok(())
    }

    /// Notes a change that nodes may have missed of which this one does not know,
    /// because the registry is out of reach.
    pub fn owe_who_comes(&self, group: &Bytes, key: &Bytes) {
        if !self.is_in_touch() {
            self.debts.owe(WHO_COMES, group, key, BTreeMap::new);
        }
    }

    /// Notes that `node` has made a change of `key`.
    pub fn confirmed(&self, node: &str, group: &[u8], key: &[u8]) {
        self.debts.overtaken(node, group, key);
    }

    /// Who has been told of a change that is known not to have reached somebody: nodes
    /// that were there, as the same process, before it can have begun.
    fn present(&self) -> BTreeMap<String, u64> {
        self.standing.processes_known_for(LONGEST_CHANGE)
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
                async move { self.pay(&node, remote.as_ref()).await }
            });
            let payments: Vec<_> = payments.collect();
            join_all(payments).await;
        }
    }

    /// Pays `node`, by way of `remote`. `None`: it neither stands in the ring nor
    /// greets, so it has fallen by its own clock and has dropped what it held, or does
    /// before it answers again. Then there are only those left who had it from there.
    async fn pay(&self, node: &str, remote: Option<&Arc<dyn Remote>>) {
        let mut at_once = 1;
        while remote.is_none_or(|to| !matches!(to.link(), Link::Unreachable(_))) {
            let (debts, present) = self.debts.some_of(node, at_once);
            if debts.is_empty() {
                return;
            }
            let told = match remote {
                Some(to) => self.tell_all(to, &debts).await,
                None => true,
            };
            let mut others = self.audience();
            others.retain(|other| other.address() != node);
            let late = others.iter().map(|other| async {
                self.was_told(other, &present).await || self.tell_all(other, &debts).await
            });
            let late: Vec<_> = late.collect();
            if !told || join_all(late).await.contains(&false) {
                return;
            }
            debts.iter().for_each(|debt| self.debts.paid(node, debt));
            at_once = (at_once * 2).min(MOST_AT_ONCE);
        }
    }

    /// Whether `other` is the process still that was told of a change. One that came
    /// since may have got an old value from the node that missed it, until that was
    /// told: so this is asked afterwards.
    async fn was_told(&self, other: &Arc<dyn Remote>, present: &BTreeMap<String, u64>) -> bool {
        match present.get(other.address()) {
            Some(process) => self.greet(other).await == Some(*process),
            None => false,
        }
    }

    /// Whether all of it arrived.
    async fn tell_all(&self, to: &Arc<dyn Remote>, debts: &[Debt]) -> bool {
        let told = join_all(debts.iter().map(|debt| self.tell(to, debt))).await;
        !told.contains(&false)
    }

    async fn tell(&self, to: &Arc<dyn Remote>, debt: &Debt) -> bool {
        let call = if debt.key.is_empty() { Call::Clear } else { Call::Remove };
        let request = self.about(debt.group.clone(), debt.key.clone(), call);
        let answer = to.ask(request, CHANGE_WITHIN).await;
        // A node without the group holds nothing of it.
        let without = RemoteError::is_of_unknown_group;
        answer.as_ref().map_or_else(without, |answer| matches!(answer, Response::Done { .. }))
    }
}
