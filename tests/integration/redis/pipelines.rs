//! Several requests at a time on one connection.

use super::wire::{Wire, array};
use crate::server::{page, served};

#[tokio::test]
async fn a_get_that_waits_holds_up_no_start_and_answers_come_in_order() {
    let mut served = served().await;
    let mut wire = Wire::open(served.redis).await;
    wire.send("GET slow-1\r\nSELECT 1\r\nSET a 1\r\nGET a\r\nSELECT 0\r\nGET slow-2\r\nHELLO 3\r\nPING\r\n")
        .await;
    let (first, second) = (served.loads.recv().await.unwrap(), served.loads.recv().await.unwrap());
    assert_eq!((first.key.as_str(), second.key.as_str()), ("slow-1", "slow-2"));
    second.finish();
    first.finish();
    wire.expect("$15\r\nvalue of slow-1\r\n+OK\r\n+OK\r\n$1\r\n1\r\n+OK\r\n$15\r\nvalue of slow-2\r\n%7\r\n")
        .await;
}

#[tokio::test]
async fn a_change_is_seen_by_what_follows_it_and_by_nothing_before_it() {
    let mut served = served().await;
    let mut wire = Wire::open(served.redis).await;
    // The set waits for the get of its key, and what reads many for the set.
    wire.send("GET slow\r\nSET slow 1\r\nGET slow\r\nDEL slow\r\nEXISTS slow\r\n").await;
    wire.send("MGET slow-too\r\nMSET slow-too 1 b 2\r\nMGET slow-too b\r\nFLUSHDB\r\n").await;
    wire.send("EXISTS b\r\n").await;
    served.loads.recv().await.unwrap().finish();
    served.loads.recv().await.unwrap().finish();
    wire.expect("$13\r\nvalue of slow\r\n+OK\r\n$1\r\n1\r\n:1\r\n:0\r\n").await;
    wire.expect(
        "*1\r\n$17\r\nvalue of slow-too\r\n+OK\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n+OK\r\n:0\r\n",
    )
    .await;
}

#[tokio::test]
async fn a_bounded_number_runs_at_a_time() {
    let typed = |key: &String| format!("GET {key}\r\n").into_bytes();
    a_bounded_number_runs(typed).await;
    // Read and looked up together.
    a_bounded_number_runs(|key| gets(&[key])).await;
}

async fn a_bounded_number_runs(get: impl Fn(&String) -> Vec<u8>) {
    let mut served = served().await;
    let mut wire = Wire::open(served.redis).await;
    let keys: Vec<String> = (0..66).map(|number| format!("slow-{number}")).collect();
    let mut loads = Vec::new();
    // Some run already when the others come.
    for (keys, running) in [(&keys[..3], 3), (&keys[3..], 64)] {
        wire.send(keys.iter().flat_map(&get).collect::<Vec<u8>>()).await;
        while loads.len() < running {
            loads.push(served.loads.recv().await.unwrap());
        }
    }
    // Another connection is served, and this one does not start its next.
    Wire::open(served.redis).await.call("PING", "+PONG\r\n").await;
    assert!(served.loads.try_recv().is_err());
    loads.drain(..).for_each(crate::server::Load::finish);
    served.loads.recv().await.unwrap().finish();
    served.loads.recv().await.unwrap().finish();
    for key in keys {
        let value = format!("value of {key}");
        wire.expect(format!("${}\r\n{value}\r\n", value.len())).await;
    }
}

#[tokio::test]
async fn the_loads_of_a_client_that_is_gone_are_given_up() {
    let mut served = served().await;
    let mut wire = Wire::open(served.redis).await;
    wire.send("GET slow\r\n").await;
    let load = served.loads.recv().await.unwrap();
    // The connection is reset.
    wire.stream.set_zero_linger().unwrap();
    drop(wire);
    load.given_up().await;
}

#[tokio::test]
async fn many_requests_in_one_write_are_answered() {
    let served = served().await;
    let mut wire = Wire::open(served.redis).await;
    let set: Vec<u8> = (0..5_000)
        .flat_map(|number: u32| array(&[b"SET", format!("key-{number}").as_bytes(), b"v"]))
        .collect();
    wire.send(&set).await;
    wire.expect("+OK\r\n".repeat(5_000)).await;
    let get: Vec<u8> = (0..5_000)
        .flat_map(|number: u32| array(&[b"GET", format!("key-{number}").as_bytes()]))
        .collect();
    wire.send(&get).await;
    wire.expect("$1\r\nv\r\n".repeat(5_000)).await;
}

fn gets(keys: &[&str]) -> Vec<u8> {
    keys.iter().flat_map(|key| array(&[b"GET", key.as_bytes()])).collect()
}

#[tokio::test]
async fn gets_in_a_row_are_answered_in_order_and_each_is_counted_once() {
    let mut served = served().await;
    let mut wire = Wire::open(served.redis).await;
    wire.call("GET a", "$10\r\nvalue of a\r\n").await;
    wire.call("GET missing", "$-1\r\n").await;
    let mut run = gets(&["a", "slow", "missing", "a"]);
    run.extend(array(&[b"SET", b"slow", b"1"]));
    // These begin after the set, which waits for the get of its key.
    run.extend(gets(&["a", "slow", "a", "a"]));
    run.extend(array(&[b"GET", b"\xff"]));
    run.extend(gets(&["a", "missing"]));
    wire.send(&run).await;
    served.loads.recv().await.unwrap().finish();
    let a = "$10\r\nvalue of a\r\n";
    wire.expect(format!("{a}$13\r\nvalue of slow\r\n$-1\r\n{a}+OK\r\n{a}$1\r\n1\r\n{a}{a}")).await;
    assert!(wire.read_line().await.starts_with("-ERR bad key"));
    wire.expect(format!("{a}$-1\r\n")).await;
    let (_, metrics) = page(served.http(), "/metrics").await;
    let counted = |result, gets| {
        for line in [
            format!("psycache_gets_total{{group=\"scores\",result=\"{result}\"}} {gets}"),
            format!("psycache_get_seconds_count{{group=\"scores\",result=\"{result}\"}} {gets}"),
        ] {
            assert!(metrics.lines().any(|found| found == line), "no {line} in {metrics}");
        }
    };
    counted("hit", 7);
    counted("miss", 3);
    counted("negative", 2);
    counted("error", 1);
}

#[tokio::test]
async fn an_answer_that_is_skipped_is_that_of_the_first_get_in_a_row() {
    let served = served().await;
    let mut wire = Wire::open(served.redis).await;
    let mut run = array(&[b"CLIENT", b"REPLY", b"SKIP"]);
    run.extend(gets(&["missing", "a", "missing"]));
    wire.send(&run).await;
    wire.expect("$10\r\nvalue of a\r\n$-1\r\n").await;
}

#[tokio::test]
async fn gets_in_a_row_that_are_cut_anywhere_are_answered() {
    let served = served().await;
    let mut wire = Wire::open(served.redis).await;
    wire.send("SET a 1\r\nSET b 2\r\nSET c 3\r\n").await;
    wire.expect("+OK\r\n+OK\r\n+OK\r\n").await;
    let run = gets(&["a", "b", "c"]);
    for cut in 0..run.len() {
        wire.send(&run[..cut]).await;
        // The node has read the first part when it has answered another connection.
        Wire::open(served.redis).await.call("PING", "+PONG\r\n").await;
        wire.send(&run[cut..]).await;
        wire.expect("$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n").await;
    }
}
