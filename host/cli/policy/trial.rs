//! `psycache policy swap --if-better`: the policy is measured first, and watched after the swap.

use std::time::Duration;

use bytes::Bytes;
use futures::stream;

use super::chunks::chunks;
use crate::cli::connect::NodeArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::proto::try_policy_request::Part;
use crate::proto::{SwapPolicyHeader, TryPolicyHeader, TryPolicyRequest};

/// Guests of some languages compile for seconds. The trial itself takes as long as it takes.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Tries the policy, and prints what happens. Ending the command before the swap ends the
/// trial.
pub(super) async fn run(
    args: &NodeArgs,
    swap: SwapPolicyHeader,
    component: &Bytes,
    better_by: f64,
    span: Duration,
) -> anyhow::Result<()> {
    let node = args.connect(START_TIMEOUT).await?;
    let for_ms = span.as_millis() as u64;
    let header = Part::Header(TryPolicyHeader { swap: Some(swap), better_by, for_ms });
    let parts = std::iter::once(header).chain(chunks(component).map(Part::Component));
    let requests: Vec<_> = parts.map(|part| TryPolicyRequest { part: Some(part) }).collect();
    // Without a deadline, which would end the trial too.
    let call = tonic::Request::new(stream::iter(requests));
    let mut news = node.answer(node.admin().try_policy(call)).await?;
    while let Some(told) = news.message().await.map_err(|status| node.failure(&status))? {
        match told.state.as_str() {
            "kept" => return Ok(output::line(&told.sentence)?),
            "measuring" | "swapped" => output::line(&told.sentence)?,
            _ => return Err(Failure::new(Exit::Failed, told.sentence).into()),
        }
    }
    let message = "the node stopped before the trial ended; psycache status shows its policy";
    Err(Failure::new(Exit::Unavailable, message).into())
}
