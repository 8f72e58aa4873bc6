//! Two nodes in one file.

use std::collections::BTreeSet;

use super::{Recorder, has_lines, text};
use crate::harness::{ServedNode, ending};

/// The lines of accesses, by columns.
fn lines(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().skip(2).filter(|line| !line.starts_with('#'));
    lines.map(|line| line.splitn(6, ',').collect()).collect()
}

#[test]
fn the_requests_of_all_nodes_are_in_one_file_in_the_order_of_time() {
    let nodes = ServedNode::pair(&[]);
    let folder = tempfile::tempdir().unwrap();
    let [hashed, plain, one] = ["hashed", "plain", "one"].map(|name| folder.path().join(name));
    let address = nodes[0].address();
    let of_all = Recorder::begin(address, &hashed, &["--all"]);
    let in_plain = Recorder::begin(address, &plain, &["--all", "--plain-keys"]);
    let of_one = Recorder::begin(address, &one, &["--plain-keys"]);
    let keys: Vec<String> = (0..40).map(|n| format!("secret-{n},\"x\"")).collect();
    for (at, key) in keys.iter().enumerate() {
        let (setter, getter) = (&nodes[at % 2], &nodes[(at + 1) % 2]);
        assert_eq!(ending(&setter.run(["set", "default", key, "value"])), (Some(0), ""));
        assert_eq!(ending(&getter.run(["get", "default", key])), (Some(0), ""));
    }
    assert_eq!(ending(&nodes[0].run(["remove", "default", &keys[0]])), (Some(0), ""));

    let is_all = |text: &str| text.contains(",remove,") && text.matches(",get,").count() == 40;
    let in_file = has_lines(&hashed, is_all);
    for (secret, file) in [("secret", &hashed), ("value", &hashed), ("value", &plain)] {
        let text = text(file);
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let told = lines(&in_file);
    let times: Vec<u64> = told.iter().map(|line| line[0].parse().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let of = |operation: &str| -> BTreeSet<&str> {
        told.iter().filter(|line| line[1] == operation).map(|line| line[5]).collect()
    };
    // Under one secret, whichever node told it.
    assert_eq!((of("set").len(), of("set")), (40, of("get")));
    assert!(of("remove").is_subset(&of("get")));
    // The nodes that a change passes through tell nothing of it.
    assert_eq!(in_file.matches(",remove,").count(), 1, "{in_file}");
    let size: u64 = told.iter().find(|line| line[1] == "get").unwrap()[2].parse().unwrap();
    assert!(size > 16, "key, value and what an entry costs: {size}");

    let in_file = has_lines(&plain, is_all);
    let named: BTreeSet<&str> =
        lines(&in_file).iter().filter(|line| line[1] == "get").map(|line| line[5]).collect();
    assert_eq!(named, keys.iter().map(String::as_str).collect());
    // The other node owns the others.
    let of_the_one = lines(&text(&one)).iter().filter(|line| line[1] == "set").count();
    assert!((1..40).contains(&of_the_one), "{of_the_one}");
    for recorder in [of_all, in_plain, of_one] {
        let ended = recorder.interrupt();
        assert_eq!((ended.code, &*ended.complaint), (Some(0), ""));
        assert!(ended.said.contains("it was stopped; "), "{}", ended.said);
    }

    // A second recording has another secret.
    let again = folder.path().join("again");
    let recorder = Recorder::begin(address, &again, &["--all"]);
    assert_eq!(ending(&nodes[0].run(["set", "default", &keys[1], "value"])), (Some(0), ""));
    let in_file = has_lines(&again, |text| text.contains(",set,"));
    assert!(!of("set").contains(lines(&in_file)[0][5]), "{in_file}");
    recorder.interrupt();
}

#[test]
fn a_node_that_stops_is_told_and_the_other_is_recorded_on() {
    let nodes = ServedNode::pair(&[]);
    let folder = tempfile::tempdir().unwrap();
    let [file, one] = ["recorded", "one"].map(|name| folder.path().join(name));
    let of_one = Recorder::begin(nodes[0].address(), &one, &["--plain-keys"]);
    let recorder = Recorder::begin(nodes[0].address(), &file, &["--all"]);
    let [first, second] = nodes;
    for key in 0..20 {
        let key = key.to_string();
        assert_eq!(ending(&first.run(["set", "default", &key, "value"])), (Some(0), ""));
    }
    has_lines(&file, |text| text.matches(",set,").count() == 20);
    of_one.interrupt();
    let stopped = second.address().to_owned();
    second.signal("TERM");
    second.ended();
    // The keys that the first one owns can be set still.
    let one = text(&one);
    let told = lines(&one);
    assert!(told.iter().all(|line| line[1] == "set"), "{one}");
    let own: Vec<&str> = told.iter().map(|line| line[5]).collect();
    assert!((1..20).contains(&own.len()), "{own:?}");
    for key in &own {
        assert_eq!(ending(&first.run(["set", "default", key, "value"])), (Some(0), ""));
    }
    has_lines(&file, |text| text.matches(",set,").count() == 20 + own.len());
    let ended = recorder.interrupt();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let words = format!("the node {stopped} stopped during the recording");
    assert!(ended.complaint.contains(&words), "{ended:?}");
    assert!(text(&file).lines().last().unwrap().starts_with("# end gets="));
}
