//! Which nodes reach which.

use parking_lot::Mutex;

#[derive(Default)]
pub(super) struct Links {
    /// Pairs of places, the smaller first. Twice cut is to be mended twice.
    cut: Mutex<Vec<(usize, usize)>>,
    slow: Mutex<Vec<(usize, usize)>>,
}

impl Links {
    pub(super) fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cut.lock().contains(&pair(from, to))
    }

    pub(super) fn is_slow(&self, from: usize, to: usize) -> bool {
        self.slow.lock().contains(&pair(from, to))
    }

    pub(super) fn cut(&self, one: usize, other: usize, cut: bool) {
        set(&mut self.cut.lock(), pair(one, other), cut);
    }

    pub(super) fn slow(&self, one: usize, other: usize, slow: bool) {
        set(&mut self.slow.lock(), pair(one, other), slow);
    }

    pub(super) fn mend(&self) {
        self.cut.lock().clear();
        self.slow.lock().clear();
    }
}

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

fn set(pairs: &mut Vec<(usize, usize)>, pair: (usize, usize), present: bool) {
    if present {
        pairs.push(pair);
    } else if let Some(at) = pairs.iter().position(|known| *known == pair) {
        pairs.swap_remove(at);
    }
}
