//! The counters of one group. They are striped by thread, so that a hit rarely writes a
//! cache line that another core writes.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::durations::{Durations, DurationsReading};

/// How a get was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetResult {
    /// From memory.
    Hit,
    /// By a load that it started or joined. The source may have had no such key.
    Miss,
    /// By the owner of the key.
    Peer,
    /// From a short-lived copy of a hot key.
    Hot,
    /// From memory, with the knowledge that the source has no such key.
    Negative,
    /// With an expired value, because the source does not answer.
    Stale,
    /// With an error.
    Error,
}

impl GetResult {
    /// All results, in the order of [`GroupCounts::gets`].
    pub const ALL: [Self; 7] =
        [Self::Hit, Self::Miss, Self::Peer, Self::Hot, Self::Negative, Self::Stale, Self::Error];

    /// The value of the `result` label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Peer => "peer",
            Self::Hot => "hot",
            Self::Negative => "negative",
            Self::Stale => "stale",
            Self::Error => "error",
        }
    }

    /// Whether the answer came from this node's memory.
    #[must_use]
    pub fn is_from_memory(self) -> bool {
        matches!(self, Self::Hit | Self::Hot | Self::Negative)
    }
}

/// How a load from the data source ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadOutcome {
    /// With a value.
    Found,
    /// The source has no such key.
    NotFound,
    /// The source could not be reached.
    Unavailable,
    /// The source refused.
    Rejected,
    /// The source can never have such a key.
    BadKey,
    /// The source's value can't be cached.
    BadValue,
    /// It took too long.
    Timeout,
    /// The retriever failed.
    Broken,
    /// It was not begun, because too many loads waited.
    Overloaded,
    /// It was not begun, because the source was unavailable several times in a row.
    Breaker,
    /// It was given up because no caller waited for it any more.
    Abandoned,
    /// It did not end, because the retriever panicked or the node stopped.
    Lost,
}

impl LoadOutcome {
    /// All outcomes, in the order in which [`GroupCounts`] lists them.
    pub const ALL: [Self; 12] = [
        Self::Found,
        Self::NotFound,
        Self::Unavailable,
        Self::Rejected,
        Self::BadKey,
        Self::BadValue,
        Self::Timeout,
        Self::Broken,
        Self::Overloaded,
        Self::Breaker,
        Self::Abandoned,
        Self::Lost,
    ];

    /// The value of the `outcome` label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::NotFound => "not-found",
            Self::Unavailable => "unavailable",
            Self::Rejected => "rejected",
            Self::BadKey => "bad-key",
            Self::BadValue => "bad-value",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Overloaded => "overloaded",
            Self::Breaker => "breaker",
            Self::Abandoned => "abandoned",
            Self::Lost => "lost",
        }
    }

    /// Whether the load failed. An answer that there is no such key is not a failure, and
    /// neither is a load that was given up.
    #[must_use]
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Found | Self::NotFound | Self::BadKey | Self::Abandoned)
    }
}

/// Where a load looks for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadSource {
    /// The data source.
    Retriever,
    /// A node that owned the key until the ring changed.
    PreviousOwner,
}

impl LoadSource {
    /// All sources, in the order of [`GroupCounts::loads`].
    pub const ALL: [Self; 2] = [Self::Retriever, Self::PreviousOwner];

    /// How a load from this source can end. Another node answers with a value or without.
    #[must_use]
    pub fn outcomes(self) -> &'static [LoadOutcome] {
        use LoadOutcome::{Found, Lost, NotFound, Unavailable};
        match self {
            Self::Retriever => &LoadOutcome::ALL,
            Self::PreviousOwner => &[Found, NotFound, Unavailable, Lost],
        }
    }

    /// The value of the `source` label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Retriever => "retriever",
            Self::PreviousOwner => "previous-owner",
        }
    }
}

/// Looks into the store that [`GetResult`] does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// A key that this node holds was not there, for any caller.
    Missed,
    /// A key was there for another node that asked.
    FoundForAnother,
}

const STRIPES: usize = 16;

/// The counters of a stripe: those of gets, then those of look-ups.
const STRIPED: usize = GetResult::ALL.len() + 2;

/// Counters for the threads that share a stripe. Stripes are aligned to two cache
/// lines, because processors prefetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe([AtomicU64; STRIPED]);

static NEXT_THREAD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static STRIPE: usize = NEXT_THREAD.fetch_add(1, Ordering::Relaxed) % STRIPES;
}

/// The counters of one group.
#[derive(Debug, Default)]
pub struct GroupCounters {
    stripes: [Stripe; STRIPES],
    /// Not striped, because a load takes much longer than counting it.
    loads: [SourceCounters; LoadSource::ALL.len()],
    get_seconds: [Durations; GetResult::ALL.len()],
    /// Entries that other nodes took over, their bytes, and entries that were not taken over.
    handed_over: [AtomicU64; 3],
    /// In the order of [`SourceEvent::ALL`].
    source_events: [AtomicU64; SourceEvent::ALL.len()],
}

/// What happens beside the loads that gets wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEvent {
    /// A source that was unavailable was asked again for the same load.
    Retry,
    /// A value was loaded again before it expired.
    RefreshedAhead,
    /// An expired value was answered, and loaded again.
    Revalidated,
    /// A value was to be loaded again, and was not: no place was free, or the source does not
    /// answer.
    RefreshDropped,
}

impl SourceEvent {
    /// All events, in the order of [`GroupCounts::source_events`].
    pub const ALL: [Self; 4] =
        [Self::Retry, Self::RefreshedAhead, Self::Revalidated, Self::RefreshDropped];

    /// The value of the `event` label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::RefreshedAhead => "refreshed-ahead",
            Self::Revalidated => "revalidated",
            Self::RefreshDropped => "refresh-dropped",
        }
    }
}

/// The loads from one source.
#[derive(Debug, Default)]
struct SourceCounters {
    outcomes: [AtomicU64; LoadOutcome::ALL.len()],
    seconds: Durations,
}

/// The loads from one source at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCounts {
    /// In the order of [`LoadOutcome::ALL`].
    pub outcomes: [u64; LoadOutcome::ALL.len()],
    /// Durations of the loads.
    pub seconds: DurationsReading,
}

/// The counters of one group at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCounts {
    /// In the order of [`GetResult::ALL`].
    pub gets: [u64; GetResult::ALL.len()],
    /// Gets of keys that this node holds, by any caller: how many found something, and how many there were.
    pub lookups: [u64; 2],
    /// In the order of [`LoadSource::ALL`].
    pub loads: [SourceCounts; LoadSource::ALL.len()],
    /// Durations of gets that arrived over the network, in the order of
    /// [`GetResult::ALL`].
    pub get_seconds: [DurationsReading; GetResult::ALL.len()],
    /// Entries that other nodes took over, their bytes, and entries that were not taken over.
    pub handed_over: [u64; 3],
    /// In the order of [`SourceEvent::ALL`].
    pub source_events: [u64; SourceEvent::ALL.len()],
}

impl GroupCounts {
    /// Number of gets with this result.
    #[must_use]
    pub fn gets(&self, result: GetResult) -> u64 {
        self.gets[result as usize]
    }

    /// Number of loads from the data source with this outcome.
    #[must_use]
    pub fn loads(&self, outcome: LoadOutcome) -> u64 {
        self.loads[LoadSource::Retriever as usize].outcomes[outcome as usize]
    }
}

impl GroupCounters {
    /// Counts a get.
    pub fn count_get(&self, result: GetResult) {
        self.count_gets(result, 1);
    }

    /// Counts gets with the same result.
    pub fn count_gets(&self, result: GetResult, gets: u64) {
        self.count(result as usize, gets);
    }

    /// Counts a look into the store.
    pub fn count_lookup(&self, lookup: Lookup) {
        self.count(GetResult::ALL.len() + lookup as usize, 1);
    }

    fn count(&self, counter: usize, by: u64) {
        // The thread-local stripe is gone while a thread ends.
        let stripe = STRIPE.try_with(|stripe| *stripe).unwrap_or(0);
        self.stripes[stripe].0[counter].fetch_add(by, Ordering::Relaxed);
    }

    /// Records how long a get took. This is separate from [`count_get`](Self::count_get),
    /// because reading the clock costs as much as a hit. That is negligible for a call over
    /// the network, but not for a program that embeds the node.
    pub fn time_get(&self, result: GetResult, took: Duration) {
        self.time_gets(result, took, 1);
    }

    /// Records gets with the same result, each of which took so long.
    pub fn time_gets(&self, result: GetResult, took: Duration, gets: u64) {
        self.get_seconds[result as usize].record_each(took, gets);
    }

    /// Counts entries that another node took over, and their bytes.
    pub fn handed_over(&self, entries: u64, bytes: u64) {
        self.handed_over[0].fetch_add(entries, Ordering::Relaxed);
        self.handed_over[1].fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts entries that were offered to other nodes and not taken over.
    pub fn not_handed_over(&self, entries: u64) {
        self.handed_over[2].fetch_add(entries, Ordering::Relaxed);
    }

    /// Counts what happens beside the loads that gets wait for.
    pub fn count_source_event(&self, event: SourceEvent) {
        self.source_events[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Starts the timer of a load. Dropping the timer counts the load as
    /// [`LoadOutcome::Lost`]; [`LoadTimer::end`] counts it with another outcome.
    pub fn begin_load(&self, source: LoadSource) -> LoadTimer<'_> {
        let counters = &self.loads[source as usize];
        LoadTimer { counters, began: Instant::now(), outcome: LoadOutcome::Lost }
    }

    /// The current values of the counters. Each is exact, but they are not all read at the
    /// same moment.
    #[must_use]
    pub fn snapshot(&self) -> GroupCounts {
        let mut striped = [0; STRIPED];
        for stripe in &self.stripes {
            for (sum, count) in striped.iter_mut().zip(&stripe.0) {
                *sum += count.load(Ordering::Relaxed);
            }
        }
        // An expired value that is given out was missed before.
        let [hit, miss, peer, hot, negative, stale, error, missed, found_for_another] = striped;
        let found = hit + negative + found_for_another;
        let loads = self.loads.each_ref().map(|source| SourceCounts {
            outcomes: source.outcomes.each_ref().map(|count| count.load(Ordering::Relaxed)),
            seconds: source.seconds.read(),
        });
        GroupCounts {
            gets: [hit, miss, peer, hot, negative, stale, error],
            lookups: [found, found + missed],
            loads,
            get_seconds: self.get_seconds.each_ref().map(Durations::read),
            handed_over: self.handed_over.each_ref().map(|count| count.load(Ordering::Relaxed)),
            source_events: self.source_events.each_ref().map(|count| count.load(Ordering::Relaxed)),
        }
    }
}

/// The timer of a running load, which counts the load when dropped.
#[must_use]
pub struct LoadTimer<'a> {
    counters: &'a SourceCounters,
    began: Instant,
    outcome: LoadOutcome,
}

impl LoadTimer<'_> {
    /// Counts the load with its outcome. Returns its duration.
    pub fn end(mut self, outcome: LoadOutcome) -> Duration {
        self.outcome = outcome;
        self.began.elapsed()
    }
}

impl Drop for LoadTimer<'_> {
    fn drop(&mut self) {
        self.counters.seconds.record(self.began.elapsed());
        self.counters.outcomes[self.outcome as usize].fetch_add(1, Ordering::Relaxed);
    }
}
