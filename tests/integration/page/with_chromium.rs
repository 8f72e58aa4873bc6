//! The page in a real browser, with traffic, a shadow, and a swap to a policy whose name is
//! hostile.

use std::fs;

use serde_json::Value;

use super::browser::{Browser, Look, Page};
use crate::access::{Tokens, token};
use crate::harness::{ServedNode, ending, stdout};
use crate::museum::exhibits;
use crate::patience::seen_blocking;

/// What a file may be called that wants to be more than text.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&.wasm";

/// A node whose group takes about 300 values, with a shadow that knows something.
fn node(folder: &std::path::Path) -> ServedNode {
    let source = folder.join("a-hundred-bytes.wasm");
    fs::write(&source, exhibits::retriever("a-hundred-bytes")).unwrap();
    let node = ServedNode::start(&["--capacity", "64KiB", "--retriever", source.to_str().unwrap()]);
    let policies = "lru,lfu,sieve,adaptive";
    let start = ["shadow", "default", "--policy", policies, "--capacity", "0.5x,1x,2x,4x"];
    assert_eq!(ending(&node.run(start)), (Some(0), ""));
    seen_blocking(|| {
        ask(&node);
        let shown = node.run(["shadow", "default", "--json"]);
        let shadow: Value = serde_json::from_str(stdout(&shown)).unwrap();
        let is_known = shadow[0]["rows"][15]["hit_ratio"].is_number();
        is_known.then_some(()).ok_or_else(|| format!("{shadow:#}"))
    });
    node
}

/// Asks for many keys, a few of them often.
fn ask(node: &ServedNode) {
    for first in [0, 100, 0, 400, 0, 700] {
        let keys: Vec<String> = (first..first + 200).map(|key| format!("k{key}")).collect();
        let words = ["get", "default", "--json"].into_iter();
        node.run(words.chain(keys.iter().map(String::as_str)));
    }
}

fn swap_to(node: &ServedNode, folder: &std::path::Path, name: &str) {
    let file = folder.join(name);
    let lru = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/dist/lru.wasm");
    fs::copy(lru, &file).unwrap();
    let output = node.run(["policy", "swap", "default", file.to_str().unwrap()]);
    assert_eq!(ending(&output), (Some(0), ""));
}

/// What must be so however one looks at the page.
fn check(page: &mut Page<'_>, look: Look, url: &str) {
    assert!(page.complaints().is_empty(), "{look:?}: {:#?}", page.complaints());
    for request in page.requests() {
        assert!(request.starts_with(url) || request.starts_with("data:"), "{look:?}: {request}");
    }
    for (what, is_so) in [
        ("no overflow", "document.documentElement.scrollWidth <= innerWidth"),
        ("one title", "document.querySelectorAll('h1').length === 1"),
        (
            "captions and headings of tables",
            "[...document.querySelectorAll('table')].every(table => \
             table.caption.textContent && table.tHead.querySelectorAll('th:not([scope=col])').length === 0)",
        ),
        (
            "tables that scroll take the keyboard",
            "[...document.querySelectorAll('.scroll')].every(part => part.tabIndex === 0)",
        ),
        (
            "charts in words",
            "document.querySelectorAll('svg').length >= 6 && [...document.querySelectorAll('svg')]\
             .every(svg => svg.parentNode.matches('[role=img][aria-label^=Chart]'))",
        ),
        (
            "every reference of a section has its title",
            "[...document.querySelectorAll('[aria-labelledby]')].every(part => \
             document.getElementById(part.getAttribute('aria-labelledby')))",
        ),
        ("nothing of a name is an element", "document.querySelector('img, [onerror]') === null"),
        (
            "the colour of the lines",
            "getComputedStyle(document.querySelector('polyline[stroke=\"#0072B2\"]')).stroke !== ''",
        ),
    ] {
        assert_eq!(page.value(is_so), Value::Bool(true), "{look:?}: {what}");
    }
    let background = page.value("getComputedStyle(document.body).backgroundColor");
    let expected = if look.dark { "rgb(22, 24, 27)" } else { "rgb(255, 255, 255)" };
    assert_eq!(background, expected, "{look:?}");
    let switches = page.value("document.querySelectorAll('#updates input').length");
    assert_eq!(switches, i32::from(look.scripts), "{look:?}");
}

#[test]
fn the_page_is_whole_in_every_look() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    swap_to(&node, folder.path(), HOSTILE);
    ask(&node);
    let url = format!("http://{}/", node.told("http"));
    let mut browser = Browser::start();
    for (scripts, dark, width) in [
        (true, false, 1280),
        (true, true, 1280),
        (true, true, 360),
        (false, false, 360),
        (false, true, 1280),
    ] {
        let look = Look { scripts, dark, width };
        let mut page = browser.open(&url, look);
        let text = page.value("document.body.innerText");
        let text = text.as_str().unwrap();
        for words in ["Cluster", "Group default", HOSTILE, "lru → ", "Candidates", "live: "] {
            assert!(text.contains(words), "{look:?}: no {words} in {text}");
        }
        check(&mut page, look, &url);
        page.picture(&format!("page-{width}-{}-{scripts}", if dark { "dark" } else { "light" }));
    }
}

#[test]
fn an_open_page_follows_the_node_and_says_when_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    let url = format!("http://{}/", node.told("http"));
    let mut browser = Browser::start();
    let mut page = browser.open(&url, Look { scripts: true, dark: false, width: 1280 });
    page.value("document.querySelector('#group-0 details').open = true");
    page.value("document.activeElement.blur()");
    let has = "document.body.innerText.includes('other.wasm')";
    assert_eq!(page.value(has), Value::Bool(false));
    swap_to(&node, folder.path(), "other.wasm");
    page.value("update()");
    assert_eq!(page.value(has), Value::Bool(true));
    assert_eq!(page.value("document.querySelector('#group-0 details').open"), Value::Bool(true));
    assert!(page.complaints().is_empty(), "{:#?}", page.complaints());
    // A part that has the focus stays.
    page.value("document.querySelector('#groups .scroll').focus()");
    swap_to(&node, folder.path(), "third.wasm");
    page.value("update()");
    let part = "document.activeElement.getAttribute('aria-label')";
    assert_eq!(page.value(part), Value::String("Groups".into()));
    drop(node);
    page.value("update()");
    let said = page.value("document.getElementById('updates').innerText");
    assert!(said.as_str().unwrap().contains("the node does not answer"), "{said}");
}

#[test]
fn a_browser_is_asked_for_a_password_which_is_the_token() {
    let tokens = Tokens::of([("watch", "metrics", ""), ("web", "read", "")]);
    let node = ServedNode::start(&tokens.flags().each_ref().map(String::as_str));
    let url = format!("http://{}/", node.told("http"));
    let mut browser = Browser::start();
    let look = Look { scripts: true, dark: false, width: 1280 };
    let mut page = browser.open(&url, look);
    let said = page.value("document.body.innerText");
    assert!(said.as_str().unwrap().contains("no token"), "{said}");

    let mut page = browser.open_with(&url, look, Some(&token("watch")));
    let asked = page.events().iter().filter(|event| event["method"] == "Fetch.authRequired");
    assert_eq!(asked.count(), 1, "once, and the style and the script know it");
    let said = page.value("document.body.innerText");
    assert!(said.as_str().unwrap().contains("Group default"), "{said}");
    let background = page.value("getComputedStyle(document.body).backgroundColor");
    assert_eq!(background, "rgb(255, 255, 255)", "the style is there");
    page.value("update()");
    let said = page.value("document.getElementById('updates').innerText");
    assert!(!said.as_str().unwrap().contains("does not answer"), "{said}");
}
