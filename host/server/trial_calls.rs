//! The messages of a policy's trial.

use std::time::Duration;

use tonic::{Status, Streaming};

use super::callers::Guest;
use super::groups::Groups;
use super::limit::restated;
use super::sent_policy::{self, PolicySwap, refused};
use super::status::status;
use crate::access::Role;
use crate::error::Error;
use crate::proto::try_policy_request::Part;
use crate::proto::{TryPolicyHeader, TryPolicyRequest, TryPolicyResponse};

/// The longest trial.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A request to try a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyTrial {
    /// The policy, and the group.
    pub swap: PolicySwap,
    /// By how much its hit ratio must be higher, from 0 to 1.
    pub better_by: f64,
    /// How long it is measured, and then watched.
    pub span: Duration,
}

/// What happened in a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialNews {
    /// How far it is.
    pub state: TrialState,
    /// What was measured and done, for people.
    pub sentence: String,
}

/// How far a trial is. All but the first two are its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialState {
    /// The policy is measured beside the live one.
    Measuring,
    /// It is the group's policy, which is watched.
    Swapped,
    /// The group hits no less than before.
    Kept,
    /// The policy was swapped in and stays, but too little was asked to say what it does.
    Unjudged,
    /// It is not better by enough, or too little was asked to know.
    NotBetter,
    /// The group hit less than before, so the old policy is back.
    WentBack,
    /// The policy failed.
    Failed,
}

impl TrialState {
    /// The word in messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Measuring => "measuring",
            Self::Swapped => "swapped",
            Self::Kept => "kept",
            Self::Unjudged => "unjudged",
            Self::NotBetter => "not-better",
            Self::WentBack => "went-back",
            Self::Failed => "failed",
        }
    }
}

/// Reads a request whose component has at most `limit` bytes. The caller needs the role
/// for the group.
pub(super) async fn read(
    mut parts: Streaming<TryPolicyRequest>,
    groups: &Groups,
    limit: usize,
    guest: &mut Guest,
) -> Result<PolicyTrial, Status> {
    let first = parts.message().await.map_err(restated)?.and_then(|request| request.part);
    let Some(Part::Header(TryPolicyHeader { swap: Some(header), better_by, for_ms })) = first
    else {
        return Err(status(&refused("header", "it must come first, with a policy"), b""));
    };
    let group = header.group.clone();
    let told = |error: Error| status(&error, &group);
    guest.admit("TryPolicy", Role::Admin, Some(&group)).map_err(told)?;
    let bytes = |request: TryPolicyRequest| match request.part {
        Some(Part::Component(bytes)) => Some(bytes),
        _ => None,
    };
    let swap = sent_policy::read(header, parts, bytes, groups, limit).await?;
    checked_trial(swap, better_by, for_ms).map_err(told)
}

/// The trial of a policy whose header was read.
fn checked_trial(swap: PolicySwap, better_by: f64, for_ms: u64) -> Result<PolicyTrial, Error> {
    if !(0.0..1.0).contains(&better_by) {
        let problem = "it is a difference of hit ratios, from 0 to below 1, such as 0.01";
        return Err(refused("better_by", problem));
    }
    let span = Duration::from_millis(for_ms);
    if span.is_zero() || span > LONGEST {
        return Err(refused("for_ms", "a trial takes from 1 ms to 7 days"));
    }
    Ok(PolicyTrial { swap, better_by, span })
}

/// The message about what happened.
pub(super) fn told(news: TrialNews) -> TryPolicyResponse {
    TryPolicyResponse { state: news.state.word().into(), sentence: news.sentence }
}
