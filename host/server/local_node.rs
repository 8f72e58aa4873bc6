//! Who answers other nodes: the group that a request names, or the cluster.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::Groups;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::transport::remote::{Call, Local, Request, Response};

/// This node, as others ask it.
pub struct LocalNode {
    groups: Groups,
    cluster: Arc<Cluster>,
}

impl LocalNode {
    /// A node with these groups, in this cluster.
    #[must_use]
    pub fn new(groups: Groups, cluster: Arc<Cluster>) -> Self {
        Self { groups, cluster }
    }
}

impl Local for LocalNode {
    fn answer(&self, request: Request, within: Duration) -> BoxFuture<'_, Result<Response, Error>> {
        async move {
            match request.call {
                Call::Greet { from, leaving, process } => {
                    self.cluster.greeted_by(&from, process, leaving)
                }
                _ => self.groups.find(&request.group)?.answer(request, within).await,
            }
        }
        .boxed()
    }
}
