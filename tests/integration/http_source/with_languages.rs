//! The example retriever in other languages than Rust, built as its page says, does what it says.

use std::path::Path;
use std::process::Command;

use super::example::{Shown, asks_the_api};

/// Builds and runs the one in `language`, in a copy of its folder.
async fn follow_the_page(language: &str) {
    let shown = Shown::of(language);
    let copy = tempfile::tempdir().unwrap();
    let mut copies = Command::new("cp");
    copies.args(["-R", "--parents", "wit", &shown.folder]).arg(copy.path());
    assert!(copies.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
    let folder = copy.path().join(&shown.folder);
    shown.build(&folder, Path::new("target"));
    asks_the_api(&shown.serve, &folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_in_javascript_is_built_and_asks_the_api() {
    follow_the_page("javascript").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_in_python_is_built_and_asks_the_api() {
    follow_the_page("python").await;
}
