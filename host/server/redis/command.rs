//! Parses the arguments of a request to a command.

use super::about;
use super::client::ClientCommand;
use super::lifetime::{self, Lifetime};
use super::refused::{Refused, is, shown, uppercase};
use super::request::Arguments;

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Command<'a> {
    Get {
        key: &'a [u8],
    },
    GetMany {
        keys: Arguments<'a>,
    },
    Set {
        key: &'a [u8],
        value: &'a [u8],
        lifetime: Lifetime,
    },
    /// Keys and values in turn.
    SetMany {
        entries: Arguments<'a>,
    },
    Remove {
        keys: Arguments<'a>,
    },
    Exists {
        keys: Arguments<'a>,
    },
    TimeToLive {
        key: &'a [u8],
        in_seconds: bool,
    },
    MemoryUsage {
        key: &'a [u8],
    },
    Clear,
    Count,

    Ping {
        message: Option<&'a [u8]>,
    },
    Echo {
        message: &'a [u8],
    },
    Hello {
        options: Arguments<'a>,
    },
    Auth {
        user: Option<&'a [u8]>,
        token: &'a [u8],
    },
    Select {
        group: &'a [u8],
    },
    Client(ClientCommand<'a>),
    Reset,
    Quit,
    /// A line of HTTP.
    Http,

    About {
        names: Option<Arguments<'a>>,
    },
    AboutCount,
    AboutDocs {
        names: Arguments<'a>,
    },
    ConfigGet {
        patterns: Arguments<'a>,
    },
    Info {
        sections: Arguments<'a>,
    },
}

/// Parses a request. It has at least one argument.
pub(super) fn parse(arguments: Arguments<'_>) -> Result<Command<'_>, Refused> {
    let name = arguments.get(0).unwrap_or_default();
    let rest = arguments.skip(1);
    let mut upper = [0; 16];
    let name_upper = uppercase(name, &mut upper);
    let argument = |at| rest.get(at).unwrap_or_default();
    // A web page can have a browser post commands to a port of its machine. They are in the
    // body, so these lines come before them.
    if matches!(name_upper, b"POST" | b"HOST:") {
        return Ok(Command::Http);
    }
    if !about::takes(name_upper, arguments.len()) {
        return Err(if about::knows(name_upper) {
            Refused::wrong_count(name)
        } else {
            unknown(name)
        });
    }
    Ok(match name_upper {
        b"GET" => Command::Get { key: argument(0) },
        b"MGET" => Command::GetMany { keys: rest },
        b"GETEX" => getex(rest)?,
        b"SET" => {
            let lifetime = lifetime::of_set(rest.skip(2))?;
            Command::Set { key: argument(0), value: argument(1), lifetime }
        }
        b"SETEX" => {
            let lifetime = lifetime::in_seconds("setex", argument(1))?;
            Command::Set { key: argument(0), value: argument(2), lifetime }
        }
        b"PSETEX" => {
            let lifetime = lifetime::in_millis("psetex", argument(1))?;
            Command::Set { key: argument(0), value: argument(2), lifetime }
        }
        b"MSET" if rest.len().is_multiple_of(2) => Command::SetMany { entries: rest },
        b"MSET" => return Err(Refused::wrong_count(name)),
        b"DEL" | b"UNLINK" => Command::Remove { keys: rest },
        b"EXISTS" => Command::Exists { keys: rest },
        b"TTL" => Command::TimeToLive { key: argument(0), in_seconds: true },
        b"PTTL" => Command::TimeToLive { key: argument(0), in_seconds: false },
        b"FLUSHDB" if rest.iter().all(|mode| is(mode, "SYNC") || is(mode, "ASYNC")) => {
            Command::Clear
        }
        b"FLUSHDB" => return Err(Refused::syntax()),
        b"DBSIZE" => Command::Count,
        b"PING" => Command::Ping { message: rest.get(0) },
        b"ECHO" => Command::Echo { message: argument(0) },
        b"HELLO" => Command::Hello { options: rest },
        b"AUTH" => match rest.len() {
            1 => Command::Auth { user: None, token: argument(0) },
            2 => Command::Auth { user: Some(argument(0)), token: argument(1) },
            _ => return Err(Refused::syntax()),
        },
        b"SELECT" => Command::Select { group: argument(0) },
        b"CLIENT" => Command::Client(ClientCommand::parse(rest)?),
        b"RESET" => Command::Reset,
        b"QUIT" => Command::Quit,
        b"INFO" => Command::Info { sections: rest },
        _ => container(name_upper, rest)?,
    })
}

/// Parses a command that consists of two words.
fn container<'a>(name: &[u8], rest: Arguments<'a>) -> Result<Command<'a>, Refused> {
    let Some(second) = rest.get(0) else {
        return Ok(Command::About { names: None });
    };
    let mut upper = [0; 16];
    Ok(match (name, uppercase(second, &mut upper)) {
        (b"COMMAND", b"COUNT") => Command::AboutCount,
        (b"COMMAND", b"DOCS") => Command::AboutDocs { names: rest.skip(1) },
        (b"COMMAND", b"INFO") => {
            Command::About { names: Some(rest.skip(1)).filter(|names| names.len() > 0) }
        }
        (b"CONFIG", b"GET") if rest.len() > 1 => Command::ConfigGet { patterns: rest.skip(1) },
        (b"CONFIG", b"SET") => {
            let how = "change the file of the settings and reload the node with SIGHUP";
            return Err(Refused::new(format_args!("CONFIG SET is not possible here; {how}")));
        }
        (b"MEMORY", b"USAGE") if rest.len() > 1 => {
            Command::MemoryUsage { key: rest.get(1).unwrap_or_default() }
        }
        (b"OBJECT", b"FREQ" | b"IDLETIME") => {
            let why = "a policy receives uses in batches, and keeps its own counts";
            return Err(Refused::new(format_args!("not known of an entry here: {why}")));
        }
        _ => return Err(unknown_subcommand(name, second)),
    })
}

fn unknown_subcommand(name: &[u8], second: &[u8]) -> Refused {
    let (known, second) = (about::subcommands(name).join(", "), shown(second));
    let name = shown(name);
    Refused::new(format_args!(
        "unknown subcommand or wrong number of arguments for '{second}'; {name} has {known}"
    ))
}

/// Parses GETEX. It is a GET, because a change of a deadline alone could not be ordered among
/// the changes of the key.
fn getex(arguments: Arguments<'_>) -> Result<Command<'_>, Refused> {
    match arguments.len() {
        1 => Ok(Command::Get { key: arguments.get(0).unwrap_or_default() }),
        _ => Err(Refused::new(
            "GETEX can't have options here: the time to live of a value is given when it is set, \
             with SET and EX or PX",
        )),
    }
}

fn unknown(name: &[u8]) -> Refused {
    let known = about::names().collect::<Vec<_>>().join(", ");
    Refused::new(format_args!("unknown command '{}'; this cache has {known}", shown(name)))
}
