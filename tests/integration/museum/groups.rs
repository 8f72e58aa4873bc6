//! A thousand groups that do nothing cost next to nothing.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use psycache::proto::SetRequest;
use psycache::proto::cache_client::CacheClient;

use super::operator::connect;
use super::proc_status;
use crate::harness::ServedNode;
use crate::patience::until;

const GROUPS: usize = 1_000;
/// More than a worker leaves lying.
const KEYS: usize = 2_000;

#[tokio::test]
async fn a_thousand_idle_groups_use_no_processor() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = String::new();
    for nth in 0..GROUPS {
        writeln!(config, "[[group]]\nname = 'g{nth}'\ncapacity = '1MiB'").unwrap();
    }
    let path = folder.path().join("node.toml");
    fs::write(&path, config).unwrap();
    let node = ServedNode::start(&["--config", path.to_str().unwrap()]);
    let pid = node.pid();
    eprintln!("{} threads, {} KiB", proc_status(pid, "Threads"), proc_status(pid, "VmRSS"));

    // After the start they come to rest: none is woken any more.
    let mut before = worker_wakings(pid);
    assert_eq!(before.len(), GROUPS);
    until("all workers rest", async || {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let now = worker_wakings(pid);
        std::mem::replace(&mut before, now.clone()) == now
    })
    .await;

    // Work in one of them wakes that one.
    let mut cache = CacheClient::new(connect(node.address()).await);
    for key in 0..KEYS {
        let (group, key) = ("g7".into(), key.to_string().into());
        cache
            .set(SetRequest { group, key, value: "value".into(), ..SetRequest::default() })
            .await
            .unwrap();
    }
    until("the worker hears of it", async || {
        let now = worker_wakings(pid);
        let woken = before.iter().filter(|(thread, count)| now[*thread] != **count).count();
        assert!(woken <= 1, "{woken} workers woke");
        woken == 1
    })
    .await;
}

/// How often each worker's thread was switched to.
fn worker_wakings(pid: u32) -> BTreeMap<String, u64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let count = |folder: std::path::PathBuf| {
        let status = fs::read_to_string(folder.join("status")).ok()?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        field("Name:")?.trim().starts_with("policy ").then(|| {
            let switches = field("voluntary_ctxt_switches:").unwrap_or("0").trim();
            let thread = folder.file_name().unwrap().to_string_lossy().into_owned();
            (thread, switches.parse().unwrap())
        })
    };
    threads.filter_map(|thread| count(thread.ok()?.path())).collect()
}
