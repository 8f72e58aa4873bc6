//! What the README and the pages of operations and of `mysql` say about a real database,
//! done as it stands there.

use super::{Database, PASSWORD, SCORES, client, shared, value};
use crate::harness::ServedNode;
use crate::readme;
use crate::scores::assert_page_has_every_option;

const PORT: &str = "127.0.0.1:3306";

async fn serves_tom(command: &str, folder: &std::path::Path) {
    let mut command = readme::shell(&command.replace(PORT, &shared().address()), folder);
    command.env("DB_PASSWORD", PASSWORD);
    let node = ServedNode::spawn(command);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
}

#[test]
fn the_tour_of_the_readme_goes_through_a_database() {
    readme::tour("mysql", |serve, folder| {
        let mut command = readme::shell(&serve.replace(PORT, &shared().address()), folder);
        command.env("DB_PASSWORD", PASSWORD);
        command
    });
}

#[tokio::test]
async fn the_config_file_of_the_readme_serves_from_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = readme::block("toml", "[[group]]").replace(PORT, &shared().address());
    std::fs::write(folder.path().join("psycache.toml"), file).unwrap();
    let command = "psycache serve --config psycache.toml";
    assert!(readme::TEXT.contains(&format!("`{command}`")));
    serves_tom(command, folder.path()).await;
}

const PAGE: &str = include_str!("../../../docs/mysql.md");

/// The one block of the page in `language`.
fn of_the_page(language: &str) -> &'static str {
    let mut blocks = readme::fenced(PAGE).filter(|(of, _)| *of == language);
    let (_, text) = blocks.next().unwrap();
    assert_eq!(blocks.next(), None);
    text
}

#[tokio::test]
async fn the_file_of_the_page_of_mysql_serves_from_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = of_the_page("toml").replace(PORT, &shared().address());
    std::fs::write(folder.path().join("psycache.toml"), file).unwrap();
    serves_tom("psycache serve --config psycache.toml", folder.path()).await;
}

#[tokio::test]
async fn the_variables_of_the_page_of_mysql_serve_from_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let variables = of_the_page("sh").replace(PORT, &shared().address());
    std::fs::write(folder.path().join("variables"), variables).unwrap();
    let command = ". ./variables\nexec psycache serve";
    let mut command = readme::shell(command, folder.path());
    command.env("DB_PASSWORD", PASSWORD);
    let node = ServedNode::spawn(command);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
}

#[tokio::test]
async fn the_least_privilege_of_the_page_of_mysql_is_enough() {
    let database = Database::start();
    let grants = of_the_page("sql").replace("from the secret", PASSWORD);
    database.sql("DROP USER psy@localhost, psy@'127.0.0.1'");
    database.sql(&grants.replace("10.0.0.%", "127.0.0.1"));
    database.sql(&grants.replace("10.0.0.%", "localhost"));
    let node = super::node(&database, SCORES, &[]);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
}

#[test]
fn the_page_of_mysql_has_every_option() {
    let options = [("dsn", "mysql://db"), ("query", "SELECT ?")];
    assert_page_has_every_option(PAGE, "mysql", &options);
}
