//! One connection that is logged in.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{DataRowBody, Message};
use postgres_protocol::message::frontend;
use psycache_plugin::net::{Failure, Quiet, StatementLimit};
use psycache_plugin::{FetchError, sql};

use crate::answer::Column;
use crate::messages::Messages;
use crate::settings::Settings;
use crate::{answer, failure, login};

/// Makes a session what the rest relies on, whatever the server's defaults are: nothing that
/// changes data, and bytes in hexadecimal. Gives the limit that the administrator set, in
/// milliseconds, 0 for none.
const SESSION: &str = "\
    SELECT set_config(name, value, false) \
    FROM (VALUES ('default_transaction_read_only', 'on'), ('bytea_output', 'hex')) \
        AS ours(name, value) \
    WHERE name IN (SELECT name FROM pg_catalog.pg_settings); \
    SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'";

/// Has a query end when its connection does. PostgreSQL knows that from 14 on, on some systems;
/// proxies and servers that only speak its protocol may refuse it, and are none the worse.
const WISHED: &str = "SELECT set_config('client_connection_check_interval', '1000', false)";

/// A connection that is logged in. Closed after an answer that was not read to its end.
pub(crate) struct Connection {
    messages: Option<Messages>,
    /// The limit that the administrator gave the server or the user. A load may have less
    /// time than that, and never more.
    own_limit: Option<Duration>,
    /// The time that the server gives a statement of this session, unless that is less.
    limit: StatementLimit,
}

impl Connection {
    /// Connects, logs in and makes the session what it has to be.
    pub(crate) fn open(settings: &Settings, deadline: Instant) -> Result<Self, FetchError> {
        let connected_by = (Instant::now() + settings.connect_timeout).min(deadline);
        let span = settings.span("connect");
        let opened = login::log_in(settings, connected_by).and_then(Self::prepared);
        span.end(opened.as_ref().err());
        opened
    }

    fn prepared(mut messages: Messages) -> Result<Self, FetchError> {
        let mut request = BytesMut::new();
        for query in [SESSION, WISHED] {
            frontend::query(query, &mut request).map_err(Failure::from)?;
        }
        messages.send(&request)?;
        let mut last = None;
        loop {
            match messages.next()? {
                Message::DataRow(row) => {
                    let range = row.ranges().next().map_err(Failure::from)?.flatten();
                    last = range.and_then(|range| row.buffer().get(range).map(<[u8]>::to_vec));
                }
                Message::ErrorResponse(error) => return Err(failure::of(&error)?.into()),
                Message::ReadyForQuery(_) => break,
                _ => {}
            }
        }
        // Whatever the answer to the wish is.
        while !matches!(messages.next()?, Message::ReadyForQuery(_)) {}
        let text = last.and_then(|last| String::from_utf8(last).ok());
        let own_ms = text.and_then(|text| text.parse().ok()).filter(|ms| *ms > 0);
        let own_limit = own_ms.map(Duration::from_millis);
        Ok(Self { messages: Some(messages), own_limit, limit: StatementLimit::default() })
    }

    /// The value of the first row that the query gives for `key`.
    pub(crate) fn ask(
        &mut self,
        settings: &Settings,
        key: &str,
        deadline: Instant,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let (mut column, mut value) = (None, None);
        // The first row is all that is needed.
        let asked = Asked { query: &settings.query, parameter: key, most_rows: 1 };
        self.run(settings, &asked, deadline, |told| {
            match (told, &column) {
                (Told::Columns(columns), _) => {
                    column = Some(answer::chosen(&columns, settings.value_column.as_deref())?);
                }
                (Told::Row(row), Some(column)) => {
                    value = Some(answer::value(row, column, settings)?);
                }
                (Told::Row(_), None) => {}
            }
            Ok(())
        })?;
        Ok(value)
    }

    /// Runs a query. What the server tells goes to `take`, up to its first error.
    pub(crate) fn run(
        &mut self,
        settings: &Settings,
        asked: &Asked<'_>,
        deadline: Instant,
        take: impl FnMut(Told<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let closed = || Failure::Broken("it has closed the connection".to_owned());
        let mut messages = self.messages.take().ok_or_else(closed)?;
        messages.until(deadline);
        let mut request = BytesMut::new();
        let began = Instant::now();
        let limited = self.limit_to(StatementLimit::before(deadline, began), &mut request)?;
        asked.write(&mut request)?;
        let span = settings.span(settings.first_word()).with("db.query.text", asked.query);
        let answer = exchange(&mut messages, &request, limited, take).and_then(|answered| {
            self.messages = Some(messages);
            answered
        });
        span.end(answer.as_ref().err());
        self.limit.judge(|| began.elapsed(), answer)
    }

    /// Has the server end a statement when nobody would wait for it any more: without that it
    /// would work on, and this connection's place would be given to another one. Tells whether
    /// that is a statement of its own.
    fn limit_to(&mut self, limit: StatementLimit, request: &mut BytesMut) -> Result<bool, Failure> {
        if self.limit.serves(limit) {
            return Ok(false);
        }
        self.limit = limit;
        // 0 would be no limit.
        let ms = self.own_limit.map_or(limit.get(), |own| own.min(limit.get())).as_millis().max(1);
        frontend::query(&format!("SET statement_timeout = {ms}"), request)?;
        Ok(true)
    }
}

impl Quiet for Connection {
    fn is_quiet(&mut self) -> bool {
        self.messages.as_mut().is_some_and(Quiet::is_quiet)
    }
}

/// A query with its one parameter, as text.
pub(crate) struct Asked<'a> {
    pub(crate) query: &'a str,
    pub(crate) parameter: &'a str,
    /// 0 for all.
    pub(crate) most_rows: i32,
}

impl Asked<'_> {
    /// Adds the messages that run it in one round trip.
    fn write(&self, request: &mut BytesMut) -> Result<(), Failure> {
        frontend::parse("", self.query, [], request)?;
        let as_text = |text: &str, buffer: &mut BytesMut| {
            buffer.extend_from_slice(text.as_bytes());
            Ok(IsNull::No)
        };
        let bound = frontend::bind("", "", [], [self.parameter], as_text, [], request);
        bound.map_err(|_| Failure::Broken("the key can't be sent".to_owned()))?;
        frontend::describe(b'P', "", request)?;
        frontend::execute("", self.most_rows, request)?;
        frontend::sync(request);
        Ok(())
    }
}

/// What the server tells of a query.
pub(crate) enum Told<'a> {
    Columns(Vec<Column>),
    Row(&'a DataRowBody),
}

/// Sends `request` and reads the answer; with `limited` there is one before it. The inner error
/// is of an answer that was read to its end, so the connection is as good as before.
fn exchange(
    messages: &mut Messages,
    request: &[u8],
    limited: bool,
    mut take: impl FnMut(Told<'_>) -> Result<(), Failure>,
) -> Result<Result<(), Failure>, Failure> {
    messages.send(request)?;
    if limited {
        loop {
            match messages.next()? {
                Message::ReadyForQuery(_) => break,
                // The next statement would run without a limit.
                Message::ErrorResponse(error) => return Err(failure::of(&error)?),
                _ => {}
            }
        }
    }
    let mut answered = Ok(());
    loop {
        match messages.next()? {
            Message::RowDescription(columns) if answered.is_ok() => {
                answered = take(Told::Columns(answer::columns(&columns)?));
            }
            Message::DataRow(row) if answered.is_ok() => answered = take(Told::Row(&row)),
            Message::NoData => answered = Err(Failure::Answered(sql::no_columns())),
            Message::ErrorResponse(error) => answered = Err(failure::of(&error)?),
            Message::CopyInResponse(_) | Message::CopyOutResponse(_) => {
                return Err(Failure::Broken("the query is a COPY; it must be a SELECT".to_owned()));
            }
            Message::ReadyForQuery(_) => return Ok(answered),
            _ => {}
        }
        if let Err(Failure::Broken(_)) = &answered {
            return answered.map(Ok);
        }
    }
}
