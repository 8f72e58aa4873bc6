//! The name of a new policy: that of its folder, its crate and its component.

use crate::cli::exit::{Exit, Failure};
use crate::plugin::{Kind, Plugin};

const LONGEST: usize = 64;

/// Names that compilers and package managers give to things of their own, and words of Rust.
const TAKEN: [&str; 22] = [
    "alloc",
    "cmd",
    "core",
    "node_modules",
    "proc_macro",
    "psycache-plugin",
    "psycache-plugin-testing",
    "sdk",
    "std",
    "test",
    "testing",
    "async",
    "const",
    "crate",
    "enum",
    "fn",
    "impl",
    "mod",
    "self",
    "struct",
    "trait",
    "use",
];

/// A name that cargo takes and that no other policy has.
///
/// # Errors
/// It is not: why, and what would be.
pub(super) fn check(name: &str) -> Result<(), Failure> {
    let refused = |why: &str| {
        let mend = "use lower-case letters, digits, - and _, with a letter first: my-policy";
        Err(Failure::new(
            Exit::Usage,
            format!("{name:?} can't be the name of a policy: {why}; {mend}"),
        ))
    };
    let is_allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    match name {
        "" => refused("it is empty"),
        _ if name.len() > LONGEST => refused("it has more than 64 characters"),
        _ if name.contains(['/', '\\']) => refused("it is a path; change into the folder first"),
        _ if !name.starts_with(|c: char| c.is_ascii_lowercase()) => {
            refused("it does not begin with a lower-case letter")
        }
        _ if !name.chars().all(is_allowed) => refused("it has other characters"),
        _ if TAKEN.contains(&name) => refused("a language has another use for that name"),
        _ if Plugin::builtins(Kind::Policy).any(|builtin| builtin.name() == name) => {
            refused("a built-in policy has that name, and would be found in its place")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_be_one_that_cargo_takes() {
        for name in ["mine", "my-policy", "a", "w_tinylfu2"] {
            assert!(check(name).is_ok(), "{name}");
        }
        let long = "a".repeat(65);
        for (name, why) in [
            ("", "it is empty"),
            (long.as_str(), "more than 64 characters"),
            ("../mine", "it is a path"),
            ("a/b", "it is a path"),
            ("Mine", "does not begin with a lower-case letter"),
            ("2q", "does not begin with a lower-case letter"),
            ("-x", "does not begin with a lower-case letter"),
            ("mïne", "it has other characters"),
            ("my policy", "it has other characters"),
            ("fn", "a language has another use"),
            ("lru", "a built-in policy has that name"),
        ] {
            let failure = check(name).expect_err(name).to_string();
            assert!(failure.contains(why), "{failure}");
        }
    }
}
