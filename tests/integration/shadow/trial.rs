//! `psycache policy swap --if-better` under traffic that favours a policy, or turns against it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::thread;

use serde_json::Value;

use super::operator::node;
use super::traffic::{Ending, Temper, Traffic};
use crate::harness::{ServedNode, ending, psycache_command, stderr, stdout};
use crate::museum::exhibits;

/// Long enough for the gets that a decision needs, on a busy machine too.
const SPAN: &str = "6s";

/// The command at work.
struct Trial {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Trial {
    fn begin(node: &ServedNode, policy: &str) -> Self {
        let args = ["policy", "swap", "default", policy, "--if-better", "1pp", "--for", SPAN];
        let mut command = psycache_command(args);
        command.env("PSYCACHE_NODE", node.address());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, lines }
    }

    /// The next line, or what it complains about at its end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        if line.is_empty() {
            self.child.stderr.take().unwrap().read_to_string(&mut line).unwrap();
        }
        line
    }

    fn code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

fn policy(node: &ServedNode) -> String {
    let status: Value = serde_json::from_str(stdout(&node.run(["status", "--json"]))).unwrap();
    status["groups"][0]["policy"]["name"].as_str().unwrap().to_owned()
}

#[test]
fn a_better_policy_stays_and_no_other_swap_runs_meanwhile() {
    let (_folder, node) = node();
    let traffic = Traffic::to(&node);
    thread::scope(|scope| {
        scope.spawn(|| traffic.run());
        let _ending = Ending(&traffic);
        let mut trial = Trial::begin(&node, "lfu");
        assert_eq!(trial.line(), format!("measuring lfu beside lru for {SPAN}\n"));
        for args in [&["fifo"][..], &["fifo", "--if-better", "0pp"]] {
            let all = ["policy", "swap", "default"].iter().chain(args);
            let refused = node.run(all);
            assert_eq!(refused.status.code(), Some(4), "{refused:?}");
            let words = "wait for its end, or stop the command that began it";
            assert!(stderr(&refused).contains(words), "{refused:?}");
        }
        assert_eq!(policy(&node), "lru");
        let swapped = trial.line();
        assert!(swapped.starts_with("swapped: lfu in place of lru; watching"), "{swapped}");
        assert_eq!(policy(&node), "lfu");
        let kept = trial.line();
        assert!(kept.contains(", and with lru it would hit "), "{kept}");
        assert!(kept.ends_with(": lfu stays\n"), "{kept}");
        assert_eq!((trial.code(), policy(&node)), (Some(0), "lfu".into()));
        // It is over, so another may begin.
        let after = node.run(["policy", "swap", "default", "fifo"]);
        assert_eq!(ending(&after), (Some(0), ""));
    });
}

#[test]
fn a_policy_under_which_the_group_hits_less_goes_again() {
    let (_folder, node) = node();
    let options = ["policy", "swap", "default", "lruk", "--opt", "k=1"];
    assert_eq!(ending(&node.run(options)), (Some(0), ""));
    let traffic = Traffic::to(&node);
    thread::scope(|scope| {
        scope.spawn(|| traffic.run());
        let _ending = Ending(&traffic);
        let mut trial = Trial::begin(&node, "lfu");
        assert!(trial.line().starts_with("measuring lfu beside lruk"));
        let swapped = trial.line();
        assert!(swapped.starts_with("swapped: lfu in place of lruk"), "{swapped}");
        traffic.turn_to(Temper::OfToday);
        let back = trial.line();
        assert!(back.contains(", and with lruk it would hit "), "{back}");
        assert!(back.ends_with(": back to lruk\n"), "{back}");
        assert_eq!((trial.code(), policy(&node)), (Some(1), "lruk".into()));
    });
}

#[test]
fn a_policy_stays_where_the_old_one_would_do_no_better_now() {
    let (_folder, node) = node();
    assert_eq!(ending(&node.run(["policy", "swap", "default", "fifo"])), (Some(0), ""));
    let traffic = Traffic::to(&node);
    thread::scope(|scope| {
        scope.spawn(|| traffic.run());
        let _ending = Ending(&traffic);
        let mut trial = Trial::begin(&node, "lfu");
        assert!(trial.line().starts_with("measuring lfu beside fifo"));
        let swapped = trial.line();
        assert!(swapped.starts_with("swapped: lfu in place of fifo"), "{swapped}");
        // From here on nothing is asked for again, so the group hits far less than before.
        traffic.turn_to(Temper::Hopeless);
        let kept = trial.line();
        assert!(kept.ends_with(": lfu stays\n"), "{kept}");
        assert_eq!((trial.code(), policy(&node)), (Some(0), "lfu".into()));
    });
}

#[test]
fn a_policy_that_could_not_be_judged_after_the_swap_is_not_called_proven() {
    let folder = tempfile::tempdir().unwrap();
    let [file, source] = ["node.toml", "a-hundred-bytes.wasm"].map(|name| folder.path().join(name));
    fs::write(&source, exhibits::retriever("a-hundred-bytes")).unwrap();
    let config = |capacity: &str| {
        let group = format!(
            "[[group]]\nname = \"default\"\ncapacity = \"{capacity}\"\nretriever = {:?}\n",
            source.to_str().unwrap()
        );
        fs::write(&file, group).unwrap();
    };
    config("64KiB");
    let node = ServedNode::start(&["--config", file.to_str().unwrap()]);
    let traffic = Traffic::to(&node);
    let mut trial = thread::scope(|scope| {
        scope.spawn(|| traffic.run());
        let _ending = Ending(&traffic);
        let mut trial = Trial::begin(&node, "lfu");
        assert!(trial.line().starts_with("measuring lfu beside lru"));
        let swapped = trial.line();
        assert!(swapped.starts_with("swapped: lfu in place of lru"), "{swapped}");
        trial
    });
    // The shadow begins anew with another capacity, and nobody asks any more.
    config("96KiB");
    assert_eq!(ending(&node.run(["reload"])), (Some(0), ""));
    let unjudged = trial.line();
    let words = ["too few gets came in 6s", "lfu stays, unproven"];
    assert!(words.iter().all(|word| unjudged.contains(word)), "{unjudged}");
    assert_eq!((trial.code(), policy(&node)), (Some(1), "lfu".into()));
}

#[test]
fn a_policy_that_is_not_better_or_cannot_be_judged_changes_nothing() {
    let (_folder, node) = node();
    let idle = ["policy", "swap", "default", "lfu", "--if-better", "1pp", "--for", "50ms"];
    let unjudged = node.run(idle);
    assert_eq!(unjudged.status.code(), Some(1));
    let words = "too few entries to measure in 50ms, so lru stays; give a longer --for";
    assert!(stderr(&unjudged).contains(words), "{unjudged:?}");

    let traffic = Traffic::to(&node);
    thread::scope(|scope| {
        scope.spawn(|| traffic.run());
        let _ending = Ending(&traffic);
        // Without a caller a trial that has not swapped is over, and another may begin.
        let mut left = Trial::begin(&node, "lfu");
        assert!(left.line().starts_with("measuring"));
        left.child.kill().unwrap();
        left.child.wait().unwrap();
        let mut trial = loop {
            let mut trial = Trial::begin(&node, "lru");
            let line = trial.line();
            if line == format!("measuring lru beside lru for {SPAN}\n") {
                break trial;
            }
            assert!(line.contains("another swap or trial is under way"), "{line}");
        };
        let same = trial.line();
        assert!(same.contains("not better by 1pp and the error, so it stays"), "{same}");
        assert_eq!((trial.code(), policy(&node)), (Some(1), "lru".into()));
    });
}

#[test]
fn a_node_that_stops_does_not_wait_for_a_trial() {
    let node = ServedNode::start(&[]);
    let mut trial = Trial::begin(&node, "lfu");
    assert!(trial.line().starts_with("measuring"));
    node.signal("TERM");
    let line = trial.line();
    assert!(line.contains("the node stopped before the trial ended"), "{line}");
    assert_eq!(trial.code(), Some(4));
    let (status, _, log) = node.ended();
    assert!(status.success() && !log.contains("Some requests have not ended"), "{log}");
}

#[test]
fn what_is_typed_wrong_is_told_with_a_mend() {
    let node = ServedNode::start(&[]);
    for (args, code, words) in [
        (&["default", "lfu", "--if-better", "1"][..], 2, "such as 1pp"),
        (&["default", "lfu", "--if-better=-1pp"], 2, "from 0pp to below 100pp"),
        (&["default", "lfu", "--if-better", "100pp"], 2, "below 100pp"),
        (&["default", "lfu", "--if-better", "1pp", "--all"], 2, "cannot be used with"),
        (&["default", "lfu", "--for", "1m"], 2, "--if-better"),
        (&["default", "lfu", "--if-better", "1pp", "--for", "8d"], 2, "from 1 ms to 7 days"),
        (&["nowhere", "lfu", "--if-better", "1pp"], 1, "no group \"nowhere\""),
        (&["default", "lfuu", "--if-better", "1pp"], 1, "did you mean lfu?"),
        (&["default", "lfu", "--opt", "k=1", "--if-better", "1pp"], 2, "it has no option k"),
    ] {
        let output = node.run(["policy", "swap"].iter().chain(args));
        let (ended, complaint) = ending(&output);
        assert_eq!(ended, Some(code), "{args:?}: {complaint}");
        assert!(complaint.contains(words), "{args:?}: {complaint}");
    }
}
