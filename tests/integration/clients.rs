//! Client commands against a node that serves: values in and out, exit codes, and
//! what operators see and swap.

use std::process::Output;

use crate::harness::{ServedNode, ending, psycache, stderr, stdout};
use crate::patience::seen_blocking;

fn printed(output: &Output) -> &str {
    assert_eq!(ending(output), (Some(0), ""));
    stdout(output)
}

#[test]
fn a_value_comes_out_as_it_went_in() {
    let node = ServedNode::start(&[]);
    assert_eq!(printed(&node.run(["get", "default", "Tom"])), "630");
    assert_eq!(printed(&node.run(["set", "default", "Tom", "631", "--ttl", "1h"])), "");
    assert_eq!(printed(&node.run(["get", "default", "Tom"])), "631");
    assert_eq!(printed(&node.run(["set", "default", "debt", "-5"])), "");
    assert_eq!(printed(&node.run(["get", "default", "debt"])), "-5");

    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    printed(&node.run_with_input(["set", "default", "binary", "-"], &bytes));
    let output = node.run(["get", "default", "binary"]);
    assert_eq!(ending(&output), (Some(0), ""));
    assert!(output.stdout == bytes, "{} bytes came back", output.stdout.len());

    printed(&node.run(["set", "default", "empty", "-"]));
    assert_eq!(printed(&node.run(["get", "default", "empty"])), "");
}

#[test]
fn a_group_that_another_node_has_not_is_shown_until_it_has() {
    let [node, other] = ServedNode::pair_of([&["--group", "scores"], &[]]);
    let peers = format!("{},{}", node.address(), other.address());
    let missing = || -> serde_json::Value {
        let keys: Vec<String> = (0..40).map(|key| key.to_string()).collect();
        let all = ["get", "scores", "--json"].into_iter();
        node.run(all.chain(keys.iter().map(String::as_str)));
        let status = node.run(["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(stdout(&status)).unwrap();
        status["groups"][0]["missing_on"].clone()
    };
    assert_eq!(missing(), serde_json::json!([other.address()]));
    let shown = node.run(["status"]);
    assert!(printed(&shown).contains(&format!("group scores: not on {}", other.address())));

    let address = other.address().to_owned();
    other.signal("TERM");
    other.ended();
    let _other = ServedNode::start_at(&address, &["--group", "scores", "--peers", &peers]);
    seen_blocking(|| match missing() {
        none if none == serde_json::json!([]) => Ok(()),
        some => Err(format!("missing on {some}")),
    });
}

#[test]
fn keys_and_values_may_begin_with_a_hyphen_and_a_mistyped_flag_is_noticed() {
    let node = ServedNode::start(&[]);
    printed(&node.run(["set", "default", "-abc", "-def", "--ttl", "1m"]));
    assert_eq!(printed(&node.run(["get", "default", "-abc"])), "-def");
    assert!(printed(&node.run(["get", "default", "-abc", "--json"])).contains("\"-abc\""));
    assert_eq!(printed(&node.run(["remove", "default", "-abc"])), "removed -abc\n");
    printed(&node.run(["set", "default", "--", "--abc", "--def"]));
    assert_eq!(printed(&node.run(["get", "default", "--", "--abc"])), "--def");
    for wrong in [["set", "default", "--tll", "5"], ["get", "default", "--jsno", "Tom"]] {
        let refused = node.run(wrong);
        assert_eq!(refused.status.code(), Some(2));
        assert!(stderr(&refused).contains("no such flag"), "{}", stderr(&refused));
    }
}

#[test]
fn many_values_are_lines_of_json_in_the_order_asked() {
    let node = ServedNode::start(&["--ttl", "none"]);
    printed(&node.run_with_input(["set", "default", "raw", "-"], &[0xff, 0xfe]));
    let refused = node.run(["get", "default", "Tom", "Jack"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--json"), "{}", stderr(&refused));

    let output = node.run(["get", "default", "Jack", "nobody", "raw", "--json"]);
    assert_eq!(ending(&output), (Some(3), "error: 1 of 3 keys have no value; see their lines\n"));
    let lines: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let keys: Vec<_> = lines.iter().map(|line| line["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["Jack", "nobody", "raw"]);
    assert_eq!(lines[0]["value"], "589");
    assert_eq!(lines[0]["origin"], "loaded");
    assert!(lines[0]["ttl_ms"].is_null());
    assert_eq!(lines[1]["error"]["code"], "NotFound");
    assert_eq!(lines[2]["value_base64"], "//4=");
    assert_eq!(lines[2]["origin"], "hit");
}

#[test]
fn what_is_missing_ends_with_three_and_what_is_wrong_with_its_own_code() {
    let node = ServedNode::start(&[]);
    for (args, code, part) in [
        (["get", "default", "nobody"], 3, "\"nobody\""),
        (["get", "defualt", "Tom"], 1, "default"),
        (["get", "default", ""], 2, "empty"),
    ] {
        let output = node.run(args);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(
            stderr(&output).starts_with("error: ") && stderr(&output).contains(part),
            "{}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "");
    }
    let http = psycache(["get", "default", "Tom", "--node", node.told("http")]);
    assert_eq!(http.status.code(), Some(1), "{}", stderr(&http));
    assert!(stderr(&http).contains("does not answer like a PsyCache node"), "{}", stderr(&http));
}

#[test]
fn removed_and_cleared_values_are_loaded_afresh() {
    let node = ServedNode::start(&[]);
    printed(&node.run(["set", "default", "Tom", "old"]));
    assert_eq!(
        printed(&node.run(["remove", "default", "Tom", "Jack"])),
        "removed Tom\nabsent Jack\n"
    );
    assert_eq!(printed(&node.run(["get", "default", "Tom"])), "630");
    assert_eq!(printed(&node.run(["clear", "default"])), "dropped 1 entries\n");
    let status = node.run(["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(printed(&status)).unwrap();
    assert_eq!(status["groups"][0]["entries"], 0);
}

#[test]
fn status_is_a_table_for_people_and_an_object_for_programs() {
    let node =
        ServedNode::start(&["--group", "scores", "--policy", "lruk.wasm", "--capacity", "1MiB"]);
    printed(&node.run(["get", "scores", "Tom"]));
    printed(&node.run(["get", "scores", "Tom"]));
    let output = node.run(["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(printed(&output)).unwrap();
    assert_eq!(status["address"], node.address());
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["ready"], true);
    assert_eq!(status["nodes"][0]["state"], "self");
    let group = &status["groups"][0];
    assert_eq!(group["name"], "scores");
    assert_eq!(group["capacity_bytes"], 1 << 20);
    assert_eq!((&group["hits"], &group["misses"]), (&1.into(), &1.into()));
    assert_eq!(group["hit_ratio"], 0.5);
    assert_eq!(group["policy"]["name"], "lruk");
    assert_eq!(group["policy"]["state"], "running");
    assert_eq!(group["retriever"]["name"], "static");
    let table = node.run(["status"]);
    for part in [node.address(), "ready", "scores", "lruk", "running", "50.0%", "1.0 MiB"] {
        assert!(printed(&table).contains(part), "no {part:?} in\n{}", stdout(&table));
    }
    assert!(!stdout(&table).contains('\u{1b}'), "colours belong on a terminal");
}

#[test]
fn status_shows_the_ring_and_why_a_peer_is_out_of_reach() {
    // A port that was free a moment ago, and that nobody listens at.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap().to_string();
    drop(free);
    let node = ServedNode::start(&["--peers", &nobody]);
    let peer = seen_blocking(|| {
        let output = node.run(["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(printed(&output)).unwrap();
        let nodes = status["nodes"].as_array().unwrap().clone();
        let (own, peer): (Vec<_>, Vec<_>) =
            nodes.into_iter().partition(|of| of["address"] == node.address());
        assert_eq!((own.len(), peer.len()), (1, 1));
        assert_eq!(own[0]["problem"], serde_json::Value::Null);
        let share = |of: &serde_json::Value| of["share"].as_f64().unwrap();
        assert!((share(&own[0]) + share(&peer[0]) - 1.0).abs() < 1e-9);
        // The first attempt may be under way still.
        let unreachable = peer[0]["state"] == "unreachable";
        unreachable.then(|| peer[0].clone()).ok_or_else(|| format!("{peer:?}"))
    });
    let problem = peer["problem"].as_str().unwrap();
    assert!(problem.contains("refused"), "{problem}");
    let table = node.run(["status"]);
    let told = format!("node {nobody}: {problem}\n");
    for part in ["OF THE RING", "unreachable", "████", &told] {
        assert!(printed(&table).contains(part), "no {part:?} in\n{}", stdout(&table));
    }
}

#[test]
fn a_policy_is_swapped_for_another_and_a_bad_one_leaves_the_old() {
    let node = ServedNode::start(&[]);
    printed(&node.run(["get", "default", "Tom"]));
    let swapped = node.run(["policy", "swap", "default", "twoq", "--opt", "in=0.5"]);
    assert!(printed(&swapped).contains("1 entries handed over"), "{}", stdout(&swapped));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/dist/lfu.wasm");
    printed(&node.run(["policy", "swap", "default", file, "--all"]));
    let name = || -> String {
        let output = node.run(["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(printed(&output)).unwrap();
        status["groups"][0]["policy"]["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(name(), file);
    for (args, part) in [
        (["default", "lruk", "k=0"], "k"),
        (["default", "lruk", "zz=1"], "zz"),
        (["default", "static", "k=1"], "policy"),
        (["nowhere", "lru", "k=1"], "default"),
    ] {
        let output = node.run(["policy", "swap", args[0], args[1], "--opt", args[2]]);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{}", stderr(&output));
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    assert_eq!(name(), file);
    assert_eq!(printed(&node.run(["get", "default", "Tom"])), "630");
}

#[test]
fn plugins_that_cannot_be_used_are_told_before_anything_is_served() {
    let scratch = tempfile::tempdir().unwrap();
    let text = scratch.path().join("text.wasm");
    std::fs::write(&text, "not WebAssembly").unwrap();
    let folder = scratch.path().to_str().unwrap();
    for (args, parts) in [
        (vec!["--policy", "lruu"], vec!["group default", "\"lruu\"", "did you mean lru"]),
        (vec!["--policy", text.to_str().unwrap()], vec!["text.wasm", "no WebAssembly component"]),
        (vec!["--policy", folder], vec![folder, "directory"]),
        (vec!["--policy", "./nowhere.wasm"], vec!["./nowhere.wasm", "No such file"]),
        (vec!["--policy", "static"], vec!["static", "policy"]),
        (vec!["--retriever", "lru"], vec!["lru", "retriever"]),
        (vec!["--policy", "lruk", "--policy-opt", "k=none"], vec!["lruk", "k"]),
    ] {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0", "--http", "none"];
        all.extend(args);
        let output = psycache(all);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
        for part in parts {
            assert!(stderr(&output).contains(part), "no {part:?} in {}", stderr(&output));
        }
    }
    let both = psycache([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--http",
        "none",
        "--policy",
        "x",
        "--retriever",
        "y",
    ]);
    let lines: Vec<_> = stderr(&both).lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line.starts_with("error: group default: ")), "{lines:?}");
}

#[test]
fn a_config_file_gives_several_groups() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("node.toml");
    let text = "listen = '127.0.0.1:1'\n[[group]]\nname = 'scores'\nretriever = { plugin = 'static', options = { data = 'key,value\nAnn,7' } }\n\
                [[group]]\nname = 'plain'\npolicy = { plugin = 'lruk', options = { k = 3 } }\n";
    std::fs::write(&path, text.replace("'key,value\nAnn,7'", "\"key,value\\nAnn,7\"")).unwrap();
    let node = ServedNode::start(&["--config", path.to_str().unwrap()]);
    assert_eq!(node.told("groups"), "scores,plain");
    assert_eq!(printed(&node.run(["get", "scores", "Ann"])), "7");
    printed(&node.run(["set", "plain", "a", "1"]));
    assert_eq!(printed(&node.run(["get", "plain", "a"])), "1");
    let missing = node.run(["get", "plain", "b"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("no retriever"), "{}", stderr(&missing));
}
