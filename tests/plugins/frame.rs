//! Makes components of the frames here and what an exhibit, or a test, puts into
//! their holes.

/// The frame of a policy.
pub(crate) const POLICY: &str = include_str!("frame/policy.wat");
/// The frame of a retriever.
pub(crate) const RETRIEVER: &str = include_str!("frame/retriever.wat");

/// What stands in a hole that is not filled; in all others stands nothing.
const DEFAULTS: [(&str, &str); 5] = [
    ("pages", "32"),
    ("configure", "(i32.const 32)"),
    ("step", "(call $victims (i32.const 0) (i32.const 0))"),
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
    for (hole, filling) in holes.iter().chain(&DEFAULTS) {
        text = text.replace(&format!("{{{{{hole}}}}}"), filling);
    }
    while let Some((before, after)) = text.split_once("{{") {
        let (_, after) = after.split_once("}}").expect("a hole has an end");
        text = format!("{before}{after}");
    }
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
}
