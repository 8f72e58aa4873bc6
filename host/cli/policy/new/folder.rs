//! The files of a new policy's folder.

use super::sources::{self, FIFO, LRU, SDK, SIEVE, WIT};

/// What a new policy is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Like {
    /// LRU: one queue in the order of use
    Lru,
    /// SIEVE: a flag an entry and a hand
    Sieve,
    /// FIFO with a comment at each function: the least that is a policy
    Blank,
}

const README: &str = include_str!("template/README.md");
const MANIFEST: &str = include_str!("template/Cargo.toml.in");
const SDK_MANIFEST: &str = include_str!("template/sdk.toml");
const TESTING_MANIFEST: &str = include_str!("template/testing.toml");
/// What stands at each function of a blank policy, after the line that it is put before.
const COMMENTS: [(&str, &str); 5] = [
    (
        "    fn configure(",
        "    /// Called once. Read each option, then `finish` refuses all others.\n",
    ),
    ("    #[inline]\n    fn touch(", "    /// The entry was used.\n"),
    (
        "    #[inline]\n    fn insert(",
        "    /// The entry came; `_entry` has its hash, weight, cost and time to live.\n",
    ),
    ("    #[inline]\n    fn remove(", "    /// The entry is gone, and not by this policy.\n"),
    (
        "    #[inline]\n    fn victim(",
        "    /// Who leaves next? Forget it. `None`: nobody is left.\n",
    ),
];

const REQUESTS: u64 = 5_000;

/// All files of a policy in Rust, with their paths below its folder.
pub(super) fn files(name: &str, like: Like) -> Vec<(String, String)> {
    let (policy, tests) = match like {
        Like::Lru => (LRU.0.to_owned(), LRU.1),
        Like::Sieve => (SIEVE.0.to_owned(), SIEVE.1),
        Like::Blank => (commented(FIFO.0), FIFO.1),
    };
    let named = |template: &str| {
        let underscored = name.replace('-', "_");
        template.replace("{{name}}", name).replace("{{component}}", &underscored)
    };
    let mut files = vec![
        ("Cargo.toml".to_owned(), named(MANIFEST)),
        ("README.md".to_owned(), named(README)),
        (".gitignore".to_owned(), "/target\n/*.wasm\n".to_owned()),
        ("src/lib.rs".to_owned(), policy),
        ("src/tests.rs".to_owned(), tests.to_owned()),
        ("trace.txt".to_owned(), trace()),
        ("wit/psycache-plugin.wit".to_owned(), WIT.to_owned()),
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

/// Keys of uneven popularity, a line each.
fn trace() -> String {
    let key = |at: u64| {
        let random = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        format!("key-{}\n", random % (random % 1_500 + 1))
    };
    (0..REQUESTS).map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_policy_has_a_comment_at_each_function() {
        let text = commented(FIFO.0);
        for (_, comment) in COMMENTS {
            assert_eq!(text.matches(comment).count(), 1, "{comment}");
        }
        assert_eq!(text.matches("    fn ").count(), COMMENTS.len());
    }

    #[test]
    fn no_hole_of_a_template_stays_open() {
        for (path, text) in files("my-own", Like::Lru) {
            assert!(!text.contains("{{name}}") && !text.contains("{{component}}"), "{path}");
        }
    }
}
