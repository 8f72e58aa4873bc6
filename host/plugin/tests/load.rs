//! Each way not to load has a message of its own.

use super::guests::{Guest, plugin};
use super::{engines, limits, refusal};
use crate::plugin::{LoadError, Plugin, PolicyComponent};
use crate::policy::Failure;

#[test]
fn a_policy_that_does_nothing_loads() {
    super::load(Guest::default().plugin()).unwrap();
}

#[test]
fn a_directory_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let error = Plugin::resolve(folder.path().to_str().unwrap()).unwrap_err();
    assert!(error.to_string().contains("it is a directory; name the .wasm file"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Plugin::resolve("./no/such.wasm").unwrap_err();
    assert!(error.to_string().starts_with("./no/such.wasm can't be read"), "{error}");
}

#[test]
fn a_file_beyond_the_limit_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.wasm");
    std::fs::write(&path, [0; 101]).unwrap();
    let error = Plugin::resolve_within(path.to_str().unwrap(), 100).unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { bytes: 101, limit: 100, .. }), "{error}");
}

#[test]
fn what_is_no_component_is_called_what_it_is() {
    let of = |bytes: &[u8]| refusal(Plugin::from_bytes("p", bytes.to_vec()).unwrap());
    assert!(of(b"").contains("it is empty"));
    assert!(of(b"hello, world").contains("does not begin like one"));
    assert!(of(b"\x7fELF\x02\x01\x01\0\0").contains("native code"));
    assert!(of(b"  (component)").contains("wasm-tools parse"));
    assert!(of(b"\0asm\x0c\0\x01\0").contains("binary version"));
    let core = wat::parse_str("(module)").unwrap();
    assert!(of(&core).contains("core WebAssembly module, not a component"));
}

#[test]
fn a_damaged_component_does_not_compile() {
    let bytes = Guest::default().plugin().bytes().to_vec();
    let cut = Plugin::from_bytes("cut.wasm", bytes[..bytes.len() / 2].to_vec()).unwrap();
    assert!(refusal(cut).starts_with("cut.wasm does not compile"));
}

#[test]
fn a_retriever_is_no_policy() {
    let retriever = Guest { exports: "psycache:plugin/retriever@0.1.0", ..Guest::default() };
    let text = refusal(retriever.plugin());
    assert!(text.contains("no policy: it exports"), "{text}");
    assert!(text.contains("it is a retriever: give it as one"), "{text}");
}

#[test]
fn a_component_of_another_world_is_told_which_one_is_wanted() {
    let text = refusal(plugin("p", "(component)"));
    assert!(text.contains("exports nothing; build it for the world policy-plugin"), "{text}");
}

#[test]
fn another_version_of_the_contract_is_named_beside_ours() {
    let later = Guest { exports: "psycache:plugin/policy@0.2.0", ..Guest::default() };
    let text = refusal(later.plugin());
    assert!(text.contains("psycache:plugin/policy@0.2.0"), "{text}");
    assert!(text.contains("this node speaks psycache:plugin/policy@0.1.0"), "{text}");
}

#[test]
fn a_compatible_version_loads() {
    let patch = Guest { exports: "psycache:plugin/policy@0.1.7", ..Guest::default() };
    super::load(patch.plugin()).unwrap();
}

#[test]
fn the_right_name_with_another_shape_is_refused() {
    let text = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (instance $policy (export "configure" (func $f)) (export "step" (func $f)))
        (export "psycache:plugin/policy@0.1.0" (instance $policy)))"#;
    let error = refusal(plugin("p", text));
    assert!(error.contains("another idea of psycache:plugin/policy@0.1.0"), "{error}");
    let empty = r#"(component (instance $policy)
        (export "psycache:plugin/policy@0.1.0" (instance $policy)))"#;
    let error = refusal(plugin("p", empty));
    assert!(error.contains("it has no function \"configure\""), "{error}");
}

#[test]
fn an_import_that_is_not_offered_is_named() {
    let other = r#"(component (import "my:host/extra@1.0.0" (instance
            (export "f" (func))))
        (instance $policy) (export "psycache:plugin/policy@0.1.0" (instance $policy)))"#;
    let error = refusal(plugin("p", other));
    assert!(error.contains("imports my:host/extra@1.0.0"), "{error}");
    let http = r#"(component (import "wasi:http/outgoing-handler@0.2.0" (instance
            (export "handle" (func))))
        (instance $policy) (export "psycache:plugin/policy@0.1.0" (instance $policy)))"#;
    let error = refusal(plugin("p", http));
    assert!(error.contains("wasi:http/outgoing-handler"), "{error}");
    assert!(error.contains("without HTTP"), "{error}");
}

fn start_failure(guest: &Guest) -> Failure {
    match super::load(guest.plugin()) {
        Err(LoadError::Start { failure, .. }) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_loop_in_the_start_function_is_stopped() {
    let items = "(func $spin (loop (br 0))) (start $spin)";
    let failure = start_failure(&Guest { items, ..Guest::default() });
    assert_eq!(failure, Failure::Deadline { limit_ms: 200 });
}

#[test]
fn a_loop_in_configure_is_stopped() {
    let configure = "(loop (br 0)) unreachable";
    let failure = start_failure(&Guest { configure, ..Guest::default() });
    assert_eq!(failure, Failure::Deadline { limit_ms: 200 });
}

#[test]
fn a_guest_that_begins_with_too_much_memory_is_refused() {
    let failure = start_failure(&Guest { pages: 33, ..Guest::default() });
    assert_eq!(failure, Failure::Memory { limit_bytes: 2 << 20 });
}

#[test]
fn a_trap_in_configure_is_told() {
    let failure = start_failure(&Guest { configure: "unreachable", ..Guest::default() });
    assert!(matches!(&failure, Failure::Trap(text) if text.contains("unreachable")), "{failure:?}");
}

#[test]
fn what_fails_in_its_first_steps_is_refused() {
    let text = refusal(Guest { step: "(loop (br 0)) unreachable", ..Guest::default() }.plugin());
    assert_eq!(
        text,
        "guest.wasm failed in its first steps: it ran longer than 20 ms; what it printed \
         stands in the log"
    );
}

/// The answer at 16: an error, of case 0, about the string of 2 bytes at 64.
const UNKNOWN_OPTION: &str = "(i32.store8 (i32.const 16) (i32.const 1))
    (i32.store8 (i32.const 20) (i32.const 0))
    (i32.store (i32.const 24) (i32.const 64)) (i32.store (i32.const 28) (i32.const 2))
    (i32.store16 (i32.const 64) (i32.const 0x6b6b)) i32.const 16";

#[test]
fn a_refused_option_is_named() {
    let text = refusal(Guest { configure: UNKNOWN_OPTION, ..Guest::default() }.plugin());
    assert_eq!(text, "guest.wasm refused its options: it has no option kk");
}

#[test]
fn the_trial_uses_the_limits_that_serving_uses() {
    let plugin = Guest { pages: 33, ..Guest::default() }.plugin();
    let more = crate::plugin::PolicyLimits { memory_bytes: Some(4 << 20), ..limits() };
    PolicyComponent::load(engines(), plugin, &super::config(), more).unwrap();
}
