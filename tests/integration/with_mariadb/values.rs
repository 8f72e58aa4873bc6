//! Values of every type of column are what the server's own client prints.

use super::{client, node, shared, value};

/// Types, and values of each.
const TYPES: &[(&str, &[&str])] = &[
    ("TINYINT", &["-128", "127"]),
    ("BOOLEAN", &["TRUE"]),
    ("SMALLINT UNSIGNED", &["65535"]),
    ("MEDIUMINT", &["-8388608"]),
    ("INT(8) ZEROFILL", &["42", "0"]),
    ("BIGINT", &["-9223372036854775808"]),
    ("BIGINT UNSIGNED", &["18446744073709551615"]),
    ("DECIMAL(20,4)", &["-12345678.9", "0"]),
    ("DECIMAL(10,2) ZEROFILL", &["1.5"]),
    ("FLOAT", &["0.1", "1e10", "123456789", "1e-20", "0"]),
    ("FLOAT(7,2)", &["1234.5", "0.1"]),
    ("DOUBLE", &["1e300", "0.1", "1e-7", "123456789012345678", "3", "-0.5"]),
    ("DOUBLE(12,3)", &["1.5"]),
    ("BIT(1)", &["b'1'"]),
    ("BIT(16)", &["b'0110000101100010'"]),
    ("DATE", &["'2024-02-03'", "'0000-00-00'"]),
    ("DATETIME", &["'2024-02-03 04:05:06'"]),
    ("DATETIME(3)", &["'2024-02-03 04:05:06.120'", "'2024-02-03 04:05:06'"]),
    ("DATETIME(6)", &["'2024-02-03 04:05:06.000007'"]),
    ("TIMESTAMP", &["'2024-02-03 04:05:06'"]),
    ("TIMESTAMP(2)", &["'2024-02-03 04:05:06.5'"]),
    ("TIME", &["'-26:03:04'", "'838:59:59'"]),
    ("TIME(1)", &["'01:02:03.4'", "'01:02:03'"]),
    ("YEAR", &["2024", "0"]),
    ("CHAR(5)", &["'ab'", "''"]),
    ("VARCHAR(20)", &["'Ωmega ✓'", "'  spaces  '"]),
    ("VARCHAR(20) CHARACTER SET latin1", &["'café'"]),
    ("BINARY(3)", &["'ab'"]),
    ("VARBINARY(10)", &["x'FFC0AF'"]),
    ("TINYTEXT", &["'t'"]),
    ("LONGTEXT", &["REPEAT('long ', 50000)"]),
    ("BLOB", &["x'00FF10'"]),
    ("ENUM('small','large')", &["'large'"]),
    ("SET('a','b','c')", &["'a,c'", "''"]),
    ("JSON", &["'{\"a\": [1, 2.50, null]}'"]),
    ("UUID", &["'123e4567-e89b-12d3-a456-426655440000'"]),
    ("INET6", &["'::ffff:192.0.2.1'"]),
    ("POINT", &["POINT(1, 2)"]),
];

#[tokio::test]
async fn every_type_of_column_gives_what_the_servers_client_prints() {
    let database = shared();
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    for (at, (kind, values)) in TYPES.iter().enumerate() {
        columns.push(format!("c{at} {kind} NULL"));
        for value in *values {
            let name = format!("v{}", rows.len());
            rows.push((name, format!("c{at}"), *value));
        }
    }
    database.sql(&format!(
        "CREATE DATABASE types;;
         CREATE TABLE types.every (name VARCHAR(9) PRIMARY KEY, {});;
         GRANT SELECT ON types.* TO psy@localhost, psy@'127.0.0.1';;",
        columns.join(", ")
    ));
    for (name, column, value) in &rows {
        let mode = "SET NAMES utf8mb4, sql_mode = ''";
        let insert = format!("INSERT INTO types.every (name, {column}) VALUES ('{name}', {value})");
        database.sql(&format!("{mode};; {insert};;"));
    }
    for (at, (kind, _)) in TYPES.iter().enumerate() {
        let column = format!("c{at}");
        let query = format!("SELECT {column} FROM types.every WHERE name = ?");
        let node = node(database, &query, &[]);
        let client = client(&node).await;
        for (name, _, _) in rows.iter().filter(|(_, of, _)| *of == column) {
            let found = super::get(&client, name).await.unwrap().value;
            let print = query.replace('?', &format!("'{name}'"));
            let mut printed = database.printed(&format!("SET NAMES utf8mb4;; {print}"));
            assert_eq!(printed.pop(), Some(b'\n'));
            assert!(found == printed, "{kind}: {found:?}, not {printed:?}");
        }
    }
}

#[tokio::test]
async fn the_session_has_the_time_zone_and_the_mode_that_are_asked_for() {
    let query =
        "SELECT CONCAT(@@session.time_zone, ' ', @@sql_mode, ' ', @@character_set_client, ?)";
    let options =
        ["--retriever-opt", "time-zone=+03:00", "--retriever-opt", "sql-mode=ANSI_QUOTES"];
    let node = node(shared(), query, &options);
    assert_eq!(value(&client(&node).await, "!").await, "+03:00 ANSI_QUOTES utf8mb4!");
}

#[tokio::test]
async fn a_backslash_escapes_whatever_mode_the_server_is_in() {
    let query = r"SELECT CONCAT('it\'s ', ?)";
    let node =
        node(shared(), query, &["--retriever-opt", "sql-mode=NO_BACKSLASH_ESCAPES,ANSI_QUOTES"]);
    let client = client(&node).await;
    for key in ["Tom", "it's", r"\", r"\'", "' OR '1'='1", "Ω✓", "\u{1}\n"] {
        assert_eq!(value(&client, key).await, format!("it's {key}"));
    }
}
