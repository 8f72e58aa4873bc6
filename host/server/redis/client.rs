//! The subcommands of CLIENT.

use super::refused::{Refused, is, shown, uppercase};
use super::request::Arguments;

/// The longest name of a connection or of a client's library.
const LONGEST_NAME: usize = 64;

/// A CLIENT command.
#[derive(Clone, Copy, Debug)]
pub(super) enum ClientCommand<'a> {
    Id,
    GetName,
    SetName(&'a str),
    /// Name or version of the client's library.
    SetInfo(Library, &'a str),
    Info,
    List,
    NoEvict,
    Reply(ReplyMode),
}

/// A property of a client's library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Library {
    Name,
    Version,
}

/// Which answers a client wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ReplyMode {
    #[default]
    On,
    Off,
    /// Not the one to the next command.
    Skip,
}

impl<'a> ClientCommand<'a> {
    /// Parses what follows CLIENT.
    pub(super) fn parse(arguments: Arguments<'a>) -> Result<Self, Refused> {
        let argument = |at| arguments.get(at).unwrap_or_default();
        let mut upper = [0; 16];
        let subcommand = uppercase(argument(0), &mut upper);
        Ok(match (subcommand, arguments.len()) {
            (b"ID", 1) => Self::Id,
            (b"GETNAME", 1) => Self::GetName,
            (b"SETNAME", 2) => Self::SetName(name(argument(1))?),
            (b"SETINFO", 3) if is(argument(1), "LIB-NAME") => {
                Self::SetInfo(Library::Name, name(argument(2))?)
            }
            (b"SETINFO", 3) if is(argument(1), "LIB-VER") => {
                Self::SetInfo(Library::Version, name(argument(2))?)
            }
            (b"INFO", 1) => Self::Info,
            (b"LIST", 1) => Self::List,
            (b"NO-EVICT", 2) if is(argument(1), "ON") || is(argument(1), "OFF") => Self::NoEvict,
            (b"REPLY", 2) if is(argument(1), "ON") => Self::Reply(ReplyMode::On),
            (b"REPLY", 2) if is(argument(1), "OFF") => Self::Reply(ReplyMode::Off),
            (b"REPLY", 2) if is(argument(1), "SKIP") => Self::Reply(ReplyMode::Skip),
            _ => {
                return Err(Refused::new(format_args!(
                    "unknown subcommand or wrong number of arguments for '{}'; CLIENT has ID, \
                     SETNAME, GETNAME, SETINFO, INFO, LIST, NO-EVICT, REPLY",
                    shown(argument(0))
                )));
            }
        })
    }
}

/// A name that fits into a line of CLIENT LIST.
pub(super) fn name(text: &[u8]) -> Result<&str, Refused> {
    let fits = text.len() <= LONGEST_NAME && text.iter().all(u8::is_ascii_graphic);
    match str::from_utf8(text) {
        Ok(name) if fits => Ok(name),
        _ => Err(Refused::new(
            "a name can't contain spaces, newlines or special characters, and is at most 64 \
             characters long",
        )),
    }
}
