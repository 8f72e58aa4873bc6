//! How a recording ends, well or not, and what can be read of it then.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::{Recorder, has_lines, text};
use crate::harness::{ServedNode, ending, psycache, run, stderr, stdout};
use crate::shadow::traffic::{Ending, Traffic};

fn set(node: &ServedNode, keys: std::ops::Range<u32>) {
    for key in keys {
        let key = format!("key-{key}");
        assert_eq!(ending(&node.run(["set", "default", &key, "value"])), (Some(0), ""));
        assert_eq!(ending(&node.run(["get", "default", &key])), (Some(0), ""));
    }
}

/// What `sim` says of a recording, and what it warns of.
fn replayed(file: &Path) -> (String, String) {
    let output = psycache(["sim", file.to_str().unwrap(), "--policy", "lru", "--capacity", "5"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    (stdout(&output).lines().last().unwrap().to_owned(), stderr(&output).to_owned())
}

#[test]
fn a_recording_can_be_replayed_from_any_part_of_it() {
    let node = ServedNode::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("whole.csv.zst");
    let recorder = Recorder::begin(node.address(), &file, &[]);
    set(&node, 0..10);
    has_lines(&file, |text| text.matches(",get,").count() == 10);
    let ended = recorder.interrupt();
    assert_eq!((ended.code, &*ended.complaint), (Some(0), ""), "{}", ended.said);
    let words = ["whole.csv.zst: it was stopped; ", " accesses of all keys in ", " 0 lost\n"];
    assert!(words.iter().all(|word| ended.said.contains(word)), "{}", ended.said);
    let text = text(&file);
    let requests = text.lines().filter(|line| !line.starts_with(['#', 't'])).count();
    assert!(text.contains("\n# end gets="), "{text}");
    let (row, warning) = replayed(&file);
    assert!(row.starts_with(&format!("whole,{requests},")), "{row}");
    // Every key was set before it was asked for, in a cache of five.
    assert!(row.ends_with(",5,lru,1.000000") && warning.is_empty(), "{row} {warning}");

    // Cut anywhere, it says so, and what is there is replayed.
    let bytes = fs::read(&file).unwrap();
    let cut = folder.path().join("cut.csv.zst");
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let (row, warning) = replayed(&cut);
    assert!(row.starts_with("cut,"), "{row}");
    assert!(warning.contains("the recording was cut off; the "), "{warning}");
    // Unpacked and cut in the middle of a line.
    fs::write(&cut, &text[..text.find(",get,").unwrap()]).unwrap();
    let (_, warning) = replayed(&cut);
    assert!(warning.contains("the recording was cut off; the "), "{warning}");
    let newer = text.replacen("recording 1", "recording 2", 1);
    fs::write(&cut, newer).unwrap();
    let refused = psycache(["sim", cut.to_str().unwrap()]);
    assert!(stderr(&refused).contains("use a newer psycache"), "{refused:?}");
}

#[test]
fn a_recording_ends_at_its_size_and_with_its_node() {
    let node = ServedNode::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let [small, stopped] = ["small", "stopped"].map(|name| folder.path().join(name));
    let recorder = Recorder::begin(node.address(), &small, &["--max-size", "200"]);
    let of_node = Recorder::begin(node.address(), &stopped, &[]);
    set(&node, 0..30);
    let ended = recorder.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.said.contains("it has its largest size"), "{ended:?}");
    assert!(text(&small).contains("\n# end "), "{ended:?}");

    has_lines(&stopped, |text| text.matches(",get,").count() == 30);
    node.signal("TERM");
    let ended = of_node.end();
    let words = format!("the node {} stopped during the recording", node.address());
    assert!(ended.code == Some(4) && ended.complaint.contains(&words), "{ended:?}");
    let (row, warning) = replayed(&stopped);
    assert!(row.ends_with(",30,5,lru,1.000000") && warning.is_empty(), "{row} {warning}");
    let (status, _, log) = node.ended();
    assert!(status.success() && !log.contains("Some requests have not ended"), "{log}");
}

#[test]
fn a_full_disk_is_told_and_what_was_written_can_be_replayed() {
    let node = ServedNode::start(&[]);
    let full = node.run(["record", "default", "--output", "/dev/full"]);
    assert_eq!(full.status.code(), Some(1), "{full:?}");
    let words = "/dev/full can't be written any more, after 0 accesses; make room";
    assert!(stderr(&full).contains(words), "{full:?}");

    // A file that may grow to 200 blocks of 512 bytes.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("full.csv.zst");
    let mut command = std::process::Command::new("sh");
    let script =
        "trap '' XFSZ; ulimit -f 200; exec \"$0\" record default --sample 1 --output \"$1\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_psycache")]).arg(&file);
    command.env("PSYCACHE_NODE", node.address());
    let recorder = Recorder::spawn(command);
    let traffic = Traffic::to(&node);
    std::thread::scope(|scope| {
        scope.spawn(|| traffic.run());
        let _ending = Ending(&traffic);
        let ended = recorder.end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let words = ["full.csv.zst can't be written any more, after ", "psycache sim reads"];
        assert!(words.iter().all(|word| ended.complaint.contains(word)), "{ended:?}");
    });
    assert!(fs::metadata(&file).unwrap().len() <= 200 * 512);
    let (row, warning) = replayed(&file);
    assert!(row.starts_with("full,") && row.contains(",5,lru,0."), "{row}");
    assert!(warning.contains("the recording was cut off; the "), "{warning}");
}

#[test]
fn a_pipe_that_nobody_reads_does_not_hold_up_the_end() {
    let node = ServedNode::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    // Open at both ends, so that nothing waits for a reader.
    let mut pipe = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let held = pipe.try_clone().unwrap();
    let recorder = Recorder::begin(node.address(), &path, &[]);
    // Fills it, and waits for a reader then.
    std::thread::spawn(move || while pipe.write_all(&[0; 4096]).is_ok() {});
    crate::patience::seen_blocking(|| match rustix::io::ioctl_fionread(&held).unwrap() {
        // Less than a page is free, of 16.
        61_440.. => Ok(()),
        bytes => Err(format!("{bytes} bytes are in the pipe")),
    });
    let ended = recorder.interrupt();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let words = ["has taken nothing for ", "so it is not whole"];
    assert!(words.iter().all(|word| ended.complaint.contains(word)), "{ended:?}");
}

#[test]
fn a_key_of_any_length_and_any_bytes_can_be_replayed() {
    let node = ServedNode::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.csv.zst");
    let recorder = Recorder::begin(node.address(), &file, &["--plain-keys"]);
    for key in ["\\".repeat(1_024), "a\nb\r\\".into(), "a".repeat(1_024)] {
        assert_eq!(ending(&node.run(["set", "default", &key, "value"])), (Some(0), ""));
        assert_eq!(ending(&node.run(["get", "default", &key])), (Some(0), ""));
    }
    has_lines(&file, |text| text.matches(",get,").count() == 3);
    recorder.interrupt();
    let (row, warning) = replayed(&file);
    assert!(row.starts_with("keys,6,3,") && warning.is_empty(), "{row} {warning}");
}

#[test]
fn what_is_typed_wrong_is_told_with_a_mend() {
    let node = ServedNode::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("there");
    fs::write(&there, "mine").unwrap();
    let (there, nowhere) = (there.to_str().unwrap(), "/no/such/folder/file");
    for (args, code, words) in [
        (&["nowhere", "-o", nowhere][..], 1, "no group \"nowhere\" on this node; it has default"),
        (&["default", "-o", there], 1, "exists; name another file with --output"),
        (&["default", "-o", nowhere], 1, "can't be made: No such file or directory"),
        (&["default", "-o", folder.path().to_str().unwrap()], 1, "exists; name another file"),
        (&["default", "--sample", "0.5"], 2, "a share such as 1/8"),
        (&["default", "--sample", "1/0"], 2, "a share such as 1/8"),
        (&["default", "--max-size", "0"], 2, "a size above 0"),
        (&["default", "--for", "8d", "-o", nowhere], 2, "from 1 ms to 7 days"),
        (&["default", "--for", "soon"], 2, "--for"),
        (&[], 2, "<GROUP>"),
    ] {
        let output = node.run(["record"].iter().chain(args));
        let (ended, complaint) = ending(&output);
        assert_eq!(ended, Some(code), "{args:?}: {complaint}");
        assert!(complaint.contains(words), "{args:?}: {complaint}");
    }
    assert_eq!(fs::read_to_string(there).unwrap(), "mine");
    let mut command = crate::harness::psycache_command(["record", "default", "-o", nowhere]);
    command.env("PSYCACHE_NODE", "127.0.0.1:1");
    let output = run(command, b"");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}

#[test]
fn recordings_are_limited_and_their_end_makes_room() {
    let node = ServedNode::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let begin =
        |nth: u32| Recorder::begin(node.address(), &folder.path().join(nth.to_string()), &[]);
    let mut recorders: Vec<_> = (0..8).map(begin).collect();
    let file = folder.path().join("more");
    let more = node.run(["record", "default", "-o", file.to_str().unwrap()]);
    assert_eq!(more.status.code(), Some(4), "{more:?}");
    let words = "8 recordings and shadows of it run; end one of them first";
    assert!(stderr(&more).contains(words) && !file.exists(), "{more:?}");
    recorders.pop().unwrap().interrupt();
    let args = ["record", "default", "--for", "1ms", "-o", file.to_str().unwrap()];
    crate::patience::seen_blocking(|| {
        let output = node.run(args);
        match output.status.success() {
            true => {
                assert!(stdout(&output).contains("its time is over"), "{output:?}");
                Ok(())
            }
            false => Err(stderr(&output).to_owned()),
        }
    });
}
