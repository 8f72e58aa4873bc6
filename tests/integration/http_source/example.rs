//! The example retriever, built as its README says, does what it says.

use std::path::Path;

use super::{INVALID_KEY, NOT_FOUND, Site, client, refused, value};
use crate::harness::ServedNode;
use crate::readme::{TARGET, has_target, shell};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_built_and_asks_the_api() {
    if !has_target() {
        eprintln!(
            "LEFT OUT: the example retriever (`rustup target add {TARGET}` would let it run)"
        );
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("retriever");
    let build = format!(
        "cargo build --release --locked --target {TARGET} --target-dir '{}'",
        built.display()
    );
    let output = shell(&build, &root.join("examples/retrievers/rest")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let site = Site::start().await;
    let component = built.join(TARGET).join("release/rest.wasm");
    let options = [("place", site.place())];
    let mut command = crate::scores::serve(component.to_str().unwrap(), &options);
    command.args(["--allow-net", site.place()]);
    let node = ServedNode::spawn(command);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    refused(&client, "Nobody", NOT_FOUND, &[]).await;
    refused(&client, "../x", INVALID_KEY, &["no name"]).await;
    assert_eq!(value(&client, "Jack").await, "589");
    assert_eq!((site.requests().len(), site.connections()), (3, 1));
}
