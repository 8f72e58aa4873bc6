//! Who changed what, in the log and in the metrics.

use crate::cli::assert_fails;
use crate::harness::{ServedNode, ending};

use super::{Tokens, audited, token};

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_with_a_token_of_another_group_is_refused_and_recorded() {
    let tokens = Tokens::of([
        ("elsewhere", "admin:notes write:default", ""),
        ("operator", "admin clear", ""),
    ]);
    let node = ServedNode::start(&tokens.flags().each_ref().map(String::as_str));
    let http = node.told("http").parse().unwrap();
    let run = |who: &str, command: &[&str]| {
        let file = tokens.token_file(who);
        node.run([command, &["--token-file", &file]].concat())
    };
    let swap = ["policy", "swap", "default", "lruk"];
    let problem = "elsewhere does not have the role admin for the group \"default\"";
    assert_fails(&run("elsewhere", &swap), 1, &[problem]);
    assert_fails(&node.run(swap), 1, &["no token", "--token-file"]);
    let operator = token("operator");
    assert_eq!(audited(http, &operator, "refused").await, 2);
    assert_eq!(audited(http, &operator, "swap").await, 0);

    assert_eq!(ending(&run("operator", &swap)), (Some(0), ""));
    assert_eq!(ending(&run("operator", &["clear", "default"])), (Some(0), ""));
    assert_eq!(ending(&run("operator", &["reload"])), (Some(0), ""));
    for kind in ["swap", "clear", "reload"] {
        assert_eq!(audited(http, &operator, kind).await, 1, "{kind}");
    }
    node.signal("TERM");
    let (_, _, log) = node.ended();
    let recorded: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["target"] == "psycache::audit")
        .collect();
    let line = |kind: &str| {
        let found = recorded.iter().find(|line| line["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {kind} in {recorded:?}")).clone()
    };
    let refused = line("refused");
    assert_eq!(refused["caller"], "elsewhere");
    assert_eq!(refused["method"], "SwapPolicy");
    assert_eq!(refused["problem"], problem);
    for kind in ["swap", "clear"] {
        let line = line(kind);
        assert_eq!(line["caller"], "operator");
        assert_eq!((&line["group"], &line["outcome"]), (&"default".into(), &"done".into()));
        assert!(line["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    }
    assert!(!log.contains("psycache_"), "no token is logged: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_recorded_where_no_tokens_are_asked_for() {
    let node = ServedNode::start(&["--log", "debug"]);
    assert_eq!(ending(&node.run(["clear", "default"])), (Some(0), ""));
    node.signal("TERM");
    let (_, _, log) = node.ended();
    let line = log.lines().find(|line| line.contains("psycache::audit"));
    let line: serde_json::Value = serde_json::from_str(line.expect(&log)).unwrap();
    assert_eq!((&line["kind"], &line["caller"]), (&"clear".into(), &"anonymous".into()));
    // While debug lines are logged, each call has a trace.
    assert_eq!(line["trace_id"].as_str().map(str::len), Some(32), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_does_not_fill_the_log() {
    let tokens = Tokens::of([("operator", "admin", "")]);
    let node = ServedNode::start(&tokens.flags().each_ref().map(String::as_str));
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", node.address()));
    let channel = channel.unwrap().connect().await.unwrap();
    for _ in 0..500 {
        let refused = super::raw::call(&channel, "psycache.v1.Cache/Get", Vec::new(), None).await;
        assert_eq!(refused.unwrap_err().code(), tonic::Code::Unauthenticated);
    }
    let http = node.told("http").parse().unwrap();
    assert_eq!(audited(http, &token("operator"), "refused").await, 500);
    node.signal("TERM");
    let (_, _, log) = node.ended();
    let lines = log.lines().filter(|line| line.contains("A call was not admitted")).count();
    assert!((1..100).contains(&lines), "{lines} lines");
}
