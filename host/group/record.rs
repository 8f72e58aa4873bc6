//! A recording of what happens to a sample of a group's keys, told in parts.
//!
//! It listens at the store's tap, as a shadow does, so it takes no more memory than the queue of
//! its listener and one part.

use std::num::NonZeroU32;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Group;
use crate::clock::Clock;
use crate::error::Error;
use crate::key;
use crate::store::{Access, AccessKind, Listening, Sample};

/// Accesses that may wait: some ten milliseconds of a group at full speed.
const ROOM: usize = 1 << 15;

/// Accesses of a part.
const PART: usize = 2_048;

/// The pause when nothing waits. Nobody wakes the recording, because that would cost the
/// requests of the group something.
const PAUSE: Duration = Duration::from_millis(10);

/// A part is told after so many milliseconds, though nothing has happened.
const PART_EVERY_MS: u64 = 100;

/// Entries that the group's capacity has in a sample that the node chooses: twice as many as in a
/// shadow, so that smaller capacities can be judged too.
const ENTRIES: f64 = 16_384.0;

/// Most listeners of a group, shadows included. Each has a queue of its own.
const MOST_LISTENERS: usize = 8;

/// A recording under way. Dropping it ends it.
pub struct Recording {
    listening: Listening,
    /// Weak, so that a group that is dropped ends its recordings.
    group: Weak<Group>,
    clock: Clock,
    one_in: NonZeroU32,
    began_ms: u64,
    until_ms: u64,
    told_ms: u64,
    is_over: bool,
    /// Number of gets of the group before it began: that found something, and in total.
    gets_before: [u64; 2],
}

/// A part of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedPart {
    /// What happened since the part before, in order.
    pub accesses: Vec<Access>,
    /// The time on the group's clock. All that happened before has been told.
    pub now_ms: u64,
    /// The time since the beginning, at least 1 ms.
    pub since_ms: u64,
    /// Number of gets of the group since it began: that found something, and in total.
    pub gets: [u64; 2],
    /// Accesses since the beginning that came too fast.
    pub lost: u64,
    /// No other part follows.
    pub is_last: bool,
}

impl Group {
    /// Begins a recording, which ends by itself after `span`. Without `one_in` the sample is
    /// so large that the group's capacity has some ten thousand entries in it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if too many recordings and shadows of the group run.
    pub fn record(
        self: &Arc<Self>,
        one_in: Option<NonZeroU32>,
        span: Duration,
    ) -> Result<Recording, Error> {
        let store = &self.parts.store;
        if store.listeners() >= MOST_LISTENERS {
            let reason =
                format!("{MOST_LISTENERS} recordings and shadows of it run; end one of them first");
            return Err(Error::Unavailable { who: format!("group {:?}", self.name), reason });
        }
        let chosen = || (store.stats().expected_entries() / ENTRIES).round() as u32;
        let one_in = one_in.unwrap_or_else(|| NonZeroU32::new(chosen()).unwrap_or(NonZeroU32::MIN));
        let clock = self.parts.clock.clone();
        let began_ms = clock.now_ms();
        Ok(Recording {
            listening: store.listen(Sample::of(1.0 / f64::from(one_in.get())), ROOM, true),
            group: Arc::downgrade(self),
            one_in,
            began_ms,
            until_ms: began_ms.saturating_add(span.as_millis() as u64),
            told_ms: began_ms,
            is_over: false,
            clock,
            gets_before: self.counters.snapshot().lookups,
        })
    }
}

impl Group {
    /// Whether an access is to be recorded here. A node that is asked to change a key drops what
    /// it may have of it; where another node holds the key, that one tells the change.
    fn is_of_its_keys(&self, access: &Access) -> bool {
        match (access.kind, &access.key) {
            (AccessKind::Removed, Some(key)) => self.parts.ownership.holds(key::ring_hash(key)),
            _ => true,
        }
    }
}

impl Recording {
    /// One key in so many is recorded.
    #[must_use]
    pub fn one_in(&self) -> NonZeroU32 {
        self.one_in
    }

    /// The next part. `None`: the last one was told, or the group is gone.
    pub async fn next(&mut self) -> Option<RecordedPart> {
        while !self.is_over {
            let part = self.part()?;
            let is_due = part.now_ms - self.told_ms >= PART_EVERY_MS;
            if !part.accesses.is_empty() || part.is_last || is_due {
                self.told_ms = part.now_ms;
                self.is_over = part.is_last;
                return Some(part);
            }
            self.clock.sleep(PAUSE).await;
        }
        None
    }

    /// What waits at present; `None` if the group is gone.
    fn part(&self) -> Option<RecordedPart> {
        let group = self.group.upgrade()?;
        let now_ms = self.clock.now_ms();
        let is_last = self.until_ms <= now_ms;
        let most = if is_last { self.listening.waiting() } else { PART };
        let accesses = std::iter::from_fn(|| self.listening.take()).take(most);
        let accesses = accesses.filter(|access| group.is_of_its_keys(access)).collect();
        let [found, all] = group.counters.snapshot().lookups;
        let [found_before, all_before] = self.gets_before;
        Some(RecordedPart {
            accesses,
            now_ms,
            since_ms: now_ms - self.began_ms + 1,
            gets: [found - found_before, all - all_before],
            lost: self.listening.lost(),
            is_last,
        })
    }
}
