//! One connection that is logged in.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use psycache_plugin::FetchError;
use psycache_plugin::net::Failure;

use crate::messages::Messages;
use crate::settings::Settings;
use crate::{answer, failure, login};

/// How far a session's limit may lie below the time that a load has left, in hundredths,
/// before the server is told another one. Most loads have about the same time.
const SLACK_PERCENT: u32 = 2;

/// Makes a session what the rest relies on, whatever the server's defaults are: nothing that
/// changes data, bytes in hexadecimal, and a query that ends when the connection does, as far
/// as the server knows that (PostgreSQL 14). Gives the limit that the administrator set, in
/// milliseconds, 0 for none.
const SESSION: &str = "\
    SELECT set_config(name, value, false) \
    FROM (VALUES ('default_transaction_read_only', 'on'), ('bytea_output', 'hex'), \
        ('client_connection_check_interval', '1000')) AS ours(name, value) \
    WHERE name IN (SELECT name FROM pg_catalog.pg_settings); \
    SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'";

/// A connection that is logged in. Closed after an answer that was not read to its end.
pub(crate) struct Connection {
    messages: Option<Messages>,
    /// The limit that the administrator gave the server or the user. A load may have less
    /// time than that, and never more.
    own_limit: Option<Duration>,
    /// The time that the server gives a statement of this session, unless that is less.
    limit: Duration,
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
        frontend::query(SESSION, &mut request).map_err(Failure::from)?;
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
        let text = last.and_then(|last| String::from_utf8(last).ok());
        let own_ms = text.and_then(|text| text.parse().ok()).filter(|ms| *ms > 0);
        let own_limit = own_ms.map(Duration::from_millis);
        Ok(Self { messages: Some(messages), own_limit, limit: Duration::ZERO })
    }

    /// The value of the first row that the query gives for `key`.
    pub(crate) fn ask(
        &mut self,
        settings: &Settings,
        key: &str,
        deadline: Instant,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let closed = || Failure::Broken("it has closed the connection".to_owned());
        let mut messages = self.messages.take().ok_or_else(closed)?;
        messages.until(deadline);
        let mut request = BytesMut::new();
        let limited = self.limit_to(statement_limit(deadline), &mut request)?;
        load(&settings.query, key, &mut request)?;
        let span = settings.span(settings.first_word()).with("db.query.text", &settings.query);
        let asked = Instant::now();
        let answer = exchange(&mut messages, settings, &request, limited).and_then(|answered| {
            self.messages = Some(messages);
            answered
        });
        span.end(answer.as_ref().err());
        match answer {
            // Not our limit: a lower one of the administrator's, or somebody has cancelled it.
            Err(Failure::OutOfTime(message)) if asked.elapsed() < least_of(self.limit) => {
                Err(Failure::Answered(FetchError::Unavailable(message)))
            }
            answer => answer,
        }
    }

    /// Has the server end a statement when nobody would wait for it any more: without that it
    /// would work on, and this connection's place would be given to another one. Tells whether
    /// that is a statement of its own.
    fn limit_to(&mut self, limit: Duration, request: &mut BytesMut) -> Result<bool, Failure> {
        if (least_of(limit)..=limit).contains(&self.limit) {
            return Ok(false);
        }
        self.limit = limit;
        // 0 would be no limit.
        let ms = self.own_limit.map_or(limit, |own| own.min(limit)).as_millis().max(1);
        frontend::query(&format!("SET statement_timeout = {ms}"), request)?;
        Ok(true)
    }
}

/// Adds the messages that run the query for `key` in one round trip.
fn load(query: &str, key: &str, request: &mut BytesMut) -> Result<(), Failure> {
    frontend::parse("", query, [], request)?;
    let key_as_text = |key: &str, buffer: &mut BytesMut| {
        buffer.extend_from_slice(key.as_bytes());
        Ok(IsNull::No)
    };
    let bound = frontend::bind("", "", [], [key], key_as_text, [], request);
    bound.map_err(|_| Failure::Broken("the key can't be sent".to_owned()))?;
    frontend::describe(b'P', "", request)?;
    // The first row is all that is needed.
    frontend::execute("", 1, request)?;
    frontend::sync(request);
    Ok(())
}

/// What was answered. The answer was read to its end, so the connection is as good as before.
type Answered = Result<Option<Vec<u8>>, Failure>;

/// Sends `request` and reads the answer; with `limited` there is one before it.
fn exchange(
    messages: &mut Messages,
    settings: &Settings,
    request: &[u8],
    limited: bool,
) -> Result<Answered, Failure> {
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
    let rejected = |problem| Err(Failure::Answered(FetchError::Rejected(problem)));
    let (mut column, mut answered) = (None, Ok(None));
    loop {
        match messages.next()? {
            Message::RowDescription(columns) => {
                let wanted = settings.value_column.as_deref();
                match answer::value_column(&columns, wanted)? {
                    Ok(found) => column = Some(found),
                    Err(error) => answered = Err(Failure::Answered(error)),
                }
            }
            Message::NoData => answered = rejected(answer::no_columns()),
            Message::DataRow(row) => {
                if let Some(column) = &column {
                    let value = answer::value(&row, column, settings)?;
                    answered = value.map(Some).map_err(Failure::Answered);
                }
            }
            Message::ErrorResponse(error) => answered = Err(failure::of(&error)?),
            Message::CopyInResponse(_) | Message::CopyOutResponse(_) => {
                return Err(Failure::Broken("the query is a COPY; it must be a SELECT".to_owned()));
            }
            Message::ReadyForQuery(_) => return Ok(answered),
            _ => {}
        }
    }
}

/// What is as good as this limit.
fn least_of(limit: Duration) -> Duration {
    limit.saturating_sub(limit * SLACK_PERCENT / 100)
}

/// Somewhat less than what is left, so that the server's answer comes in time.
fn statement_limit(deadline: Instant) -> Duration {
    let left = deadline.saturating_duration_since(Instant::now());
    left.saturating_sub((left / 20).min(Duration::from_millis(50)))
}
