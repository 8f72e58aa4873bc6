//! One client in the process, which records the latency of each get.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use psycache::group::Group;

/// Buckets of an eighth of an octave, from 1 ns to a minute.
const BUCKETS: usize = 36 * 8;

/// Keys as applications have them, 16 bytes long.
pub(super) fn key(nth: u32) -> String {
    format!("key-{nth:012}")
}

/// Asks until it is dropped.
pub(super) struct Client {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    counts: [AtomicU64; BUCKETS],
}

impl Client {
    pub(super) fn start(group: Arc<Group>, entries: u32) -> Self {
        let counts = [const { AtomicU64::new(0) }; BUCKETS];
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), counts });
        let own = Arc::clone(&shared);
        let thread = std::thread::spawn(move || ask(&own, &group, entries));
        Self { shared, thread: Some(thread) }
    }

    /// Begins to count anew.
    pub(super) fn forget(&mut self) {
        self.shared.counts.iter().for_each(|count| count.store(0, Relaxed));
    }

    /// The 99th percentile of the gets since then.
    pub(super) fn p99_ns(&self) -> f64 {
        let counts: Vec<u64> = self.shared.counts.iter().map(|count| count.load(Relaxed)).collect();
        let most = counts.iter().sum::<u64>() * 99 / 100;
        let mut seen = 0;
        let reached = counts.iter().position(|count| {
            seen += count;
            seen > most
        });
        2_f64.powf((reached.unwrap_or(0) + 1) as f64 / 8.0)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn ask(shared: &Shared, group: &Arc<Group>, entries: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime of one thread");
    // Made beforehand: only the get is timed.
    let step = (entries / 4096).max(1);
    let keys: Vec<String> = (0..entries).step_by(step as usize).map(key).collect();
    #[expect(clippy::disallowed_methods, reason = "outside of any other runtime")]
    runtime.block_on(async {
        for nth in (0..keys.len()).cycle() {
            if shared.stop.load(Relaxed) {
                return;
            }
            let begun = Instant::now();
            let found = group.get(&keys[nth * 31 % keys.len()], Duration::from_secs(1)).await;
            let took_ns = begun.elapsed().as_nanos().max(1) as f64;
            assert!(found.is_ok(), "{found:?}");
            let bucket = (took_ns.log2() * 8.0) as usize;
            shared.counts[bucket.min(BUCKETS - 1)].fetch_add(1, Relaxed);
        }
    });
}
