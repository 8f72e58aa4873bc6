//! How errors of the server are told: by what a retry can mend, in text that is safe to print.

use tonic::Code;

use super::{Database, client, get, node, refused, shared, value};

/// Errors as servers and proxies tell them while something passes.
const PASSING: &[(&str, u16)] = &[
    ("08S01", 1047),
    ("08S01", 1158),
    ("08S01", 1159),
    ("08S01", 1160),
    ("08S01", 1161),
    ("08S01", 1184),
    ("08004", 1040),
    ("HY000", 1129),
    ("42000", 1203),
    ("42000", 1461),
    ("40001", 1213),
    ("HY000", 1205),
    ("HY000", 3032),
    ("HY000", 9001),
    ("70100", 1317),
];
const LASTING: &[(&str, u16)] =
    &[("45000", 1644), ("42000", 1064), ("28000", 1045), ("HY000", 1105)];

/// A function that fails as its argument says, `45000-1644` say.
fn create_function(database: &Database) {
    let signals: String = PASSING
        .iter()
        .chain(LASTING)
        .map(|(state, number)| {
            format!(
                "IF k = '{state}-{number}' THEN SIGNAL SQLSTATE '{state}'
                 SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'a\u{1b}[2Jb\u{7}c'; END IF; "
            )
        })
        .collect();
    database.sql(&format!(
        "CREATE FUNCTION school.fails(k VARCHAR(64)) RETURNS INT BEGIN {signals} RETURN 1; END;;
         GRANT EXECUTE ON school.* TO psy@localhost, psy@'127.0.0.1';;"
    ));
}

#[tokio::test]
async fn what_passes_is_unavailable_and_what_lasts_is_refused() {
    let database = Database::start();
    create_function(&database);
    let node = node(&database, "SELECT fails(?)", &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "none").await, "1");
    let told = |kind, errors: &'static [(&str, u16)]| {
        errors.iter().map(move |(state, number)| (kind, format!("{state}-{number}"), *number))
    };
    let passing = told((Code::Unavailable, "UNAVAILABLE"), PASSING);
    let lasting = told((Code::PermissionDenied, "SOURCE_REJECTED"), LASTING);
    for (kind, key, number) in passing.chain(lasting) {
        refused(&client, &key, kind, &[&number.to_string()]).await;
        let shown = node.run(["get", "scores", &key]);
        assert!(!shown.stderr.contains(&0x1b) && !shown.stderr.contains(&0x07), "{shown:?}");
    }
    assert_eq!(value(&client, "still").await, "1");
}

#[tokio::test]
async fn a_key_that_the_columns_character_set_lacks_is_a_bad_key() {
    shared().sql(
        "CREATE TABLE school.narrow (name VARCHAR(9) CHARACTER SET latin1, score INT);;
         INSERT INTO school.narrow VALUES ('Zoë', 7);;",
    );
    let node = node(shared(), "SELECT score FROM narrow WHERE name = ?", &[]);
    let client = client(&node).await;
    let parts = ["bad key", "compare its characters"];
    refused(&client, "Ω", (Code::InvalidArgument, "INVALID_KEY"), &parts).await;
    refused(&client, "Tom", (Code::NotFound, "NOT_FOUND"), &[]).await;
    // Whatever collations the server compares, a key that the column can have is found.
    assert!(get(&client, "Zoë").await.is_ok());
}

#[tokio::test]
async fn nothing_is_changed_whatever_the_query_is() {
    let database = Database::start();
    database.sql("GRANT ALL ON school.* TO psy@localhost, psy@'127.0.0.1';;");
    let node = node(&database, "DELETE FROM student WHERE name = ?", &[]);
    let rejected = (Code::PermissionDenied, "SOURCE_REJECTED");
    refused(&client(&node).await, "Tom", rejected, &["READ ONLY"]).await;
    assert_eq!(database.row("SELECT COUNT(*) FROM school.student"), "4");
}
