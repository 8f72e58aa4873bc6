//! Many keys by one query give what each gives by itself, as the server compares them. Run by
//! `tests/integration/with_mariadb/many.rs`, which names a real server that has the tables.

#![allow(clippy::unwrap_used, reason = "a test that fails says all it knows")]

use psycache_plugin::{FetchError, Retriever, RetrieverConfig};
use psycache_retriever_mysql::Mysql;

const TIMEOUT_MS: u32 = 30_000;

const SCORES: &str = "SELECT score FROM student WHERE name = ?";

/// The retriever of the component, without one.
fn mysql(query: &str, more: &[(&str, &str)]) -> Mysql {
    let given = |name| std::env::var(name).expect("who runs it names a server");
    let (address, password) = (given("TEST_SERVER"), given("TEST_PASSWORD"));
    let config = RetrieverConfig::default().option("query", query).secret("password", &password);
    let config = config.option("dsn", &format!("mysql://psy@{address}/school"));
    let with = |config: RetrieverConfig, (name, value): &(&str, &str)| config.option(name, value);
    Mysql::configure(&more.iter().fold(config, with)).unwrap()
}

fn many(mysql: &mut Mysql, keys: &[&str]) -> Result<Vec<Option<String>>, FetchError> {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let found = mysql.fetch_many(&keys, TIMEOUT_MS)?;
    let text = |value: Vec<u8>| String::from_utf8(value).unwrap();
    Ok(found.into_iter().map(|found| found.map(|found| text(found.value))).collect())
}

/// Asserts that many keys at once give what they give one by one.
fn agrees(mysql: &mut Mysql, keys: &[&str]) {
    let one = |mysql: &mut Mysql, key: &str| {
        let found = mysql.fetch(key, TIMEOUT_MS).unwrap();
        found.map(|found| String::from_utf8(found.value).unwrap())
    };
    let alone: Vec<_> = keys.iter().map(|key| one(mysql, key)).collect();
    assert!(alone.iter().any(Option::is_some) && alone.iter().any(Option::is_none), "{alone:?}");
    assert_eq!(many(mysql, keys).unwrap(), alone, "{keys:?}");
}

#[test]
fn many_keys_are_one_query() {
    let mut mysql = mysql(SCORES, &[]);
    let found = many(&mut mysql, &["Sam", "Nobody", "Tom", "O'Brien"]).unwrap();
    assert_eq!(found, [Some("567".into()), None, Some("630".into()), None]);
    assert_eq!(many(&mut mysql, &[]), Ok(Vec::new()));
}

#[test]
fn keys_are_compared_as_the_collation_of_the_column_says() {
    let keys = [
        "Tom", "tom", "TOM", "Tom ", " Tom", "Zoë", "zoe", "ZOE", "Straße", "strasse", "x", "X",
        "\\", "'", "a\nb", "☃", "*/", "no",
    ];
    for table in ["general", "unicode", "bytes", "unpadded"] {
        agrees(&mut mysql(&format!("SELECT score FROM {table} WHERE name = ?"), &[]), &keys);
        let query = format!("SELECT score FROM {table} WHERE name = ? COLLATE utf8mb4_bin");
        agrees(&mut mysql(&query, &[]), &keys);
    }
}

#[test]
fn of_several_rows_the_first_in_their_order_is_the_value() {
    let query = "SELECT * FROM several WHERE name = ? AND score > 0 ORDER BY at DESC;";
    let mut mysql = mysql(query, &[("value-column", "SCORE")]);
    let found = many(&mut mysql, &["b", "a", "B", "c", "a"]).unwrap();
    let expected = [Some("3"), Some("1"), Some("3"), None, Some("1")];
    assert_eq!(found, expected.map(|score| score.map(str::to_owned)));
    agrees(&mut mysql, &["a", "b", "c"]);
}

#[test]
fn what_one_key_is_refused_for_refuses_the_batch() {
    let mut by_name = mysql(SCORES, &[]);
    let null = many(&mut by_name, &["Tom", "Una"]).unwrap_err();
    assert!(
        matches!(&null, FetchError::BadValue(told) if told.contains("`score` is NULL")),
        "{null}"
    );
    assert_eq!(many(&mut by_name, &["Tom"]), Ok(vec![Some("630".into())]), "it goes on");
    let integer = [("key-type", "integer")];
    let mut by_number = mysql("SELECT name FROM student WHERE score = ?", &integer);
    assert_eq!(many(&mut by_number, &["630", "1"]), Ok(vec![Some("Tom".into()), None]));
    let bad = many(&mut by_number, &["630", "630abc"]).unwrap_err();
    assert!(matches!(bad, FetchError::BadKey(_)), "{bad}");
}

#[test]
fn a_query_of_another_form_is_not_asked_for_many_without_one_of_the_operators() {
    let query = "SELECT MAX(score) FROM student WHERE name = ? GROUP BY name";
    assert_eq!(many(&mut mysql(query, &[]), &["Tom", "Sam"]), Ok(Vec::new()));
    let all = "SELECT name, MAX(score) AS most FROM student WHERE name IN (?) GROUP BY name";
    let mut mysql = mysql(query, &[("query-many", all)]);
    // One that the server calls equal to another, which it prints, is asked for by itself.
    agrees(&mut mysql, &["Tom", "Nobody", "tom", "Sam"]);
}

#[test]
fn large_numbers_are_told_apart() {
    let query = "SELECT name FROM large WHERE id = ?";
    let keys = ["9007199254740992", "9007199254740993", "9007199254740994", "18446744073709551615"];
    let expected = [Some("even"), Some("odd"), None, Some("most")];
    let expected = expected.map(|name| name.map(str::to_owned));
    for more in [&[][..], &[("key-type", "integer")]] {
        let mut mysql = mysql(query, more);
        assert_eq!(many(&mut mysql, &keys).unwrap(), expected, "{more:?}");
        agrees(&mut mysql, &keys);
    }
    let all = "SELECT id, name FROM large WHERE id IN (?)";
    let more = [("key-type", "integer"), ("query-many", all)];
    assert_eq!(many(&mut mysql(query, &more), &keys).unwrap(), expected);
}
