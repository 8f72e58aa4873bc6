//! The handle of a shadow and its thread.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::plan::Plan;
use super::report::Report;
use super::run::{Gets, Next, Run};
use crate::clock::Clock;
use crate::policy::Waker;
use crate::store::Store;
use crate::sync::Mutex;

/// The pause of a thread that has nothing to replay. Nobody wakes it, because that would cost
/// the requests of the group something.
const PAUSE: Duration = Duration::from_millis(10);

/// A running shadow. Dropping it ends it.
pub struct Shadow {
    /// Replaced by the thread after each turn.
    report: Arc<Mutex<Report>>,
    is_over: Arc<AtomicBool>,
    /// Set by the handle; the thread looks at it after each turn.
    stop: Arc<AtomicBool>,
    /// The same, for [`recount`](Self::recount).
    recount: Arc<AtomicBool>,
    waker: Waker,
}

impl Shadow {
    /// Starts a shadow of `store`, which ends by itself after the time `keep`, and when the
    /// store is dropped.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn start(
        group: &str,
        plan: Plan,
        store: &Arc<Store>,
        clock: Clock,
        gets: Gets,
        keep: Option<Duration>,
    ) -> std::io::Result<Self> {
        let (mut run, report) = Run::new(plan, store, clock, gets, keep);
        let shadow = Self {
            report,
            is_over: Arc::default(),
            stop: Arc::default(),
            recount: Arc::default(),
            waker: Waker::default(),
        };
        let recount = Arc::clone(&shadow.recount);
        let (stop, waker) = (Arc::clone(&shadow.stop), shadow.waker.clone());
        let ending = Ending(Arc::clone(&shadow.is_over));
        std::thread::Builder::new().name(format!("shadow {group}")).spawn(move || {
            let _ending = ending;
            while !stop.load(Ordering::Relaxed) {
                if recount.swap(false, Ordering::Relaxed) {
                    run.recount();
                }
                match run.turn() {
                    Next::Again => {}
                    Next::Pause => {
                        waker.wait(Some(PAUSE));
                    }
                    Next::Stop => return,
                }
            }
        })?;
        Ok(shadow)
    }

    /// What it found out so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report.lock().clone()
    }

    /// Begins a new time in which it counts, with the caches as they are.
    pub fn recount(&self) {
        self.recount.store(true, Ordering::Relaxed);
        self.waker.wake();
    }

    /// Whether it has ended by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.waker.wake();
    }
}

impl fmt::Debug for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shadow").field("report", &self.report()).finish_non_exhaustive()
    }
}

/// Says that the thread has ended, also if it panicked.
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
