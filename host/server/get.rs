//! A get that a request asks for, counted and timed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::group::Group;
use crate::key;
use crate::telemetry::{GetResult, RpcSpan};
use crate::value::Answer;

/// Gets `key`, as sent. Records the result in `span`. Also returns for how many milliseconds
/// the value is lent to the caller, if it `may_borrow`.
pub(super) async fn counted(
    group: &Arc<Group>,
    key: &[u8],
    may_borrow: bool,
    within: Duration,
    span: &RpcSpan,
) -> Result<(Answer, u64), Error> {
    let began = Instant::now();
    let (result, answer, lent_ms) = match key::parse(key) {
        Ok(key) if may_borrow => group.get_and_lend(key, within).await,
        Ok(key) => {
            let (result, answer) = group.get_and_tell(key, within).await;
            (result, answer, 0)
        }
        Err(error) => {
            group.counters().count_get(GetResult::Error);
            (GetResult::Error, Err(error), 0)
        }
    };
    group.counters().time_get(result, began.elapsed());
    span.got(result);
    answer.map(|answer| (answer, lent_ms))
}

/// Gets `key`, as sent, if it is in this node's memory. `None`, and nothing counted: it is not
/// there, or it is no key.
pub(super) fn from_memory(group: &Arc<Group>, key: &[u8]) -> Option<Result<Answer, Error>> {
    let began = Instant::now();
    let (result, answer) = group.get_from_memory(key::parse(key).ok()?)?;
    group.counters().time_get(result, began.elapsed());
    Some(answer)
}
