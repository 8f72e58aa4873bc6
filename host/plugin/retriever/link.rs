//! The imports of a retriever: WASI with the network access that it was allowed.

use wasmtime::StoreContextMut;
use wasmtime::component::{Component, HasData, InstancePre, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, Host, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, IpAddress};
use wasmtime_wasi::p2::{self, DynPollable, Network as NetworkHandle, SocketError};
use wasmtime_wasi::sockets::{WasiSocketsCtxView, WasiSocketsView};

use super::state::RetrieverState;
use super::tls;
use crate::plugin::contract::{LiftedSpan, SPANS, TLS};
use crate::plugin::load;
use crate::plugin::{LoadError, Plugin};
use crate::telemetry::spans::is_traced;

/// Links a retriever to its imports.
pub(super) fn link(
    plugin: &Plugin,
    component: &Component,
) -> Result<InstancePre<RetrieverState>, LoadError> {
    let linker = linker(component).map_err(|e| LoadError::Engine(load::brief(&e)))?;
    linker
        .instantiate_pre(component)
        .map_err(|error| load::unknown_import(plugin, component, &error))
}

fn linker(component: &Component) -> wasmtime::Result<Linker<RetrieverState>> {
    let mut linker = Linker::new(component.engine());
    p2::add_to_linker_async(&mut linker)?;
    offer_spans(&mut linker)?;
    let wants_tls = |import: &String| import.split('@').next() == TLS.split('@').next();
    if load::imports(component).iter().any(wants_tls) {
        tls::offer(&mut linker)?;
    }
    linker.allow_shadowing(true);
    ip_name_lookup::add_to_linker::<RetrieverState, Lookups>(&mut linker, |state| LookupView {
        state,
    })?;
    Ok(linker)
}

/// By which a retriever reports what it did at the source.
fn offer_spans(linker: &mut Linker<RetrieverState>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(SPANS)?;
    interface
        .func_wrap("wanted", |_: StoreContextMut<'_, RetrieverState>, (): ()| Ok((is_traced(),)))?;
    interface.func_wrap(
        "report",
        |mut store: StoreContextMut<'_, RetrieverState>, (span,): (LiftedSpan,)| {
            store.data_mut().spans.report(span);
            Ok(())
        },
    )
}

/// WASI either allows all lookups or forbids all. A guest with arbitrary lookups could leak data
/// through a name server, so the host checks each name.
struct Lookups;

impl HasData for Lookups {
    type Data<'a> = LookupView<'a>;
}

struct LookupView<'a> {
    state: &'a mut RetrieverState,
}

impl LookupView<'_> {
    fn sockets(&mut self) -> WasiSocketsCtxView<'_> {
        self.state.sockets()
    }
}

impl Host for LookupView<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<NetworkHandle>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        if !self.state.network.may_resolve(&name) {
            return Err(ErrorCode::AccessDenied.into());
        }
        let Some(left) = self.state.lookups_left.checked_sub(1) else {
            return Err(ErrorCode::TemporaryResolverFailure.into());
        };
        self.state.lookups_left = left;
        let lookup = self.sockets().resolve_addresses(network, name.clone())?;
        self.state.lookups.insert(lookup.rep(), name);
        Ok(lookup)
    }
}

/// The look-ups answer with the errors of the network.
impl network::Host for LookupView<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets().convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<p2::IoError>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets().network_error_code(error)
    }
}

impl network::HostNetwork for LookupView<'_> {
    fn drop(&mut self, network: Resource<NetworkHandle>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.sockets(), network)
    }
}

impl HostResolveAddressStream for LookupView<'_> {
    fn resolve_next_address(
        &mut self,
        lookup: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let name = self.state.lookups.get(&lookup.rep()).cloned();
        let found = self.sockets().resolve_next_address(lookup)?;
        if let (Some(name), Some(address)) = (name, &found) {
            self.state.network.resolved(&name, to_std(address));
        }
        Ok(found)
    }

    fn subscribe(
        &mut self,
        lookup: Resource<ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.sockets().subscribe(lookup)
    }

    fn drop(&mut self, lookup: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        self.state.lookups.remove(&lookup.rep());
        HostResolveAddressStream::drop(&mut self.sockets(), lookup)
    }
}

fn to_std(address: &IpAddress) -> std::net::IpAddr {
    match *address {
        IpAddress::Ipv4((a, b, c, d)) => [a, b, c, d].into(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => [a, b, c, d, e, f, g, h].into(),
    }
}
