//! What a key may be, and how it is written in a statement.

use psycache_plugin::{ConfigError, FetchError};

use crate::statement::literal;

/// What keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyType {
    /// Any text. A server that compares it with a number takes what number it begins with.
    Text,
    /// A number as the server prints it, and nothing else.
    Integer,
}

impl KeyType {
    pub(crate) fn read(option: Option<&str>) -> Result<Self, ConfigError> {
        match option.map(str::trim) {
            None | Some("text") => Ok(Self::Text),
            Some("integer") => Ok(Self::Integer),
            Some(other) => {
                let problem = format!("`{other}` is not allowed, it must be `text` or `integer`");
                Err(ConfigError::invalid("key-type", problem))
            }
        }
    }

    /// `key` as it stands in a statement.
    pub(crate) fn literal(self, key: &str) -> Result<String, FetchError> {
        match self {
            Self::Text => Ok(literal(key)),
            Self::Integer if is_integer(key) => Ok(key.to_owned()),
            Self::Integer => {
                let problem = "it is no integer from -9223372036854775808 to \
                               18446744073709551615, without zeros before it";
                Err(FetchError::BadKey(problem.to_owned()))
            }
        }
    }
}

/// Whether a column can have that number, and the server prints it so: another way to write it
/// would be another entry of the same row.
fn is_integer(key: &str) -> bool {
    let range = i128::from(i64::MIN)..=i128::from(u64::MAX);
    key.parse::<i128>().is_ok_and(|number| range.contains(&number) && number.to_string() == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_written_in_one_way() {
        for key in ["0", "1", "-7", "18446744073709551615", "-9223372036854775808"] {
            assert_eq!(KeyType::Integer.literal(key).as_deref(), Ok(key));
        }
        for key in [
            "",
            "1abc",
            "abc",
            "01",
            "+1",
            "-0",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "0x1",
            "1;2",
            "-",
            "18446744073709551616",
            "-9223372036854775809",
            "١",
            "1\0",
        ] {
            let bad = KeyType::Integer.literal(key).expect_err(key);
            assert!(matches!(bad, FetchError::BadKey(_)), "{bad}");
        }
        assert_eq!(KeyType::Text.literal("1abc").as_deref(), Ok("'1abc'"));
    }

    #[test]
    fn another_type_is_refused_with_those_that_are_known() {
        assert_eq!(KeyType::read(None), Ok(KeyType::Text));
        assert_eq!(KeyType::read(Some("integer")), Ok(KeyType::Integer));
        let refused = KeyType::read(Some("int")).expect_err("there is none").to_string();
        assert!(refused.contains("option key-type") && refused.contains("`integer`"), "{refused}");
    }
}
