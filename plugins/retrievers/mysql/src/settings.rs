//! What the operator configures.

use std::net::IpAddr;
use std::time::Duration;

use psycache_plugin::net::Dsn;
use psycache_plugin::{ConfigError, RetrieverConfig, Span};

use crate::dsn;
use crate::key::KeyType;
use crate::statement::{Many, Statement, literal};

/// The options, checked as far as that goes without a server. No `Debug`: the
/// password would show.
pub(crate) struct Settings {
    pub(crate) server: Dsn,
    pub(crate) query: Statement,
    /// How many keys are asked for at once, if that is possible.
    pub(crate) many: Option<Many>,
    pub(crate) key_type: KeyType,
    pub(crate) value_column: Option<String>,
    pub(crate) connect_timeout: Duration,
    /// Whether TLS is spoken.
    pub(crate) tls: bool,
    /// Certificates in PEM, in place of the authorities that the system of the node trusts.
    pub(crate) authorities: Option<String>,
    pub(crate) password: Option<String>,
    time_zone: Option<String>,
    sql_mode: Option<String>,
}

impl Settings {
    pub(crate) fn read(config: &RetrieverConfig) -> Result<Self, ConfigError> {
        let options = config.options();
        let dsn = options.required("dsn")?;
        let query = options.required("query")?;
        let query_many = options.text("query-many");
        let key_type = KeyType::read(options.text("key-type"))?;
        let value_column = options.text("value-column").map(str::to_owned);
        let connect_timeout_ms = options.parse("connect-timeout-ms", 5_000, 1..=3_600_000)?;
        let time_zone = options.text("time-zone").map(str::to_owned);
        let sql_mode = options.text("sql-mode").map(str::to_owned);
        let authorities = options.text("ca").map(str::to_owned);
        let server = Dsn::read(dsn, &dsn::SHAPE)?;
        let by_default = authorities.is_some() || !is_this_machine(&server.place.host);
        let tls = options.switch("tls", by_default)?;
        options.finish()?;
        if authorities.is_some() && !tls {
            return Err(ConfigError::invalid("ca", "it does nothing with `tls=false`"));
        }
        let secrets = config.secrets();
        let password = secrets.text("password").map(str::to_owned);
        secrets.finish()?;
        Ok(Self {
            server,
            query: Statement::read("query", query)?,
            many: query_many
                .map_or_else(|| Ok(Many::of(query)), |query| Many::written(query).map(Some))?,
            key_type,
            value_column,
            connect_timeout: Duration::from_millis(connect_timeout_ms),
            tls,
            authorities,
            password,
            time_zone,
            sql_mode,
        })
    }

    /// The statements that make a session what the rest relies on, whatever the server's
    /// defaults are: utf8mb4, backslashes that escape, and nothing that changes data. They
    /// go in one message.
    pub(crate) fn session(&self, limit: Duration) -> String {
        let mode = self.sql_mode.as_deref().map_or_else(|| "@@sql_mode".to_owned(), literal);
        let mode = format!(
            "TRIM(BOTH ',' FROM REPLACE(CONCAT(',', UPPER({mode}), ','), ',NO_BACKSLASH_ESCAPES,', ','))"
        );
        let zone = self.time_zone.as_deref().map(literal);
        let zone = zone.map_or_else(String::new, |zone| format!(", SESSION time_zone = {zone}"));
        [
            format!("SET NAMES utf8mb4, SESSION sql_mode = {mode}{zone}"),
            "SET SESSION TRANSACTION READ ONLY".to_owned(),
            format!("SET {OWN_LIMIT} = 0 {}", for_each_server("+ @@", "", "")),
            limit_statement(limit),
        ]
        .join("; ")
    }

    /// Begins a span of what is asked of the server.
    pub(crate) fn span(&self, operation: &str) -> Span {
        let database = self.server.database.as_deref().unwrap_or_default();
        let space = if database.is_empty() { "" } else { " " };
        Span::begin(format_args!("{operation}{space}{database}"))
            .with("db.system.name", "mysql")
            .with("db.namespace", database)
            .with("db.operation.name", operation)
            .with("server.address", &self.server.place.host)
            .with("server.port", self.server.place.port)
    }
}

/// Whether what is sent to `host` stays on this machine, so that nobody could listen.
fn is_this_machine(host: &str) -> bool {
    let is_loopback = |address: IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback)
}

/// Holds the limit that the administrator gave the server or the user, 0 for none. A load
/// may have less time than that, and never more.
const OWN_LIMIT: &str = "@psycache_own_limit";

/// The statement that gives the session's statements at most this time.
pub(crate) fn limit_statement(limit: Duration) -> String {
    let ms = limit.as_millis().max(1);
    let least =
        |limit: &str| format!(" = IF({OWN_LIMIT} > 0, LEAST({OWN_LIMIT}, {limit}), {limit})");
    let seconds = format!("{}.{:03}", ms / 1_000, ms % 1_000);
    let limits = for_each_server(", SESSION ", &least(&seconds), &least(&ms.to_string()));
    format!("SET {OWN_LIMIT} = {OWN_LIMIT} {limits}")
}

/// The variable for the time limit of MariaDB, in seconds, and that of MySQL, in
/// milliseconds, each in a comment that only its server runs.
fn for_each_server(before: &str, of_mariadb: &str, of_mysql: &str) -> String {
    format!(
        "/*M!100101 {before}max_statement_time{of_mariadb} */\
         /*!50708 {before}max_execution_time{of_mysql} */"
    )
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
        assert_eq!((&*settings.server.place.host, settings.server.place.port), ("db", 3307));
        assert_eq!(settings.server.user.as_deref(), Some("psy"));
        assert_eq!(settings.password.as_deref(), Some("hush"));
    }

    #[test]
    fn tls_is_off_only_where_it_is_switched_off_or_nothing_leaves_the_machine() {
        let tls = |host: &str, options: &[(&str, &str)]| {
            let config = with(&format!("mysql://{host}/school"), QUERY);
            let add =
                |config: RetrieverConfig, (name, value): &(&str, &str)| config.option(name, value);
            Settings::read(&options.iter().fold(config, add)).map(|settings| settings.tls).ok()
        };
        for host in ["127.0.0.1", "127.9.9.9", "[::1]", "localhost", "LOCALHOST"] {
            assert_eq!(tls(host, &[]), Some(false), "{host}");
            assert_eq!(tls(host, &[("tls", "true")]), Some(true), "{host}");
            assert_eq!(tls(host, &[("ca", "x")]), Some(true), "{host}");
        }
        for host in ["db", "10.0.0.1", "localhost.example"] {
            assert_eq!(tls(host, &[]), Some(true), "{host}");
            assert_eq!(tls(host, &[("tls", "false")]), Some(false), "{host}");
        }
        let both = with("mysql://db", QUERY).option("tls", "false").option("ca", "x");
        assert!(refused(both).contains("does nothing"));
    }

    #[test]
    fn a_limit_is_told_in_the_unit_of_each_server() {
        let limit = limit_statement(Duration::from_millis(4_050));
        let own = "IF(@psycache_own_limit > 0, LEAST(@psycache_own_limit, ";
        assert!(limit.contains(&format!("max_statement_time = {own}4.050), 4.050)")), "{limit}");
        assert!(limit.contains(&format!("max_execution_time = {own}4050), 4050)")), "{limit}");
        // 0 would be no limit.
        assert!(limit_statement(Duration::ZERO).contains(", 1), 1)"));
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        assert_eq!(refused(RetrieverConfig::default()), "option dsn is missing");
        let unknown = with("mysql://db", QUERY).option("column", "score");
        assert_eq!(
            refused(unknown),
            "unknown option column (known: dsn, query, query-many, key-type, value-column, \
             connect-timeout-ms, time-zone, sql-mode, ca, tls)"
        );
    }
}
