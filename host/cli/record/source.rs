//! The recording of one node, as its parts arrive.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use super::access::Sums;
use crate::cli::connect::Node;
use crate::cli::exit::{Exit, Failure};
use crate::proto::{RecordRequest, RecordResponse, RecordedAccess};

/// A node tells a part at least every 100 ms. One that is silent for so long is given up.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// A node that is being recorded.
pub(super) struct Source {
    node: Node,
    parts: Streaming<RecordResponse>,
    one_in: NonZeroU32,
    /// When its recording began, as all times here count.
    began_ms: u64,
    /// What arrived and is not taken yet.
    accesses: VecDeque<RecordedAccess>,
    until_ms: u64,
    sums: Sums,
    is_over: bool,
    /// When it told something last, or began.
    heard: Instant,
}

impl Source {
    /// Begins a recording whose times count from `zero`, whatever the clock of the node shows.
    ///
    /// # Errors
    /// The node refuses it, or is not there.
    pub(super) async fn begin(
        node: Node,
        request: RecordRequest,
        zero: Instant,
    ) -> Result<Self, Failure> {
        // Without a deadline, which would end the recording too.
        let call = tonic::Request::new(request);
        let parts = node.answer(node.admin().record(call)).await?;
        let mut source = Self {
            node,
            parts,
            one_in: NonZeroU32::MIN,
            began_ms: zero.elapsed().as_millis() as u64,
            accesses: VecDeque::new(),
            until_ms: 0,
            sums: Sums::default(),
            is_over: false,
            heard: Instant::now(),
        };
        source.receive().await?;
        Ok(source)
    }

    /// Waits for the next part.
    ///
    /// # Errors
    /// The node stops, is silent, or fails. The source is over then.
    pub(super) async fn receive(&mut self) -> Result<(), Failure> {
        // What has arrived meanwhile is taken first. So nodes that are silent together are given
        // up together, and the others are not kept waiting for each in turn.
        let silent = self.heard + LONGEST_SILENCE;
        let received = tokio::time::timeout_at(silent, self.parts.message()).await;
        self.heard = Instant::now();
        let part = match received {
            Ok(Ok(Some(part))) => part,
            failed => {
                self.is_over = true;
                return Err(self.failure(failed.map_err(drop)));
            }
        };
        self.one_in = NonZeroU32::new(part.one_in).unwrap_or(NonZeroU32::MIN);
        let began_ms = self.began_ms;
        self.until_ms = began_ms.saturating_add(part.until_ms);
        self.accesses.extend(part.accesses.into_iter().map(|access| RecordedAccess {
            at_ms: began_ms.saturating_add(access.at_ms),
            ..access
        }));
        self.sums = Sums { gets: part.gets, found: part.found, lost: part.lost };
        self.is_over = part.is_last;
        Ok(())
    }

    fn failure(&self, failed: Result<Result<Option<RecordResponse>, Status>, ()>) -> Failure {
        let address = self.node.address();
        let what = match failed {
            // Without details the error is of the transport: the node stops, or the connection broke.
            Ok(Err(status)) if status.code() != Code::Unavailable || is_of_node(&status) => {
                return self.node.failure(&status);
            }
            Ok(_) => "stopped during the recording",
            Err(()) => "said nothing for ten seconds",
        };
        Failure::new(
            Exit::Unavailable,
            format!("the node {address} {what}; what it had told is in the file"),
        )
    }

    /// One key in so many is recorded.
    pub(super) fn one_in(&self) -> NonZeroU32 {
        self.one_in
    }

    /// Whether nothing more will arrive.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// What the node counted so far.
    pub(super) fn sums(&self) -> Sums {
        self.sums
    }

    /// All before this time has arrived.
    pub(super) fn until_ms(&self) -> u64 {
        self.until_ms
    }

    /// When the oldest access happened that was not taken.
    pub(super) fn first_ms(&self) -> Option<u64> {
        self.accesses.front().map(|access| access.at_ms)
    }

    /// Takes it.
    pub(super) fn take(&mut self) -> Option<RecordedAccess> {
        self.accesses.pop_front()
    }
}

/// Whether a node has said this, and not the transport.
fn is_of_node(status: &Status) -> bool {
    status.get_error_details().error_info().is_some()
}
