//! Nodes that were registered lately. One that loses the registry is registered no more, and still
//! asks the owners of keys.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::sync::Mutex;

/// How long after it was seen last as a registered node a node may call as one. It is seen when it
/// calls, and again and again while its stream is open.
const REMEMBERED_FOR: Duration = Duration::from_secs(3600);

/// When nodes that called were registered last, by the names in their certificates.
#[derive(Debug, Default)]
pub(super) struct LateNodes(Mutex<HashMap<Vec<String>, Instant>>);

impl LateNodes {
    /// Whether the caller with these names `is_registered`, or was when it was seen before.
    pub(super) fn is_one_now_or_lately(&self, names: &[String], is_registered: bool) -> bool {
        self.is_one_at(Instant::now(), names, is_registered)
    }

    fn is_one_at(&self, now: Instant, names: &[String], is_registered: bool) -> bool {
        let mut known = self.0.lock();
        if is_registered {
            known.retain(|_, seen| now.duration_since(*seen) < REMEMBERED_FOR);
            known.insert(names.to_vec(), now);
        }
        let seen = known.get(names);
        seen.is_some_and(|seen| now.duration_since(*seen) < REMEMBERED_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_was_registered_stays_one_for_a_while_and_a_stranger_is_none() {
        let (known, start) = (LateNodes::default(), Instant::now());
        let [node, stranger] = ["node-1", "application"].map(|name| vec![name.to_owned()]);
        assert!(!known.is_one_at(start, &node, false), "it was not registered yet");
        assert!(known.is_one_at(start, &node, true));
        let later = start + REMEMBERED_FOR - Duration::from_secs(1);
        assert!(known.is_one_at(later, &node, false));
        assert!(!known.is_one_at(later, &stranger, false));
        assert!(!known.is_one_at(start + REMEMBERED_FOR, &node, false));
    }
}
