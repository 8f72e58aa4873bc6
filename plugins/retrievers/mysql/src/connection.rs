//! One connection with the query prepared on it.

use std::net::{IpAddr, ToSocketAddrs};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, Row, Statement};
use psycache_plugin::FetchError;

use crate::failure::Failure;
use crate::settings::Settings;
use crate::text;

/// A connection that is logged in.
pub(crate) struct Connection {
    session: Conn,
    query: Statement,
    /// Which column of a row is the value.
    column: usize,
}

impl Connection {
    /// Connects, logs in and prepares the query.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, FetchError> {
        let server = &settings.server;
        let place = format!("{}:{}", server.ip_or_hostname(), server.tcp_port());
        let span = settings.span("connect");
        let connecting = Conn::new(resolved(server, &place)?);
        let connected = tokio::time::timeout(settings.connect_timeout, connecting)
            .await
            .map_err(|_| {
                let limit = settings.connect_timeout.as_millis();
                FetchError::Unavailable(format!("{place}: not connected within {limit} ms"))
            })
            .and_then(|connected| {
                connected.map_err(|error| at(&place, Failure::from(error).into()))
            });
        span.end(connected.as_ref().err());
        let mut session = connected?;
        let query = session.prep(settings.query.as_str()).await.map_err(Failure::from)?;
        let column = value_column(&query, settings.value_column.as_deref())?;
        Ok(Self { session, query, column })
    }

    /// The value of the first row that the query gives for `key`.
    pub(crate) async fn ask(
        &mut self,
        settings: &Settings,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let span =
            settings.span(first_word(&settings.query)).with("db.query.text", &settings.query);
        let row: Result<Option<Row>, _> = self.session.exec_first(&self.query, (key,)).await;
        span.end(row.as_ref().err());
        let Some(mut row) = row? else { return Ok(None) };
        let columns = self.query.columns();
        let column = &columns[self.column];
        let value = row.take(self.column).unwrap_or(mysql_async::Value::NULL);
        text::of(value, column.column_type()).map(Some).ok_or_else(|| {
            let problem = format!(
                "column `{}` is NULL for this key; exclude such rows in `{}` or give them a value",
                column.name_str(),
                settings.query
            );
            Failure::Answered(FetchError::BadValue(problem))
        })
    }
}

/// The server with its address looked up. The driver would do that on a thread of its
/// own, of which there are none here.
fn resolved(server: &Opts, place: &str) -> Result<Opts, FetchError> {
    let found = (server.ip_or_hostname(), server.tcp_port()).to_socket_addrs();
    let found = found.map_err(|error| FetchError::Unavailable(format!("{place}: {error}")))?;
    let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    Ok(OptsBuilder::from_opts(server.clone()).resolved_ips(Some(addresses)).into())
}

/// SELECT, of a query.
fn first_word(query: &str) -> &str {
    query.split_whitespace().next().unwrap_or("query")
}

/// Says which server an error is about.
fn at(place: &str, error: FetchError) -> FetchError {
    match error {
        FetchError::Unavailable(message) => FetchError::Unavailable(format!("{place}: {message}")),
        FetchError::Rejected(message) => FetchError::Rejected(format!("{place}: {message}")),
        other => other,
    }
}

fn value_column(query: &Statement, wanted: Option<&str>) -> Result<usize, FetchError> {
    let columns = query.columns();
    let names: Vec<_> = columns.iter().map(|column| column.name_str()).collect();
    let found = match wanted {
        Some(wanted) => names.iter().position(|name| name.eq_ignore_ascii_case(wanted)),
        None if names.len() == 1 => Some(0),
        None => None,
    };
    found.ok_or_else(|| {
        let listed = names.join(", ");
        FetchError::Rejected(match wanted {
            _ if names.is_empty() => "the query returns no columns; it must be a SELECT".to_owned(),
            Some(wanted) => {
                format!("option value-column: the query returns {listed}, no `{wanted}`")
            }
            None => format!(
                "the query returns the columns {listed}; name the one to cache in the option value-column"
            ),
        })
    })
}
