//! The functions of a retriever: their indices in a component, and in an instance.

use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, Instance, TypedFunc};

use super::state::RetrieverState;
use crate::plugin::contract::{
    ConfigureRetriever, Configured, FetchAnswer, FetchManyAnswer, PROBE, PingAnswer, RETRIEVER,
    RETRIEVER_BATCH,
};
use crate::plugin::start::StartError;
use crate::plugin::{LoadError, Plugin, load};

/// The indices of the functions in a component.
pub(super) struct Exports {
    configure: ComponentExportIndex,
    fetch: ComponentExportIndex,
    pub(super) fetch_many: Option<ComponentExportIndex>,
    pub(super) ping: Option<ComponentExportIndex>,
}

impl Exports {
    pub(super) fn find(plugin: &Plugin, component: &Component) -> Result<Self, LoadError> {
        let needed = |name| load::needed_function(plugin, component, RETRIEVER, name);
        Ok(Self {
            configure: needed("configure")?,
            fetch: needed("fetch")?,
            fetch_many: load::function(component, RETRIEVER_BATCH, "fetch-many"),
            ping: load::function(component, PROBE, "ping"),
        })
    }
}

/// The functions of one instance. The lifetimes are those of a call's arguments.
pub(super) struct Calls {
    pub(super) configure: TypedFunc<ConfigureRetriever<'static>, Configured>,
    pub(super) fetch: TypedFunc<(&'static str, u32), FetchAnswer>,
    pub(super) fetch_many: Option<TypedFunc<(&'static [&'static str], u32), FetchManyAnswer>>,
    pub(super) ping: Option<TypedFunc<(u32,), PingAnswer>>,
}

impl Calls {
    /// Looks the functions up and checks their types.
    pub(super) fn find(
        exports: &Exports,
        instance: &Instance,
        store: &mut Store<RetrieverState>,
    ) -> Result<Self, StartError> {
        let many = exports.fetch_many.as_ref();
        let many = many.map(|many| load::typed(instance, store, many, RETRIEVER_BATCH));
        let fetch_many = many.transpose()?;
        let ping = exports.ping.as_ref();
        let ping = ping.map(|ping| load::typed(instance, store, ping, PROBE)).transpose()?;
        Ok(Self {
            configure: load::typed(instance, store, &exports.configure, RETRIEVER)?,
            fetch: load::typed(instance, store, &exports.fetch, RETRIEVER)?,
            fetch_many,
            ping,
        })
    }
}
