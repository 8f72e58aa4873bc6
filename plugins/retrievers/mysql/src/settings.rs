//! What the operator configures.

use std::time::Duration;

use mysql_async::{Opts, OptsBuilder};
use psycache_plugin::{ConfigError, RetrieverConfig, Span};

/// The largest row that is read; the memory that a node gives a retriever is just
/// enough for it. More is refused before it is read, or the instance would die of it.
pub(crate) const LARGEST_ROW_BYTES: usize = 64 << 20;

/// The options, checked as far as that goes without a server. No `Debug`: the
/// password would show.
pub(crate) struct Settings {
    /// With the password.
    pub(crate) server: Opts,
    pub(crate) query: String,
    pub(crate) value_column: Option<String>,
    pub(crate) connect_timeout: Duration,
}

impl Settings {
    pub(crate) fn read(config: &RetrieverConfig) -> Result<Self, ConfigError> {
        let options = config.options();
        let dsn = options.required("dsn")?;
        let query = options.required("query")?.to_owned();
        let value_column = options.text("value-column").map(str::to_owned);
        let connect_timeout_ms = options.parse("connect-timeout-ms", 5_000, 1..=3_600_000)?;
        options.finish()?;
        let secrets = config.secrets();
        let password = secrets.text("password");
        secrets.finish()?;
        Ok(Self {
            server: server(dsn, password)?,
            query: one_placeholder(query)?,
            value_column,
            connect_timeout: Duration::from_millis(connect_timeout_ms),
        })
    }

    /// Begins a span of what is asked of the server.
    pub(crate) fn span(&self, operation: &str) -> Span {
        let database = self.server.db_name().unwrap_or_default();
        let space = if database.is_empty() { "" } else { " " };
        Span::begin(format_args!("{operation}{space}{database}"))
            .with("db.system.name", "mysql")
            .with("db.namespace", database)
            .with("db.operation.name", operation)
            .with("server.address", self.server.ip_or_hostname())
            .with("server.port", self.server.tcp_port())
    }
}

fn server(dsn: &str, password: Option<&str>) -> Result<Opts, ConfigError> {
    let problem = |error| {
        let shape = "it looks like `mysql://user@host:3306/database`";
        ConfigError::invalid("dsn", format!("{error}; {shape}"))
    };
    let named = Opts::from_url(dsn).map_err(problem)?;
    if named.pass().is_some() {
        let mend =
            "leave the password out and give it as the secret `password`, which is never shown";
        return Err(ConfigError::invalid("dsn", mend));
    }
    // There are no sockets of the file system here.
    Ok(OptsBuilder::from_opts(named)
        .pass(password)
        .prefer_socket(false)
        .max_allowed_packet(Some(LARGEST_ROW_BYTES))
        .into())
}

fn one_placeholder(query: String) -> Result<String, ConfigError> {
    let mut quote = None;
    let mut placeholders = 0;
    for c in query.chars() {
        match (quote, c) {
            (None, '\'' | '"' | '`') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '?') => placeholders += 1,
            _ => {}
        }
    }
    match placeholders {
        1 => Ok(query),
        _ => Err(ConfigError::invalid(
            "query",
            format!("it must have one `?`, where the key goes, and has {placeholders}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "SELECT score FROM student WHERE name = ?";

    fn refused(config: RetrieverConfig) -> String {
        Settings::read(&config).err().expect("it makes no sense").to_string()
    }

    fn with(dsn: &str, query: &str) -> RetrieverConfig {
        RetrieverConfig::default().option("dsn", dsn).option("query", query)
    }

    #[test]
    fn reads_everything() {
        let config = with("mysql://psy@db:3307/school", QUERY).secret("password", "hush");
        let Ok(settings) = Settings::read(&config) else { panic!("all is right") };
        let server = &settings.server;
        assert_eq!((server.ip_or_hostname(), server.tcp_port()), ("db", 3307));
        assert_eq!((server.user(), server.pass()), (Some("psy"), Some("hush")));
    }

    #[test]
    fn a_password_in_the_dsn_is_refused_without_showing_it() {
        let problem = refused(with("mysql://psy:hush@db/school", QUERY));
        assert!(problem.contains("secret `password`") && !problem.contains("hush"), "{problem}");
    }

    #[test]
    fn a_bad_dsn_shows_a_good_one() {
        for dsn in ["", "db:3306", "postgres://db", "mysql://db?pools=1"] {
            let problem = refused(with(dsn, QUERY));
            assert!(problem.starts_with("option dsn: "), "{problem}");
            assert!(problem.contains("mysql://user@host:3306/database"), "{problem}");
        }
    }

    #[test]
    fn placeholders_are_counted_outside_of_quotes() {
        let dsn = "mysql://db";
        for query in ["SELECT 1", "SELECT '?'", "SELECT a FROM b WHERE c = ? AND d = ?"] {
            assert!(refused(with(dsn, query)).starts_with("option query: it must have one `?`"));
        }
        let quoted = "SELECT `what?` FROM b WHERE c = ? AND d <> 'it''s?'";
        assert!(Settings::read(&with(dsn, quoted)).is_ok());
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        assert_eq!(refused(RetrieverConfig::default()), "option dsn is missing");
        let unknown = with("mysql://db", QUERY).option("column", "score");
        assert_eq!(
            refused(unknown),
            "unknown option column (known: dsn, query, value-column, connect-timeout-ms)"
        );
    }
}
