//! Makes a failing script small: delta debugging.
//!
//! A. Zeller, R. Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE
//! Transactions on Software Engineering 2002, algorithm ddmin: parts are left out, large ones
//! first, for as long as the script still fails.

use std::time::Instant;

use super::script::{Script, Step};

/// A smaller script that still `fails`; when `until` has passed, the smallest so far.
pub(super) fn shrink(
    script: Script,
    until: Instant,
    mut fails: impl FnMut(&Script) -> bool,
) -> Script {
    let mut smallest = script;
    loop {
        let before = size(&smallest);
        let setup = smallest.setup.clone();
        let with = |steps: &[Step]| Script { setup: setup.clone(), steps: steps.to_vec() };
        let steps =
            without(smallest.steps.clone(), |steps| Instant::now() < until && fails(&with(steps)));
        smallest.steps = steps;
        for at in 0..smallest.steps.len() {
            shrink_step(&mut smallest, at, &mut |script| Instant::now() < until && fails(script));
        }
        if size(&smallest) == before {
            return smallest;
        }
    }
}

/// Steps and what happens in them.
fn size(script: &Script) -> usize {
    let events = |step: &Step| 1 + step.touched.len() + step.removed.len() + step.admitted.len();
    script.steps.iter().map(events).sum()
}

fn shrink_step(script: &mut Script, at: usize, fails: &mut impl FnMut(&Script) -> bool) {
    let mut trial = script.clone();
    let touched = script.steps[at].touched.clone();
    script.steps[at].touched = without(touched, |rest| {
        trial.steps[at].touched = rest.to_vec();
        fails(&trial)
    });
    let mut trial = script.clone();
    let removed = script.steps[at].removed.clone();
    script.steps[at].removed = without(removed, |rest| {
        trial.steps[at].removed = rest.to_vec();
        fails(&trial)
    });
    let mut trial = script.clone();
    trial.steps[at].need = 0;
    trial.steps[at].admitted.iter_mut().for_each(|stored| (stored.cost_us, stored.ttl_ms) = (0, 0));
    if trial != *script && fails(&trial) {
        *script = trial;
    }
    let mut trial = script.clone();
    let admitted = script.steps[at].admitted.clone();
    script.steps[at].admitted = without(admitted, |rest| {
        trial.steps[at].admitted = rest.to_vec();
        fails(&trial)
    });
}

/// `items` without parts that do not matter: halves, then quarters, and so on.
fn without<T: Clone>(mut items: Vec<T>, mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut part = items.len().div_ceil(2);
    while part > 0 && !items.is_empty() {
        let mut start = 0;
        while start < items.len() {
            let end = (start + part).min(items.len());
            let rest = [&items[..start], &items[end..]].concat();
            if fails(&rest) {
                items = rest;
            } else {
                start = end;
            }
        }
        part = if part == 1 { 0 } else { part.div_ceil(2) };
    }
    items
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::policy::check::script::Setup;

    fn script() -> Script {
        let setup =
            Setup { capacity: 9, max_entries: 99, max_victims: 2, seed: 0, options: Vec::new() };
        let step = |at: u32| Step { touched: vec![at, 50 + at], ..Step::default() };
        Script { setup, steps: (0..40).map(step).collect() }
    }

    fn touches(script: &Script, slot: u32) -> bool {
        script.steps.iter().any(|step| step.touched.contains(&slot))
    }

    #[test]
    fn what_does_not_matter_is_left_out() {
        let until = Instant::now() + Duration::from_secs(600);
        let small = shrink(script(), until, |script| touches(script, 7) && touches(script, 81));
        let touched: Vec<Vec<u32>> = small.steps.into_iter().map(|step| step.touched).collect();
        assert_eq!(touched, [vec![7], vec![81]]);
    }

    #[test]
    fn the_smallest_so_far_is_kept_when_the_time_is_over() {
        assert_eq!(shrink(script(), Instant::now(), |_| true), script());
    }
}
