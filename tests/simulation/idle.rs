//! Tells when nothing can go on until time passes.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

/// Set when the runtime's thread is about to sleep.
#[derive(Clone, Default)]
pub(super) struct Idle(Arc<Mutex<IdleState>>);

#[derive(Default)]
struct IdleState {
    is: bool,
    waits: Option<Waker>,
}

impl Idle {
    pub(super) fn runtime(&self) -> tokio::runtime::Runtime {
        let idle = self.clone();
        tokio::runtime::Builder::new_current_thread()
            .on_thread_park(move || idle.notice())
            .build()
            .expect("a runtime without drivers")
    }

    fn notice(&self) {
        let mut state = self.0.lock();
        if let Some(waits) = state.waits.take() {
            state.is = true;
            waits.wake();
        }
    }

    /// Returns when every task waits for something.
    pub(super) async fn reached(&self) {
        poll_fn(|context| {
            let mut state = self.0.lock();
            if std::mem::take(&mut state.is) {
                return Poll::Ready(());
            }
            state.waits = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
