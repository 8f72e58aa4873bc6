//! How much memory an entry takes, and whether entries that are gone take any for ever.

use std::time::Duration;

use super::cache::Cache;
use super::deadline::Deadline;
use super::report::Finding;
use super::subject::Subject;
use crate::policy::Failure;

const EVENTS: usize = 64;
const ENTRIES: u32 = 100_000;
/// A node's limit of memory allows so much for an entry, and 64 MiB.
const LIMIT: f64 = 256.0;
/// Slots of a policy that is as good as empty.
const NO_SLOTS: u32 = 64;

/// Residents while entries come and go.
const FEW: u32 = 2_000;
/// Evictions after which ghost lists are full: so many times the residents.
const SETTLED: u64 = 8;
/// Evictions after which memory is looked at again.
const LATER: u64 = 64;
/// Pages, and the growth of tables that double.
const SLACK_BYTES: u64 = 192 << 10;
const TIME: Duration = Duration::from_secs(1);

/// Bytes of linear memory an entry, address space that is only reserved included.
pub(super) fn judge(subject: &Subject) -> Result<Finding, Failure> {
    let empty = subject.live(NO_SLOTS, NO_SLOTS)?.memory_bytes();
    let policy = subject.live(Cache::slots(ENTRIES, EVENTS), ENTRIES)?;
    let mut cache = Cache::new(policy, ENTRIES, EVENTS);
    let mut deadline = Deadline::after(TIME);
    let mut told = 0;
    // Twice as many, so that ghost lists are full.
    while told < 2 * ENTRIES && !deadline.is_over() {
        cache.get(told, true)?;
        told += 1;
    }
    let entries = told.min(ENTRIES);
    let grown = cache.policy().memory_bytes().saturating_sub(empty);
    let each = grown as f64 / f64::from(entries);
    let evictions = cache.evicted();
    let seen = format!(
        "{each:.0} bytes an entry at {entries} entries after {evictions} evictions, and {} KiB \
         for none",
        empty >> 10
    );
    Ok(Finding::warning_if(each > LIMIT, seen))
}

/// Whether memory grows with the entries that have left.
pub(super) fn ghosts(subject: &Subject) -> Result<Finding, Failure> {
    let policy = subject.live(Cache::slots(FEW, EVENTS), FEW)?;
    let mut cache = Cache::new(policy, FEW, EVENTS);
    let mut deadline = Deadline::after(TIME);
    let (mut settled, mut key) = (None, 0);
    while cache.evicted() < LATER * u64::from(FEW) && !deadline.is_over() {
        // A new key, and one that came lately.
        cache.get(key, true)?;
        cache.get(key - key.min(FEW) / 2, true)?;
        key += 1;
        if settled.is_none() && cache.evicted() >= SETTLED * u64::from(FEW) {
            settled = Some((cache.evicted(), cache.policy().memory_bytes()));
        }
    }
    let Some((early, settled)) = settled.filter(|(early, _)| cache.evicted() > 2 * early) else {
        return Ok(Finding::skipped(format!("only {} evictions in {TIME:?}", cache.evicted())));
    };
    let (late, grown) = (cache.evicted(), cache.policy().memory_bytes() - settled);
    let seen = format!(
        "memory grew by {} KiB from {early} to {late} evictions at {FEW} entries",
        grown >> 10
    );
    if grown <= SLACK_BYTES + settled / 8 {
        return Ok(Finding::pass(seen));
    }
    let each = grown as f64 / (late - early) as f64;
    Ok(Finding::failure(format!("{seen}: {each:.0} bytes for each entry that left")))
}
