//! What the README and the page of operations say about a real database, done as it
//! stands there.

use super::{PASSWORD, client, shared, value};
use crate::harness::ServedNode;
use crate::readme::{self, Kind};

const PORT: &str = "127.0.0.1:3306";

async fn serves_tom(command: &str, folder: &std::path::Path) {
    let mut command = readme::shell(&command.replace(PORT, &shared().address()), folder);
    command.env("DB_PASSWORD", PASSWORD);
    let node = ServedNode::spawn(command);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
}

#[tokio::test]
async fn the_command_of_the_readme_serves_from_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let commands = readme::commands();
    let ours = commands.iter().filter(|shown| shown.command.contains("--retriever mysql.wasm"));
    let ours: Vec<_> = ours.collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0].kind(), Kind::Serve);
    serves_tom(&ours[0].command, folder.path()).await;
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
