//! Makes a component of a core module: what other projects need a tool of their own for.

use anyhow::{Context, Result, anyhow};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

/// The contract.
const WIT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/wit/psycache-plugin.wit"));
/// A function of each interface that a policy may export beside, as a module names it.
const ABILITIES: [&str; 2] =
    ["psycache:plugin/introspect@0.1.0#stats", "psycache:plugin/snapshot@0.1.0#save"];
/// How a component begins; a module has another version.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
/// The module that a program for WASI 0.1 calls the system by, and what it gets here. As bytes, so
/// that the command needs no parser of the text that they are made of.
const SYSTEM: (&str, &[u8]) = ("wasi_snapshot_preview1", include_bytes!("no_system.wasm"));

/// The component of a policy's module. What is a component already stays as it is.
///
/// # Errors
/// It is no module, exports no policy, or imports what no node offers.
pub(super) fn wrap(mut module: Vec<u8>) -> Result<Vec<u8>> {
    if module.starts_with(COMPONENT) {
        return Ok(module);
    }
    let (typed, _) = wit_component::metadata::decode(&module).context("it is no module")?;
    if typed.is_none() {
        // No binding generator has said what it is, so it is a policy.
        let mut contract = Resolve::default();
        contract.push_str("psycache-plugin.wit", WIT)?;
        let package = contract.push_str("world.wit", &world_of(&module))?;
        let world = contract.select_world(&[package], None)?;
        wit_component::embed_component_metadata(
            &mut module,
            &contract,
            world,
            StringEncoding::UTF8,
        )?;
    }
    encode(&module).map_err(|error| {
        anyhow!(
            "the module is no policy: {error:#}; it must export `configure` and `step` of the \
             contract (in Rust `export_policy!` of the SDK does that), and import nothing but \
             WASI 0.1"
        )
    })
}

/// The world of a module: a policy, with what its exports say beside. It may ask for keys; what is
/// not imported is not in the component.
fn world_of(module: &[u8]) -> String {
    let has = |name: &str| module.windows(name.len()).any(|bytes| bytes == name.as_bytes());
    let named = ABILITIES.into_iter().filter(|function| has(function));
    let interfaces = named.filter_map(|function| Some(function.split_once('#')?.0));
    let exports: String = interfaces.map(|interface| format!("export {interface}; ")).collect();
    format!(
        "package psycache:built; world built {{ include psycache:plugin/policy-plugin-keys@0.1.0; \
         {exports}}}"
    )
}

fn encode(module: &[u8]) -> Result<Vec<u8>> {
    let (name, system) = SYSTEM;
    let encoder = ComponentEncoder::default().validate(true).module(module)?;
    encoder.adapter(name, system)?.encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REWRITE: &str = "PSYCACHE_WRITE_SYSTEM=1 cargo test --release --lib as_its_text_says";

    #[test]
    fn the_system_is_as_its_text_says() {
        let bytes = wat::parse_str(include_str!("no_system.wat")).unwrap();
        if std::env::var_os("PSYCACHE_WRITE_SYSTEM").is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/host/cli/policy/build/no_system.wasm");
            return std::fs::write(file, bytes).unwrap();
        }
        assert!(SYSTEM.1 == bytes, "no_system.wat was changed; write its module: {REWRITE}");
    }

    #[test]
    fn a_module_that_is_no_policy_is_told_why() {
        let empty = wat::parse_str("(module)").unwrap();
        let error = wrap(empty).unwrap_err().to_string();
        assert!(error.contains("`export_policy!` of the SDK"), "{error}");
        assert!(wrap(b"not wasm".to_vec()).is_err());
    }

    #[test]
    fn a_component_stays_as_it_is() {
        let component = wat::parse_str("(component)").unwrap();
        assert_eq!(wrap(component.clone()).unwrap(), component);
    }
}
