//! One connection that is logged in.

use std::net::SocketAddr;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Column, Conn, Value};
use psycache_plugin::FetchError;
use psycache_plugin::net::Failure;
use tokio::time::Instant;

use crate::failure;
use crate::settings::{Settings, limit_statement};

/// How far a session's limit may lie below the time that a load has left, in hundredths,
/// before the server is told another one. Most loads have about the same time.
const SLACK_PERCENT: u32 = 2;

/// A connection that is logged in.
pub(crate) struct Connection {
    session: Conn,
    /// The time that the server gives a statement of this session.
    limit: Duration,
}

impl Connection {
    /// Connects, logs in and makes the session what it has to be.
    pub(crate) async fn open(settings: &Settings, deadline: Instant) -> Result<Self, FetchError> {
        let place = &settings.server.place;
        let span = settings.span("connect");
        let connecting =
            tokio::time::timeout(settings.connect_timeout, connect(settings, deadline));
        let connected = connecting.await.unwrap_or_else(|_| {
            let limit = settings.connect_timeout.as_millis();
            Err(FetchError::Unavailable(format!("not connected within {limit} ms")))
        });
        let connected = connected.map_err(|error| place.told(error));
        span.end(connected.as_ref().err());
        connected
    }

    /// The value of the first row that the query gives for `key`.
    pub(crate) async fn ask(
        &mut self,
        settings: &Settings,
        key: &str,
        deadline: Instant,
    ) -> Result<Option<Vec<u8>>, Failure> {
        self.limit_to(statement_limit(deadline)).await?;
        let query = &settings.query;
        let span = settings.span(query.first_word()).with("db.query.text", query.text());
        let asked = Instant::now();
        let answer = self.first_value(settings, key).await;
        span.end(answer.as_ref().err());
        match answer {
            // A limit of the server's own, which is lower than ours. Its clock is not this one,
            // and it counts whole milliseconds.
            Err(Failure::OutOfTime(message)) if asked.elapsed() < least_of(self.limit) => {
                Err(Failure::Answered(FetchError::Unavailable(message)))
            }
            answer => answer,
        }
    }

    async fn first_value(
        &mut self,
        settings: &Settings,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let of_key = |error| failure::of(error, Some(key));
        let mut answer = self.session.query_iter(settings.query.with(key)).await.map_err(of_key)?;
        // By the names of this very answer: the table may have changed since the last one.
        let column = value_column(answer.columns_ref(), settings.value_column.as_deref());
        let row = answer.next().await.map_err(of_key)?;
        answer.drop_result().await.map_err(of_key)?;
        let (at, name) = column.map_err(Failure::Answered)?;
        let Some(mut row) = row else { return Ok(None) };
        match row.take(at) {
            Some(Value::Bytes(text)) => Ok(Some(text)),
            _ => Err(Failure::Answered(FetchError::BadValue(format!(
                "column `{name}` is NULL for this key; exclude such rows in `{}` or give them a value",
                settings.query.text()
            )))),
        }
    }

    /// Has the server end a statement when nobody would wait for it any more: without that
    /// it would work on, and this connection's place would be given to another one.
    async fn limit_to(&mut self, limit: Duration) -> Result<(), Failure> {
        if !(least_of(limit)..=limit).contains(&self.limit) {
            let told = self.session.query_drop(limit_statement(limit)).await;
            told.map_err(|error| failure::of(error, None))?;
            self.limit = limit;
        }
        Ok(())
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

async fn connect(settings: &Settings, deadline: Instant) -> Result<Connection, FetchError> {
    // The driver would look them up on a thread of its own, of which there are none here.
    let addresses = settings.server.place.addresses()?;
    let addresses = addresses.iter().map(SocketAddr::ip).collect::<Vec<_>>();
    let options = settings.options().resolved_ips(Some(addresses));
    let failed = |error| FetchError::from(failure::of(error, None));
    let mut session = Conn::new(options).await.map_err(failed)?;
    let limit = statement_limit(deadline);
    session.query_drop(settings.session(limit)).await.map_err(failed)?;
    Ok(Connection { session, limit })
}

/// The place and the name of the column that is the value.
fn value_column(columns: &[Column], wanted: Option<&str>) -> Result<(usize, String), FetchError> {
    let names: Vec<String> = columns.iter().map(|column| column.name_str().into_owned()).collect();
    let is_wanted = |name: &String| wanted.is_none_or(|wanted| name.eq_ignore_ascii_case(wanted));
    let mut found = names.iter().enumerate().filter(|(_, name)| is_wanted(name));
    let problem = match (found.next(), found.next(), wanted) {
        (Some((at, name)), None, _) => return Ok((at, name.clone())),
        _ if names.is_empty() => "the query returns no columns; it must be a SELECT".to_owned(),
        (None, _, wanted) => format!(
            "option value-column: the query returns {}, no `{}`",
            names.join(", "),
            wanted.unwrap_or_default()
        ),
        (_, _, Some(wanted)) => {
            format!(
                "option value-column: the query returns more than one `{wanted}`; rename one by AS"
            )
        }
        (_, _, None) => format!(
            "the query returns the columns {}; name the one to cache in the option value-column",
            names.join(", ")
        ),
    };
    Err(FetchError::Rejected(problem))
}
