//! A thread that advances the engines' epochs while a guest runs, and sleeps otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// The time between two ticks. A guest is stopped at the first tick after its deadline, and a
/// retriever that computes yields its thread at each tick but the first after a wait.
const TICK: Duration = Duration::from_millis(1);

/// The number of ticks without a guest after which the thread goes to sleep. Waking it costs
/// more than a step, so it stays awake for a policy that is called often.
const LINGER: u32 = 20;

/// Owns the thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug)]
struct Shared {
    /// The number of guests that run now. Accesses of `running` and `awake` are sequentially
    /// consistent: one side writes `running` and reads `awake`, the other writes `awake` and
    /// reads `running`. At least one of them must see the other's write.
    running: AtomicUsize,
    awake: AtomicBool,
    stop: AtomicBool,
}

impl Ticker {
    /// Starts the thread, asleep.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(engines: Vec<Engine>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            running: AtomicUsize::new(0),
            awake: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("plugin-ticker".into())
            .spawn(move || tick(&own, &engines))?;
        let thread = thread.thread().clone();
        Ok(Self { shared, thread })
    }

    /// Keeps the epochs moving until the answer is dropped.
    pub(super) fn run(&self) -> Running<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if !self.shared.awake.load(Ordering::SeqCst) {
            self.shared.awake.store(true, Ordering::SeqCst);
            self.thread.unpark();
        }
        Running(&self.shared)
    }

    /// The number of epochs that last for at least `limit`.
    pub(super) fn ticks(limit: Duration) -> u64 {
        (limit.as_millis() / TICK.as_millis()) as u64 + 1
    }

    #[cfg(test)]
    pub(super) fn is_awake(&self) -> bool {
        self.shared.awake.load(Ordering::SeqCst)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// A running guest.
pub(super) struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(shared: &Shared, engines: &[Engine]) {
    let mut idle = 0;
    while !shared.stop.load(Ordering::SeqCst) {
        if !shared.awake.load(Ordering::SeqCst) {
            thread::park();
            continue;
        }
        // Nothing unparks a thread that is awake but `drop`, so this is a sleep
        // that the end of the process cuts short.
        thread::park_timeout(TICK);
        engines.iter().for_each(Engine::increment_epoch);
        if shared.running.load(Ordering::SeqCst) > 0 {
            idle = 0;
        } else {
            idle += 1;
        }
        if idle >= LINGER {
            idle = 0;
            shared.awake.store(false, Ordering::SeqCst);
            // A guest that started before that store saw the thread awake.
            if shared.running.load(Ordering::SeqCst) > 0 {
                shared.awake.store(true, Ordering::SeqCst);
            }
        }
    }
}
