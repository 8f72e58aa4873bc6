//! The table of all commands: what COMMAND says, and how many arguments each takes.

use super::reply::Reply;
use super::request::Arguments;

/// A command as Redis describes it.
struct About {
    name: &'static str,
    /// Number of words; negative: at least as many.
    arity: i64,
    /// Whether it changes something.
    writes: bool,
    /// First key, last key and step; `-1` is the last word, and 0 says that there are no keys.
    keys: (i64, i64, i64),
    group: &'static str,
    summary: &'static str,
    subcommands: &'static [&'static str],
}

impl About {
    const fn of(name: &'static str, arity: i64, group: &'static str) -> Self {
        let (keys, subcommands) = ((0, 0, 0), &[] as &[&str]);
        Self { name, arity, writes: false, keys, group, summary: "", subcommands }
    }

    const fn key(name: &'static str, arity: i64) -> Self {
        Self { keys: (1, 1, 1), ..Self::of(name, arity, "generic") }
    }

    const fn writes(self) -> Self {
        Self { writes: true, ..self }
    }

    const fn many(self, step: i64) -> Self {
        Self { keys: (1, -1, step), ..self }
    }

    const fn has(self, subcommands: &'static [&'static str]) -> Self {
        Self { subcommands, ..self }
    }

    const fn does(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }
}

/// In the order in which an error names them.
const COMMANDS: [About; 27] = [
    About::key("GET", 2).does("Returns the value of a key; loads it if it is not cached"),
    About::key("MGET", -2).many(1).does("Returns the values of keys, in one batch"),
    About::key("GETEX", -2).does("As GET; options are refused"),
    About::key("SET", -3).writes().does("Sets a value; EX, PX, EXAT and PXAT say for how long"),
    About::key("SETEX", 4).writes().does("Sets a value for seconds"),
    About::key("PSETEX", 4).writes().does("Sets a value for milliseconds"),
    About::key("MSET", -3).writes().many(2).does("Sets values, in one batch"),
    About::key("DEL", -2).writes().many(1).does("Removes keys from the cache"),
    About::key("UNLINK", -2).writes().many(1).does("As DEL"),
    About::key("EXISTS", -2).many(1).does("Counts the keys that this node has in memory"),
    About::key("TTL", 2).does("Seconds until a value in this node's memory expires"),
    About::key("PTTL", 2).does("Milliseconds until a value in this node's memory expires"),
    About::of("FLUSHDB", -1, "server").writes().does("Clears the group on all nodes"),
    About::of("DBSIZE", 1, "server").does("Counts the entries in this node's memory"),
    About::of("PING", -1, "connection").does("Answers PONG, or what it was given"),
    About::of("ECHO", 2, "connection").does("Answers what it was given"),
    About::of("HELLO", -1, "connection").does("Chooses the version of the protocol"),
    About::of("AUTH", -2, "connection").does("Says who calls: the password is a token"),
    About::of("SELECT", 2, "connection").does("Chooses a group by its number or name"),
    About::of("CLIENT", -2, "connection")
        .does("What the node knows of connections")
        .has(&["ID", "SETNAME", "GETNAME", "SETINFO", "INFO", "LIST", "NO-EVICT", "REPLY"]),
    About::of("COMMAND", -1, "server")
        .does("What the node knows of commands")
        .has(&["COUNT", "DOCS", "INFO"]),
    About::of("CONFIG", -2, "server").does("Settings in the words of Redis").has(&["GET"]),
    About::of("INFO", -1, "server").does("State and counters, in the words of Redis"),
    About::of("MEMORY", -2, "server").does("What an entry takes").has(&["USAGE"]),
    About::of("OBJECT", -2, "generic").does("Says that it is not known").has(&["FREQ", "IDLETIME"]),
    About::of("QUIT", -1, "connection").does("Ends the connection"),
    About::of("RESET", 1, "connection").does("Makes the connection as it was at its beginning"),
];

fn find(name: &[u8]) -> Option<&'static About> {
    COMMANDS.iter().find(|about| about.name.as_bytes() == name)
}

/// The name and the number of its words fit a command.
pub(super) fn takes(name: &[u8], words: usize) -> bool {
    let words = i64::try_from(words).unwrap_or(i64::MAX);
    find(name).is_some_and(|about| match about.arity {
        arity if arity < 0 => words >= -arity,
        arity => words == arity,
    })
}

/// Whether there is a command of this name, in capitals.
pub(super) fn knows(name: &[u8]) -> bool {
    find(name).is_some()
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|about| about.name)
}

pub(super) fn subcommands(name: &[u8]) -> &'static [&'static str] {
    find(name).map_or(&[], |about| about.subcommands)
}

pub(super) fn count() -> Reply {
    Reply::count(COMMANDS.len())
}

/// The answer to more names than there are: each costs far more than the request.
fn refuse_many(names: Arguments<'_>) -> Option<Reply> {
    let text = || format!("ERR too many names; this cache has {} commands", COMMANDS.len());
    (names.len() > COMMANDS.len()).then(|| Reply::Error(text()))
}

/// What COMMAND and COMMAND INFO answer.
pub(super) fn info(names: Option<Arguments<'_>>) -> Reply {
    if let Some(refused) = names.and_then(refuse_many) {
        return refused;
    }
    Reply::Array(match names {
        None => COMMANDS.iter().map(described).collect(),
        Some(names) => {
            names.iter().map(|name| named(name).map_or(Reply::Null, described)).collect()
        }
    })
}

/// What COMMAND DOCS answers.
pub(super) fn docs(names: Arguments<'_>) -> Reply {
    if let Some(refused) = refuse_many(names) {
        return refused;
    }
    let documented = |about: &About| {
        let docs = [
            ("summary", Reply::text(about.summary)),
            ("since", Reply::text("1.0.0")),
            ("group", Reply::text(about.group)),
        ];
        let docs = docs.into_iter().map(|(name, value)| (Reply::text(name), value));
        (Reply::text(about.name.to_lowercase()), Reply::Map(docs.collect()))
    };
    Reply::Map(match names.len() {
        0 => COMMANDS.iter().map(documented).collect(),
        _ => names.iter().filter_map(named).map(documented).collect(),
    })
}

/// The command of a name in any case.
fn named(name: &[u8]) -> Option<&'static About> {
    COMMANDS.iter().find(|about| about.name.as_bytes().eq_ignore_ascii_case(name))
}

fn described(about: &About) -> Reply {
    let flags = if about.writes { ["write", "denyoom"] } else { ["readonly", "fast"] };
    let (first, last, step) = about.keys;
    Reply::Array(vec![
        Reply::text(about.name.to_lowercase()),
        Reply::Integer(about.arity),
        Reply::Set(flags.map(Reply::Word).into()),
        Reply::Integer(first),
        Reply::Integer(last),
        Reply::Integer(step),
        Reply::Set(Vec::new()),
        Reply::Array(Vec::new()),
        Reply::Array(Vec::new()),
        Reply::Array(Vec::new()),
    ])
}
