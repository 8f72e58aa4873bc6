//! `psycache policy new` and `psycache policy build`: from an empty folder to a node that serves.

use std::fs;
use std::path::Path;

use crate::harness::{ServedNode, run};
use crate::metrics::scrape::Scrape;
use crate::patience::seen;
use crate::readme::{MODULES, shell, targets};

/// Whether policies can be built here; says so if not.
fn can_build() -> bool {
    let can = targets().iter().any(|target| target == MODULES);
    if !can {
        eprintln!(
            "LEFT OUT: a policy of one's own (`rustup target add {MODULES}` would let it run)"
        );
    }
    can
}

/// Runs `command` in `folder` without a network, and gives the exit code and all it said.
fn enter(command: &str, folder: &Path) -> (Option<i32>, String) {
    let mut shell = shell(command, folder);
    shell.env("CARGO_NET_OFFLINE", "true");
    // Compilers take as long as they take.
    let output = shell.output().unwrap();
    let said = [&output.stdout[..], &output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn works(command: &str, folder: &Path) -> String {
    let (code, said) = enter(command, folder);
    assert_eq!(code, Some(0), "{command}: {said}");
    said
}

#[test]
fn a_new_policy_is_built_checked_and_swapped_in() {
    if !can_build() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for like in ["lru", "sieve", "blank"] {
        let name = format!("my-{like}");
        let wasm = format!("{name}/my_{like}.wasm");
        works(&format!("psycache policy new {name} --like {like}"), folder);
        let said = works(&format!("psycache policy build {name}"), folder);
        assert!(!said.contains("warning"), "{said}");
        let said = works(&format!("psycache policy check {wasm}"), folder);
        assert!(said.contains(" 0 failures, 1 skipped"), "{said}");
        let builtin = if like == "blank" { "fifo" } else { like };
        let sim = format!("psycache sim --policy {builtin},{wasm} --capacity 300 {name}/trace.txt");
        let said = works(&sim, folder);
        let ratios: Vec<&str> =
            said.lines().skip(1).filter_map(|row| row.rsplit(',').next()).collect();
        assert!(ratios.len() == 2 && ratios[0] == ratios[1], "{said}");
    }

    let node = ServedNode::start(&[]);
    let set = node.run(["set", "default", "Tom", "630"]);
    assert!(set.status.success());
    let mut swap = shell("psycache policy swap default my-sieve/my_sieve.wasm", folder);
    swap.env("PSYCACHE_NODE", node.address());
    let swapped = run(swap, b"");
    assert!(swapped.status.success(), "{swapped:?}");
    assert!(String::from_utf8_lossy(&swapped.stdout).contains("1 entries handed over"));
    assert_eq!(node.run(["get", "default", "Tom"]).stdout, b"630");
}

/// In the folder itself, where the README says its commands.
#[test]
fn the_tests_of_a_new_policy_pass_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    for like in ["lru", "sieve", "blank"] {
        works(&format!("psycache policy new mine-{like} --like {like}"), folder.path());
        // One target for the three, whose SDK is the same.
        let said = works("cargo test", &folder.path().join(format!("mine-{like}")));
        assert!(said.contains("test result: ok.") && !said.contains("warning"), "{said}");
    }
}

/// The LRU of the page, which looks at keys here too.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_may_have_all_that_the_contract_offers() {
    if !can_build() {
        return;
    }
    let page = include_str!("../../../docs/policies.md");
    let from = page.find("use psycache_plugin::{").unwrap();
    let lru = page[from..].split("```").next().unwrap();
    assert!(lru.lines().count() < 40, "a whole LRU is short: {lru}");
    let pinned = "if psycache_plugin::key(slot).is_some_and(|key| key.starts_with(\"pin\")) \
                  { self.1 += 1 }; self.0.push_front(slot) }";
    let lru = lru
        .replace("pub struct Lru(SlotQueue);", "pub struct Lru(SlotQueue, u32);")
        .replace(
            "Self(SlotQueue::new(config.max_entries))",
            "Self(SlotQueue::new(config.max_entries), 0)",
        )
        .replace("state).map(Self)", "state).map(|queue| Self(queue, 0))")
        .replace("self.0.push_front(slot) }", pinned)
        .replace("self.0.len().into())", "self.0.len().into()), (\"pinned\", self.1.into())");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    works("psycache policy new mine", folder);
    let source = folder.join("mine/src/lib.rs");
    fs::write(source, lru).unwrap();
    works("psycache policy build mine", folder);
    let said = works("psycache policy check mine/mine.wasm", folder);
    assert!(said.contains(" 0 failures, 0 skipped"), "{said}");
    let said = works("psycache plugin inspect mine/mine.wasm", folder);
    for interface in ["entries", "introspect", "snapshot"] {
        assert!(said.contains(&format!("psycache:plugin/{interface}@0.1.0")), "{said}");
    }

    let node = ServedNode::start(&[]);
    // The second takes over the state of the first, and is told of no new entry: one that is
    // overwritten is none.
    for pinned in [2.0, 0.0] {
        let mut swap = shell("psycache policy swap default mine/mine.wasm", folder);
        swap.env("PSYCACHE_NODE", node.address());
        let swapped = run(swap, b"");
        assert!(swapped.status.success(), "{swapped:?}");
        for key in ["pin-a", "pin-b", "c"] {
            assert!(node.run(["set", "default", key, "1"]).status.success());
        }
        // A node tells its policy of entries in its own time.
        let told = async || {
            let scrape = Scrape::of(&node).await;
            let told = |name| scrape.value("psycache_policy_statistic", &[("statistic", name)]);
            let failures = scrape.value("psycache_policy_failures_total", &[]);
            let all = [told("queued"), told("pinned"), failures];
            if all == [3.0, pinned, 0.0] { Ok(()) } else { Err(format!("{all:?}")) }
        };
        seen(told).await;
    }
}

#[test]
fn a_folder_that_exists_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("mine");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("precious"), "mine").unwrap();
    let (code, said) = enter("psycache policy new mine", folder.path());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("mine exists already; choose another name"), "{said}");
    assert_eq!(fs::read_dir(&own).unwrap().count(), 1);
}

#[test]
fn what_is_typed_wrong_is_told_with_a_mend() {
    let folder = tempfile::tempdir().unwrap();
    for (command, code, words) in [
        ("psycache policy new lru", 2, "a built-in policy has that name"),
        ("psycache policy new ../mine", 2, "it is a path"),
        ("psycache policy new mine --like lrru", 2, "a similar value exists: 'lru'"),
        ("psycache policy new mine --lang cobol", 2, "possible values: rust, go, c"),
        ("psycache policy build", 1, "there is no policy in . (none of Cargo.toml, go.mod,"),
        ("psycache policy build none", 1, "there is no policy in none (none of Cargo.toml,"),
        ("psycache policy build --lang go", 1, "there is no go.mod in ., so no policy in Go"),
    ] {
        let (ended, said) = enter(command, folder.path());
        assert_eq!(ended, Some(code), "{command}: {said}");
        assert!(said.contains(words), "{command}: {said}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_with_two_languages_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    works("psycache policy new mine --lang go && touch mine/policy.py", folder.path());
    let (code, said) = enter("psycache policy build mine", folder.path());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("(go.mod, policy.py); choose one with --lang"), "{said}");
}

#[test]
fn a_tool_that_is_missing_is_named_with_what_brings_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    works("psycache policy new mine", folder);
    // A compiler that has no target but its own.
    let rustc = folder.join("rustc");
    fs::write(&rustc, "#!/bin/sh\necho /nowhere/lib\n").unwrap();
    works("chmod +x rustc", folder);
    for (command, words) in [
        (
            format!("RUSTC={} psycache policy build mine", rustc.display()),
            "run `rustup target add wasm32-unknown-unknown`",
        ),
        ("RUSTC=/nowhere/rustc psycache policy build mine".into(), "https://rustup.rs brings"),
    ] {
        let (code, said) = enter(&command, folder);
        assert_eq!(code, Some(1), "{command}: {said}");
        assert!(said.contains(words), "{command}: {said}");
    }
}

#[test]
fn what_does_not_build_or_is_no_policy_is_told_so() {
    if !can_build() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    works("psycache policy new mine", folder);
    let (manifest, source) = (folder.join("mine/Cargo.toml"), folder.join("mine/src/lib.rs"));
    let (good_manifest, good_source) =
        (fs::read_to_string(&manifest).unwrap(), fs::read_to_string(&source).unwrap());
    for (manifest_text, source_text, words) in [
        (good_manifest.clone(), "no rust".to_owned(), "what it said stands above"),
        (
            good_manifest.clone(),
            good_source.replace("export_policy!(Lru);", ""),
            "`export_policy!`",
        ),
        (
            good_manifest.replace("\"cdylib\", ", ""),
            good_source.clone(),
            "it makes no module; write",
        ),
    ] {
        fs::write(&manifest, manifest_text).unwrap();
        fs::write(&source, source_text).unwrap();
        let (code, said) = enter("psycache policy build mine", folder);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!folder.join("mine/mine.wasm").exists());
    }
}
