//! The command as a stranger meets it: what it prints, and how it ends.

use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::process::{Output, Stdio};

use crate::harness::{ServedNode, ending, psycache, psycache_command, run, stderr, stdout};

fn serve(args: &[&str]) -> Output {
    let mut all = vec!["serve", "--listen", "127.0.0.1:0", "--http", "none"];
    all.extend(args);
    psycache(all)
}

pub(crate) fn assert_fails(output: &Output, code: i32, parts: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.starts_with("error: "), "{text}");
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text:?}");
    }
    assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{text}");
    assert_eq!(stdout(output), "");
}

/// An address on which nobody answers.
fn deserted() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn without_arguments_the_help_is_an_error_and_with_help_it_is_none() {
    let bare = psycache([""; 0]);
    assert_eq!(bare.status.code(), Some(2));
    assert!(stderr(&bare).contains("Usage: psycache"));
    let help = psycache(["--help"]);
    assert_eq!(ending(&help), (Some(0), ""));
    assert!(stdout(&help).contains("Usage: psycache"));
    let version = psycache(["--version"]);
    assert_eq!(stdout(&version), format!("psycache {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_mistyped_command_or_flag_is_told_with_the_right_one() {
    assert_fails(&psycache(["statsu"]), 2, &["'statsu'", "'status'"]);
    assert_fails(&psycache(["serve", "--capcity", "1MiB"]), 2, &["'--capcity'", "'--capacity'"]);
    assert_fails(&psycache(["get", "default"]), 2, &["<KEY>"]);
    assert_fails(&psycache(["set", "default", "Tom"]), 2, &["<VALUE>"]);
}

#[test]
fn an_argument_that_is_no_text_is_refused() {
    let bytes = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let output = psycache([std::ffi::OsStr::new("get"), std::ffi::OsStr::new("default"), bytes]);
    assert_fails(&output, 2, &["invalid UTF-8"]);
}

#[test]
fn a_bad_value_names_its_option_and_what_is_allowed() {
    for (args, parts) in [
        (["--capacity", "64XB"], ["'64XB'", "--capacity", "64MiB"]),
        (["--capacity", "99999999999999999999999"], ["--capacity", "8PiB", "64MiB"]),
        (["--ttl", "10 parsecs"], ["'10 parsecs'", "--ttl", "or none"]),
        (["--ttl", "10M"], ["'10M'", "--ttl", "3650d"]),
        (["--ttl", "1year"], ["'1year'", "--ttl", "3650d"]),
        (["--ttl", "3651d"], ["'3651d'", "--ttl", "3650d"]),
        (["--otlp", "http://a:99999"], ["'http://a:99999'", "--otlp", "65535"]),
        (["--ttl-jitter", "10"], ["'10'", "--ttl-jitter", "10%"]),
        (["--listen", "7400"], ["'7400'", "--listen", "HOST:PORT"]),
        (["--group", "a b"], ["'a b'", "--group", "1 to 64"]),
        (["--policy-opt", "k"], ["'k'", "--policy-opt", "NAME=VALUE"]),
        (["--log", "inof"], ["'inof'", "--log", "info"]),
        (["--config", "/nowhere.toml"], ["/nowhere.toml", "can't be read", "No such file"]),
    ] {
        assert_fails(&psycache(["serve", args[0], args[1]]), 2, &parts);
    }
    let secret = psycache(["serve", "--retriever-secret", "password=hunter2"]);
    assert_fails(&secret, 2, &["--retriever-secret", "password=env:NAME"]);
    assert!(!stderr(&secret).contains("hunter2"));
}

#[test]
fn a_bad_value_from_the_environment_names_the_variable() {
    let mut command = psycache_command(["serve"]);
    command.env("PSYCACHE_CAPACITY", "lots");
    assert_fails(&run(command, b""), 2, &["'lots'", "--capacity", "PSYCACHE_CAPACITY"]);
    let mut command = psycache_command(["serve"]);
    command.env("PSYCACHE_ETCD_PASSWORD", "hunter2");
    let secret = run(command, b"");
    assert_fails(&secret, 2, &["'…'", "--etcd-password", "PSYCACHE_ETCD_PASSWORD"]);
    assert!(!stderr(&secret).contains("hunter2"));
    let mut command = psycache_command(["status"]);
    command.env("PSYCACHE_NODE", "7400");
    assert_fails(&run(command, b""), 2, &["'7400'", "--node", "PSYCACHE_NODE"]);
}

#[test]
fn a_flag_beats_the_environment_and_that_beats_the_file() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("node.toml");
    // An address that is refused, so that the answer tells which one counts.
    std::fs::write(&path, "listen = '0.0.0.0:1'\n[cluster]\npeers = ['a:1']\n").unwrap();
    let refused = |variable: &[(&str, &str)], flag: &[&str]| {
        let mut command = psycache_command(["serve", "--config", path.to_str().unwrap()]);
        command.args(flag).envs(variable.iter().copied());
        run(command, b"")
    };
    let variable = [("PSYCACHE_LISTEN", "0.0.0.0:2")];
    assert_fails(&refused(&[], &[]), 2, &["\"0.0.0.0:1\""]);
    assert_fails(&refused(&variable, &[]), 2, &["\"0.0.0.0:2\""]);
    assert_fails(&refused(&variable, &["--listen", "0.0.0.0:3"]), 2, &["\"0.0.0.0:3\""]);
}

#[test]
fn an_empty_variable_is_unset_and_a_misspelt_one_is_named() {
    let mut command = psycache_command(["serve", "--listen", "127.0.0.1:0", "--http", "none"]);
    command.env("PSYCACHE_ETCD", "").env("PSYCACHE_TTL", "").env("PSYCACHE_LISTN", "a:1");
    // Kubernetes sets such variables for a service of this name.
    command.env("PSYCACHE_PORT_7400_TCP", "tcp://10.0.0.1:7400");
    let node = ServedNode::spawn(command);
    node.signal("TERM");
    let (status, _, log) = node.ended();
    assert!(status.success(), "{log}");
    let warning = "warning: PSYCACHE_LISTN is no setting; did you mean PSYCACHE_LISTEN?";
    assert!(log.contains(warning) && !log.contains("PSYCACHE_PORT"), "{log}");
    let mut command = psycache_command(["status", "--node", "127.0.0.1:1"]);
    command.env("PSYCACHE_TIMEOUT", "");
    assert_fails(&run(command, b""), 4, &["127.0.0.1:1 can't be reached"]);
}

#[test]
fn an_option_is_given_once_and_may_have_spaces_around_its_sign() {
    let twice = ["--policy", "lruk", "--policy-opt", "k=2", "--policy-opt", "k=3"];
    assert_fails(&serve(&twice), 2, &["--policy-opt", "k twice"]);
    let inspect = |opts: &[&str]| {
        let given = opts.iter().flat_map(|opt| ["--opt", opt]);
        psycache(["plugin", "inspect", "lruk"].into_iter().chain(given))
    };
    assert_fails(&inspect(&["k=2", "k=3"]), 2, &["k is given twice"]);
    assert!(stdout(&inspect(&["k = 3"])).contains("loads     yes, with these options"));
    let swap = ["policy", "swap", "default", "lruk", "--opt", "k=2", "--opt", "k=3"];
    assert_fails(&psycache(swap), 2, &["k is given twice"]);
    let sim = ["sim", "--policy", "lruk", "--capacity", "9", "--policy-opt", "k=2"];
    let sim = psycache(sim.into_iter().chain(["--policy-opt", " k = 3", "/nowhere"]));
    assert_fails(&sim, 2, &["k is given twice"]);
}

#[test]
fn the_nearest_name_is_the_one_of_fewest_edits() {
    assert_fails(&serve(&["--policy", "lur"]), 1, &["did you mean lru?"]);
    assert_fails(&serve(&["--policy", "lrukk"]), 1, &["did you mean lruk?"]);
}

#[test]
fn a_file_may_name_a_plugin_alone_and_a_group_needs_two_brackets() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("node.toml");
    let path = path.to_str().unwrap();
    std::fs::write(path, "[[group]]\nname = 'a'\npolicy = 'lru'\nretriever = 'static'\n").unwrap();
    let node = ServedNode::start(&["--config", path]);
    assert_eq!(stdout(&node.run(["get", "a", "Tom"])), "630");
    std::fs::write(path, "[group]\nname = 'a'\n").unwrap();
    assert_fails(&serve(&["--config", path]), 2, &[":1: a group is written [[group]]"]);
}

#[test]
fn keys_and_values_may_be_negative_numbers_and_changes_speak_json() {
    let node = ServedNode::start(&[]);
    assert_eq!(
        stdout(&node.run(["set", "default", "-5", "-7", "--json"])),
        "{\n  \"stored\": true\n}\n"
    );
    assert_eq!(stdout(&node.run(["get", "default", "-5"])), "-7");
    let removed = node.run(["remove", "default", "-5", "nobody", "--json"]);
    let removed: serde_json::Value = serde_json::from_str(stdout(&removed)).unwrap();
    assert_eq!(removed[0], serde_json::json!({ "key": "-5", "existed": true }));
    assert_eq!(removed[1], serde_json::json!({ "key": "nobody", "existed": false }));
    assert_eq!(stdout(&node.run(["clear", "default", "--json"])), "{\n  \"dropped\": 0\n}\n");
}

#[test]
fn a_typo_in_the_config_file_names_file_line_and_key() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("node.toml");
    std::fs::write(&path, "[[group]]\nname = 'scores'\ncapcity = '1MiB'\n").unwrap();
    let path = path.to_str().unwrap();
    let expected =
        format!("error: {path}:3: there is no key `capcity` here; did you mean `capacity`?\n");
    assert_eq!(ending(&serve(&["--config", path])), (Some(2), expected.as_str()));
}

#[test]
fn a_node_that_is_not_there_is_named() {
    let address = deserted();
    for command in [
        vec!["get", "default", "Tom"],
        vec!["set", "default", "Tom", "1"],
        vec!["remove", "default", "Tom"],
        vec!["clear", "default"],
        vec!["status"],
        vec!["policy", "swap", "default", "lru"],
    ] {
        let output = psycache(command.into_iter().chain(["--node", &address]));
        assert_fails(&output, 4, &[&address, "refused", "psycache serve", "PSYCACHE_NODE"]);
    }
}

#[test]
fn a_node_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let output = psycache(["get", "default", "Tom", "--node", &address, "--timeout", "200ms"]);
    assert_fails(&output, 4, &[&address, "200ms", "--timeout"]);
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = psycache(["completions", shell]);
        assert_eq!(ending(&output), (Some(0), ""));
        assert!(stdout(&output).contains("retriever-secret"), "{shell}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut command = psycache_command(["completions", "bash"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(ending(&output), (Some(0), ""));
}

#[test]
fn a_port_in_use_is_named_with_its_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = psycache(["serve", "--http", "none", "--listen", &address]);
    assert_fails(&listen, 1, &[&address, "in use", "--listen"]);
    let http = psycache(["serve", "--listen", "127.0.0.1:0", "--http", &address]);
    assert_fails(&http, 1, &[&address, "in use", "--http"]);
}

#[test]
fn signals_end_a_node_with_success_and_nothing_more_on_stdout() {
    for signal in ["TERM", "INT"] {
        let node = ServedNode::start(&[]);
        assert_eq!(node.told("nodes"), "1");
        assert_eq!(node.told("groups"), "default");
        assert!(node.ready().starts_with("psycache ready listen=127.0.0.1:"), "{}", node.ready());
        assert!(node.told("http").starts_with("127.0.0.1:"));
        node.signal(signal);
        let (status, printed, log) = node.ended();
        assert_eq!(status.code(), Some(0), "{log}");
        assert_eq!(printed, [""; 0]);
    }
}

#[test]
fn sim_shows_the_bound_beside_the_policies() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("loop.txt");
    // A loop over three keys, of which two fit: LRU has no hit. MIN keeps one of the keys
    // at each miss, so it hits at every other request once both are in.
    std::fs::write(&trace, "1\n2\n3\n".repeat(10)).unwrap();
    let trace = trace.to_str().unwrap();
    let sim =
        |rest: &[&str]| psycache([["sim", "--capacity", "2", trace].as_slice(), rest].concat());
    let output = sim(&["--policy", "lru,opt"]);
    assert_eq!(ending(&output), (Some(0), ""));
    let rows: Vec<&str> = stdout(&output).lines().skip(1).collect();
    assert_eq!(rows, ["loop,30,3,2,lru,0.000000", "loop,30,3,2,opt,0.466667"]);
    let output = sim(&["--policy", "opt", "--unit", "bytes"]);
    assert_fails(&output, 1, &["opt is the bound of entries that weigh the same"]);
    let output = sim(&["--policy", "opt", "--policy-opt", "k=2"]);
    assert_fails(&output, 1, &["opt has no option k (there are no options)"]);
}
