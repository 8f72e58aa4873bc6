//! Routes a request of another node to the group that it names, or to the ownership.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::Groups;
use crate::error::Error;
use crate::key;
use crate::ownership::Ownership;
use crate::transport::remote::{Local, PeerCall, Request, Response};

/// This node, as the callee of other nodes.
pub struct LocalNode {
    groups: Groups,
    ownership: Arc<Ownership>,
}

impl LocalNode {
    /// A node with these groups and the ownership of their keys.
    #[must_use]
    pub fn new(groups: Groups, ownership: Arc<Ownership>) -> Self {
        Self { groups, ownership }
    }

    /// Answers a removal for a group that this node does not have. There is nothing to drop.
    fn drop_nothing(&self, request: &Request) -> Result<Response, Error> {
        let holds = request.key.is_empty()
            || self.ownership.holds(key::ring_hash(key::parse(&request.key)?));
        if !holds {
            return Ok(self.ownership.not_holder(request.revision));
        }
        Ok(Response::Done { count: 0, version: 0, name: self.ownership.name() })
    }
}

impl Local for LocalNode {
    fn answer(&self, request: Request, within: Duration) -> BoxFuture<'_, Result<Response, Error>> {
        async move {
            if let PeerCall::Hello(_) | PeerCall::Join { .. } | PeerCall::Vouch { .. } =
                request.call
            {
                return self.ownership.answer(request.call, within).await;
            }
            if let Some(refusal) = self.ownership.refuse_stranger(&request) {
                return Ok(refusal);
            }
            match (self.groups.of_request(&request.group), &request.call) {
                (Ok(group), _) => group.answer(request, within).await,
                (Err(_), PeerCall::Remove | PeerCall::Clear) => self.drop_nothing(&request),
                (Err(unknown), _) => Err(unknown),
            }
        }
        .boxed()
    }

    fn answer_from_memory(&self, request: &Request) -> Option<Result<Response, Error>> {
        let is_get = matches!(request.call, PeerCall::Get);
        if !is_get || self.ownership.refuse_stranger(request).is_some() {
            return None;
        }
        self.groups.of_request(&request.group).ok()?.answer_from_memory(&request.key)
    }
}
