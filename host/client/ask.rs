//! Asks one node after another, until one answers.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::node::CallOutcome;
use super::nodes::{Route, Routes};
use super::{Error, Reason};
use crate::proto::session_request::Call;
use crate::proto::session_response::Answer;

/// The upper limit of a timeout, so that adding it to an instant can't overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Asks the nodes of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) routes: Arc<Routes>,
    /// Of each call.
    pub(super) timeout: Duration,
    /// The most bytes of the values of a call.
    pub(super) max_value_bytes: usize,
}

impl Asker {
    /// The timeout of a call that begins now, and the moment at which it ends.
    pub(super) fn limit(&self) -> (Duration, Instant) {
        let timeout = self.timeout.min(LONGEST);
        (timeout, Instant::now() + timeout)
    }

    /// Asks one node after another until one answers. If the first has not answered after half
    /// of the timeout, the client also asks the next: the node may hang. It keeps waiting for
    /// the first, because only the source may be slow.
    pub(super) async fn ask(&self, key: Option<&str>, call: Call) -> Result<Answer, Error> {
        let (timeout, end) = self.limit();
        let mut route = self.routes.route(key);
        let Some(first) = route.next() else {
            return Err(Error::unreachable(route.problem()));
        };
        let mut asked = pin!(first.ask(call.clone(), end));
        let early = timeout_at(end - timeout / 2, &mut asked).await;
        let late = async {
            match early {
                Ok(CallOutcome::Answered(answer)) => answer,
                Ok(CallOutcome::Lost { problem, .. }) => {
                    route.lost(first.address(), &problem);
                    self.ask_the_rest(key, route, &call, end).await
                }
                Err(_) => beside(asked, self.ask_the_rest(key, route, &call, end)).await,
            }
        };
        timeout_at(end, late).await.unwrap_or_else(|_| Err(Error::late(self.timeout)))
    }

    /// Asks the nodes of `route`, and then the nodes that came since it was made.
    async fn ask_the_rest(
        &self,
        key: Option<&str>,
        mut route: Route,
        call: &Call,
        end: Instant,
    ) -> Result<Answer, Error> {
        loop {
            while let Some(node) = route.next() {
                match node.ask(call.clone(), end).await {
                    CallOutcome::Answered(answer) => return answer,
                    CallOutcome::Lost { problem, .. } => route.lost(node.address(), &problem),
                }
            }
            if self.routes.is_current(&route) {
                return Err(Error::unreachable(route.problem()));
            }
            route = self.routes.route(key);
        }
    }
}

/// The answer of `first` or of `rest`, whichever comes first.
async fn beside(
    mut first: Pin<&mut impl Future<Output = CallOutcome>>,
    rest: impl Future<Output = Result<Answer, Error>>,
) -> Result<Answer, Error> {
    let mut rest = pin!(rest);
    tokio::select! {
        answer = &mut first => match answer {
            CallOutcome::Answered(answer) => answer,
            CallOutcome::Lost { .. } => rest.await,
        },
        answer = &mut rest => match answer {
            Err(error) if error.reason == Reason::Unreachable => match first.await {
                CallOutcome::Answered(answer) => answer,
                CallOutcome::Lost { .. } => Err(error),
            },
            answer => answer,
        },
    }
}
