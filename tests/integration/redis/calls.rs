//! What each command answers.

use super::wire::{Wire, array};
use crate::server::{page, served, served_with};
use psycache::server::ServerConfig;

#[tokio::test]
async fn a_missing_key_is_loaded_and_what_the_source_does_not_have_is_null() {
    let served = served().await;
    let mut wire = Wire::open(served.redis).await;
    wire.call("GET Ada", "$12\r\nvalue of Ada\r\n").await;
    wire.call("get Ada", "$12\r\nvalue of Ada\r\n").await;
    wire.call("GETEX Ada", "$12\r\nvalue of Ada\r\n").await;
    wire.call("GET missing", "$-1\r\n").await;
    wire.call(
        "MGET Ada missing Bob",
        "*3\r\n$12\r\nvalue of Ada\r\n$-1\r\n$12\r\nvalue of Bob\r\n",
    )
    .await;
    // A group without a source has what was set.
    wire.call("SELECT notes", "+OK\r\n").await;
    wire.call("GET Ada", "$-1\r\n").await;
    wire.call("MGET Ada Bob", "*2\r\n$-1\r\n$-1\r\n").await;
    let (_, metrics) = page(served.http(), "/metrics").await;
    for counted in [
        "psycache_gets_total{group=\"scores\",result=\"miss\"} 3",
        // GET, GETEX, and one of the MGET.
        "psycache_gets_total{group=\"scores\",result=\"hit\"} 3",
        "psycache_gets_total{group=\"scores\",result=\"negative\"} 1",
        "psycache_get_seconds_count{group=\"scores\",result=\"hit\"} 2",
        "psycache_redis_connections 1",
    ] {
        assert!(metrics.contains(counted), "{counted} in {metrics}");
    }
}

#[tokio::test]
async fn values_are_set_for_a_time_and_removed() {
    let served = served().await;
    let mut wire = Wire::open(served.redis).await;
    let binary: Vec<u8> = (0..=255).collect();
    wire.send(array(&[b"SET", b"binary", &binary])).await;
    wire.expect("+OK\r\n").await;
    wire.send(array(&[b"GET", b"binary"])).await;
    wire.expect([&b"$256\r\n"[..], &binary, b"\r\n"].concat()).await;

    wire.call("SET a 1", "+OK\r\n").await;
    wire.call("TTL a", ":-1\r\n").await;
    wire.call("SET a 1 EX 100", "+OK\r\n").await;
    wire.call("TTL a", ":100\r\n").await;
    wire.call("PSETEX a 5000000 2", "+OK\r\n").await;
    let left: i64 = wire.line("PTTL a").await[1..].parse().unwrap();
    assert!((4_000_000..=5_000_000).contains(&left), "{left}");
    wire.call("SETEX a 300 3", "+OK\r\n").await;
    wire.call("TTL a", ":300\r\n").await;
    wire.call("MSET a 4 b 5", "+OK\r\n").await;
    wire.call("MGET a b", "*2\r\n$1\r\n4\r\n$1\r\n5\r\n").await;
    wire.call("EXISTS a b b unknown", ":3\r\n").await;
    wire.call("MEMORY USAGE a", ":114\r\n").await;
    // A deadline in the past removes the key.
    wire.call("SET a 6 EXAT 1", "+OK\r\n").await;
    wire.call("EXISTS a", ":0\r\n").await;
    wire.call("TTL a", ":-2\r\n").await;
    wire.call("MEMORY USAGE a", "$-1\r\n").await;
    wire.call("DEL a b", ":1\r\n").await;
    wire.call("UNLINK b", ":0\r\n").await;
    wire.call("DBSIZE", ":1\r\n").await;
    wire.call("FLUSHDB ASYNC", "+OK\r\n").await;
    wire.call("DBSIZE", ":0\r\n").await;
    // None of them loads.
    wire.call("EXISTS Ada", ":0\r\n").await;
    let (_, metrics) = page(served.http(), "/metrics").await;
    assert!(!metrics.contains("outcome=\"found\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_group_is_selected_by_its_place_or_its_name() {
    let served = served().await;
    let mut wire = Wire::open(served.redis).await;
    wire.call("SET key of-scores", "+OK\r\n").await;
    wire.call("SELECT 1", "+OK\r\n").await;
    wire.call("SET key of-notes", "+OK\r\n").await;
    wire.call("SELECT scores", "+OK\r\n").await;
    wire.call("GET key", "$9\r\nof-scores\r\n").await;
    wire.call("SELECT 1", "+OK\r\n").await;
    wire.call("GET key", "$8\r\nof-notes\r\n").await;
    let refused = wire.line("SELECT 2").await;
    assert!(refused.contains("no group 2; this node has 0 scores, 1 notes"), "{refused}");
    assert!(wire.line("SELECT note").await.starts_with("-ERR DB index is out of range"));
    wire.call("GET key", "$8\r\nof-notes\r\n").await;
    assert!(wire.text("CLIENT LIST").await.contains(" db=1 "));
    wire.call("RESET", "+RESET\r\n").await;
    wire.call("GET key", "$9\r\nof-scores\r\n").await;
}

#[tokio::test]
async fn an_error_has_its_kind_in_front() {
    let served = served().await;
    let mut wire = Wire::open(served.redis).await;
    for (line, prefix, part) in [
        ("GET down", "-BUSY ", "connection refused"),
        ("GET late", "-TIMEOUT ", "not answered within"),
        ("GET forbidden", "-DENIED ", "no such user"),
        ("GET unusable", "-ERR ", "two columns"),
        ("GET panics", "-ERR ", "panicked"),
        ("MGET Ada down", "-BUSY ", "connection refused"),
        ("GET \"\\xff\"", "-ERR ", "not UTF-8"),
        ("GET \"\"", "-ERR ", "1 to 1,024 bytes"),
        ("SET \"\\xff\" 1", "-ERR ", "not UTF-8"),
        ("MSET \"\\xff\" 1 a 2", "-ERR ", "not UTF-8"),
        ("DEL \"\\xff\"", "-ERR ", "not UTF-8"),
        ("SET a 1 EX 999999999", "-ERR ", "give 1ms to 3650d"),
        ("SET a 1 NX", "-ERR ", "NX"),
        ("GET", "-ERR ", "wrong number of arguments for 'get' command"),
        ("MSET a", "-ERR ", "wrong number of arguments for 'mset' command"),
        ("MSET a 1 b", "-ERR ", "wrong number of arguments for 'mset' command"),
        ("INCR a", "-ERR ", "unknown command 'INCR'; this cache has GET, MGET"),
        ("CLIENT KILL", "-ERR ", "CLIENT has ID, SETNAME"),
        ("OBJECT FREQ Ada", "-ERR ", "not known of an entry"),
        ("OBJECT ENCODING Ada", "-ERR ", "OBJECT has FREQ, IDLETIME"),
        ("CONFIG SET save x", "-ERR ", "SIGHUP"),
        ("FLUSHDB NOW", "-ERR ", "syntax error"),
        ("AUTH secret", "-ERR ", "without any password configured"),
        ("AUTH default secret", "-ERR ", "This node has no tokens"),
        ("HELLO 3 AUTH default secret", "-ERR ", "This node has no tokens"),
        ("HELLO 4", "-NOPROTO ", "unsupported protocol version"),
    ] {
        let answer = wire.line(line).await;
        assert!(answer.starts_with(prefix) && answer.contains(part), "{line}: {answer}");
    }
    // It serves on, and in the version of the protocol that it had.
    wire.call("GET missing", "$-1\r\n").await;
    let too_large = "x".repeat(1 << 20);
    wire.send(array(&[b"SET", b"a", too_large.as_bytes()])).await;
    assert!(wire.read_line().await.starts_with("-OOM "));
    // Each name costs far more than the nine bytes that it takes.
    let names = vec![&b"get"[..]; 1_000];
    wire.send(array(&[&[&b"COMMAND"[..], b"DOCS"], &names[..]].concat())).await;
    assert!(wire.read_line().await.starts_with("-ERR too many names"));
    let keys = vec![&b"k"[..]; 10_001];
    wire.send(array(&[&[&b"MGET"[..]], &keys[..]].concat())).await;
    assert!(wire.read_line().await.contains("ask for at most 10000 in one call"));
}

#[tokio::test]
async fn a_request_has_the_time_that_the_server_allows() {
    let request_timeout = std::time::Duration::from_millis(20);
    let mut served = served_with(ServerConfig { request_timeout, ..ServerConfig::default() }).await;
    let mut wire = Wire::open(served.redis).await;
    wire.call("GET slow", "-TIMEOUT not answered within 20 ms\r\n").await;
    served.loads.recv().await.unwrap().given_up().await;
}

#[tokio::test]
async fn a_connection_has_its_own_version_name_and_answers() {
    let served = served().await;
    let (mut wire, mut other) = (Wire::open(served.redis).await, Wire::open(served.redis).await);
    wire.call("HELLO", b"*14\r\n$6\r\nserver\r\n$8\r\npsycache\r\n$7\r\nversion\r\n$5\r\n7.4.0\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n").await;
    wire.call("HELLO 3 SETNAME Ada", b"%7\r\n$6\r\nserver\r\n$8\r\npsycache\r\n$7\r\nversion\r\n$5\r\n7.4.0\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n").await;
    wire.call("GET missing", "_\r\n").await;
    wire.call("CLIENT GETNAME", "$3\r\nAda\r\n").await;
    wire.call("CLIENT SETINFO LIB-NAME lib", "+OK\r\n").await;
    wire.call("CLIENT ID", ":1\r\n").await;
    wire.call("CLIENT NO-EVICT on", "+OK\r\n").await;
    other.call("PING", "+PONG\r\n").await;
    other.call("GET missing", "$-1\r\n").await;
    let list = other.text("CLIENT LIST").await;
    assert!(list.contains("id=1 ") && list.contains("name=Ada") && list.contains("lib-name=lib"));
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(other.text("CLIENT INFO").await.starts_with("id=2 addr=127.0.0.1:"));

    other.send("CLIENT REPLY SKIP\r\nPING\r\nPING a\r\n").await;
    other.expect("$1\r\na\r\n").await;
    other.send("CLIENT REPLY OFF\r\nPING\r\nNONSENSE\r\nGET Ada\r\nCLIENT REPLY ON\r\n").await;
    other.expect("+OK\r\n").await;
    other.send("ECHO a\r\nQUIT\r\nPING\r\n").await;
    assert_eq!(other.rest().await, b"$1\r\na\r\n+OK\r\n");
}

#[tokio::test]
async fn tools_find_the_fields_that_they_read() {
    let served = served().await;
    let mut wire = Wire::open(served.redis).await;
    wire.line("GET Ada").await;
    wire.read_line().await;
    wire.line("GET Ada").await;
    wire.read_line().await;
    let info = wire.text("INFO").await;
    for field in [
        "redis_version:7.",
        "connected_clients:1\r\n",
        "maxmemory:2097152\r\n",
        "used_memory:",
        "keyspace_hits:1\r\n",
        "keyspace_misses:1\r\n",
        "total_connections_received:1\r\n",
        "evicted_keys:0\r\n",
        "role:master\r\n",
        "loading:0\r\n",
        "db0:keys=1,",
    ] {
        assert!(info.contains(field), "{field} in {info}");
    }
    assert_eq!(wire.text("INFO keyspace").await.lines().next(), Some("# Keyspace"));
    wire.call(
        "CONFIG GET save append*",
        "*4\r\n$10\r\nappendonly\r\n$2\r\nno\r\n$4\r\nsave\r\n$0\r\n\r\n",
    )
    .await;
    wire.call("CONFIG GET databases", "*2\r\n$9\r\ndatabases\r\n$1\r\n2\r\n").await;
    wire.call("COMMAND COUNT", ":27\r\n").await;
    wire.call("COMMAND INFO nonsense", "*1\r\n$-1\r\n").await;
    wire.call("COMMAND INFO mset", "*1\r\n*10\r\n$4\r\nmset\r\n:-3\r\n*2\r\n+write\r\n+denyoom\r\n:1\r\n:-1\r\n:2\r\n*0\r\n*0\r\n*0\r\n*0\r\n").await;
    wire.call("COMMAND DOCS echo", "*2\r\n$4\r\necho\r\n*6\r\n$7\r\nsummary\r\n$25\r\nAnswers what it was given\r\n$5\r\nsince\r\n$5\r\n1.0.0\r\n$5\r\ngroup\r\n$10\r\nconnection\r\n").await;
}
