//! Why a command is not executed, and the words for it.

use std::fmt;

/// Most bytes of a client's argument that an error repeats.
const LONGEST_ECHO: usize = 64;

/// An error as it is sent: prefix and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

impl Refused {
    pub(super) fn new(text: impl fmt::Display) -> Self {
        Self(format!("ERR {text}"))
    }

    pub(super) fn syntax() -> Self {
        Self::new("syntax error")
    }

    pub(super) fn wrong_count(name: &[u8]) -> Self {
        let name = shown(name).to_lowercase();
        Self::new(format_args!("wrong number of arguments for '{name}' command"))
    }

    pub(super) fn no_passwords() -> Self {
        Self::new(
            "AUTH <password> called without any password configured for the default user. Are \
             you sure your configuration is correct? This node has no tokens; leave AUTH out",
        )
    }

    pub(super) fn wrong_password() -> Self {
        Self(
            "WRONGPASS invalid username-password pair or user is disabled. The password is a \
             token of this node"
                .into(),
        )
    }
}

/// Whether `word` is `expected`, in any case.
pub(super) fn is(word: &[u8], expected: &str) -> bool {
    word.eq_ignore_ascii_case(expected.as_bytes())
}

/// A client's argument in an error.
pub(super) fn shown(argument: &[u8]) -> String {
    argument[..argument.len().min(LONGEST_ECHO)].escape_ascii().to_string()
}

/// The word in capitals; empty if it is too long for a command.
pub(super) fn uppercase<'a>(word: &[u8], upper: &'a mut [u8; 16]) -> &'a [u8] {
    let Some(upper) = upper.get_mut(..word.len()) else { return b"" };
    upper.copy_from_slice(word);
    upper.make_ascii_uppercase();
    upper
}
