//! What was counted in a run, and what went wrong.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Default)]
pub(super) struct RunOutcome {
    pub(super) seed: u64,
    pub(super) gets: u64,
    /// Gets by way of a copy that was lent.
    pub(super) hot: u64,
    /// Gets that a client answered with a copy of its own.
    pub(super) hot_in_client: u64,
    /// Gets that were excused by the one exception to the promise.
    pub(super) brief: u64,
    pub(super) oks: u64,
    pub(super) not_confirmed: u64,
    pub(super) given_up: u64,
    /// Changes that had ten seconds under one fault only, and failed.
    pub(super) failed: BTreeMap<String, u64>,
    pub(super) crashes: u64,
    pub(super) leaves: u64,
    pub(super) pauses: u64,
    pub(super) cuts: u64,
    /// Loads that got their value from another node.
    pub(super) inherited: u64,
    /// Entries that a leaving node gave away, and were kept.
    pub(super) handed_over: u64,
    pub(super) vouches: u64,
    /// The longest that it took all nodes to hold their keys when all was mended.
    pub(super) mended_ms: u64,
    pub(super) wrong: Vec<String>,
    /// Told only where it is asked for.
    pub(super) story: Vec<String>,
    /// Gets of clients through a node, and gets that it sent on, by node and key.
    pub(super) forwarded: BTreeMap<(usize, Vec<u8>), (u64, u64)>,
}

impl RunOutcome {
    pub(super) fn add(&mut self, other: &Self) {
        self.gets += other.gets;
        self.hot += other.hot;
        self.hot_in_client += other.hot_in_client;
        self.brief += other.brief;
        self.oks += other.oks;
        self.not_confirmed += other.not_confirmed;
        self.given_up += other.given_up;
        for (reason, count) in &other.failed {
            *self.failed.entry(reason.clone()).or_default() += count;
        }
        self.crashes += other.crashes;
        self.leaves += other.leaves;
        self.pauses += other.pauses;
        self.cuts += other.cuts;
        self.inherited += other.inherited;
        self.handed_over += other.handed_over;
        self.vouches += other.vouches;
        self.mended_ms = self.mended_ms.max(other.mended_ms);
    }
}

impl fmt::Display for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gets, hot, hot_in_client, brief, oks, .. } = self;
        let Self { not_confirmed, given_up, failed, .. } = self;
        let Self { crashes, leaves, pauses, cuts, .. } = self;
        let Self { inherited, handed_over, vouches, mended_ms, .. } = self;
        write!(
            f,
            "{gets} gets, {hot} of them by copies lent to nodes, {hot_in_client} by copies lent \
             to a client, and {brief} excused as brief ones; {oks} changes confirmed, \
             {not_confirmed} not confirmed, {given_up} given up; {crashes} crashes, {leaves} \
             leaves, {pauses} pauses, {cuts} cuts; {inherited} values inherited, {handed_over} \
             handed over, {vouches} vouches; mended after {mended_ms} ms at most; failed although \
             they had ten seconds and one fault only: {failed:?}"
        )
    }
}
