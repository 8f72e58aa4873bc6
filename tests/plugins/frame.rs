//! Makes components of the frames here and what an exhibit, or a test, puts into
//! their holes.

/// The frame of a policy.
pub(crate) const POLICY: &str = include_str!("frame/policy.wat");
/// An LRU that a policy may have in a hole `lru`, with holes of its own.
const LRU: &str = include_str!("frame/lru.wat");
/// The frame of a retriever.
pub(crate) const RETRIEVER: &str = include_str!("frame/retriever.wat");

/// What stands in a hole that is not filled; in all others stands nothing.
const DEFAULTS: [(&str, &str); 11] = [
    ("pages", "32"),
    ("configure", "(call $configured)"),
    ("step", "(call $victims (i32.const 0) (i32.const 0))"),
    ("record", "16"),
    (
        "overwrite",
        "(call $weigh (local.get $link) (local.get $weight)) (call $use (local.get $link))",
    ),
    ("touch-unknown", ""),
    ("coldest", "(global.get $back)"),
    ("gone", ""),
    ("next", "(br $next)"),
    ("fetch", "(i32.const 16)"),
    // Last, because it also stands in what fills other holes.
    ("version", "0.1.0"),
];

/// The binary component that `frame` becomes.
///
/// # Panics
/// It is no WebAssembly text then, or there is no such hole.
pub(crate) fn filled(frame: &str, holes: &[(&str, &str)]) -> Vec<u8> {
    let mut text = frame.to_owned();
    // Twice, because the LRU has holes too.
    for (hole, filling) in holes.iter().chain(&[("lru", LRU)]).chain(holes).chain(&DEFAULTS) {
        text = text.replace(&format!("{{{{{hole}}}}}"), filling);
    }
    while let Some((before, after)) = text.split_once("{{") {
        let (_, after) = after.split_once("}}").expect("a hole has an end");
        text = format!("{before}{after}");
    }
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
}
