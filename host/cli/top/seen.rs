//! What a node says of itself at one moment, with the two calls that `status` and `shadow` make.

use std::time::Instant;

use bytes::Bytes;

use crate::cli::connect::Node;
use crate::cli::exit::Failure;
use crate::cli::status::Report;
use crate::proto::{ListShadowsRequest, ShadowStatus, StatusRequest};
use crate::server::Sample;

/// A node at one moment.
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) report: Report,
    /// The counters of each group, in the order of the report.
    pub(super) samples: Vec<Sample>,
    pub(super) shadows: Vec<ShadowStatus>,
}

impl Seen {
    /// Asks `node`. Samples count their time from `began`.
    ///
    /// # Errors
    /// Those of the calls.
    pub(super) async fn ask(node: &Node, began: Instant) -> Result<Self, Failure> {
        let status = node.answer(node.admin().status(node.request(StatusRequest {}))).await?;
        let at = Instant::now();
        let all = ListShadowsRequest { group: Bytes::new() };
        let shadows = node.answer(node.admin().list_shadows(node.request(all))).await?.shadows;
        let at_ms = at.duration_since(began).as_millis() as u64;
        let samples = status.groups.iter().map(|group| Sample::of(group, at_ms)).collect();
        Ok(Self { at, samples, report: Report::from(status), shadows })
    }

    /// The shadow of a group.
    pub(super) fn shadow(&self, group: &str) -> Option<&ShadowStatus> {
        self.shadows.iter().find(|shadow| shadow.group == group.as_bytes())
    }
}
