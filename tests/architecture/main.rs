//! The rules that `host/ARCHITECTURE.md` states and a compiler does not check:
//! who may use whom, how large a file may be, where a library is at home.

mod four_ways;
mod imports;
mod light_client;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with its height. A module may use those strictly below it, and
/// its own; modules of one height do not know each other.
const LAYERS: &[(u32, &[&str])] = &[
    (9, &["main", "cli"]),
    (8, &["node"]),
    (7, &["config"]),
    (6, &["server"]),
    (5, &["client", "group", "plugin", "shadow"]),
    (4, &["store", "ownership"]),
    (3, &["policy"]),
    (3, &["transport"]),
    (3, &["access"]),
    (2, &["copies", "retriever", "membership", "own_task", "tls"]),
    (1, &["error", "key", "telemetry", "value"]),
    (
        0,
        &[
            "backoff",
            "clock",
            "colours",
            "flaw",
            "follow",
            "host_port",
            "nearest",
            "proto",
            "sync",
            "words",
        ],
    ),
];

/// Uses inside one layer, or up, that are meant.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("main", "cli", "main is what runs the command"),
    ("key", "error", "a bad key is an error of the request"),
    ("clock", "sync", "those who sleep on a clock that is moved by hand"),
];

/// Libraries that one place speaks to, so that one place changes with them.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["server/http.rs", "server/page_http.rs"]),
    // A setting of `config/` is defined with its flag, so that it stands in one place.
    ("clap", &["cli/", "config/", "main.rs"]),
    ("etcd_client", &["membership/registry/"]),
    ("h2", &["server/connections/serve.rs"]),
    ("hyper", &["server/connections/serve.rs", "telemetry/otlp.rs"]),
    ("hyper_rustls", &["telemetry/"]),
    ("hyper_util", &["server/connections/serve.rs", "transport/dial.rs"]),
    ("indicatif", &["cli/"]),
    ("maud", &["server/page/"]),
    ("opentelemetry", &["telemetry/"]),
    ("opentelemetry_http", &["telemetry/"]),
    ("opentelemetry_otlp", &["telemetry/"]),
    ("opentelemetry_sdk", &["telemetry/"]),
    ("prometheus_client", &["telemetry/"]),
    ("ratatui", &["cli/top/"]),
    ("plotters", &["cli/sim/report/", "colours.rs", "server/page/chart.rs"]),
    ("rcgen", &["cli/tls/", "tls/session.rs"]),
    (
        "rustix",
        &["cli/serve/process.rs", "cli/top/screen.rs", "clock/", "plugin/", "server/incoming.rs"],
    ),
    ("rustls_native_certs", &["tls/"]),
    ("subtle", &["access/", "server/peer_gate.rs"]),
    ("tokio_rustls", &["tls/"]),
    ("tower", &["transport/dial.rs"]),
    ("tracing_opentelemetry", &["telemetry/"]),
    ("tracing_subscriber", &["telemetry/"]),
    ("triomphe", &["value/"]),
    ("wasmtime", &["plugin/"]),
    ("wasmtime_wasi", &["plugin/"]),
    ("wat", &["cli/policy/build/", "plugin/"]),
    ("wit_component", &["cli/policy/build/"]),
    ("wit_parser", &["cli/policy/build/"]),
    ("x509_parser", &["tls/"]),
];

const LONGEST_FILE: usize = 500;
const LONG_FILE: usize = 300;
const MEDIAN_FILE: usize = 150;

#[derive(Clone)]
struct Source {
    /// Below `host/`, with forward slashes.
    path: String,
    text: String,
}

impl Source {
    fn module(&self) -> &str {
        let first = self.path.split('/').next().expect("a path has a first part");
        first.trim_end_matches(".rs")
    }

    /// Tests may reach for what the code under test may not.
    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/")
    }

    /// The lines of code with their numbers, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .map(|(at, line)| (at + 1, line.split("//").next().unwrap_or("")))
            .filter(|(_, line)| !line.trim().is_empty())
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("host");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("host/ can be listed") {
            let path: PathBuf = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("a source is UTF-8");
                let below = path.strip_prefix(&root).expect("it lies in host/");
                let path = below.to_string_lossy().replace('\\', "/");
                found.push(Source { path, text });
            }
        }
    }
    assert!(found.len() > 10, "only {} sources found", found.len());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn height(module: &str) -> Option<u32> {
    let layer = LAYERS.iter().find(|(_, modules)| modules.contains(&module));
    layer.map(|(height, _)| *height)
}

/// The names that follow `prefix` in `line`: `crate::` gives modules.
fn names_after<'a>(line: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    let ends = |c: char| !(c.is_alphanumeric() || c == '_');
    line.match_indices(prefix)
        .filter(move |(at, _)| line[..*at].chars().next_back().is_none_or(ends))
        .map(move |(at, _)| &line[at + prefix.len()..])
        .map(move |rest| &rest[..rest.find(ends).unwrap_or(rest.len())])
        .filter(|name| !name.is_empty())
}

/// What is wrong with the uses in `source`, a line each.
fn layer_faults(source: &Source) -> Vec<String> {
    let from = source.module();
    if matches!(from, "lib") || source.is_test() {
        return Vec::new();
    }
    let Some(own) = height(from) else {
        return vec![format!("host/{}: module {from} stands in no layer", source.path)];
    };
    let prefix = if from == "main" { "psycache::" } else { "crate::" };
    let mut faults = Vec::new();
    for (number, line) in source.code() {
        if line.contains("crate::{") {
            faults.push(format!(
                "host/{}:{number}: one `use crate::…` a module, so that this test sees them",
                source.path
            ));
        }
        for to in names_after(line, prefix).filter(|to| *to != from) {
            let meant = EXCEPTIONS.iter().any(|(a, b, _)| *a == from && *b == to);
            let below = height(to).is_some_and(|height| height < own);
            if height(to).is_some() && !below && !meant {
                faults.push(format!(
                    "host/{}:{number}: {from} may not use {to}, which does not stand below it",
                    source.path
                ));
            }
        }
    }
    faults
}

#[test]
fn a_module_uses_only_what_stands_below_it() {
    let faults: Vec<String> = sources().iter().flat_map(layer_faults).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_forbidden_use_is_noticed() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let upwards = source("store/shard.rs", "//! Shard.\nuse crate::group::Group;\n");
    assert_eq!(layer_faults(&upwards).len(), 1);
    let sideways =
        source("store/shard.rs", "//! Shard.\nfn f(c: crate::ownership::Ownership) {}\n");
    assert_eq!(layer_faults(&sideways).len(), 1);
    let braces = source("store/shard.rs", "//! Shard.\nuse crate::{group, key};\n");
    assert_eq!(layer_faults(&braces).len(), 1);
    let down = source("store/shard.rs", "//! crate::group\nuse crate::policy::Batch;\n");
    assert!(layer_faults(&down).is_empty());
}

#[test]
fn no_two_files_use_each_other() {
    let ties = imports::circles(&sources());
    assert!(ties.is_empty(), "\n{}", ties.join("\n"));
}

#[test]
fn a_circle_of_files_is_noticed() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let face = source("store/mod.rs", "mod a;\nmod b;\nmod c;\npub use a::{A, make};\n");
    let a = source("store/a.rs", "use super::b::B;\npub struct A(B);\npub fn make() {}\n");
    let b = source("store/b.rs", "pub struct B;\nmod tests { fn f() { crate::store::make() } }\n");
    let b_in_tests =
        source("store/b.rs", "pub struct B;\n#[cfg(test)]\nmod tests { use super::super::A; }\n");
    // By the face, through a third file, and in a path without a `use`.
    let by_face = source("store/b.rs", "use crate::store::A;\npub struct B(Box<A>);\n");
    let by_c = source("store/b.rs", "use super::c;\npub struct B;\n");
    let c = source("store/c.rs", "fn f() { super::a::make() }\n");
    let circles = |b: Source| imports::circles(&[face.clone(), a.clone(), b, c.clone()]).len();
    assert_eq!(circles(b_in_tests), 0);
    assert_eq!(circles(b), 2);
    assert_eq!(circles(by_face), 2);
    assert_eq!(circles(by_c), 3);
}

#[test]
fn a_library_is_used_in_its_home_only() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (library, homes) in HOMES {
            if homes.iter().any(|home| source.path.starts_with(home)) {
                continue;
            }
            let path = format!("{library}::");
            let strays = source.code().filter(|(_, line)| {
                names_after(line, &path).next().is_some() || line.contains(&format!("{path}{{"))
            });
            faults.extend(strays.map(|(number, _)| {
                format!("host/{}:{number}: {library} belongs in {homes:?}", source.path)
            }));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("host/{}: begin with a `//!` line", source.path))
        .collect();
    assert!(silent.is_empty(), "\n{}", silent.join("\n"));
}

/// Folders whose root stands beside them.
const ROOT_BESIDE: &[(&str, &str)] =
    &[("plugins/sdk/src/stepped", "the names of its files are in the digests of plugins/dist")];

#[test]
fn a_module_with_a_folder_is_its_mod_rs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut beside, mut folders) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be listed") {
            let entry = entry.expect("an entry can be read");
            let (path, name) = (entry.path(), entry.file_name());
            let is_built = name == "target" || name == "node_modules";
            if !path.is_dir() || is_built || name.to_string_lossy().starts_with('.') {
                continue;
            }
            let below = path.strip_prefix(root).expect("it lies in the tree");
            let is_meant = ROOT_BESIDE.iter().any(|(folder, _)| below == Path::new(folder));
            let has_modules = fs::read_dir(&path).expect("a folder can be listed").any(|entry| {
                entry.is_ok_and(|entry| entry.path().extension().is_some_and(|e| e == "rs"))
            });
            if has_modules && path.with_extension("rs").is_file() && !is_meant {
                beside.push(format!("{0}.rs: move it to {0}/mod.rs", below.display()));
            }
            folders.push(path);
        }
    }
    assert!(beside.is_empty(), "\n{}", beside.join("\n"));
}

#[test]
fn files_fit_in_a_head() {
    let sizes: BTreeMap<String, usize> = sources()
        .into_iter()
        .filter(|source| !source.is_test())
        .map(|source| (source.path.clone(), source.text.lines().count()))
        .collect();
    let over: Vec<_> = sizes.iter().filter(|(_, lines)| **lines > LONGEST_FILE).collect();
    assert!(over.is_empty(), "over {LONGEST_FILE} lines, find the second idea: {over:?}");
    let long: Vec<_> = sizes.iter().filter(|(_, lines)| **lines > LONG_FILE).collect();
    assert!(long.len() * 10 <= sizes.len(), "over {LONG_FILE} lines: {long:?}");
    let mut lines: Vec<usize> = sizes.into_values().collect();
    lines.sort_unstable();
    let median = lines[lines.len() / 2];
    assert!(median <= MEDIAN_FILE, "the median file has {median} lines");
}

#[test]
fn what_was_left_behind_stays_out() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    let manifest = manifest.expect("Cargo.toml is there");
    let banned = ["opentelemetry-jaeger", "\"component-model-async\""];
    for name in banned {
        assert!(!manifest.contains(name), "Cargo.toml: {name} must not come back");
    }
}
