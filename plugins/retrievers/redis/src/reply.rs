//! Replies of RESP2, and commands as they are sent.

use std::io::{BufRead, Read as _};

use psycache_plugin::FetchError;
use psycache_plugin::net::Failure;

/// The largest value that is taken; the memory that a node gives a retriever is just enough
/// for it.
const LARGEST_VALUE_BYTES: usize = 64 << 20;
/// The longest line that a server needs for what it says.
const LONGEST_LINE_BYTES: u64 = 64 << 10;

/// What a server replies. It has other kinds for other commands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The command was done.
    Said(String),
    /// It was not.
    Refused(String),
    Value(Vec<u8>),
    Nothing,
}

impl Reply {
    /// Reads one.
    pub(crate) fn read(from: &mut impl BufRead) -> Result<Self, Failure> {
        let line = line(from)?;
        let Some((kind, text)) = line.split_at_checked(1) else {
            return Err(strange("an empty line"));
        };
        match (kind, text) {
            ("+", text) => Ok(Self::Said(text.to_owned())),
            ("-", text) => Ok(Self::Refused(text.to_owned())),
            ("$" | "*", "-1") => Ok(Self::Nothing),
            ("$", length) => {
                let length = length.parse().map_err(|_| strange("a length that is no number"))?;
                value(from, length).map(Self::Value)
            }
            // Of RESP3, which nobody asked for.
            ("_", "") => Ok(Self::Nothing),
            (":" | "*", _) => Err(strange("a number or a list instead of a value")),
            _ => Err(strange("what is not of its protocol")),
        }
    }
}

fn line(from: &mut impl BufRead) -> Result<String, Failure> {
    let mut line = Vec::new();
    from.take(LONGEST_LINE_BYTES).read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None if line.len() as u64 == LONGEST_LINE_BYTES => Err(strange("an endless line")),
        None if line.ends_with(b"\n") => Err(strange("what is not of its protocol")),
        None => Err(Failure::Broken("it has closed the connection".to_owned())),
    }
}

fn value(from: &mut impl BufRead, length: usize) -> Result<Vec<u8>, Failure> {
    if length > LARGEST_VALUE_BYTES {
        let limit = LARGEST_VALUE_BYTES >> 20;
        let problem = format!("it is larger than the {limit} MiB that this retriever takes");
        return Err(Failure::Answered(FetchError::BadValue(problem)));
    }
    let mut value = vec![0; length];
    from.read_exact(&mut value)?;
    let mut end = [0; 2];
    from.read_exact(&mut end)?;
    match &end {
        b"\r\n" => Ok(value),
        _ => Err(strange("a value that is longer than it says")),
    }
}

fn strange(what: &str) -> Failure {
    let problem = format!("it replies with {what}; is it a server of Redis?");
    Failure::Answered(FetchError::Rejected(problem))
}

/// A command of these words.
pub(crate) fn command(words: &[impl AsRef<str>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        let word = word.as_ref();
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Reply, String> {
        Reply::read(&mut text.as_bytes()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn each_kind_is_read() {
        for (text, expected) in [
            ("+OK\r\n", Reply::Said("OK".into())),
            ("-ERR no\r\n", Reply::Refused("ERR no".into())),
            ("$3\r\na\r\n\r\n", Reply::Value(b"a\r\n".to_vec())),
            ("$0\r\n\r\n", Reply::Value(Vec::new())),
            ("$-1\r\n", Reply::Nothing),
            ("*-1\r\n", Reply::Nothing),
            ("_\r\n", Reply::Nothing),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_a_server_would_not_say_is_refused() {
        let endless = "+".repeat(LONGEST_LINE_BYTES as usize);
        for text in [
            "HTTP/1.1 400 Bad\r\n",
            "\r\n",
            ":1\r\n",
            "*1\r\n",
            "$x\r\n",
            "$1\r\nabc",
            "+OK\n",
            &endless,
        ] {
            assert!(read(text).expect_err(text).contains("it replies with"), "{text}");
        }
        assert!(read("$67108865\r\n").expect_err("too large").contains("larger than the 64 MiB"));
    }

    #[test]
    fn a_reply_that_is_cut_breaks_the_connection() {
        for text in ["", "+O", "$3\r\nab", "$3\r\nabc\r"] {
            let failure = Reply::read(&mut text.as_bytes()).expect_err(text);
            assert!(matches!(failure, Failure::Broken(_)), "{text}");
        }
    }

    #[test]
    fn a_command_has_the_length_of_each_word() {
        assert_eq!(command(&["GET", "ü\r\n"]), "*2\r\n$3\r\nGET\r\n$4\r\nü\r\n\r\n".as_bytes());
    }
}
