//! A get that a request asks for, counted and timed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::group::Group;
use crate::key;
use crate::telemetry::{GetResult, RpcSpan};
use crate::value::Answer;

/// Gets `key`, as sent. Records the result in `span`.
pub(super) async fn counted(
    group: &Arc<Group>,
    key: &[u8],
    within: Duration,
    span: &RpcSpan,
) -> Result<Answer, Error> {
    let began = Instant::now();
    let (result, answer) = match key::parse(key) {
        Ok(key) => group.get_and_tell(key, within).await,
        Err(error) => {
            group.counters().count_get(GetResult::Error);
            (GetResult::Error, Err(error))
        }
    };
    group.counters().time_get(result, began.elapsed());
    span.got(result);
    answer
}
