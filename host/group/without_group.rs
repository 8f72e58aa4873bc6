//! Remembers which owners of keys have no such group, for the status of the node.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::sync::Mutex;
use crate::transport::remote::{RemoteError, Response};

/// Addresses of nodes that answered that they have no such group.
#[derive(Default)]
pub(super) struct WithoutGroup {
    nodes: Mutex<BTreeSet<String>>,
    /// Whether there are any, so that most answers take no lock.
    any: AtomicBool,
}

impl WithoutGroup {
    /// Nodes that own keys of the group and have no such group, by what they last answered.
    pub(super) fn nodes(&self) -> Vec<String> {
        self.nodes.lock().iter().cloned().collect()
    }

    /// Notes whether `node`, an owner of keys, has the group, by its answer.
    pub(super) fn note(&self, group: &str, node: &str, answer: &Result<Response, RemoteError>) {
        match answer {
            Err(error) if error.is_of_unknown_group() => {
                let mut nodes = self.nodes.lock();
                let is_new = nodes.insert(node.to_owned());
                self.any.store(true, Relaxed);
                drop(nodes);
                if is_new {
                    tracing::warn!(
                        group,
                        node,
                        "an owner of keys has no such group: its keys are loaded here, and sets of \
                         them fail; add the group there"
                    );
                }
            }
            Ok(_) if self.any.load(Relaxed) => {
                let mut nodes = self.nodes.lock();
                nodes.remove(node);
                self.any.store(!nodes.is_empty(), Relaxed);
            }
            _ => {}
        }
    }
}
