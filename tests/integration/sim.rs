//! `psycache sim` over files of all formats, and over what is none.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::cli::assert_fails;
use crate::harness::{ending, psycache, psycache_command, stderr, stdout};

/// A folder of traces.
struct Traces(tempfile::TempDir);

impl Traces {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// The same keys in the same order, however they are written.
    fn pattern() -> Vec<u64> {
        (0..400_u64).map(|n| 1 + n * n % 23).collect()
    }

    /// What `sim` says of `path`.
    fn sim(&self, path: &Path, rest: &[&str]) -> Output {
        psycache([["sim", path.to_str().unwrap()].as_slice(), rest].concat())
    }

    /// The lines below the headings, without the name of the trace.
    fn rows(&self, path: &Path, rest: &[&str]) -> Vec<String> {
        let output = self.sim(path, rest);
        let (code, said) = ending(&output);
        let is_note = |line: &str| line.starts_with("note: ");
        assert!(code == Some(0) && said.lines().all(is_note), "{}: {said}", path.display());
        let lines = stdout(&output).lines().skip(1);
        lines.map(|line| line.split_once(',').unwrap().1.to_owned()).collect()
    }
}

#[test]
fn the_bound_stands_beside_the_policies() {
    let traces = Traces::new();
    // A loop over three keys, of which two fit: LRU has no hit. MIN keeps one of the keys
    // at each miss, so it hits at every other request once both are in.
    let trace = traces.file("loop.txt", "1\n2\n3\n".repeat(10));
    let rows = traces.rows(&trace, &["--policy", "lru,opt", "--capacity", "2"]);
    assert_eq!(rows, ["30,3,2,lru,0.000000", "30,3,2,opt,0.466667"]);
    let refused = |rest: &[&str], part: &str| {
        assert_fails(&traces.sim(&trace, rest), 1, &[part]);
    };
    let bytes = ["--policy", "opt", "--unit", "bytes"];
    refused(&bytes, "opt is the bound of entries that weigh the same");
    refused(&["--policy", "opt?k=2"], "opt has no option k (there are no options)");
}

#[test]
fn a_trace_alone_is_enough() {
    let traces = Traces::new();
    let keys: String = (0..2_000).map(|n| format!("{}\n", n * n % 199)).collect();
    let trace = traces.file("all.txt", keys);
    let rows = traces.rows(&trace, &[]);
    let listed = psycache(["policy", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(stdout(&listed)).unwrap();
    let policies = listed.as_array().unwrap().len() + 1;
    // 100 distinct squares: 1, 5, 10 and 20 %.
    assert_eq!(rows.len(), 4 * policies, "{rows:?}");
    for (chunk, capacity) in rows.chunks(policies).zip([1, 5, 10, 20]) {
        assert!(chunk.iter().all(|row| row.starts_with(&format!("2000,100,{capacity},"))));
        let ratio = |row: &String| row.rsplit(',').next().unwrap().parse::<f64>().unwrap();
        assert!(chunk[policies - 1].contains(",opt,"));
        assert!(chunk.iter().all(|row| ratio(row) <= ratio(&chunk[policies - 1])), "{chunk:?}");
    }
    let table = traces.sim(&trace, &["--output", "table", "--policy", "lru,opt"]);
    let said = stdout(&table);
    assert!(said.starts_with("all: 2,000 requests, 100 keys; capacities in entries\n"), "{said}");
    assert!(said.contains("\nHIT RATIO      1"), "{said}");
    assert!(said.contains("\nPOLICY  FIRST  OVER TIME, CAPACITY 10 "), "{said}");
    assert!(said.lines().last().unwrap().starts_with("opt "), "{said}");
    let svg = traces.sim(&trace, &["--output", "svg", "--policy", "lru,opt"]);
    assert!(stdout(&svg).starts_with("<svg") && stdout(&svg).contains("hit ratio in %"));
    assert!(stdout(&svg).contains("all: over time, with a capacity of 10"));
    // Two axes and two curves, over the capacity and over the requests.
    assert!(stdout(&svg).matches("<polyline").count() >= 8);
}

#[test]
fn each_format_tells_the_same_requests() {
    let traces = Traces::new();
    let keys = Traces::pattern();
    let lines = |line: &dyn Fn(usize, u64) -> String| -> String {
        keys.iter().enumerate().map(|(at, key)| line(at, *key) + "\n").collect()
    };
    let records = |record: &dyn Fn(u64, u64) -> Vec<u8>| -> Vec<u8> {
        (0..).zip(&keys).flat_map(|(at, key)| record(at, *key)).collect()
    };
    let oracle = records(&|at, key| {
        let next = keys[at as usize + 1..].iter().position(|other| *other == key);
        let next = next.map_or(-1, |ahead| at as i64 + 1 + ahead as i64);
        let seconds = (at as u32).to_le_bytes();
        [&seconds[..], &key.to_le_bytes(), &7_u32.to_le_bytes(), &next.to_le_bytes()].concat()
    });
    let vscsi = |version: u8| {
        records(&move |at, key| {
            let (serial, length, segments) = (at as u32, 4096_u32, 1_u32);
            let numbers = [serial, length, segments].map(u32::to_le_bytes).concat();
            let kind = [0x28, 0, 0, version];
            let times = [key.to_le_bytes(), (at * 1_000).to_le_bytes()].concat();
            match version {
                1 => [&numbers[..], &kind, &times].concat(),
                _ => [&kind[..], &numbers, &times, &[0; 8]].concat(),
            }
        })
    };
    let plain = lines(&|_, key| key.to_string());
    let files = [
        traces.file("keys.txt", &plain),
        traces.file("bom.txt", format!("\u{feff}{}", plain.replace('\n', "\r\n\r\n"))),
        traces.file("blanks.txt", lines(&|_, key| format!("/a page/{key}.html"))),
        traces.file("sized.txt", lines(&|_, key| format!("a key {key} 7"))),
        traces.file(
            "heads.csv",
            format!("Time,Obj_ID,Size\n{}", lines(&|at, key| format!("{at},\"k,{key}\",7"))),
        ),
        traces
            .file("gaps.tsv", format!("time\tkey\tttl\n{}", lines(&|_, key| format!("\t{key}\t")))),
        traces.file("twitter.csv", lines(&|at, key| format!("{at},k{key},3,7,1,get,0"))),
        traces.file("arc.lis", lines(&|at, key| format!("{key} 1 0 {at}"))),
        traces.file("packed.gz", packed("gzip", &plain)),
        traces.file("packed.zst", packed("zstd", &plain)),
        traces.file("packed.xz", packed("xz", &plain)),
        traces.file("oracle.bin", &oracle),
        traces.file("one.vscsi", vscsi(1)),
        traces.file("two.vscsi", vscsi(2)),
        traces.file("tabs.tsv", format!("size\tkey\n{}", lines(&|_, key| format!("7\t{key}")))),
    ];
    let asked = ["--policy", "lru,sieve", "--capacity", "5"];
    let expected = traces.rows(&files[0], &asked);
    assert_eq!(expected.len(), 2);
    for file in &files {
        assert_eq!(traces.rows(file, &asked), expected, "{}", file.display());
    }
    let format = |format: &'static str| [&asked[..], &["--format", format]].concat();
    assert_eq!(traces.rows(&files[4], &format("csv:key=2")), expected);
    assert_eq!(traces.rows(&files[6], &format("csv:key=2,size=4")), expected);
    // The same file as what it is not: each line is a key.
    assert_ne!(traces.rows(&files[7], &format("keys")), expected);
}

fn packed(program: &str, text: &str) -> Vec<u8> {
    let mut command = Command::new(program);
    command.arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|_| panic!("{program} is installed"));
    let mut input = child.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    child.wait_with_output().unwrap().stdout
}

#[test]
fn operations_times_and_load_times_are_used() {
    let traces = Traces::new();
    let table = "time-ms,op,key,size,ttl-ms,load-ms\n\
                 0,get,a,10,100,5\n\
                 50,get,a,10,100,5\n\
                 150,get,a,10,0,5\n\
                 160,delete,a,0,,\n\
                 170,get,a,10,0,5\n\
                 180,set,b,30,0,0\n\
                 190,get,b,30,0,20\n\
                 190,get,b,30,0,20\n";
    let trace = traces.file("live.csv", table);
    let output = traces.sim(&trace, &["--policy", "lru", "--capacity", "1KiB", "--output", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_str(stdout(&output)).unwrap();
    let row = &report[0]["rows"][0];
    // Of six gets: a hit while it lives, a miss when it has expired, one when it was deleted,
    // and two hits of what was set.
    assert_eq!(row["hit_ratio"], serde_json::json!(0.5));
    assert_eq!(row["byte_hit_ratio"], serde_json::json!(70.0 / 100.0));
    assert_eq!(row["load_time_ratio"], serde_json::json!(45.0 / 60.0));
    assert_eq!(report[0]["unit"], "bytes");
    let asked = ["--policy", "lru,opt", "--capacity", "5"];
    assert_fails(&traces.sim(&trace, &asked), 1, &["opt needs a trace of gets alone"]);
    // Nobody asked for it.
    let rows = traces.rows(&trace, &["--capacity", "5"]);
    assert!(!rows.is_empty() && rows.iter().all(|row| !row.contains(",opt,")), "{rows:?}");
}

#[test]
fn a_warm_up_is_not_counted_and_a_sample_is_close() {
    let traces = Traces::new();
    let trace = traces.file("warm.txt", "a\nb\n".repeat(10));
    let asked = ["--policy", "lru,opt", "--capacity", "2", "--warmup", "2"];
    let rows = traces.rows(&trace, &asked);
    assert_eq!(rows, ["20,2,2,lru,1.000000", "20,2,2,opt,1.000000"]);

    // Even use of 20,000 keys: a cache of a tenth hits a tenth.
    let mut state = 1_u64;
    let mut even = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 20_000
    };
    let keys: String = (0..200_000).map(|_| format!("{}\n", even())).collect();
    let trace = traces.file("even.txt", keys);
    let asked = ["--policy", "lru", "--capacity", "2000", "--sample", "10"];
    let rows = traces.rows(&trace, &asked);
    let (known, ratio) = rows[0].rsplit_once(',').unwrap();
    let ratio: f64 = ratio.parse().unwrap();
    assert!(known.starts_with("200000,") && known.ends_with(",2000,lru"), "{known}");
    assert!((ratio - 0.1).abs() < 0.03, "{ratio}");
}

#[test]
fn a_format_that_was_guessed_is_named() {
    let traces = Traces::new();
    let asked = ["--policy", "lru", "--capacity", "5"];
    let said = |name: &str, content: &str, rest: &[&str]| {
        let path = traces.file(name, content);
        let output = traces.sim(&path, &[&asked[..], rest].concat());
        assert_eq!(output.status.code(), Some(0));
        stderr(&output).to_owned()
    };
    assert_eq!(said("plain", "a\nb\n", &[]), "");
    let note = said("table", "one,two\n1,2\n", &[]);
    assert!(note.contains("table is read as keys (each line is one); --format says"), "{note}");
    assert!(said("sized", "a 1\nb 2\n", &[]).contains("is read as sized (a line is a key"));
    assert_eq!(said("told", "one,two\n1,2\n", &["--format", "keys"]), "");
}

#[test]
fn the_hit_ratio_over_time_shows_where_requests_change() {
    let traces = Traces::new();
    // No key twice, then always the same one.
    let keys = (0..1_280).map(|key| format!("{}\n", if key < 640 { key } else { 1 }));
    let trace = traces.file("change.txt", keys.collect::<String>());
    let table = traces.sim(&trace, &["--policy", "lru", "--capacity", "5", "--output", "table"]);
    let said = stdout(&table);
    let row = said.lines().last().unwrap();
    let bars = "▁".repeat(10) + &"█".repeat(10);
    assert!(row.contains(&bars) && row.contains(" 0.0%") && row.ends_with("100.0%"), "{said}");
}

#[test]
fn what_is_no_trace_is_refused_with_the_place() {
    let traces = Traces::new();
    let sim = |name: &str, content: &[u8], rest: &[&str], parts: &[&str]| {
        let path = traces.file(name, content);
        let asked = [&["--policy", "lru", "--capacity", "5"], rest].concat();
        assert_fails(&traces.sim(&path, &asked), 1, parts);
    };
    sim("junk", b"\x00\xff\x13\x80junk", &[], &["neither text nor in a binary format", "--format"]);
    sim("zip", b"PK\x03\x04junk", &[], &["zip archive"]);
    sim("cut.xz", &packed("xz", "1\n2\n")[..30], &[], &["cut.xz"]);
    sim("cut", &[0; 30], &["--format", "oracleGeneral"], &["record 2", "ends in the middle"]);
    sim("long", &vec![b'k'; 1 << 20], &[], &["line 1 is too long"]);
    sim("negative", b"key,size\na,1\nb,-2\n", &[], &["line 3", "\"-2\" is no size"]);
    sim("nan", b"key,size\na,NaN\n", &[], &["line 2", "\"NaN\" is no size"]);
    sim("when", b"key,time\na,NaN\n", &[], &["line 2", "\"NaN\" is no time"]);
    sim("op", b"key,op\na,fetch\n", &[], &["line 2", "\"fetch\" is no operation"]);
    sim("short", b"a,1\n", &["--format", "csv:key=3"], &["there is no column 3, only 2"]);
    sim("head", b"a,b\n", &["--format", "csv:key=id"], &["there is no column \"id\"", "\"a,b\""]);
    sim("nohead", b"a,b\n", &["--format", "csv"], &["is called key"]);
    sim("quote", b"key,size\n\"a,1\n", &[], &["line 2", "quotation mark is not closed"]);
    sim("bytes", b"a\n", &["--unit", "bytes"], &["tells no sizes", "--unit entries"]);
    let backwards = traces.file("back", "time,key\n9,a\n3,b\n");
    let output = traces.sim(&backwards, &["--policy", "lru", "--capacity", "5"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(ending(&output).1.contains("1 of 2 requests are older than the one before"));

    let path = traces.file("fine", "a\n");
    for (argument, part) in [
        ("--capacity=0", "write a number above 0"),
        ("--capacity=120%", "a share of the keys such as 5%"),
        ("--format=xml", "oracleGeneral, vscsi or recording"),
        ("--policy=lruk?k", "k"),
        ("--sample=0", "--sample"),
    ] {
        assert_fails(&traces.sim(&path, &[argument]), 2, &[part]);
    }
    assert_fails(&psycache(["sim", "-"]), 1, &["standard input can be read only once"]);
}

#[test]
fn a_line_without_an_end_is_refused_while_it_comes() {
    for format in ["auto", "keys", "csv:key=1"] {
        let asked = ["sim", "-", "--policy", "lru", "--capacity", "5", "--format", format];
        let mut command = psycache_command(asked);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // At most 1 GiB, in case that somebody reads on.
        let is_read = (0..16_384).all(|_| input.write_all(&[b'k'; 1 << 16]).is_ok());
        drop(input);
        assert_fails(&child.wait_with_output().unwrap(), 1, &["line 1 is too long"]);
        assert!(!is_read, "{format}");
    }
}
