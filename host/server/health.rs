//! The readiness of the node, shared by grpc.health.v1, /readyz and the sessions.

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, HealthService};

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
    reporter: HealthReporter,
    /// Service names of grpc.health.v1: "" for the node as a whole, and each group.
    services: Vec<String>,
}

impl Health {
    /// The health of a node with these groups that is [`Phase::Starting`].
    pub async fn starting(groups: &Groups) -> Self {
        let whole = [String::new()].into_iter();
        let health = Self {
            phase: watch::Sender::new(Phase::Starting),
            reporter: HealthReporter::new(),
            services: whole.chain(groups.names().map(str::to_owned)).collect(),
        };
        health.report(ServingStatus::NotServing).await;
        health
    }

    /// Marks the node as ready, because it knows the other nodes or has stopped waiting for
    /// the registry. Does nothing unless the node is [`Phase::Starting`].
    pub async fn ready(&self) {
        let began = self.phase.send_if_modified(|phase| {
            let starts = *phase == Phase::Starting;
            if starts {
                *phase = Phase::Ready;
            }
            starts
        });
        if began {
            self.report(ServingStatus::Serving).await;
            // `leave` may have reported "not serving" before this report.
            if self.phase() != Phase::Ready {
                self.report(ServingStatus::NotServing).await;
            }
        }
    }

    /// Marks the node as leaving, so that load balancers choose other nodes. Requests are
    /// still served. Does not undo [`drain`](Self::drain).
    pub async fn leave(&self) {
        self.phase.send_if_modified(|phase| {
            let stays = *phase != Phase::Draining;
            if stays {
                *phase = Phase::Leaving;
            }
            stays
        });
        self.report(ServingStatus::NotServing).await;
    }

    /// Marks the node as draining. Sessions end when their running calls have ended.
    pub async fn drain(&self) {
        self.phase.send_replace(Phase::Draining);
        self.report(ServingStatus::NotServing).await;
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

    /// The service for grpc.health.v1.
    pub(super) fn service(&self) -> HealthService {
        HealthService::from_health_reporter(self.reporter.clone())
    }

    async fn report(&self, status: ServingStatus) {
        for service in &self.services {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
