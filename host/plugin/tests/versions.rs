//! A plugin built for 0.1.0 of the contract, on a host that offers 0.1.1.

use wasmtime::Store;
use wasmtime::component::{Component, Linker};

use super::guests::Guest;
use super::{engines, limits};
use crate::plugin::contract::{ConfigurePolicy, Configured, PolicySettings, Step};
use crate::plugin::{Kind, Plugin, PolicyComponent, load};

const POLICY: &str = "psycache:plugin/policy@0.1.1";
const ENTRIES: &str = "psycache:plugin/entries@0.1.1";

/// Asks for the key of slot 7, and names as many victims as its length.
fn keyed(version: &'static str) -> Plugin {
    let imports = format!(
        r#"(import "psycache:plugin/entries@{version}" (instance $entries
            (export "key" (func (param "slot" u32) (result (option string))))))
        (core func $key (canon lower (func $entries "key") (memory $shelf-memory)
            (realloc $shelf-realloc)))
        (core instance $node (export "key" (func $key)))"#
    );
    let guest = Guest {
        imports: imports.leak(),
        with: r#"(with "node" (instance $node)) (with "shelf" (instance $shelf))"#,
        items: r#"(import "node" "key" (func $key (param i32 i32)))
            (import "shelf" "memory" (memory $shelf 2))"#,
        step: "(call $key (i32.const 7) (i32.const 2048))
            (call $victims (i32.const 4096) (i32.load $shelf (i32.const 2056)))",
        ..Guest::default()
    };
    guest.plugin()
}

/// A host of the next version, with what such a one would offer.
fn victims_on_the_next_host(plugin: &Plugin) -> Vec<u32> {
    let engine = &engines().policies;
    let component = Component::from_binary(engine, plugin.bytes()).unwrap();
    let mut linker: Linker<()> = Linker::new(engine);
    let mut entries = linker.instance(ENTRIES).unwrap();
    entries.func_wrap("key", |_, (slot,): (u32,)| Ok((Some(format!("key-{slot}")),))).unwrap();
    entries.func_wrap("age", |_, (_,): (u32,)| Ok((0_u64,))).unwrap();
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(u64::MAX / 2);
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let configure = load::function(&component, POLICY, "configure").unwrap();
    let configure = instance
        .get_typed_func::<ConfigurePolicy<'static>, Configured>(&mut store, &configure)
        .unwrap();
    let settings =
        PolicySettings { capacity: 1000, max_entries: 1000, max_victims: 8, seed: 1, options: &[] };
    assert!(configure.call(&mut store, (settings,)).unwrap().0.is_ok());
    let step = load::function(&component, POLICY, "step").unwrap();
    let step = instance.get_typed_func::<Step<'static>, (Vec<u32>,)>(&mut store, &step).unwrap();
    step.call(&mut store, (&[], &[], &[], &[], &[], 1, 1)).unwrap().0
}

#[test]
fn a_plugin_of_0_1_0_runs_on_a_host_of_0_1_1() {
    assert_eq!(victims_on_the_next_host(&keyed("0.1.0")), vec![0; "key-7".len()]);
    for plugin in Plugin::builtins(Kind::Policy) {
        let builtin = plugin.name();
        let victims = victims_on_the_next_host(&plugin);
        assert!(victims.is_empty(), "{builtin}: {victims:?}");
    }
}

#[test]
fn a_plugin_of_0_1_1_runs_on_this_host_of_0_1_0() {
    PolicyComponent::load(engines(), keyed("0.1.1"), &super::config(), limits()).unwrap();
}
