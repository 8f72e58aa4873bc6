//! Patterns of names.

use std::fmt;
use std::str::FromStr;

/// A name, or what names begin with and a `*`. `*` alone stands for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// Reads a pattern; `None` for an empty one, and where a `*` stands before the end.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let begin = text.strip_suffix('*').unwrap_or(text);
        (!text.is_empty() && !begin.contains('*')).then(|| Self(text.to_owned()))
    }

    /// The pattern of all names.
    pub(super) fn all() -> Self {
        Self("*".to_owned())
    }

    pub(super) fn is_all(&self) -> bool {
        self.0 == "*"
    }

    pub(super) fn matches(&self, name: &[u8]) -> bool {
        match self.0.as_bytes() {
            [begin @ .., b'*'] => name.starts_with(begin),
            whole => name == whole,
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| {
            format!("{text:?} names no groups; write a name, what names begin with and a * (scores-*), or *")
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_at_the_end_only() {
        for (pattern, name, matches) in [
            ("scores", "scores", true),
            ("scores", "scores-1", false),
            ("scores-*", "scores-1", true),
            ("scores-*", "scores-", true),
            ("scores-*", "scores", false),
            ("*", "", true),
            ("*", "anything", true),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(name.as_bytes()), matches, "{pattern} {name}");
        }
        for wrong in ["", "*-scores", "a*b", "**"] {
            assert_eq!(Pattern::parse(wrong), None, "{wrong}");
        }
    }
}
