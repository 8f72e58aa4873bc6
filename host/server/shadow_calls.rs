//! The messages of the calls about shadows.

use std::time::Duration;

use bytes::BytesMut;
use tonic::{Status, Streaming};

use super::callers::Guest;
use super::groups::Groups;
use super::limit::restated;
use super::sent_policy::{PolicySwap, checked, grow, refused};
use super::status::status;
use crate::access::Role;
use crate::error::Error;
use crate::proto::start_shadow_request::Part;
use crate::proto::{ShadowHeader, ShadowPolicy, ShadowRow, ShadowStatus, StartShadowRequest};
use crate::shadow::{MOST_ROWS, Report, RowReport};

/// A request to start a shadow.
#[derive(Clone, Debug, PartialEq)]
pub struct ShadowStart {
    /// Name of the group.
    pub group: String,
    /// The candidates.
    pub policies: Vec<PolicySwap>,
    /// Multiples of the group's capacity.
    pub capacities: Vec<f64>,
    /// When it ends by itself; `None`: not before it is stopped.
    pub keep: Option<Duration>,
}

/// The shadow of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupShadow {
    /// Name of the group.
    pub group: String,
    /// The group's policy at present.
    pub live_policy: String,
    /// What it found out.
    pub report: Report,
}

/// Reads a request whose components have at most `limit` bytes together. The caller needs
/// the role for the group.
pub(super) async fn read(
    mut parts: Streaming<StartShadowRequest>,
    groups: &Groups,
    limit: usize,
    guest: &mut Guest,
) -> Result<ShadowStart, Status> {
    let first = parts.message().await.map_err(restated)?.and_then(|request| request.part);
    let Some(Part::Header(ShadowHeader { group, capacities, keep_ms })) = first else {
        return Err(status(&refused("header", "it must come first"), b""));
    };
    let told = |error: Error| status(&error, &group);
    guest.admit("StartShadow", Role::Admin, Some(&group)).map_err(told)?;
    let name = groups.of_request(&group).map_err(told)?.name().to_owned();
    let mut sent: Vec<(ShadowPolicy, BytesMut)> = Vec::new();
    // Bytes of the components before the last.
    let mut held = 0;
    while let Some(request) = parts.message().await.map_err(restated)? {
        let is_full = sent.len() == MOST_ROWS;
        match (request.part, sent.last_mut()) {
            (Some(Part::Policy(_)), _) if is_full => {
                let problem = format!("a shadow has at most {MOST_ROWS} policies");
                return Err(told(refused("policy", problem)));
            }
            (Some(Part::Policy(policy)), last) => {
                held += last.map_or(0, |(_, component)| component.len());
                sent.push((policy, BytesMut::new()));
            }
            (Some(Part::Component(part)), Some((_, component))) => {
                grow(component, &part, limit.saturating_sub(held)).map_err(told)?;
            }
            _ => return Err(told(refused("policy", "it must come before its component"))),
        }
    }
    let policies = sent.into_iter().map(|(policy, component)| {
        checked(name.clone(), policy.name, &policy.sha256, policy.options, component)
    });
    let policies = policies.collect::<Result<_, _>>().map_err(told)?;
    let keep = (keep_ms > 0).then(|| Duration::from_millis(keep_ms));
    Ok(ShadowStart { group: name, policies, capacities, keep })
}

/// The message about a shadow.
pub(super) fn shown(shadow: GroupShadow) -> ShadowStatus {
    let GroupShadow { group, live_policy, report } = shadow;
    ShadowStatus {
        group: group.into(),
        live_policy,
        age_ms: report.age.as_millis() as u64,
        ends_in_ms: report.ends_in.map_or(0, |left| (left.as_millis() as u64).max(1)),
        share: report.share,
        gets: report.gets,
        wanted_gets: report.wanted_gets,
        lost: report.lost,
        waiting: report.waiting,
        requests: report.requests,
        live_hit_ratio: report.live_hit_ratio,
        rows: report.rows.into_iter().map(row).collect(),
    }
}

fn row(row: RowReport) -> ShadowRow {
    let RowReport { policy, times, capacity_bytes, measured, problem } = row;
    ShadowRow {
        policy,
        capacity: times,
        capacity_bytes,
        hit_ratio: measured.map(|measured| measured.hit_ratio),
        error: measured.map(|measured| measured.error),
        loads_saved_per_second: measured.map(|measured| measured.loads_saved_per_second),
        problem: problem.unwrap_or_default(),
    }
}
