//! Traffic that favours a policy, or turns against it.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::harness::{ServedNode, psycache_command, run};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    /// Favourites among twice as many keys that are asked for once. An LRU often has a favourite
    /// no more when it is asked for again; an LFU keeps them.
    Favourites,
    /// Keys that are asked for twice, soon after each other. An LRU has them then; an LFU keeps
    /// the favourites of the past instead.
    OfToday,
    /// Keys that are asked for once.
    Hopeless,
}

/// Gets without end, in a thread.
pub(crate) struct Traffic {
    node: String,
    is_over: AtomicBool,
    temper: Mutex<Temper>,
}

impl Traffic {
    pub(crate) fn to(node: &ServedNode) -> Self {
        let node = node.address().to_owned();
        Self { node, is_over: AtomicBool::new(false), temper: Mutex::new(Temper::Favourites) }
    }

    pub(crate) fn turn_to(&self, temper: Temper) {
        *self.temper.lock() = temper;
    }

    pub(crate) fn run(&self) {
        for round in 0_u64.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let temper = *self.temper.lock();
            let keys = temper.keys(round);
            let words = ["get", "default", "--json"].into_iter();
            let mut command = psycache_command(words.chain(keys.iter().map(String::as_str)));
            command.env("PSYCACHE_NODE", &self.node);
            run(command, b"");
        }
    }
}

impl Temper {
    fn keys(self, round: u64) -> Vec<String> {
        let once = |count| (0..count).map(move |nth| format!("once-{round}-{nth}"));
        match self {
            Self::Favourites => {
                let at = |nth: u64| (round * 70 + nth).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                once(130).chain((0..70).map(|nth| format!("hot-{}", at(nth) % 200))).collect()
            }
            Self::OfToday => {
                // Those of this round, and those of the round before.
                let of = |round: u64| (0..100).map(move |nth| format!("today-{round}-{nth}"));
                of(round).chain(of(round.saturating_sub(1))).collect()
            }
            Self::Hopeless => once(200).collect(),
        }
    }
}

/// Ends the traffic, also where a test fails.
pub(crate) struct Ending<'a>(pub(crate) &'a Traffic);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}
