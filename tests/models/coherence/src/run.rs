//! Runs searches on two threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::job::Job;
use crate::search::Report;

/// Searches at a time: two of the largest take some 3 GB.
const WORKERS: usize = 2;

/// Runs all jobs, and calls `done` with each in turn. A search gives up beyond `most`
/// states.
pub fn run(jobs: &[Job], most: usize, mut done: impl FnMut(&Job, &Report)) {
    let next = AtomicUsize::new(0);
    let (reports, reported) = mpsc::channel();
    std::thread::scope(|threads| {
        for _ in 0..WORKERS {
            let (reports, next) = (reports.clone(), &next);
            threads.spawn(move || {
                while let Some((at, job)) = take(jobs, next) {
                    // The receiver lives until all threads have ended.
                    let _ = reports.send((at, job.run(most)));
                }
            });
        }
        drop(reports);
        let mut early = std::collections::BTreeMap::new();
        let mut at = 0;
        for (reported_at, report) in reported {
            early.insert(reported_at, report);
            while let Some(report) = early.remove(&at) {
                done(&jobs[at], &report);
                at += 1;
            }
        }
    });
}

fn take<'a>(jobs: &'a [Job], next: &AtomicUsize) -> Option<(usize, &'a Job)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(at).map(|job| (at, job))
}
