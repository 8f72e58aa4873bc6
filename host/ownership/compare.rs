//! Nodes that find each other by a static list, and hold their keys for ever (rule 12).

use std::time::Duration;

use futures::future::join_all;

use super::lists::{ListProblem, Lists};
use super::right::Ownership;
use crate::membership::rendezvous::RingNode;
use crate::transport::remote::{Identity, Response};

/// Time limit of one round of requests to the others, and the pause until the next.
const LOOK_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Ownership {
    /// Uses `nodes` as the list of all nodes, including this one. The node holds its keys
    /// from then on, until another node of the list reports a different list.
    pub fn follow_list(&self, nodes: Vec<RingNode>) {
        let digest = (self.make_ring)(nodes.clone()).version();
        let others = nodes.iter().filter(|node| node.address != self.own);
        let lists = Lists::new(digest, others.map(|node| node.address.to_string()));
        // Only the first list counts.
        if self.lists.set(lists).is_ok() {
            // 1. A process lends a copy. 2. It ends, and a new process at the address
            // holds the same keys at once. 3. The new process confirms a change without
            // knowing of the copy. A node alone lends to clients.
            self.expect_copies_of_before();
            self.own_for_ever(nodes);
        }
    }

    /// Records the digest that the node at `from` reported. A node that is not in the
    /// list is ignored.
    pub(super) fn hear_list(&self, from: &str, digest: u64, process: Option<u64>) {
        let Some(lists) = self.lists.get() else { return };
        // The report and its consequences are one step.
        let _turn = self.take_turn();
        if !lists.hear(from, digest, process) {
            return;
        }
        let problem = lists.problem();
        let holds = problem.is_none();
        let text = problem.clone().unwrap_or_default();
        if self.problems.set_list(problem) && !holds {
            tracing::error!("{text}");
        }
        self.hold_by_list(holds);
    }

    /// Asks the nodes of the list once, to find addresses that reach this node itself.
    ///
    /// # Errors
    /// [`ListProblem`]: the node must not serve.
    pub async fn check_list(&self) -> Result<(), ListProblem> {
        for (address, identity) in self.look_at_others().await {
            if identity.process == self.process {
                return Err(ListProblem::IsThisNode { listed: address, own: self.own.to_string() });
            }
        }
        Ok(())
    }

    /// Asks which process answers at the address that this node advertises. If there is
    /// no answer it only warns: a node may be unable to reach itself by the address that
    /// others use.
    ///
    /// # Errors
    /// [`ListProblem`]: another process answers, so this node must not serve.
    pub async fn check_own_address(&self) -> Result<(), ListProblem> {
        let own = self.remote_at(&self.own);
        match own.ask(self.about_no_group(self.hello()), LOOK_WITHIN).await {
            Ok(Response::Identity(identity)) if identity.process != self.process => {
                let (own, other) = (self.own.to_string(), identity.address);
                Err(ListProblem::IsAnother { own, other })
            }
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(
                    address = &*self.own,
                    %error,
                    "this node does not reach itself by the address that it advertises"
                );
                Ok(())
            }
        }
    }

    /// Asks the other nodes for their digests until all have answered with this node's
    /// digest. Runs for as long as it is polled.
    pub async fn compare_lists(&self) {
        let Some(lists) = self.lists.get() else { return };
        loop {
            self.look_at_others().await;
            if lists.all_agree() {
                // A node that starts with another list reports that by itself.
                let mut changes = self.changes();
                changes.changed().await;
            }
            self.clock.sleep(LOOK_EVERY).await;
        }
    }

    async fn look_at_others(&self) -> Vec<(String, Identity)> {
        let others = self.others();
        let looks = others.iter().map(|other| async {
            let answer = other.ask(self.about_no_group(self.hello()), LOOK_WITHIN).await;
            match answer {
                Ok(Response::Identity(identity)) => Some((other.address().to_owned(), identity)),
                _ => None,
            }
        });
        let answers: Vec<_> = join_all(looks).await.into_iter().flatten().collect();
        for (address, identity) in &answers {
            self.hear_list(address, identity.digest, Some(identity.process));
        }
        answers
    }
}
