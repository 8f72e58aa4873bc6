//! What a node that leaves gives to those who own its keys from then on.
//!
//! It has left the ring already, so others may change its keys without telling it:
//!
//! 1. A removal reaches the heir, and not this node.
//! 2. The older value comes to the heir from here.
//!
//! So the heir keeps nothing of what was changed lately, see `changed_lately`.

use std::ops::AddAssign;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use tokio::time::Instant;

use super::Group;
use crate::cluster::Heirs;
use crate::key;
use crate::store::Held;
use crate::transport::remote::{Call, HandedOver, Response};

/// Bytes of keys and values in one message: many small entries, or a large one.
const MESSAGE_BYTES: usize = 256 << 10;

/// Entries in one message, so that the heir takes it in at once.
const MESSAGE_ENTRIES: usize = 1_024;

/// What became of the entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandedOff {
    /// Sent, the most lately used first.
    pub sent: u64,
    /// Kept by the heirs, who may have had the others already.
    pub kept: u64,
}

impl AddAssign for HandedOff {
    fn add_assign(&mut self, more: Self) {
        self.sent += more.sent;
        self.kept += more.kept;
    }
}

impl Group {
    /// Gives the entries of keys that this node owns to their heirs, the most lately
    /// used first, until all are sent or `within` has passed. An heir that does not
    /// answer gets no more.
    pub async fn hand_off(&self, heirs: &Heirs, within: Duration) -> HandedOff {
        let end = Instant::now() + within;
        let slots = self.parts.store.hottest();
        let sent = (0..heirs.count()).map(|heir| self.hand_to(heirs, heir, &slots, end));
        // As a list first: a stream that borrows from its closure is not `Send`.
        let sent: Vec<_> = sent.collect();
        let mut all = HandedOff::default();
        join_all(sent).await.into_iter().for_each(|handed| all += handed);
        all
    }

    /// Gives one heir its part of `slots`.
    async fn hand_to(&self, heirs: &Heirs, heir: usize, slots: &[u32], end: Instant) -> HandedOff {
        let mut handed = HandedOff::default();
        let Some(node) = heirs.node(heir) else { return handed };
        let mut slots = slots.iter();
        loop {
            let message = self.next_message(heirs, heir, &mut slots);
            let within = end.saturating_duration_since(Instant::now());
            if message.is_empty() || within.is_zero() {
                return handed;
            }
            let sent = message.len() as u64;
            let taken = node.ask(self.request("", Call::Handoff(message)), within).await;
            let Ok(Response::Done { count, .. }) = taken else {
                return handed;
            };
            handed += HandedOff { sent, kept: count };
        }
    }

    fn next_message(
        &self,
        heirs: &Heirs,
        heir: usize,
        slots: &mut std::slice::Iter<'_, u32>,
    ) -> Vec<HandedOver> {
        let mut message = Vec::new();
        // A process that was stopped for a while may hold what was changed since.
        if !self.parts.cluster.standing().holds() {
            return message;
        }
        let mut bytes = 0;
        while bytes < MESSAGE_BYTES && message.len() < MESSAGE_ENTRIES {
            let Some(&slot) = slots.next() else { break };
            let Some(held) = self.parts.store.held(slot) else { continue };
            let hash = key::ring_hash(&held.key);
            // What others own is here as a copy for a moment.
            if heirs.owner(hash) == Some(heir) && self.parts.cluster.owns(hash) {
                bytes += held.key.len() + held.value.len();
                message.push(self.handed_over(held));
            }
        }
        message
    }

    fn handed_over(&self, held: Held) -> HandedOver {
        let now_ms = self.parts.clock.now_ms();
        let ttl = held.deadline_ms.map(|at_ms| Duration::from_millis(at_ms.saturating_sub(now_ms)));
        HandedOver { key: Bytes::from(held.key), value: held.value.into(), ttl }
    }
}
