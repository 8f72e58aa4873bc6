//! Many keys by one query give what each gives by itself, as the server compares them. Run by
//! `tests/integration/with_postgres/many.rs`, which names a real server that has the tables.
#![allow(clippy::unwrap_used, reason = "a test that fails says all it knows")]

use psycache_plugin::{FetchError, Retriever, RetrieverConfig};
use psycache_retriever_postgres::Postgres;

const TIMEOUT_MS: u32 = 30_000;

const SCORES: &str = "SELECT score FROM student WHERE name = $1";

/// The retriever of the component, without one.
fn postgres(query: &str, more: &[(&str, &str)]) -> Postgres {
    let given = |name| std::env::var(name).expect("who runs it names a server");
    let config = RetrieverConfig::default().option("query", query).option("tls", "false");
    let config = config.option("dsn", &format!("postgres://psy@{}/school", given("TEST_SERVER")));
    let config = config.secret("password", &given("TEST_PASSWORD"));
    let with = |config: RetrieverConfig, (name, value): &(&str, &str)| config.option(name, value);
    Postgres::configure(&more.iter().fold(config, with)).unwrap()
}

fn many(source: &mut Postgres, keys: &[&str]) -> Result<Vec<Option<String>>, FetchError> {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let found = source.fetch_many(&keys, TIMEOUT_MS)?;
    let text = |value: Vec<u8>| String::from_utf8(value).unwrap();
    Ok(found.into_iter().map(|found| found.map(|found| text(found.value))).collect())
}

/// Asserts that many keys at once give what they give one by one.
fn agrees(source: &mut Postgres, keys: &[&str]) {
    let mut alone = Vec::new();
    for key in keys {
        let found = source.fetch(key, TIMEOUT_MS).unwrap();
        alone.push(found.map(|found| String::from_utf8(found.value).unwrap()));
    }
    assert!(alone.iter().any(Option::is_some) && alone.iter().any(Option::is_none), "{alone:?}");
    assert_eq!(many(source, keys).unwrap(), alone, "{keys:?}");
}

#[test]
fn many_keys_are_one_query() {
    let mut source = postgres(SCORES, &[]);
    let keys = ["Sam", "only here", "Tom", "a\"b\\c'{,}"];
    let found = many(&mut source, &keys).unwrap();
    assert_eq!(found, [Some("567".into()), None, Some("630".into()), None]);
    assert_eq!(many(&mut source, &[]), Ok(Vec::new()));
}

#[test]
fn keys_are_compared_as_the_type_and_the_collation_of_the_column_say() {
    for (column, keys) in [
        ("id", &["1", " 1", "01", "2", "9007199254740992", "9007199254740993"][..]),
        ("score", &["1.5", "1.500", "15e-1", "2.0", "3"]),
        ("day", &["2024-02-03", "20240203", "2024-02-05"]),
        ("word", &["Tom", "tom", "Tom ", "", "NULL", "Zoë", "{}"]),
        ("ci", &["Tom", "tom", "TOM", "Tim", "ZOË"]),
        ("padded", &["Tom", "Tom  ", "tom"]),
    ] {
        let query =
            format!("SELECT coalesce_me.word FROM compared AS coalesce_me WHERE {column} = $1");
        agrees(&mut postgres(&query, &[]), keys);
    }
}

#[test]
fn of_several_rows_the_first_in_their_order_is_the_value() {
    let query = "SELECT * FROM several WHERE name = $1 AND score > 0 ORDER BY at DESC;";
    let mut source = postgres(query, &[("value-column", "SCORE")]);
    let found = many(&mut source, &["b", "a", "c", "a"]).unwrap();
    let expected = [Some("3"), Some("1"), None, Some("1")];
    assert_eq!(found, expected.map(|score| score.map(str::to_owned)));
    agrees(&mut source, &["a", "b", "c"]);
}

#[test]
fn what_one_key_is_refused_for_refuses_the_batch() {
    let mut by_name = postgres(SCORES, &[]);
    let null = many(&mut by_name, &["Tom", "Una"]).unwrap_err();
    assert!(
        matches!(&null, FetchError::BadValue(told) if told.contains("`score` is NULL")),
        "{null}"
    );
    assert_eq!(many(&mut by_name, &["Tom"]), Ok(vec![Some("630".into())]), "it goes on");
    let mut by_number = postgres("SELECT name FROM student WHERE score = $1", &[]);
    let bad = many(&mut by_number, &["630", "630abc"]).unwrap_err();
    assert!(matches!(bad, FetchError::BadKey(_)), "{bad}");
}

#[test]
fn a_query_of_another_form_is_not_asked_for_many_without_one_of_the_operators() {
    let query = "SELECT max(score) FROM student WHERE name = $1 GROUP BY name";
    assert_eq!(many(&mut postgres(query, &[]), &["Tom", "Sam"]), Ok(Vec::new()));
    let all = "SELECT name, max(score) FROM student WHERE name = ANY($1) GROUP BY name";
    let mut source = postgres(query, &[("query-many", all)]);
    agrees(&mut source, &["Tom", "Nobody at all", "tom", "Sam"]);
}
