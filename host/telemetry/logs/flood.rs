//! Limits how often lines of one kind are logged, so that a repeated fault does not fill
//! the log.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use tracing::Metadata;

use super::fields::Fields;
use crate::sync::Mutex;

/// Most lines of one kind in a window.
pub(super) const BURST: u32 = 50;
const WINDOW: Duration = Duration::from_secs(10);

/// Most kinds that are counted separately. Further kinds are counted together.
const MOST_KINDS: usize = 1_024;

/// Fields that divide the lines from one place in the code into kinds.
const SUBJECTS: [&str; 4] = ["group", "peer", "plugin", "source"];

/// Counts the lines of each kind. Lines are of one kind if they come from the same place in
/// the code and agree in the fields [`SUBJECTS`].
#[derive(Debug, Default)]
pub(super) struct Flood {
    seed: RandomState,
    /// The lock is held while a line is counted, and not while it is written.
    kinds: Mutex<HashMap<u64, Kind>>,
}

#[derive(Debug)]
struct Kind {
    since: Instant,
    lines: u32,
}

impl Flood {
    /// Returns `Some` if the line should be written, with the number of lines of its kind
    /// that were suppressed since the last one.
    pub(super) fn admit(&self, metadata: &Metadata<'_>, fields: &Fields) -> Option<u32> {
        let mut hasher = self.seed.build_hasher();
        metadata.callsite().hash(&mut hasher);
        SUBJECTS.iter().for_each(|name| fields.text(name).hash(&mut hasher));
        self.admit_at(hasher.finish(), Instant::now())
    }

    fn admit_at(&self, kind: u64, now: Instant) -> Option<u32> {
        let mut kinds = self.kinds.lock();
        if kinds.len() >= MOST_KINDS && !kinds.contains_key(&kind) {
            kinds.retain(|_, kind| now.duration_since(kind.since) < WINDOW);
        }
        let key = if kinds.len() < MOST_KINDS || kinds.contains_key(&kind) { kind } else { 0 };
        let counted = kinds.entry(key).or_insert(Kind { since: now, lines: 0 });
        let mut suppressed = 0;
        if now.duration_since(counted.since) >= WINDOW {
            suppressed = counted.lines.saturating_sub(BURST);
            *counted = Kind { since: now, lines: 0 };
        }
        counted.lines = counted.lines.saturating_add(1);
        (counted.lines <= BURST).then_some(suppressed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_new_window_tells_what_was_held_back() {
        let (flood, start) = (Flood::default(), Instant::now());
        let admitted = (0..BURST + 7).filter(|_| flood.admit_at(1, start).is_some()).count();
        assert_eq!(admitted, BURST as usize);
        assert_eq!(flood.admit_at(2, start), Some(0), "another kind");
        assert_eq!(flood.admit_at(1, start + WINDOW), Some(7));
        assert_eq!(flood.admit_at(1, start + WINDOW), Some(0));
    }

    #[test]
    fn there_are_never_more_kinds_than_there_is_room_for() {
        let (flood, start) = (Flood::default(), Instant::now());
        let admitted = (1..=5_000).filter(|kind| flood.admit_at(*kind, start).is_some()).count();
        assert!(flood.kinds.lock().len() <= MOST_KINDS + 1);
        assert_eq!(admitted, MOST_KINDS + BURST as usize);
        assert_eq!(flood.admit_at(5_001, start + WINDOW), Some(0), "old ones made room");
    }
}
