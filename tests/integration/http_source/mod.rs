//! A real node in front of a real HTTP server, by the http retriever that ships, and in front of
//! sockets that only pretend to be one.

mod answers;
mod example;
mod liars;
mod page;
mod redirects;
mod secure;
mod site;
mod slow;
mod with_languages;

use std::process::Command;

use crate::harness::ServedNode;
use crate::scores::{
    BAD_VALUE, INVALID_KEY, LATE, NOT_FOUND, REJECTED, UNAVAILABLE, assert_secret, client, get,
    refused, value,
};
use site::Site;

const TOKEN: &str = "Bearer correct-horse-battery";

/// A `serve` whose group `scores` gets `path` at `site`, which has `{key}` in it, and shows a
/// token there.
fn serve(site: &Site, path: &str, more: &[(&str, &str)]) -> Command {
    let url = format!("{}{path}", site.url());
    let mut command = serve_by(&url, more);
    command.args(["--allow-net", site.place()]);
    command
}

/// The same by a URL.
fn serve_by(url: &str, more: &[(&str, &str)]) -> Command {
    let mut command = crate::scores::serve("http.wasm", &[&[("url", url)], more].concat());
    command.args(["--retriever-secret", "authorization=env:API_TOKEN"]).env("API_TOKEN", TOKEN);
    command
}

fn node(site: &Site, path: &str, more: &[(&str, &str)]) -> ServedNode {
    ServedNode::spawn(serve(site, path, more))
}
