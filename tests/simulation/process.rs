//! A process: a runtime of its own, so that it can be paused, and ends at once with all
//! that it was about.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;

use super::idle::Idle;

pub(super) struct Process {
    handle: Handle,
    idle: Idle,
    /// `None`: it has ended. Taken out where no task runs, as a runtime can't be dropped
    /// by a task.
    runtime: Mutex<Option<Runtime>>,
    paused: AtomicBool,
    life: Arc<Life>,
}

/// Whether a process has ended, for those who wait for something in it.
#[derive(Default)]
struct Life {
    has_ended: AtomicBool,
    told: Notify,
}

/// Something that runs in a process.
pub(super) struct Running<T> {
    end: oneshot::Receiver<T>,
    task: AbortHandle,
    life: Arc<Life>,
}

impl<T> Running<T> {
    /// What it came to; `None`: it was given up, or its process has ended.
    pub(super) async fn end(&mut self) -> Option<T> {
        // Not by what its end drops: a runtime drops its tasks in no order that follows from
        // the seed.
        let told = self.life.told.notified();
        if self.life.has_ended.load(Ordering::Relaxed) {
            return None;
        }
        tokio::select! {
            biased;
            () = told => None,
            value = &mut self.end => value.ok(),
        }
    }

    /// What it came to, if it is over.
    pub(super) fn now(&mut self) -> Option<T> {
        self.end.try_recv().ok()
    }

    pub(super) fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    pub(super) fn give_up(&self) {
        self.task.abort();
    }
}

impl Process {
    pub(super) fn new() -> Self {
        let idle = Idle::default();
        let runtime = idle.runtime();
        Self {
            handle: runtime.handle().clone(),
            idle,
            runtime: Mutex::new(Some(runtime)),
            paused: AtomicBool::new(false),
            life: Arc::default(),
        }
    }

    /// Runs `work` in this process. In one that has ended it is dropped.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Running<T> {
        let (done, end) = oneshot::channel();
        let task = self.handle.spawn(async move { drop(done.send(work.await)) });
        Running { end, task: task.abort_handle(), life: Arc::clone(&self.life) }
    }

    /// What is built here may start tasks of this process.
    pub(super) fn within<T>(&self, build: impl FnOnce() -> T) -> T {
        let _within = self.handle.enter();
        build()
    }

    /// Nothing of it runs until it goes on, while time does.
    pub(super) fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// Nothing of it runs ever after.
    pub(super) fn end(&self) {
        self.life.has_ended.store(true, Ordering::Relaxed);
        self.life.told.notify_waiters();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.life.has_ended.load(Ordering::Relaxed)
    }

    /// Runs until all in it waits for something. Answers whether there was anything to
    /// do. Not from a task.
    pub(super) fn settle(&self) -> bool {
        // What is left over when a runtime stops, and what others wake, is in this queue.
        let has_work = self.handle.metrics().global_queue_depth() > 0;
        if !has_work || self.is_paused() || self.has_ended() {
            return false;
        }
        if let Some(runtime) = &*self.runtime.lock() {
            runtime.block_on(self.idle.reached());
        }
        true
    }

    /// Drops what an ended process was about. Not from a task.
    pub(super) fn bury(&self) {
        let runtime = self.runtime.lock().take();
        drop(runtime);
    }
}
