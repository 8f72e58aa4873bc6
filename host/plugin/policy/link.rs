//! The imports of a policy: the keys of entries, and a WASI without access to anything.

use std::sync::Arc;

use wasmtime::component::{Component, InstancePre, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::{self, DynPollable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::outside::Outside;
use crate::plugin::guest_log::GuestLog;
use crate::plugin::load;
use crate::plugin::quota::{HANDLES, Quota};
use crate::plugin::watch::Watch;
use crate::plugin::{LoadError, Plugin, contract};
use crate::policy::Keys;

/// The host's data in the store of a policy instance.
pub(in crate::plugin) struct PolicyState {
    pub(in crate::plugin) quota: Quota,
    pub(super) watch: Watch,
    pub(super) log: GuestLog,
    keys: Arc<dyn Keys>,
    wasi: WasiCtx,
    resources: ResourceTable,
}

impl PolicyState {
    pub(in crate::plugin) fn new(
        quota: Quota,
        keys: Arc<dyn Keys>,
        log: &GuestLog,
        outside: Option<Outside>,
    ) -> Self {
        let prints = log.stream();
        let mut wasi = WasiCtx::builder();
        wasi.stdout(prints.clone()).stderr(prints);
        if let Some(outside) = outside {
            outside.replace(&mut wasi);
        }
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(HANDLES);
        let log = log.clone();
        Self { quota, watch: Watch::default(), log, keys, wasi: wasi.build(), resources }
    }
}

impl WasiView for PolicyState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}

/// Links a policy to its imports.
pub(in crate::plugin) fn link(
    plugin: &Plugin,
    component: &Component,
) -> Result<InstancePre<PolicyState>, LoadError> {
    let linker = linker(component).map_err(|e| LoadError::Engine(load::brief(&e)))?;
    linker
        .instantiate_pre(component)
        .map_err(|error| load::unknown_import(plugin, component, &error))
}

fn linker(component: &Component) -> wasmtime::Result<Linker<PolicyState>> {
    let mut linker: Linker<PolicyState> = Linker::new(component.engine());
    linker
        .instance(contract::ENTRIES)?
        .func_wrap("key", |store, (slot,): (u32,)| Ok((store.data().keys.key(slot),)))?;
    if load::wants_wasi(component) {
        p2::add_to_linker_sync(&mut linker)?;
        forbid_sleep(&mut linker)?;
    }
    Ok(linker)
}

/// A guest can be stopped between two of its instructions, but not inside the host. A guest
/// that sleeps in the host would block the worker beyond its deadline.
fn forbid_sleep(linker: &mut Linker<PolicyState>) -> wasmtime::Result<()> {
    // The name that wasmtime-wasi registers, so that this takes its place.
    const CLOCK: &str = "wasi:clocks/monotonic-clock@0.2.12";
    linker.allow_shadowing(true);
    let mut clock = linker.instance(CLOCK)?;
    for name in ["subscribe-instant", "subscribe-duration"] {
        clock.func_wrap(name, |_, (_,): (u64,)| -> wasmtime::Result<(Resource<DynPollable>,)> {
            Err(wasmtime::Error::msg("a policy may not sleep"))
        })?;
    }
    linker.allow_shadowing(false);
    Ok(())
}
