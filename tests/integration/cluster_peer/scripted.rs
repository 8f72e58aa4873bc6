//! A node whose answers are the test's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use psycache::error::Error;
use psycache::transport::remote::{Local, PeerCall, Request, Response};
use tokio::sync::{mpsc, oneshot};

use super::soon;

/// Hands each request to the test, and answers probes by itself.
pub(super) struct Scripted {
    asked: mpsc::UnboundedSender<Asked>,
    probed: mpsc::UnboundedSender<()>,
    /// It takes what comes, and answers nothing.
    pub(super) hangs: AtomicBool,
}

/// What the test sees of it.
pub(super) struct Script {
    asked: mpsc::UnboundedReceiver<Asked>,
    probed: mpsc::UnboundedReceiver<()>,
}

/// A request that is being worked on.
pub(super) struct Asked {
    pub(super) request: Request,
    answer: oneshot::Sender<Result<Response, Error>>,
}

impl Scripted {
    pub(super) fn new() -> (Arc<Self>, Script) {
        let (asked, script) = mpsc::unbounded_channel();
        let (probed, probes) = mpsc::unbounded_channel();
        let local = Self { asked, probed, hangs: AtomicBool::new(false) };
        (Arc::new(local), Script { asked: script, probed: probes })
    }
}

impl Local for Scripted {
    fn answer(&self, request: Request, _: Duration) -> BoxFuture<'_, Result<Response, Error>> {
        async move {
            if self.hangs.load(Ordering::Acquire) {
                std::future::pending().await
            }
            if matches!(request.call, PeerCall::Hello(_)) {
                self.probed.send(()).expect("the test looks");
                return Ok(Response::NotHeld);
            }
            let (answer, answered) = oneshot::channel();
            self.asked.send(Asked { request, answer }).expect("the test looks");
            answered.await.expect("the test answers")
        }
        .boxed()
    }
}

impl Script {
    /// The next request that is worked on.
    pub(super) async fn asked(&mut self) -> Asked {
        soon("a request arrives", self.asked.recv()).await.expect("the node lives")
    }

    /// Whether nothing more was asked so far.
    pub(super) fn is_over(&mut self) -> bool {
        self.asked.try_recv().is_err()
    }

    /// The next probe; the first comes with the connection.
    pub(super) async fn probed(&mut self) {
        soon("a probe arrives", self.probed.recv()).await.expect("the node lives");
    }
}

impl Asked {
    pub(super) fn answer(self, answer: Result<Response, Error>) {
        self.answer.send(answer).expect("it is worked on");
    }

    /// Waits until the node works on it no more.
    pub(super) async fn given_up(mut self) {
        soon("the work is given up", self.answer.closed()).await;
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.answer.is_closed()
    }
}
