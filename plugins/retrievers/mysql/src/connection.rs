//! One connection that is logged in.

use std::time::Instant;

use psycache_plugin::FetchError;
use psycache_plugin::net::{Failure, Quiet, StatementLimit};

use crate::answer::{self, Column};
use crate::failure::{self, ServerError};
use crate::fields::Fields;
use crate::login::log_in;
use crate::packets::{Packets, strange};
use crate::settings::{Settings, limit_statement};

/// The command that runs a statement of text.
const QUERY: u8 = 3;
/// The most columns that a server can have in an answer.
const MOST_COLUMNS: usize = 4096;
/// What the status of an answer says where another one follows.
const MORE_RESULTS: u64 = 8;

/// A connection that is logged in. Closed after an answer that was not read to its end.
pub(crate) struct Connection {
    packets: Option<Packets>,
    /// The time that the server gives a statement of this session.
    limit: StatementLimit,
}

/// What the server tells of a statement.
pub(crate) enum Told {
    Columns(Vec<Column>),
    Row(Vec<u8>),
}

/// A statement with what is shown of it.
pub(crate) struct Asked<'a> {
    pub(crate) statement: &'a str,
    /// The statement without the keys.
    pub(crate) text: &'a str,
    /// What an error may be the fault of.
    pub(crate) key: &'a str,
}

impl Connection {
    /// Connects, logs in and makes the session what it has to be.
    pub(crate) fn open(settings: &Settings, deadline: Instant) -> Result<Self, FetchError> {
        let connected_by = (Instant::now() + settings.connect_timeout).min(deadline);
        let span = settings.span("connect");
        let opened = log_in(settings, connected_by).and_then(|packets| {
            let limit = StatementLimit::before(deadline, Instant::now());
            let mut connection = Self { packets: Some(packets), limit };
            connection.execute(&settings.session(limit.get()), None, |_| Ok(()))?;
            Ok(connection)
        });
        span.end(opened.as_ref().err());
        opened
    }

    /// The value of the first row that the query gives for `key`.
    pub(crate) fn ask(
        &mut self,
        settings: &Settings,
        key: &str,
        deadline: Instant,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let literal = settings.key_type.literal(key).map_err(Failure::Answered)?;
        let (statement, text) = (settings.query.with(&literal), settings.query.text());
        let (mut column, mut value) = (None, None);
        let asked = Asked { statement: &statement, text: &text, key };
        self.run(settings, &asked, deadline, |told| {
            match (told, &column) {
                (Told::Columns(columns), _) => {
                    column = Some(answer::chosen(&columns, settings.value_column.as_deref())?);
                }
                (Told::Row(row), Some(column)) if value.is_none() => {
                    value = Some(column.value(row, &text)?);
                }
                (Told::Row(_), _) => {}
            }
            Ok(())
        })?;
        Ok(value)
    }

    /// Runs a statement. What the server tells goes to `take`, up to its first error.
    pub(crate) fn run(
        &mut self,
        settings: &Settings,
        asked: &Asked<'_>,
        deadline: Instant,
        take: impl FnMut(Told) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if let Some(packets) = &mut self.packets {
            packets.until(deadline);
        }
        let mut began = Instant::now();
        if self.limit_to(StatementLimit::before(deadline, began))? {
            began = Instant::now();
        }
        let span = settings.span(settings.query.first_word()).with("db.query.text", asked.text);
        let answer = self.execute(asked.statement, Some(asked.key), take);
        span.end(answer.as_ref().err());
        self.limit.judge(|| began.elapsed(), answer)
    }

    /// Has the server end a statement when nobody would wait for it any more: without that
    /// it would work on, and this connection's place would be given to another one. Tells
    /// whether that took a statement of its own.
    fn limit_to(&mut self, limit: StatementLimit) -> Result<bool, Failure> {
        if self.limit.serves(limit) {
            return Ok(false);
        }
        self.execute(&limit_statement(limit.get()), None, |_| Ok(()))?;
        self.limit = limit;
        Ok(true)
    }

    /// Sends statements and reads what is answered, to its end.
    fn execute(
        &mut self,
        statements: &str,
        key: Option<&str>,
        take: impl FnMut(Told) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let closed = || Failure::Broken("it has closed the connection".to_owned());
        let mut packets = self.packets.take().ok_or_else(closed)?;
        packets.command(QUERY, statements.as_bytes())?;
        let answered = read(&mut packets, key, take)?;
        self.packets = Some(packets);
        answered
    }
}

impl Quiet for Connection {
    fn is_quiet(&mut self) -> bool {
        self.packets.as_mut().is_some_and(Quiet::is_quiet)
    }
}

/// Reads the answers to all statements of a command. Only the first one's columns and rows count:
/// what follows are those of a procedure. The inner error leaves the connection as good as before.
fn read(
    packets: &mut Packets,
    key: Option<&str>,
    mut take: impl FnMut(Told) -> Result<(), Failure>,
) -> Result<Result<(), Failure>, Failure> {
    let mut answered = Ok(());
    let mut is_first = true;
    loop {
        let mut tell = |told| {
            if is_first && answered.is_ok() {
                answered = take(told);
            }
        };
        match read_one(packets, &mut tell)? {
            Ended::Wrong(error) => return Ok(answered.and(Err(failure::of(&error, key)))),
            Ended::Well { more } => {
                if let Err(Failure::Broken(_)) = answered {
                    return answered.map(Ok);
                }
                if !more {
                    return Ok(answered);
                }
            }
        }
        is_first = false;
    }
}

/// How an answer ended.
enum Ended {
    Well { more: bool },
    Wrong(ServerError),
}

/// Reads the answer to one statement.
fn read_one(packets: &mut Packets, tell: &mut impl FnMut(Told)) -> Result<Ended, Failure> {
    let head = packets.next()?;
    if let Some(error) = ServerError::read(&head) {
        return Ok(Ended::Wrong(error));
    }
    let mut fields = Fields::of(&head);
    let count = match fields.length()? {
        Some(0) => {
            tell(Told::Columns(Vec::new()));
            let _changed_rows = fields.length()?;
            let _last_number = fields.length()?;
            return well(fields.number(2)?);
        }
        Some(count @ ..=MOST_COLUMNS) => count,
        // The server wants a file of this machine, which nobody said it could have.
        _ => return Err(strange()),
    };
    let mut columns = Vec::new();
    for at in 0..count {
        columns.push(Column::read(at, &packets.next()?)?);
    }
    end_of(&packets.next()?).ok_or_else(strange)?;
    tell(Told::Columns(columns));
    loop {
        let payload = packets.next()?;
        if let Some(status) = end_of(&payload) {
            return well(status);
        }
        match ServerError::read(&payload) {
            Some(error) => return Ok(Ended::Wrong(error)),
            None => tell(Told::Row(payload)),
        }
    }
}

fn well(status: u64) -> Result<Ended, Failure> {
    Ok(Ended::Well { more: status & MORE_RESULTS != 0 })
}

/// The status in a packet that ends columns or rows. A row may begin like one, and is longer.
fn end_of(payload: &[u8]) -> Option<u64> {
    match payload {
        [0xFE, _, _, low, high] => Some(u64::from(u16::from_le_bytes([*low, *high]))),
        _ => None,
    }
}
