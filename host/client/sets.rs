//! Sets: made by one node at a time, so that a set that was delayed never replaces the value of
//! a later change.
//!
//! 1. A set waits, in the socket of a node that hangs.
//! 2. The client makes it through another node.
//! 3. Its caller makes a later change.
//! 4. The first node continues.
//!
//! Each attempt has a moment at which its time is over. The node does not begin it later, and
//! gives it up then (`SessionRequest.until_ms`). The client makes the next attempt, or fails,
//! only after that moment, unless the node has answered or has not read the set. So at 3 no
//! attempt is left that could change anything.

use tokio::time::{Instant, sleep_until};

use super::ask::Asker;
use super::node::CallOutcome;
use super::{Error, Reason};
use crate::proto::session_request::Call;
use crate::proto::session_response::Answer;
use crate::proto::{SetResult, set_result};

impl Asker {
    /// Makes a set of `key`, or of several of which it is the first, by one node after another
    /// until one has confirmed or refused it. The first attempt may take half of the timeout,
    /// the ones after it the rest.
    pub(super) async fn ask_to_set(&self, key: &str, call: Call) -> Result<Answer, Error> {
        let (timeout, end) = self.limit();
        let mut over = end - timeout / 2;
        // The last node that had the set and did not confirm it in its time, and what it said.
        let (mut again, mut refused) = (None, None);
        let mut route = self.routes.route(Some(key));
        loop {
            let now = Instant::now();
            if now >= over {
                over = end;
            }
            if now >= end {
                return refused.unwrap_or_else(|| Err(Error::late(self.timeout)));
            }
            let Some(node) = route.next().or_else(|| again.take()) else {
                if !self.routes.is_current(&route) {
                    route = self.routes.route(Some(key));
                    continue;
                }
                return refused.unwrap_or_else(|| Err(Error::unreachable(route.problem())));
            };
            match node.ask_until(call.clone(), over).await {
                // The time of the attempt was over, but not that of the call.
                CallOutcome::Answered(answer) if over < end && is_out_of_time(&answer) => {
                    (again, refused, over) = (Some(node), Some(answer), end);
                }
                CallOutcome::Answered(answer) => return answer,
                CallOutcome::Lost { problem, lingers } => {
                    route.lost(node.address(), &problem);
                    if lingers {
                        sleep_until(over).await;
                        refused = Some(Err(Error::not_confirmed(node.address(), &problem)));
                        again = Some(node);
                    }
                }
            }
        }
    }
}

/// Whether another attempt may do what this one did not in its time.
fn is_out_of_time(answer: &Result<Answer, Error>) -> bool {
    let is_of_time = |reason| matches!(reason, Reason::NotConfirmed | Reason::DeadlineExceeded);
    let is_out = |result: &SetResult| match &result.result {
        Some(set_result::Result::Failure(failure)) => is_of_time(Reason::named(&failure.reason)),
        _ => false,
    };
    match answer {
        Ok(Answer::SetMany(many)) => many.results.iter().any(is_out),
        Ok(_) => false,
        Err(error) => is_of_time(error.reason),
    }
}
