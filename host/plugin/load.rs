//! Compiles the bytes of a plugin to a component, and checks its world.

use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower, TypedFunc,
};
use wasmtime::{Engine, Store, WasmBacktrace};

use super::contract::PACKAGE;
use super::guest_log::GuestLog;
use super::kind::Kind;
use super::one_line::one_line;
use super::start::StartError;
use super::{LoadError, Plugin};
use crate::policy::Failure;

/// Checks the header of `plugin`, and compiles it.
pub(super) fn compile(engine: &Engine, plugin: &Plugin) -> Result<Component, LoadError> {
    check_header(plugin)?;
    Component::from_binary(engine, plugin.bytes()).map_err(|error| {
        let (plugin, problem) = (plugin.name().to_owned(), brief(&error));
        if has_no_address_space(&problem) {
            return LoadError::Start { plugin, failure: Failure::AddressSpace, mend: "" };
        }
        // What WASI 0.3 has and 0.2 has not are functions, streams and futures that are async.
        let is_async = ["async", "stream", "future"].iter().any(|word| problem.contains(word));
        let mend = match is_async {
            true => {
                "this node offers WASI 0.2 and version 0.1.0 of psycache-plugin.wit, \
                 without async; build it for wasm32-wasip2"
            }
            false => "build it again with current tools",
        };
        LoadError::Invalid { plugin, problem, mend }
    })
}

/// Checks the first eight bytes, which distinguish a component from a core module.
fn check_header(plugin: &Plugin) -> Result<(), LoadError> {
    let name = || plugin.name().to_owned();
    let not_wasm = |found| Err(LoadError::NotWasm { plugin: name(), found });
    match plugin.bytes() {
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(LoadError::CoreModule { plugin: name() }),
        [0, b'a', b's', b'm', _, _, _, _, ..] => {
            not_wasm("is of a binary version that is not known; build it with current tools")
        }
        [] => not_wasm("is empty; build it again"),
        [0x7f, b'E', b'L', b'F', ..] => not_wasm("is native code; build it for a wasm32 target"),
        bytes if is_text(bytes) => {
            not_wasm("is WebAssembly in text form; make it binary with `wasm-tools parse`")
        }
        _ => not_wasm("does not begin like one; give the .wasm file that your build made"),
    }
}

fn is_text(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    text.starts_with(b"(component") || text.starts_with(b"(module") || text.starts_with(b";;")
}

/// Whether `component` is of this kind and version.
pub(super) fn check_world(
    plugin: &Plugin,
    component: &Component,
    kind: Kind,
) -> Result<(), LoadError> {
    // This lookup accepts a plugin of 0.1.3 for 0.1.0.
    if component.get_export_index(None, kind.interface()).is_some() {
        return Ok(());
    }
    let exports = exports(component);
    if let Some(found) = exports.iter().find(|name| kind.is_named(name)) {
        return Err(LoadError::OtherVersion {
            plugin: plugin.name().into(),
            found: found.clone(),
            speaks: kind.interface(),
        });
    }
    let other = match kind {
        Kind::Policy => Kind::Retriever,
        Kind::Retriever => Kind::Policy,
    };
    let mend = if exports.iter().any(|name| other.is_named(name)) {
        format!("it is a {}: give it as one", other.name())
    } else {
        format!("build it for the world {}-plugin of psycache-plugin.wit", kind.name())
    };
    let (plugin, wanted) = (plugin.name().into(), kind.name());
    Err(LoadError::WrongWorld { plugin, wanted, exports, mend })
}

/// Names of everything a component exports.
pub(super) fn exports(component: &Component) -> Vec<String> {
    let ty = component.component_type();
    ty.exports(component.engine()).map(|(name, _)| name.to_owned()).collect()
}

/// Names of everything a component imports.
pub(super) fn imports(component: &Component) -> Vec<String> {
    let ty = component.component_type();
    ty.imports(component.engine()).map(|(name, _)| name.to_owned()).collect()
}

/// Whether the component imports any interface of WASI.
pub(super) fn wants_wasi(component: &Component) -> bool {
    imports(component).iter().any(|name| name.starts_with("wasi:"))
}

/// The error for an import that the linker reports as missing.
pub(super) fn unknown_import(
    plugin: &Plugin,
    component: &Component,
    error: &wasmtime::Error,
) -> LoadError {
    let offered = |name: &String| name.starts_with("wasi:") || name.starts_with(PACKAGE);
    let mut missing = imports(component);
    missing.retain(|name| !offered(name));
    if missing.is_empty() {
        // A part of an interface that the node does offer; only the linker knows which.
        missing = vec![brief(error)];
    }
    let wasi = "of WASI it offers the 0.2 interfaces of `wasi:cli/imports`, without HTTP; \
                build it without that import";
    let foreign = "build it without that import";
    let is_wasi = missing.iter().any(|name| name.contains("wasi:"));
    let mend = if is_wasi { wasi } else { foreign };
    LoadError::UnknownImport { plugin: plugin.name().into(), imports: missing, mend }
}

/// A function of an interface that [`check_world`] has found, or that is optional.
pub(super) fn function(
    component: &Component,
    interface: &str,
    name: &str,
) -> Option<ComponentExportIndex> {
    let interface = component.get_export_index(None, interface)?;
    component.get_export_index(Some(&interface), name)
}

/// A function that its interface requires.
pub(super) fn needed_function(
    plugin: &Plugin,
    component: &Component,
    interface: &'static str,
    name: &str,
) -> Result<ComponentExportIndex, LoadError> {
    function(component, interface, name).ok_or_else(|| LoadError::OtherShape {
        plugin: plugin.name().into(),
        interface,
        problem: format!("it has no function {name:?}"),
    })
}

/// A function of an instance, if it has the type in the contract.
pub(super) fn typed<T: 'static, P, R>(
    instance: &Instance,
    store: &mut Store<T>,
    index: &ComponentExportIndex,
    interface: &'static str,
) -> Result<TypedFunc<P, R>, StartError>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    instance
        .get_typed_func(store, index)
        .map_err(|error| StartError::Shape { interface, problem: brief(&error) })
}

/// An error on one line, with the root cause first and then its context. The WebAssembly
/// backtrace is left out: it goes to the log, see [`trapped`].
pub(super) fn brief(error: &wasmtime::Error) -> String {
    let backtrace = error.downcast_ref().map(WasmBacktrace::to_string);
    let is_backtrace =
        |text: &String| backtrace.as_ref().is_some_and(|backtrace| text.contains(backtrace));
    let texts = error.chain().map(ToString::to_string);
    let mut causes: Vec<String> = texts.filter(|text| !is_backtrace(text)).collect();
    causes.reverse();
    one_line(&causes.join("; "))
}

/// Whether the system refused to map memory. The engine gives that error no type of its own.
fn has_no_address_space(problem: &str) -> bool {
    problem.contains("failed to reserve") || problem.contains("Cannot allocate memory")
}

/// The failure of a guest that trapped. Where it trapped is logged.
pub(super) fn trapped(error: &wasmtime::Error, log: &GuestLog) -> Failure {
    let cause = brief(error);
    if has_no_address_space(&cause) {
        return Failure::AddressSpace;
    }
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        let frames = backtrace.to_string();
        let frames: Vec<&str> = frames.lines().map(str::trim).collect();
        log.write_line(&format!("trapped: {cause}; backtrace: {}", frames.join(" | ")));
    }
    Failure::Trap(cause)
}
