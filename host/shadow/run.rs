//! A shadow at work: takes accesses, replays them into each row, and publishes a report.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::cache::Cache;
use super::estimate::Misses;
use super::plan::{Plan, sample};
use super::report::{Measured, Report, RowReport};
use crate::clock::Clock;
use crate::store::{Access, AccessKind, Listening, Store};
use crate::sync::Mutex;

/// Accesses that may wait: some ten milliseconds of a group at full speed.
const ROOM: usize = 1 << 15;

/// Accesses of a turn.
const TURN: usize = 1_024;

/// The sample is chosen when the group has so many entries, or a 16th of its capacity, because
/// then the mean size of an entry is known.
const ENTRIES_TO_PLAN: u64 = 1_000;

/// A row says something after it was asked for so many times its entries.
const CAPACITIES: u64 = 10;

/// Of these so many warm the caches up, which are empty at first, and are not counted.
const WARMING_CAPACITIES: u64 = 5;

/// Gets of the group so far, from whomever, of keys that this node holds: those that found
/// something, and all.
pub type Gets = Box<dyn Fn() -> [u64; 2] + Send>;

/// State of a shadow's thread.
pub(super) struct Run {
    plan: Plan,
    clock: Clock,
    store: Weak<Store>,
    gets: Gets,
    began_ms: u64,
    /// When it ends by itself.
    until_ms: Option<u64>,
    replay: Option<Replay>,
    board: Arc<Mutex<Report>>,
}

/// The rows, and what was counted since they were warm.
struct Replay {
    listening: Listening,
    rows: Vec<Row>,
    /// See [`limits`].
    limits: (u64, u32),
    /// Entries of the largest row.
    entries: u64,
    /// Sampled gets since the start.
    gets: u64,
    /// Accesses taken, and the window in which they are counted.
    taken: u64,
    window: Option<Window>,
}

/// The time in which misses count: the same for all rows and for the live group.
#[derive(Clone, Copy)]
struct Window {
    began_ms: u64,
    gets: [u64; 2],
    taken: u64,
    lost: u64,
}

struct Row {
    report: RowReport,
    /// `None` after a failure.
    cache: Option<Cache>,
    misses: Misses,
}

/// What follows a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another turn.
    Again,
    /// A pause first.
    Pause,
    /// The end: its time is over, or the group is gone.
    Stop,
}

impl Run {
    pub(super) fn new(
        plan: Plan,
        store: &Arc<Store>,
        clock: Clock,
        gets: Gets,
        keep: Option<Duration>,
    ) -> (Self, Arc<Mutex<Report>>) {
        let board = Arc::<Mutex<Report>>::default();
        let began_ms = clock.now_ms();
        let until_ms = keep.map(|keep| began_ms.saturating_add(keep.as_millis() as u64));
        let (store, shown) = (Arc::downgrade(store), Arc::clone(&board));
        let mut run = Self { plan, clock, store, gets, began_ms, until_ms, replay: None, board };
        run.publish();
        (run, shown)
    }

    /// Does a bounded amount of work.
    pub(super) fn turn(&mut self) -> Next {
        let now_ms = self.clock.now_ms();
        if self.until_ms.is_some_and(|until_ms| until_ms <= now_ms) {
            return Next::Stop;
        }
        let Some(store) = self.store.upgrade() else { return Next::Stop };
        let Some(replay) = &mut self.replay else {
            self.replay = begin(&self.plan, &store);
            self.publish();
            return Next::Pause;
        };
        // The caches have the size of a group that is no more.
        if replay.limits != limits(&store) {
            self.replay = begin(&self.plan, &store);
            self.publish();
            return Next::Pause;
        }
        // The group may be dropped while the accesses are replayed.
        drop(store);
        let mut taken = 0;
        while taken < TURN
            && let Some(access) = replay.listening.take()
        {
            taken += 1;
            replay.replay(&access, now_ms);
            if replay.window.is_none() && replay.gets >= WARMING_CAPACITIES * replay.entries {
                replay.open(now_ms, (self.gets)());
            }
        }
        self.publish();
        if taken < TURN { Next::Pause } else { Next::Again }
    }

    /// Counts from now on, if the caches are warm.
    pub(super) fn recount(&mut self) {
        let (now_ms, gets) = (self.clock.now_ms(), (self.gets)());
        if let Some(replay) = self.replay.as_mut().filter(|replay| replay.window.is_some()) {
            replay.open(now_ms, gets);
        }
        self.publish();
    }

    fn publish(&mut self) {
        let now_ms = self.clock.now_ms();
        let mut report = Report {
            age: Duration::from_millis(now_ms.saturating_sub(self.began_ms)),
            ends_in: self.until_ms.map(|at| Duration::from_millis(at.saturating_sub(now_ms))),
            ..Report::default()
        };
        if let Some(replay) = &mut self.replay {
            replay.report(&mut report, now_ms, (self.gets)());
        }
        *self.board.lock() = report;
    }
}

/// Chooses the sample and begins to listen, once the group has entries enough.
fn begin(plan: &Plan, store: &Arc<Store>) -> Option<Replay> {
    let stats = store.stats();
    if stats.entries < ENTRIES_TO_PLAN && stats.bytes < stats.capacity_bytes / 16 {
        return None;
    }
    let sample = sample(&stats);
    let rows = plan.rows(&stats, sample).map(|(candidate, times, limits)| {
        let made = Cache::new(&candidate.source, &candidate.options, limits);
        let report = RowReport {
            policy: candidate.name,
            times,
            capacity_bytes: (stats.capacity_bytes as f64 * times) as u64,
            measured: None,
            problem: made.as_ref().err().cloned(),
        };
        Row { report, cache: made.ok(), misses: Misses::default() }
    });
    let rows = rows.collect();
    let entries = plan.largest_entries(&stats, sample).max(1);
    let listening = store.listen(sample, ROOM, false);
    let limits = limits(store);
    Some(Replay { listening, rows, limits, entries, gets: 0, taken: 0, window: None })
}

/// The capacity of a group in bytes and entries, which a reload may change.
fn limits(store: &Store) -> (u64, u32) {
    let stats = store.stats();
    (stats.capacity_bytes, stats.max_entries)
}

impl Replay {
    fn replay(&mut self, access: &Access, now_ms: u64) {
        self.taken += 1;
        self.gets += u64::from(matches!(access.kind, AccessKind::Hit | AccessKind::Miss));
        for row in &mut self.rows {
            let Some(cache) = &mut row.cache else { continue };
            match cache.access(access, now_ms) {
                Ok(Some(false)) => row.misses.count(access.hash),
                Ok(_) => {}
                Err(problem) => {
                    row.cache = None;
                    row.report.problem = Some(problem);
                }
            }
        }
    }

    /// The caches are warm: counts from here on.
    fn open(&mut self, now_ms: u64, gets: [u64; 2]) {
        let gets = self.without_waiting(gets);
        let (taken, lost) = (self.taken, self.listening.lost());
        self.window = Some(Window { began_ms: now_ms, gets, taken, lost });
        self.rows.iter_mut().for_each(|row| row.misses = Misses::default());
    }

    /// The gets of the group up to the last access that was taken.
    fn without_waiting(&self, gets: [u64; 2]) -> [u64; 2] {
        let share = self.listening.sample().share();
        // Loads and changes wait as well as gets.
        let gets_of_taken = self.gets as f64 / self.taken.max(1) as f64;
        let waiting = (self.listening.waiting() as f64 * gets_of_taken / share) as u64;
        let [found, all] = gets;
        let hit_ratio = found as f64 / all.max(1) as f64;
        [found.saturating_sub((waiting as f64 * hit_ratio) as u64), all.saturating_sub(waiting)]
    }

    fn report(&self, report: &mut Report, now_ms: u64, gets: [u64; 2]) {
        let share = self.listening.sample().share();
        report.share = share;
        report.gets = self.gets;
        report.wanted_gets = CAPACITIES * self.entries;
        report.lost = self.listening.lost();
        report.waiting = self.listening.waiting() as u64;
        report.rows = self.rows.iter().map(|row| row.report.clone()).collect();
        let Some(window) = self.window else { return };
        let [found, requests] = self.without_waiting(gets);
        let found = found.saturating_sub(window.gets[0]);
        report.requests = requests.saturating_sub(window.gets[1]);
        let requests = report.requests as f64;
        if report.requests == 0 {
            return;
        }
        report.live_hit_ratio = Some(found as f64 / requests);
        if self.gets < report.wanted_gets {
            return;
        }
        let seconds = now_ms.saturating_sub(window.began_ms).max(1) as f64 / 1_000.0;
        // What was lost is taken to be like what was not.
        let taken = (self.taken - window.taken) as f64;
        let lost = (report.lost - window.lost) as f64;
        let weight = 1.0 + lost / taken.max(1.0);
        for (row, shown) in self.rows.iter().zip(&mut report.rows) {
            if row.cache.is_none() {
                continue;
            }
            let (misses, error) = row.misses.of_all(share);
            let misses = (misses * weight).min(requests);
            shown.measured = Some(Measured {
                hit_ratio: 1.0 - misses / requests,
                error: error * weight / requests,
                loads_saved_per_second: (requests - found as f64 - misses) / seconds,
            });
        }
    }
}
