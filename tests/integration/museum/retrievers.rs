//! Hostile sources: who asks them gets an error in time, and nobody else notices.

use std::fmt::Write;

use psycache::proto::GetRequest;
use psycache::proto::cache_client::CacheClient;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::exhibits;
use super::operator::connect;
use super::{proc_status, rounds};
use crate::harness::{ServedNode, psycache, stderr};

/// Each with what a get of it is answered with.
const ANSWERS: [(&str, Result<usize, Code>); 10] = [
    ("a-hundred-bytes", Ok(100)),
    ("another-keys-value", Ok(26)),
    ("hangs", Err(Code::DeadlineExceeded)),
    ("hoards-sockets", Err(Code::Unavailable)),
    ("leaks", Ok(100)),
    ("one-gigabyte", Err(Code::Unavailable)),
    ("reaches-out", Err(Code::PermissionDenied)),
    ("sleeps", Err(Code::DeadlineExceeded)),
    ("traps", Err(Code::Unavailable)),
    ("two-hundred-megabytes", Err(Code::Unavailable)),
];
/// Refused before the node starts.
const REFUSED: &str = "spawns-tasks";
/// Loads that an exhibit is asked for at a time.
const AT_A_TIME: usize = 4;

async fn get(channel: Channel, group: &str, key: String) -> Result<usize, Status> {
    let get = GetRequest { group: group.to_owned().into(), key: key.into(), may_lend: false };
    let answer = CacheClient::new(channel).get(get).await?;
    Ok(answer.into_inner().value.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_source_harms_another_group() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = String::new();
    for (name, _) in &ANSWERS {
        let path = folder.path().join(name).with_extension("wasm");
        std::fs::write(&path, exhibits::retriever(name)).unwrap();
        writeln!(
            config,
            "[[group]]\nname = '{name}'\ncapacity = '1MiB'\nload-timeout = '1s'\nretriever = {{ plugin = '{}' }}",
            path.display()
        )
        .unwrap();
    }
    let path = folder.path().join("node.toml");
    std::fs::write(&path, config).unwrap();
    let node = ServedNode::start(&["--config", path.to_str().unwrap()]);
    let channel = connect(node.address()).await;

    let mut resident_kib = Vec::new();
    for round in 0..rounds("MUSEUM_ROUNDS", 3) {
        let asked = ANSWERS.iter().flat_map(|(name, answer)| {
            let channel = channel.clone();
            (0..AT_A_TIME).map(move |nth| {
                let get = get(channel.clone(), name, format!("{round}/{nth}"));
                async move { (*name, answer, get.await) }
            })
        });
        for (name, expected, answer) in futures::future::join_all(asked).await {
            match (expected, answer) {
                (Ok(bytes), Ok(value)) => assert_eq!(value, *bytes, "{name}"),
                // It is out of its own memory now and then, and begins anew.
                (Ok(_), Err(status)) if name == "leaks" => {
                    assert_eq!(status.code(), Code::Unavailable, "{name}: {status}");
                }
                (Err(code), Err(status)) => assert_eq!(status.code(), *code, "{name}: {status}"),
                (_, answer) => panic!("{name}: {answer:?}"),
            }
        }
        resident_kib.push(proc_status(node.pid(), "VmRSS"));
        let open = std::fs::read_dir(format!("/proc/{}/fd", node.pid())).unwrap().count();
        assert!(open < 200, "{open} files are open between loads");
    }
    eprintln!("KiB resident after each round: {resident_kib:?}");
    assert!(resident_kib.iter().all(|kib| *kib < 2 << 20), "{resident_kib:?}");
}

#[test]
fn a_source_that_leaves_tasks_behind_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spawns-tasks.wasm");
    std::fs::write(&path, exhibits::retriever(REFUSED)).unwrap();
    let path = path.to_str().unwrap();
    let output = psycache(["serve", "--listen", "127.0.0.1:0", "--retriever", path]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("does not compile") && said.contains("async"), "{said}");
}

#[test]
fn every_exhibit_has_its_answer() {
    let known = ANSWERS.iter().map(|(name, _)| *name).chain([REFUSED]);
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    assert_eq!(exhibits::names("retrievers"), known);
}
