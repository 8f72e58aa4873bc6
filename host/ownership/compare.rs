//! Nodes that find each other by a list, and hold what they own for ever. Rule 12.

use std::time::Duration;

use futures::future::join_all;

use super::lists::{ListProblem, Lists};
use super::right::Ownership;
use crate::membership::rendezvous::RingNode;
use crate::transport::remote::{Identity, Response};

/// How long one look at the others may take, and the pause until the next one.
const LOOK_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Ownership {
    /// Takes `nodes` for the list of all nodes, this one among them. The node holds what
    /// it owns from then on, unless another one of the list has said that its list is
    /// another one.
    pub fn follow_list(&self, nodes: Vec<RingNode>) {
        let digest = (self.make_ring)(nodes.clone()).version();
        let others = nodes.iter().filter(|node| node.address != self.own);
        let lists = Lists::new(digest, others.map(|node| node.address.to_string()));
        // A second list would be of the same node.
        if self.lists.set(lists).is_ok() {
            // 1. A node lends a copy. 2. Its process ends, and another one holds the same
            // keys at once. 3. That one confirms a change, and knows of no copy.
            if nodes.len() > 1 {
                self.expect_copies_of_before();
            }
            self.own_for_ever(nodes);
        }
    }

    /// Notes what the node at `from` said of its list. What a node says that this one
    /// does not list changes nothing.
    pub(super) fn hear_list(&self, from: &str, digest: u64, process: Option<u64>) {
        let Some(lists) = self.lists.get() else { return };
        // What is heard and what follows from it are one step.
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

    /// Finds addresses of the list that are this node under another name, by asking all
    /// that answer at once.
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

    /// Asks who answers at the address that this node advertises. That nobody does may be
    /// so on purpose, where a node can't reach itself by the address that others use.
    ///
    /// # Errors
    /// [`ListProblem`]: another node does, so this one must not serve.
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

    /// Asks the others for their lists until each has answered with this one, for as
    /// long as it is polled.
    pub async fn compare_lists(&self) {
        let Some(lists) = self.lists.get() else { return };
        loop {
            self.look_at_others().await;
            if lists.all_agree() {
                // Whoever comes with another list says so itself.
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
