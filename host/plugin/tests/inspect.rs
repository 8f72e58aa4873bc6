//! An inspection tells what it can about any file.

use super::engines;
use super::guests::{Guest, plugin};
use crate::plugin::{Inspection, Kind, Plugin};

async fn inspect(plugin: Plugin) -> Inspection {
    Inspection::of(engines(), plugin, &[]).await
}

#[tokio::test]
async fn a_builtin_is_what_it_should_be() {
    let lruk = inspect(Plugin::resolve("lruk").unwrap()).await;
    assert_eq!(lruk.kind, Some(Kind::Policy));
    assert_eq!(lruk.contract.as_deref(), Some("psycache:plugin/policy@0.1.0"));
    assert!(lruk.loads, "{lruk:?}");
    assert!(lruk.imports.iter().all(|name| name.starts_with("psycache:plugin/")), "{lruk:?}");
    let known = inspect(Plugin::resolve("static").unwrap()).await;
    assert_eq!(known.kind, Some(Kind::Retriever));
    assert!(known.loads, "{known:?}");
}

#[tokio::test]
async fn a_file_that_is_no_plugin_still_has_a_size_and_a_digest() {
    let text = inspect(Plugin::from_bytes("notes.txt", b"hello".to_vec()).unwrap()).await;
    assert_eq!((text.size, text.kind, text.loads), (5, None, false));
    assert!(text.sha256.starts_with("2cf24dba5fb0a30e"), "{}", text.sha256);
    assert!(text.problem.unwrap().contains("no WebAssembly component"));
}

#[tokio::test]
async fn a_component_that_does_not_load_still_tells_its_exports() {
    let later = Guest { exports: "psycache:plugin/policy@0.2.0", ..Guest::default() };
    let later = inspect(later.plugin()).await;
    assert_eq!(later.kind, Some(Kind::Policy));
    assert_eq!(later.contract.as_deref(), Some("psycache:plugin/policy@0.2.0"));
    assert!(later.problem.unwrap().contains("this node speaks"));

    let traps = Guest { configure: "unreachable", ..Guest::default() };
    let traps = inspect(traps.plugin()).await;
    assert!(traps.problem.unwrap().contains("failed while it was set up"));

    let other =
        inspect(plugin("p", "(component (core module $m) (export \"m\" (core module $m)))")).await;
    assert_eq!((other.kind, other.exports), (None, vec!["m".to_owned()]));
    assert!(other.problem.unwrap().contains("no policy or retriever"));
}

#[tokio::test]
async fn an_inspection_is_also_for_programs() {
    let fifo = inspect(Plugin::resolve("fifo").unwrap()).await;
    let json = serde_json::to_value(&fifo).unwrap();
    assert_eq!(json["kind"], "policy");
    assert_eq!(json["loads"], true);
}
