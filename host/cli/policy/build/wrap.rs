//! Makes a component of a core module: what other projects need a tool of their own for.

use anyhow::{Context, Result, anyhow};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

/// The contract.
const WIT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/wit/psycache-plugin.wit"));
const WORLD: &str = "policy-plugin";

/// The component of a policy's module.
///
/// # Errors
/// It is no module, exports no policy, or imports what no node offers.
pub(super) fn wrap(mut module: Vec<u8>) -> Result<Vec<u8>> {
    let (typed, _) = wit_component::metadata::decode(&module).context("it is no module")?;
    if typed.is_none() {
        // No binding generator has said what it is, so it is a policy and nothing more.
        let mut contract = Resolve::default();
        let package = contract.push_str("psycache-plugin.wit", WIT)?;
        let world = contract.select_world(&[package], Some(WORLD))?;
        wit_component::embed_component_metadata(
            &mut module,
            &contract,
            world,
            StringEncoding::UTF8,
        )?;
    }
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    let component = encoder.and_then(|mut encoder| encoder.encode());
    component.map_err(|error| {
        anyhow!(
            "the module is no policy: {error:#}; it must export `configure` and `step` of the \
             contract (`export_policy!` of the SDK does that), and import nothing else"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_is_no_policy_is_told_why() {
        let empty = wat::parse_str("(module)").unwrap();
        let error = wrap(empty).unwrap_err().to_string();
        assert!(error.contains("`export_policy!` of the SDK"), "{error}");
        assert!(wrap(b"not wasm".to_vec()).is_err());
    }
}
