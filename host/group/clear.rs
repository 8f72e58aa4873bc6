//! Clear: every node of the ring drops everything. It is Ok once all nodes that are in
//! the ring at that moment have done so (rule 8).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::Group;
use crate::error::Error;
use crate::flaw::{self, Flaw};
use crate::membership::view::Name;
use crate::ownership::OwnershipState;
use crate::transport::remote::{PeerCall, Remote, RemoteError, Response};

/// The pause between attempts. A change of the ring ends it early.
const PAUSE: Duration = Duration::from_millis(100);

impl Group {
    /// Drops all entries of this group on all nodes. Returns how many there were. Waits
    /// at most `within` for all nodes to confirm it.
    ///
    /// # Errors
    /// [`Error::NotConfirmed`] names the nodes that did not confirm.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn clear(self: &Arc<Self>, within: Duration) -> Result<u64, Error> {
        let clock = &self.parts.clock;
        let end_ms = clock.now_ms().saturating_add(within.as_millis() as u64);
        let mut dropped = 0;
        let mut cleared = BTreeMap::new();
        let mut reasons = BTreeMap::new();
        let all = async {
            loop {
                let mut changes = self.parts.ownership.changes();
                let name = self.parts.ownership.name();
                // This node may also have copies of values that others own, lent or made
                // while it was uncertain.
                dropped += self.clear_here();
                self.copies_end().await;
                let rest = Duration::from_millis(end_ms.saturating_sub(clock.now_ms()));
                dropped += self.clear_others(&mut cleared, &mut reasons, rest).await;
                // Nodes that joined meanwhile must clear too before the clear is
                // confirmed. If this node has registered since it cleared, it may have
                // inherited an old value from a node that had not cleared yet.
                let all = reasons.is_empty() && self.parts.ownership.have_all(&cleared);
                let is_same =
                    self.parts.ownership.name() == name || flaw::is(Flaw::NewNameConfirms);
                if all && is_same {
                    return;
                }
                let _ = clock.timeout(PAUSE, changes.changed()).await;
            }
        };
        match clock.timeout(within, all).await {
            Ok(()) => Ok(dropped),
            Err(_) => {
                if reasons.is_empty() {
                    let ownership = &self.parts.ownership;
                    let reason = match ownership.state() {
                        OwnershipState::Holds => "members came or went meanwhile".to_owned(),
                        other => format!("it is {}", other.word()),
                    };
                    reasons.insert(ownership.address().to_owned(), reason);
                }
                let reason = reasons.values().next().cloned().unwrap_or_default();
                Err(Error::NotConfirmed { nodes: reasons.into_keys().collect(), reason })
            }
        }
    }

    /// Asks all other nodes in the ring that have not cleared under their present
    /// registration.
    async fn clear_others(
        &self,
        cleared: &mut BTreeMap<String, Name>,
        reasons: &mut BTreeMap<String, String>,
        within: Duration,
    ) -> u64 {
        let missing = self.parts.ownership.missing(cleared);
        let asked = missing.iter().map(|remote| {
            let request = self.request("", PeerCall::Clear);
            async move { (remote.address().to_owned(), remote.ask(request, within).await) }
        });
        let mut asked: FuturesUnordered<_> = asked.collect();
        let mut dropped = 0;
        // A node that hangs sends no answer before the time is over, so the reasons are
        // set in advance.
        let silent = |remote: &Arc<dyn Remote>| {
            (remote.address().to_owned(), "it has not answered".to_owned())
        };
        *reasons = missing.iter().map(silent).collect();
        while let Some((address, answer)) = asked.next().await {
            let reason = match answer {
                Ok(Response::Done { count, name, version }) => {
                    self.owner_versions.note(&address, version);
                    dropped += count;
                    reasons.remove(&address);
                    cleared.insert(address, name);
                    continue;
                }
                Ok(Response::NotHolder { reason, .. }) => reason,
                Ok(_) => "it answered something else".to_owned(),
                Err(RemoteError::Unreachable(reason)) => reason,
                Err(RemoteError::Answered(error)) => error.to_string(),
                Err(error @ RemoteError::Late) => error.to_string(),
            };
            reasons.insert(address, reason);
        }
        dropped
    }

    /// Returns once all copies that were lent before have ended.
    pub(super) async fn copies_end(&self) {
        let clock = &self.parts.clock;
        let before_until_ms = self.parts.ownership.lent_before_until_ms();
        let until_ms = self.lender.any_out_until_ms().max(before_until_ms);
        let rest_ms = until_ms.saturating_sub(clock.now_ms());
        if rest_ms > 0 {
            clock.sleep(Duration::from_millis(rest_ms)).await;
        }
    }
}
