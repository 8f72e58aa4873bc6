//! The host's data in the store of a retriever instance.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::network::Network;
use super::spans::LoadSpans;
use super::turns::Turns;
use crate::plugin::guest_log::GuestLog;
use crate::plugin::quota::{HANDLES, Quota};

/// The maximum number of lookups in one call. Each is a task of the node that runs to its end,
/// even if the guest no longer waits for it.
const MOST_LOOKUPS: u32 = 32;

/// The host's data in the store of a retriever instance.
pub(super) struct RetrieverState {
    pub(super) quota: Quota,
    pub(super) spans: LoadSpans,
    pub(super) network: Arc<Network>,
    pub(super) log: GuestLog,
    /// The name that each look-up under way is for.
    pub(super) lookups: HashMap<u32, String>,
    /// How many more lookups the guest may begin in this call.
    pub(super) lookups_left: u32,
    pub(super) turns: Arc<Turns>,
    /// How many sessions of TLS it has.
    pub(super) tls_sessions: u32,
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
        let log = log.clone();
        let (turns, tls_sessions) = (Arc::default(), 0);
        Self {
            quota,
            spans,
            network,
            log,
            lookups,
            lookups_left,
            turns,
            tls_sessions,
            wasi,
            resources,
        }
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
