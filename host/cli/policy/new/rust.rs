//! The folder of a policy in Rust: a built-in to begin with, and the SDK.

use super::like::Like;
use super::sources::{self, FIFO, LRU, SDK, SIEVE};
use super::template::{File, Page};

const MANIFEST: &str = include_str!("template/rust/Cargo.toml.in");
const SDK_MANIFEST: &str = include_str!("template/rust/sdk.toml");
const TESTING_MANIFEST: &str = include_str!("template/rust/testing.toml");
/// What a blank policy says beyond FIFO: the line that it is put before, and the text.
const COMMENTS: [(&str, &str); 7] = [
    (
        "//! One queue in",
        "//! The least that is a policy. \"Write here\" marks what to replace.\n//!\n",
    ),
    ("    arrival: SlotQueue,", "    /// Write here: the policy's state, by slot.\n"),
    (
        "    fn configure(",
        "    /// Called once.\n    /// Write here: read options; `finish` refuses all others.\n",
    ),
    (
        "    #[inline]\n    fn touch(",
        "    /// The entry was used.\n    /// Write here: what a use changes. In a FIFO it changes \
         nothing.\n",
    ),
    (
        "    #[inline]\n    fn insert(",
        "    /// The entry came; `_entry` has its hash, weight, cost and time to live.\n    \
         /// Write here: where a new entry stands.\n",
    ),
    (
        "    #[inline]\n    fn remove(",
        "    /// The entry is gone, and not by this policy.\n    /// Write here: forget it.\n",
    ),
    (
        "    #[inline]\n    fn victim(",
        "    /// Who leaves next? `None`: nobody is left.\n    /// Write here: choose an entry, and \
         forget it.\n",
    ),
];

/// What its README says of Rust.
pub(super) const PAGE: Page = Page {
    policy: "src/lib.rs",
    tests: "src/tests.rs",
    commands: "cargo test                                            # against a model, natively",
    tools: "The compiler needs the target of WebAssembly once: `rustup target add \
            wasm32-unknown-unknown`.",
    configure: "configure",
    hints: "An entry that is overwritten is a `touch`, unless the policy has a function \
            `overwrite`.\n\nKeep state by slot: `SlotArray` for a number each, `SlotQueue` for an \
            order, `Links` and `Chain` for\nseveral orders, `Ghosts` for the hashes of entries \
            that are gone.",
    files: "| `src/` | the policy and its tests: yours to change |\n\
            | `sdk/`, `testing/` | the SDK and its test kit, so that nothing else is needed |",
};

/// All files, with their paths below the folder.
pub(super) fn files(like: Like) -> Vec<File> {
    let (policy, tests) = match like {
        Like::Lru => (LRU.0.to_owned(), LRU.1),
        Like::Sieve => (SIEVE.0.to_owned(), SIEVE.1),
        Like::Blank => (commented(FIFO.0), FIFO.1),
    };
    let mut files = vec![
        ("Cargo.toml".to_owned(), MANIFEST.to_owned()),
        ("src/lib.rs".to_owned(), policy),
        ("src/tests.rs".to_owned(), tests.to_owned()),
        ("sdk/Cargo.toml".to_owned(), SDK_MANIFEST.to_owned()),
        ("testing/Cargo.toml".to_owned(), TESTING_MANIFEST.to_owned()),
    ];
    files.extend(SDK.iter().map(|file| (file.0.to_owned(), sources::edited(*file))));
    files
}

fn commented(policy: &str) -> String {
    let add = |text: String, (before, comment): &(&str, &str)| {
        text.replacen(before, &format!("{comment}{before}"), 1)
    };
    COMMENTS.iter().fold(policy.to_owned(), add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_policy_has_a_mark_at_each_function_and_its_state() {
        let text = commented(FIFO.0);
        for (_, comment) in COMMENTS {
            assert_eq!(text.matches(comment).count(), 1, "{comment}");
        }
        let marks = text.matches("/// Write here: ").count();
        assert_eq!(marks, text.matches("    fn ").count() + 1, "{text}");
    }
}
