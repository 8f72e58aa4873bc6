//! Values of every type, as the server's own client prints them.

use super::{Database, client, get, node};

/// The type of each column, and a value of it.
const COLUMNS: &[(&str, &str)] = &[
    ("SMALLINT", "-32768"),
    ("BIGINT", "9223372036854775807"),
    ("NUMERIC(30, 10)", "12345678901234567890.0123456789"),
    ("REAL", "'1e-30'"),
    ("DOUBLE PRECISION", "'1e300'"),
    ("DOUBLE PRECISION", "'NaN'"),
    ("BOOLEAN", "true"),
    ("CHAR(8)", "'ab'"),
    ("VARCHAR(8)", "'Zoë Ω'"),
    ("TEXT", "''"),
    ("DATE", "'2024-02-29'"),
    ("TIME(3)", "'23:59:59.120'"),
    ("TIMESTAMP", "'2024-02-29 12:00:00.5'"),
    ("TIMESTAMPTZ", "'2024-02-29 12:00:00+02'"),
    ("INTERVAL", "'1 year 2 days 03:04:05'"),
    ("UUID", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"),
    ("JSONB", "'{\"b\": [1, null], \"a\": \"x\"}'"),
    ("INT[]", "'{1,NULL,3}'"),
    ("INET", "'::1/64'"),
    ("BIT(5)", "B'10101'"),
];

#[tokio::test]
async fn each_value_is_what_the_servers_client_prints() {
    let database = Database::start();
    let fields: Vec<String> =
        COLUMNS.iter().enumerate().map(|(at, (kind, _))| format!("c{at} {kind}")).collect();
    let values: Vec<&str> = COLUMNS.iter().map(|(_, value)| *value).collect();
    database.sql(&format!(
        "CREATE TABLE kinds (name TEXT, {}); INSERT INTO kinds VALUES ('a', {})",
        fields.join(", "),
        values.join(", ")
    ));
    for (at, (kind, _)) in COLUMNS.iter().enumerate() {
        let zone = ["--retriever-opt", "time-zone=Asia/Tokyo"];
        let node = node(&database, &format!("SELECT c{at} FROM kinds WHERE name = $1"), &zone);
        let found = get(&client(&node).await, "a").await.unwrap();
        let printed =
            database.printed(&format!("SET TimeZone = 'Asia/Tokyo'; SELECT c{at} FROM kinds"));
        let printed = printed.strip_suffix(b"\n").unwrap();
        assert_eq!(found.value, printed, "{kind}");
    }
}

#[tokio::test]
async fn bytes_are_as_they_are_whatever_the_server_prints() {
    let database = Database::start();
    database.sql("ALTER ROLE psy SET bytea_output = 'escape'");
    let node = node(&database, "SELECT decode('00ff5c0a', 'hex') WHERE $1 <> ''", &[]);
    let found = get(&client(&node).await, "a").await.unwrap();
    assert_eq!(&*found.value, b"\x00\xff\\\n");
}
