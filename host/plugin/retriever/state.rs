//! What the store of a retriever instance holds for the host.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::network::Network;
use super::spans::LoadSpans;
use crate::plugin::guest_log::GuestLog;
use crate::plugin::quota::{HANDLES, Quota};

/// Look-ups of one call. Each is a task of the node's that runs to its end, even when
/// the guest has long lost interest.
const MOST_LOOKUPS: u32 = 32;

/// What the store of a retriever instance holds for the host.
pub(super) struct RetrieverState {
    pub(super) quota: Quota,
    pub(super) spans: LoadSpans,
    pub(super) network: Arc<Network>,
    /// The name that each look-up under way is for.
    pub(super) lookups: HashMap<u32, String>,
    /// How many more it may begin in this call.
    pub(super) lookups_left: u32,
    wasi: WasiCtx,
    resources: ResourceTable,
}

impl RetrieverState {
    pub(super) fn new(quota: Quota, network: Network, log: &GuestLog) -> Self {
        let network = Arc::new(network);
        let prints = log.stream();
        let check = Arc::clone(&network);
        let mut wasi = WasiCtx::builder();
        wasi.stdout(prints.clone())
            .stderr(prints)
            .allow_tcp(true)
            .allow_ip_name_lookup(true)
            .socket_addr_check(move |place, what| {
                let allowed = check.allows(place, what);
                Box::pin(async move { allowed })
            });
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(HANDLES);
        let (lookups, lookups_left) = (HashMap::new(), MOST_LOOKUPS);
        let (spans, wasi) = (LoadSpans::begin(), wasi.build());
        Self { quota, spans, network, lookups, lookups_left, wasi, resources }
    }

    /// Starts a new call.
    pub(super) fn begin_call(&mut self) {
        self.quota.forget();
        self.lookups_left = MOST_LOOKUPS;
        self.spans = LoadSpans::begin();
    }
}

impl WasiView for RetrieverState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}
