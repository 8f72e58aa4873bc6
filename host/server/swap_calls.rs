//! The messages of a policy's swap.

use tonic::{Status, Streaming};

use super::groups::Groups;
use super::sent_policy::{PolicySwap, checked, component};
use super::status::status;
use crate::error::Error;
use crate::proto::swap_policy_request::Part;
use crate::proto::{SwapPolicyHeader, SwapPolicyRequest};

/// Reads the rest of a request, whose component has at most `limit` bytes. The caller has the role
/// for the group.
pub(super) async fn read(
    header: SwapPolicyHeader,
    mut parts: Streaming<SwapPolicyRequest>,
    groups: &Groups,
    limit: usize,
) -> Result<PolicySwap, Status> {
    let SwapPolicyHeader { group, name, sha256, options } = header;
    let told = |error: Error| status(&error, &group);
    let of_group = groups.of_request(&group).map_err(told)?.name().to_owned();
    let bytes = |request: SwapPolicyRequest| match request.part {
        Some(Part::Component(bytes)) => Some(bytes),
        _ => None,
    };
    let component = component(&mut parts, bytes, limit, &group).await?;
    checked(of_group, name, &sha256, options, component).map_err(told)
}
