//! The readiness of the node, shared by grpc.health.v1, /readyz and the sessions.

use std::collections::BTreeSet;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt};
use tokio::sync::watch;

use super::groups::Groups;

/// The phases of a node's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The node does not know the other nodes yet.
    Starting,
    /// The node serves requests.
    Ready,
    /// The node leaves the cluster. It still serves requests, but clients should use others.
    Leaving,
    /// The node stops. Requests in flight are finished.
    Draining,
}

/// The phase of a node, published to its observers.
#[derive(Debug)]
pub struct Health {
    phase: watch::Sender<Phase>,
    groups: BTreeSet<String>,
}

/// Watches for the node to drain.
pub(super) struct DrainWatch {
    phase: watch::Receiver<Phase>,
    begun: BoxFuture<'static, ()>,
}

impl DrainWatch {
    /// Whether the node drains. Compares a version number, and registers no waker.
    pub(super) fn has_begun(&mut self) -> bool {
        match self.phase.has_changed() {
            Ok(false) => false,
            Ok(true) => *self.phase.borrow_and_update() == Phase::Draining,
            // `Health` was dropped, and with it the server.
            Err(_) => true,
        }
    }

    /// Ready as soon as the node drains. Registers the waker.
    pub(super) fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.begun.poll_unpin(cx)
    }
}

impl Health {
    /// The health of a node with these groups that is [`Phase::Starting`].
    #[must_use]
    pub fn starting(groups: &Groups) -> Self {
        Self {
            phase: watch::Sender::new(Phase::Starting),
            groups: groups.names().map(str::to_owned).collect(),
        }
    }

    /// Marks the node as ready, because it knows the other nodes or has stopped waiting for
    /// the registry. Does nothing unless the node is [`Phase::Starting`].
    pub fn ready(&self) {
        self.phase.send_if_modified(|phase| {
            let starts = *phase == Phase::Starting;
            if starts {
                *phase = Phase::Ready;
            }
            starts
        });
    }

    /// Marks the node as leaving, so that load balancers choose other nodes. Requests are
    /// still served. Does not undo [`drain`](Self::drain).
    pub fn leave(&self) {
        self.phase.send_if_modified(|phase| {
            let stays = *phase != Phase::Draining;
            if stays {
                *phase = Phase::Leaving;
            }
            stays
        });
    }

    /// Marks the node as draining. Sessions end when their running calls have ended, and
    /// watches of the health end at once.
    pub fn drain(&self) {
        self.phase.send_replace(Phase::Draining);
    }

    /// The current phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits for [`drain`](Self::drain).
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut phase = self.phase.subscribe();
        async move {
            // An error means that `Health` was dropped, and with it the server.
            let _ = phase.wait_for(|phase| *phase == Phase::Draining).await;
        }
    }

    /// As [`draining`](Self::draining), for a caller that asks often.
    pub(super) fn drain_watch(&self) -> DrainWatch {
        let mut phase = self.phase.subscribe();
        // What the phase is now was not seen yet.
        phase.mark_changed();
        DrainWatch { phase, begun: self.draining().boxed() }
    }

    /// The current phase and each later one.
    pub(super) fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Whether the node has a group of this name.
    pub(super) fn has_group(&self, name: &str) -> bool {
        self.groups.contains(name)
    }
}
