//! Whether the node wants requests, told to everyone who asks in the same words:
//! grpc.health.v1, /readyz and the sessions.

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, HealthService};

use super::groups::Groups;

/// Where a node is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It does not know the other nodes yet.
    Starting,
    /// It answers.
    Ready,
    /// It answers, and leaves the cluster: whoever has a choice should ask another.
    Leaving,
    /// It is about to stop; what is in flight is finished.
    Draining,
}

/// The phase of a node, and who is told of it.
#[derive(Debug)]
pub struct Health {
    phase: watch::Sender<Phase>,
    reporter: HealthReporter,
    /// The services of grpc.health.v1: the node as a whole, "", and each group.
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

    /// The node knows the others, or gave up on the registry for now. Of a node
    /// that is draining already it changes nothing.
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
            // It may have begun to leave, and reported so, before this report.
            if self.phase() != Phase::Ready {
                self.report(ServingStatus::NotServing).await;
            }
        }
    }

    /// The node is about to leave: load balancers are to look elsewhere, and what they
    /// send meanwhile is answered.
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

    /// The node is about to stop: sessions end when their calls have.
    pub async fn drain(&self) {
        self.phase.send_replace(Phase::Draining);
        self.report(ServingStatus::NotServing).await;
    }

    /// Where the node is now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits for [`drain`](Self::drain).
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut phase = self.phase.subscribe();
        async move {
            // A health that was dropped can't be drained, nor is it asked any more.
            let _ = phase.wait_for(|phase| *phase == Phase::Draining).await;
        }
    }

    /// The service that answers grpc.health.v1.
    pub(super) fn service(&self) -> HealthService {
        HealthService::from_health_reporter(self.reporter.clone())
    }

    async fn report(&self, status: ServingStatus) {
        for service in &self.services {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
