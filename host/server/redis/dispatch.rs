//! Hands each command to what executes it: the group that is selected, or the state of the
//! connection.

use std::sync::Arc;
use std::time::Instant;

use super::about;
use super::answers::Form;
use super::client::{ClientCommand, ReplyMode, name};
use super::command::Command;
use super::connections::Registered;
use super::gets::{self, Get};
use super::info;
use super::refused::{Refused, is, shown};
use super::reply::{Reply, Version};
use super::request::Arguments;
use super::run::{self, Target};
use super::shared::Shared;
use super::visitor::Visitor;
use crate::group::Group;

pub(super) use super::run::Started;

/// What a connection has chosen.
pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    peer: Registered,
    visitor: Visitor,
    /// The selected group, and its number.
    group: Arc<Group>,
    number: usize,
    version: Version,
    replies: ReplyMode,
    /// When the command before has ended. A get that is answered at once is timed by one look
    /// at the clock.
    last: Instant,
}

impl Dispatcher {
    pub(super) fn new(shared: Arc<Shared>, peer: Registered, visitor: Visitor) -> Self {
        let group = Arc::clone(&shared.first);
        let version = Version::default();
        let (number, replies, last) = (0, ReplyMode::On, Instant::now());
        Self { shared, peer, visitor, group, number, version, replies, last }
    }

    pub(super) fn begin_batch(&mut self) {
        self.last = Instant::now();
    }

    pub(super) fn count_commands(&self, count: u64) {
        self.shared.connections.count_commands(count);
    }

    /// Whether it is known who uses the connection.
    pub(super) fn is_known(&self) -> bool {
        self.visitor.is_known()
    }

    /// The form of an answer at present.
    pub(super) fn form(&self, is_muted: bool) -> Form {
        Form { version: self.version, is_muted: is_muted || self.replies != ReplyMode::On }
    }

    /// Starts a command, and says how its answer is sent.
    pub(super) fn start(&mut self, command: Result<Command<'_>, Refused>) -> (Started, Form) {
        let is_skipped = self.replies == ReplyMode::Skip;
        if is_skipped {
            self.replies = ReplyMode::On;
        }
        let started = command.and_then(|command| self.run(command));
        let started = started.unwrap_or_else(|Refused(text)| Started::Now(Reply::Error(text)));
        (started, self.form(is_skipped))
    }

    /// Whether [`start_gets`](Self::start_gets) may be called. If not, an answer is to be skipped,
    /// or the caller may not get keys of the group, and each get goes the usual way.
    pub(super) fn may_look_up(&mut self) -> bool {
        self.replies != ReplyMode::Skip && self.visitor.may_get(self.group.name())
    }

    /// Starts gets whose keys are looked up together, and gives each to `take`, in order.
    pub(super) fn start_gets<'a>(
        &mut self,
        gets: &[Get<'a>],
        mut take: impl FnMut(&Get<'a>, Started, Form),
    ) {
        let form = self.form(false);
        let target = Target { group: &self.group, within: self.shared.request_timeout };
        let take = |get: &Get<'a>, started| take(get, started, form);
        gets::start(target, &mut self.visitor, gets, &mut self.last, take);
    }

    fn run(&mut self, command: Command<'_>) -> Result<Started, Refused> {
        self.visitor.admit(&command, self.group.name())?;
        let target = Target { group: &self.group, within: self.shared.request_timeout };
        let reply = match command {
            Command::Get { key } => return Ok(run::get(target, key, &mut self.last)),
            Command::GetMany { keys } => return Ok(run::get_many(target, keys)),
            Command::Set { key, value, lifetime } => {
                return Ok(run::set(target, key, value, lifetime));
            }
            Command::SetMany { entries } => return Ok(run::set_many(target, entries)),
            Command::Remove { keys } => return Ok(run::remove_many(target, keys)),
            Command::Clear => return Ok(run::clear(target, self.visitor.note())),
            Command::Exists { keys } => run::exists(target, keys),
            Command::TimeToLive { key, in_seconds } => run::time_to_live(target, key, in_seconds),
            Command::MemoryUsage { key } => run::memory_usage(target, key),
            Command::Count => run::count(target),
            Command::Ping { message: None } => Reply::Word("PONG"),
            Command::Ping { message: Some(message) } | Command::Echo { message } => {
                Reply::bytes(message)
            }
            Command::Hello { options } => self.hello(options)?,
            Command::Auth { user, token } => {
                self.visitor.authenticate(user, token)?;
                Reply::OK
            }
            Command::Select { group } => self.select(group)?,
            Command::Client(command) => self.client(command),
            Command::Reset => {
                self.reset();
                Reply::Word("RESET")
            }
            Command::Quit => return Ok(Started::Last(Reply::OK)),
            Command::Http => {
                let Refused(text) = Refused::new("this is a port for Redis clients, not for HTTP");
                return Ok(Started::Last(Reply::Error(text)));
            }
            Command::About { names } => about::info(names),
            Command::AboutCount => about::count(),
            Command::AboutDocs { names } => about::docs(names),
            Command::ConfigGet { patterns } => info::config(&self.shared, patterns),
            Command::Info { sections } => info::info(&self.shared, sections),
        };
        Ok(Started::Now(reply))
    }

    fn hello(&mut self, options: Arguments<'_>) -> Result<Reply, Refused> {
        let mut options = options.iter();
        let version = match options.next() {
            None => self.version,
            Some(b"2") => Version::Resp2,
            Some(b"3") => Version::Resp3,
            Some(_) => return Err(Refused("NOPROTO unsupported protocol version".into())),
        };
        while let Some(option) = options.next() {
            if is(option, "AUTH") {
                let (user, token) =
                    options.next().zip(options.next()).ok_or_else(Refused::syntax)?;
                self.visitor.authenticate(Some(user), token)?;
                continue;
            }
            let text = options.next().filter(|_| is(option, "SETNAME"));
            self.peer.set_name(name(text.ok_or_else(Refused::syntax)?)?);
        }
        if !self.visitor.is_known() {
            return Err(Refused(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
                 HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client \
                 and select the RESP protocol version at the same time"
                    .into(),
            ));
        }
        self.version = version;
        let number = match version {
            Version::Resp2 => 2,
            Version::Resp3 => 3,
        };
        let fields = [
            ("server", Reply::text("psycache")),
            ("version", Reply::text(info::REDIS_VERSION)),
            ("proto", Reply::Integer(number)),
            ("id", Reply::Integer(self.peer.id as i64)),
            ("mode", Reply::text("standalone")),
            ("role", Reply::text("master")),
            ("modules", Reply::Array(Vec::new())),
        ];
        Ok(Reply::Map(fields.map(|(name, value)| (Reply::text(name), value)).into()))
    }

    fn select(&mut self, wanted: &[u8]) -> Result<Reply, Refused> {
        let text = str::from_utf8(wanted).unwrap_or_default();
        let found = match text.parse::<usize>() {
            Ok(number) => self.shared.groups.at(number).map(|group| (number, group)),
            Err(_) => self.shared.groups.in_order().enumerate().find(|of| of.1.name() == text),
        };
        let Some((number, group)) = found else {
            let named =
                |(number, group): (usize, &Arc<Group>)| format!("{number} {}", group.name());
            let known: Vec<_> = self.shared.groups.in_order().enumerate().map(named).collect();
            return Err(Refused::new(format_args!(
                "DB index is out of range: no group {}; this node has {}",
                shown(wanted),
                known.join(", ")
            )));
        };
        (self.group, self.number) = (Arc::clone(group), number);
        self.peer.select(number);
        Ok(Reply::OK)
    }

    fn client(&mut self, command: ClientCommand<'_>) -> Reply {
        match command {
            ClientCommand::Id => Reply::Integer(self.peer.id as i64),
            ClientCommand::GetName => match self.peer.name() {
                name if name.is_empty() => Reply::Null,
                name => Reply::text(name),
            },
            ClientCommand::SetName(name) => {
                self.peer.set_name(name);
                Reply::OK
            }
            ClientCommand::SetInfo(property, text) => {
                self.peer.set_library(property, text);
                Reply::OK
            }
            ClientCommand::Info => Reply::text(self.peer.line()),
            ClientCommand::List => Reply::text(self.shared.connections.list()),
            // Clients are never evicted.
            ClientCommand::NoEvict => Reply::OK,
            // There is no answer to skip while all are off.
            ClientCommand::Reply(ReplyMode::Skip) if self.replies == ReplyMode::Off => Reply::OK,
            ClientCommand::Reply(mode) => {
                self.replies = mode;
                Reply::OK
            }
        }
    }

    /// As at the beginning of the connection.
    fn reset(&mut self) {
        self.group = Arc::clone(&self.shared.first);
        self.number = 0;
        self.version = Version::default();
        self.replies = ReplyMode::On;
        self.visitor.forget();
        self.peer.select(0);
        self.peer.set_name("");
    }
}
