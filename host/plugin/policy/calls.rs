//! The functions of a policy: their indices in a component, and in an instance.

use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, Instance, TypedFunc};

use super::link::PolicyState;
use crate::plugin::contract::{
    ConfigurePolicy, Configured, INTROSPECT, LentState, POLICY, SNAPSHOT, SavedState, Statistic,
    Step,
};
use crate::plugin::start::StartError;
use crate::plugin::{LoadError, Plugin, load};

/// The indices of the functions in a component.
pub(super) struct Exports {
    configure: ComponentExportIndex,
    step: ComponentExportIndex,
    statistics: Option<ComponentExportIndex>,
    snapshot: Option<(ComponentExportIndex, ComponentExportIndex)>,
}

impl Exports {
    pub(super) fn find(plugin: &Plugin, component: &Component) -> Result<Self, LoadError> {
        let needed = |name| load::needed_function(plugin, component, POLICY, name);
        let save = load::function(component, SNAPSHOT, "save");
        let restore = load::function(component, SNAPSHOT, "restore");
        Ok(Self {
            configure: needed("configure")?,
            step: needed("step")?,
            statistics: load::function(component, INTROSPECT, "stats"),
            snapshot: save.zip(restore),
        })
    }
}

/// The functions of one instance. The lifetimes are those of a call's arguments.
pub(super) struct Calls {
    pub(super) configure: TypedFunc<ConfigurePolicy<'static>, Configured>,
    pub(super) step: TypedFunc<Step<'static>, (Vec<u32>,)>,
    pub(super) statistics: Option<TypedFunc<(), (Vec<Statistic>,)>>,
    pub(super) snapshot: Option<SnapshotCalls>,
}

/// Present in pairs: a component exports both or neither.
#[derive(Clone, Copy)]
pub(super) struct SnapshotCalls {
    pub(super) save: TypedFunc<(), (SavedState,)>,
    pub(super) restore: TypedFunc<(LentState<'static>,), (bool,)>,
}

impl Calls {
    /// Looks the functions up and checks their types.
    pub(super) fn find(
        exports: &Exports,
        instance: &Instance,
        store: &mut Store<PolicyState>,
    ) -> Result<Self, StartError> {
        let statistics = exports.statistics.as_ref();
        let snapshot = match &exports.snapshot {
            None => None,
            Some((save, restore)) => Some(SnapshotCalls {
                save: load::typed(instance, store, save, SNAPSHOT)?,
                restore: load::typed(instance, store, restore, SNAPSHOT)?,
            }),
        };
        Ok(Self {
            configure: load::typed(instance, store, &exports.configure, POLICY)?,
            step: load::typed(instance, store, &exports.step, POLICY)?,
            statistics: statistics
                .map(|index| load::typed(instance, store, index, INTROSPECT))
                .transpose()?,
            snapshot,
        })
    }
}
