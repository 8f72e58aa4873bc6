//! Asks the other members to vouch for this node while the registry does not answer, and
//! ends promises (rule 7).

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::knowledge::ms;
use super::right::Ownership;
use super::signal::Changes;
use super::state::OwnershipState;
use crate::transport::remote::{PeerCall, Response};

impl Ownership {
    /// Asks the other members to vouch when the certainty by the short lease is about to
    /// end, and drops promises that have ended. Runs for as long as it is polled.
    pub async fn keep_certain(&self) {
        let mut is_known = false;
        // When it last asked, and for which revision of the view.
        let mut asked = (0, 0);
        loop {
            match self.state() {
                OwnershipState::Holds if is_known => {
                    is_known = false;
                    tracing::info!("this node holds its keys again");
                }
                OwnershipState::Uncertain if !is_known => {
                    is_known = true;
                    tracing::warn!(
                        "this node can't be certain that nobody else holds its keys: the registry \
                         and some member are out of reach; it caches nothing for long, and confirms \
                         no change"
                    );
                }
                _ => {}
            }
            let changes = self.changes();
            let next = self.next_look(asked.0);
            self.wait(changes, next).await;
            let now_ms = self.clock.now_ms();
            let ended = self.state.lock().next_promise_ms().is_some_and(|at_ms| at_ms <= now_ms);
            if ended {
                self.step(|state| {
                    state.end_promises(now_ms);
                    true
                });
            }
            // Not at each change. Each vouch that a node gives is a change too, so two
            // nodes would make each other ask again and again.
            let revision = self.revision();
            let is_time = now_ms >= asked.0 + ms(self.timing().lease) / 3 || revision != asked.1;
            if is_time && self.needs_vouches(now_ms) {
                asked = (now_ms, revision);
                self.ask_for_vouches().await;
            }
        }
    }

    /// Waits for a change, at most `within`.
    async fn wait(&self, mut changes: Changes<'_>, within: Duration) {
        let _ = self.clock.timeout(within, changes.changed()).await;
    }

    fn next_look(&self, asked_ms: u64) -> Duration {
        let state = self.state.lock();
        let now_ms = self.clock.now_ms();
        // While the registry does not answer, every T/3.
        let again_ms = asked_ms + ms(state.timing.lease) / 3;
        let vouch_ms = state.asks_for_vouches_at_ms().map(|begin_ms| begin_ms.max(again_ms));
        let next_ms = vouch_ms.into_iter().chain(state.next_promise_ms()).min();
        let rest_ms = next_ms.map_or(u64::MAX, |at_ms| at_ms.saturating_sub(now_ms));
        Duration::from_millis(rest_ms.min(60_000))
    }

    fn needs_vouches(&self, now_ms: u64) -> bool {
        self.state.lock().asks_for_vouches_at_ms().is_some_and(|begin_ms| begin_ms <= now_ms)
    }

    async fn ask_for_vouches(&self) {
        let (name, others) = {
            let state = self.state.lock();
            (state.name(), state.others())
        };
        let asked = others.iter().map(|(address, _)| self.ask_for_vouch(address, name));
        join_all(asked).await;
        self.announce();
    }

    async fn ask_for_vouch(&self, address: &Arc<str>, name: i64) {
        let asked_ms = self.clock.now_ms();
        let cluster = self.view().cluster;
        let call = PeerCall::Vouch { from: self.own.to_string(), name, cluster };
        let asked = self.remote_at(address);
        let answer = asked.ask(self.about_no_group(call), self.timing().lease / 3).await;
        match answer {
            Ok(Response::Vouched { name: theirs }) => self.make_certain(|state| {
                if state.name() == name && state.view.cluster == cluster {
                    state.vouched_by(address, theirs, asked_ms);
                }
            }),
            Ok(Response::NotHolder { view: Some(view), .. }) => {
                self.see(view);
            }
            Ok(_) | Err(_) => {}
        }
    }
}
