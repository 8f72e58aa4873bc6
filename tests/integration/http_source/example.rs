//! The example retrievers, built as their page says, do what it says.

use std::path::Path;

use super::liars::{HONEST, liar};
use super::{
    BAD_VALUE, INVALID_KEY, NOT_FOUND, REJECTED, Site, UNAVAILABLE, client, refused, value,
};
use crate::harness::{ServedNode, run, stderr};
use crate::readme::{TARGET, equipped, fenced, has_target, shell};

const PAGE: &str = include_str!("../../../examples/retrievers/README.md");
const PLACE: &str = "api.example:80";

/// What the page shows of one language: a folder, the commands in it that build the component, and
/// the one that serves with it.
pub(super) struct Shown {
    pub(super) folder: String,
    builds: String,
    pub(super) serve: String,
}

impl Shown {
    /// What the page has of `language`, without the commands that install what builds.
    pub(super) fn of(language: &str) -> Self {
        let folder = format!("examples/retrievers/rest/{language}");
        let begins = format!("cd {folder}\n");
        let mut blocks = fenced(PAGE).filter_map(|(_, text)| text.strip_prefix(&begins));
        let (builds, serve) = blocks.next().unwrap().split_once("psycache serve ").unwrap();
        assert!(blocks.next().is_none());
        let installs = |line: &&str| {
            line.starts_with("rustup ") || line.split(' ').any(|word| word == "install")
        };
        let builds: Vec<&str> = builds.lines().filter(|line| !installs(line)).collect();
        Self { folder, builds: builds.join("\n"), serve: format!("psycache serve {serve}") }
    }

    /// Builds the component in `folder`, with cargo's work in `target`.
    pub(super) fn build(&self, folder: &Path, target: &Path) {
        let mut build = equipped(&format!("set -e\n{}", self.builds), folder);
        let output = build.env("CARGO_TARGET_DIR", target).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let mend = "tools that are missing are installed by `cargo xtask test`";
        assert!(output.status.success(), "{}: {said}\n{mend}", self.builds);
    }
}

/// Asserts that `serve`, a command in `folder`, asks an API and tells its errors by their class.
pub(super) async fn asks_the_api(serve: &str, folder: &Path) {
    let in_scores = |serve: &str| {
        let mut command = shell(serve, folder);
        command.env("PSYCACHE_GROUP", "scores");
        command
    };
    let site = Site::start().await;
    let serve_here = serve.replace(PLACE, site.place());
    let node = ServedNode::spawn(in_scores(&serve_here));
    let scores = client(&node).await;
    assert_eq!(value(&scores, "Tom").await, "630");
    refused(&scores, "Nobody", NOT_FOUND, &[]).await;
    refused(&scores, "../x", INVALID_KEY, &["no name"]).await;
    refused(&scores, "403", REJECTED, &[site.place(), "it answers 403"]).await;
    assert_eq!(value(&scores, "Jack").await, "589");
    assert_eq!((site.requests().len(), site.connections()), (4, 1));
    refused(&scores, "503", UNAVAILABLE, &[site.place(), "it answers 503"]).await;
    // What was not read of an answer is not taken for the next one.
    refused(&scores, "Long", BAD_VALUE, &["larger than 1 MiB"]).await;
    assert_eq!(value(&scores, "Sam").await, "567");

    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n630";
    let place = liar(vec![cut.into(), HONEST.into()]).await;
    let node = ServedNode::spawn(in_scores(&serve.replace(PLACE, &place)));
    let scores = client(&node).await;
    refused(&scores, "Jack", UNAVAILABLE, &[&place]).await;
    assert_eq!(value(&scores, "Tom").await, "630");

    let elsewhere = format!("--allow-net {}", site.place());
    let node = ServedNode::spawn(in_scores(&serve_here.replace(&elsewhere, "--allow-net a.b:80")));
    let scores = client(&node).await;
    for key in ["Tom", "Jack"] {
        refused(&scores, key, REJECTED, &[&elsewhere]).await;
    }

    let option = format!("place={}", site.place());
    for (wrong, part) in [
        ("place=api", "`api` is no HOST:PORT"),
        ("place=api.example:70000", "is no HOST:PORT"),
        ("place=api.example:80 --retriever-opt plac=1", "no option plac (known: place)"),
    ] {
        let output = run(in_scores(&serve_here.replace(&option, wrong)), b"");
        assert!(stderr(&output).contains(part), "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_in_rust_is_built_and_asks_the_api() {
    if !has_target() {
        eprintln!(
            "LEFT OUT: the example retriever (`rustup target add {TARGET}` would let it run)"
        );
        return;
    }
    let shown = Shown::of("rust");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(&shown.folder);
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("retriever");
    shown.build(&folder, &built);
    let serve = shown.serve.replace("target/", &format!("{}/", built.display()));
    asks_the_api(&serve, &folder).await;
}
