//! Who swaps policies of a node and looks after it.

use bytes::Bytes;
use psycache::proto::admin_client::AdminClient;
use psycache::proto::swap_policy_request::Part;
use psycache::proto::{
    GroupStatus, PluginStatus, StatusRequest, SwapPolicyHeader, SwapPolicyRequest,
    SwapPolicyResponse,
};
use sha2::{Digest, Sha256};
use tonic::Status;
use tonic::transport::Channel;

const CHUNK_BYTES: usize = 1 << 20;

pub(super) async fn connect(address: &str) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

#[derive(Clone)]
pub(super) struct Operator {
    admin: AdminClient<Channel>,
    group: &'static str,
}

impl Operator {
    pub(super) async fn of(address: &str, group: &'static str) -> Self {
        Self { admin: AdminClient::new(connect(address).await), group }
    }

    /// Swaps a built-in in.
    pub(super) async fn swap_to(&mut self, builtin: &str) -> Result<SwapPolicyResponse, Status> {
        self.send(builtin, String::new(), Bytes::new()).await
    }

    /// Swaps a component in.
    pub(super) async fn swap(
        &mut self,
        name: &str,
        component: Vec<u8>,
    ) -> Result<SwapPolicyResponse, Status> {
        let digest = Sha256::digest(&component);
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.send(name, sha256, component.into()).await
    }

    async fn send(
        &mut self,
        name: &str,
        sha256: String,
        component: Bytes,
    ) -> Result<SwapPolicyResponse, Status> {
        let (group, name) = (self.group.into(), name.into());
        let header = SwapPolicyHeader { group, name, sha256, options: Default::default() };
        let chunks = (0..component.len()).step_by(CHUNK_BYTES).map(|start| {
            Part::Component(component.slice(start..component.len().min(start + CHUNK_BYTES)))
        });
        let parts: Vec<Part> = std::iter::once(Part::Header(header)).chain(chunks).collect();
        let requests = parts.into_iter().map(|part| SwapPolicyRequest { part: Some(part) });
        let answer = self.admin.swap_policy(tokio_stream::iter(requests.collect::<Vec<_>>()));
        Ok(answer.await?.into_inner())
    }

    pub(super) async fn status(&mut self) -> GroupStatus {
        let status = self.admin.status(StatusRequest {}).await.unwrap().into_inner();
        let found = status.groups.into_iter().find(|group| group.name == self.group);
        found.expect("the group is there")
    }

    pub(super) async fn policy(&mut self) -> PluginStatus {
        self.status().await.policy.expect("a group has a policy")
    }
}
