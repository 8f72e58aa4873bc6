//! What a table answers, and how it words what is wrong with its data.

use super::*;

fn table(data: &str) -> Result<Table, ConfigError> {
    Table::configure(&RetrieverConfig::default().option("data", data))
}

fn value(table: &mut Table, key: &str) -> Option<String> {
    let fetched = table.fetch(key, 1_000).expect("a table always answers")?;
    Some(String::from_utf8(fetched.value).expect("the data was text"))
}

#[track_caller]
fn refused(data: &str, problem: &str) {
    let error = table(data).expect_err("the data is wrong");
    assert_eq!(error.to_string(), format!("option data: {problem}"));
}

#[test]
fn serves_tom_jack_and_sam() {
    let mut table = Table::configure(&RetrieverConfig::default()).expect("no options needed");
    for (key, score) in
        [("Tom", Some("630")), ("Jack", Some("589")), ("Sam", Some("567")), ("tom", None)]
    {
        assert_eq!(value(&mut table, key).as_deref(), score);
    }
}

#[test]
fn reads_csv() {
    let data = "\u{feff}key,value\r\na,1\r\n\r\n\"b,c\",\"say \"\"hi\"\"\nthere\"\r\nd,\r\n\"e\",2";
    let mut table = table(data).expect("RFC 4180 allows it");
    let rows = [("a", "1"), ("b,c", "say \"hi\"\nthere"), ("d", ""), ("e", "2")];
    for (key, expected) in rows {
        assert_eq!(value(&mut table, key).as_deref(), Some(expected));
    }
    assert_eq!(table.values.len(), rows.len());
}

#[test]
fn reads_json() {
    let mut table = table(" {\"a\": 1, \"b\": \"x\\ny\"}").expect("an object");
    assert_eq!(value(&mut table, "a").as_deref(), Some("1"));
    assert_eq!(value(&mut table, "b").as_deref(), Some("x\ny"));
}

#[test]
fn names_the_line_of_bad_csv() {
    refused("", "line 1: the header must be `key,value` (or give a JSON object)");
    refused("Tom,630\n", "line 1: the header must be `key,value` (or give a JSON object)");
    let row = "a row is `key,value`; quote a field with a comma in it";
    refused("key,value\na,1\n\nb\n", &format!("line 4: {row}"));
    refused("key,value\n\"a\nb\",1\nc,2,3\n", &format!("line 4: {row}"));
    refused("key,value\na,1\na,2\n", "line 3: `a` stands there twice");
    refused("key,value\n,1\n", "line 2: the key is empty");
    refused("key,value\na,\"1\nb,2\n", "line 2: a quote is never closed");
    refused("key,value\na,\"1\"2\n", "line 2: text after a closing quote");
}

#[test]
fn names_the_line_of_bad_json() {
    for (data, words) in [
        ("{\"a\": 1,\n \"a\": 2}", ["`a` stands there twice", "line 2"]),
        ("{\"a\":\n null}", ["`a` is no string or number", "line 2"]),
        ("{\"a\": 1}\n x", ["trailing characters", "line 2"]),
        ("{\"a\"", ["EOF", "line 1"]),
    ] {
        let problem = table(data).expect_err("the data is wrong").to_string();
        assert!(words.iter().all(|word| problem.contains(word)), "{problem}");
    }
}

#[test]
fn a_latency_beyond_the_timeout_is_a_timeout() {
    let config = RetrieverConfig::default().option("latency-ms", "60000");
    let mut table = Table::configure(&config).expect("a minute is allowed");
    let late = table.fetch("Tom", 0).expect_err("no time is left");
    assert_eq!(late, FetchError::Unavailable("latency-ms is 60000, the timeout 0 ms".to_owned()));
}

#[test]
fn options_and_secrets_are_checked() {
    let options = RetrieverConfig::default().option("latency", "5");
    let error = Table::configure(&options).expect_err("no such option");
    assert_eq!(error.to_string(), "unknown option latency (known: data, latency-ms)");
    let secrets = RetrieverConfig::default().secret("password", "x");
    let error = Table::configure(&secrets).expect_err("no such secret");
    assert_eq!(error.to_string(), "unknown option password (there are no options)");
}
