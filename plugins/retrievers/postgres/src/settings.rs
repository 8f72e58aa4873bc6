//! What the operator configures.

use std::time::Duration;

use psycache_plugin::net::{Dsn, DsnShape};
use psycache_plugin::{ConfigError, RetrieverConfig, Span};

use crate::statement::Many;

/// Where the key goes.
const KEY: &str = "$1";

const SHAPE: DsnShape = DsnShape {
    schemes: &["postgres", "postgresql"],
    port: 5432,
    example: "postgres://user@host:5432/database",
    instead_of: |parameter| match parameter {
        "sslmode" | "ssl" => {
            "TLS is on, with the name and the authority checked; where the network is trusted, \
             give the option `tls=false`"
        }
        "sslrootcert" => "give the option `ca`",
        "connect_timeout" => "give the option `connect-timeout-ms`",
        "options" | "search_path" | "currentSchema" => {
            "set it for the user with ALTER ROLE, or name the schema in the query"
        }
        "application_name" => "it is `psycache`",
        "host" | "hostaddr" | "port" => "the server is reached by TCP at the host of the dsn",
        _ => "a dsn has no parameters here",
    },
};

/// The options. No `Debug`: the password would show.
pub(crate) struct Settings {
    pub(crate) server: Dsn,
    pub(crate) query: String,
    /// How many keys are asked for at once, if that is possible.
    pub(crate) many: Option<Many>,
    pub(crate) value_column: Option<String>,
    pub(crate) connect_timeout: Duration,
    pub(crate) time_zone: Option<String>,
    /// Whether TLS is spoken.
    pub(crate) tls: bool,
    /// Certificates in PEM, in place of those that the node's system trusts.
    pub(crate) authorities: Option<String>,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
}

impl Settings {
    pub(crate) fn read(config: &RetrieverConfig) -> Result<Self, ConfigError> {
        let options = config.options();
        let server = Dsn::read(options.required("dsn")?, &SHAPE)?;
        let query = options.required("query")?.to_owned();
        let query_many = options.text("query-many").map(str::to_owned);
        let value_column = options.text("value-column").map(str::to_owned);
        let connect_timeout_ms = options.parse("connect-timeout-ms", 5_000, 1..=3_600_000)?;
        let time_zone = options.text("time-zone").map(str::to_owned);
        let tls = options.switch("tls", true)?;
        let authorities = options.text("ca").map(str::to_owned);
        options.finish()?;
        let secrets = config.secrets();
        let password = secrets.text("password").map(str::to_owned);
        secrets.finish()?;
        if !query.contains(KEY) {
            let problem = format!("it must have `{KEY}`, where the key goes");
            return Err(ConfigError::invalid("query", problem));
        }
        if query_many.as_ref().is_some_and(|query| !query.contains(KEY)) {
            let problem = format!("it must have `{KEY}`, an array of keys: `= ANY({KEY})`");
            return Err(ConfigError::invalid("query-many", problem));
        }
        let texts = [
            ("query", Some(&query)),
            ("query-many", query_many.as_ref()),
            ("time-zone", time_zone.as_ref()),
        ];
        let nul = texts.iter().find(|(_, text)| text.is_some_and(|text| text.contains('\0')));
        if let Some((name, _)) = nul {
            return Err(ConfigError::invalid(*name, "it has a character of the number 0"));
        }
        if authorities.is_some() && !tls {
            return Err(ConfigError::invalid("ca", "it does nothing with `tls=false`"));
        }
        let needed = |what: &str| ConfigError::invalid("dsn", format!("it names no {what}"));
        let user = server.user.clone().ok_or_else(|| needed("user"))?;
        let many = query_many.map_or_else(|| Many::of(&query), |query| Some(Many::written(query)));
        Ok(Self {
            server,
            many,
            query,
            value_column,
            connect_timeout: Duration::from_millis(connect_timeout_ms),
            time_zone,
            tls,
            authorities,
            user,
            password,
        })
    }

    /// The server takes the user's name for it where there is none.
    pub(crate) fn database(&self) -> &str {
        self.server.database.as_deref().unwrap_or(&self.user)
    }

    /// SELECT, say.
    pub(crate) fn first_word(&self) -> &str {
        self.query.split_whitespace().next().unwrap_or("query")
    }

    /// Begins a span of what is asked of the server.
    pub(crate) fn span(&self, operation: &str) -> Span {
        let database = self.database();
        Span::begin(format_args!("{operation} {database}"))
            .with("db.system.name", "postgresql")
            .with("db.namespace", database)
            .with("db.operation.name", operation)
            .with("server.address", &self.server.place.host)
            .with("server.port", self.server.place.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "SELECT score FROM student WHERE name = $1";

    const QUERY_WITHOUT: &str = "SELECT name, score FROM student";

    fn with(dsn: &str, query: &str) -> RetrieverConfig {
        RetrieverConfig::default().option("dsn", dsn).option("query", query)
    }

    fn refused(config: &RetrieverConfig) -> String {
        Settings::read(config).err().expect("it makes no sense").to_string()
    }

    #[test]
    fn reads_everything() {
        let config = with("postgresql://psy@db:5433/school", QUERY)
            .option("tls", "false")
            .secret("password", "hush");
        let settings = Settings::read(&config).expect("all is right");
        assert_eq!((settings.database(), &*settings.user), ("school", "psy"));
        assert_eq!((settings.tls, settings.first_word()), (false, "SELECT"));
        let bare = Settings::read(&with("postgres://psy@db", QUERY)).expect("it is enough");
        assert_eq!((bare.database(), bare.tls, bare.server.place.port), ("psy", true, 5432));
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let dsn = "postgres://psy@db/school";
        for (config, part) in [
            (RetrieverConfig::default(), "option dsn is missing"),
            (RetrieverConfig::default().option("dsn", dsn), "option query is missing"),
            (with("postgres://db/school", QUERY), "names no user"),
            (with("postgres://psy:hush@db", QUERY), "secret `password`"),
            (with("postgres://psy@db?sslmode=disable", QUERY), "`tls=false`"),
            (with("postgres://psy@db?options=-c", QUERY), "ALTER ROLE"),
            (with(dsn, "SELECT score FROM student WHERE name = ?"), "must have `$1`"),
            (with(dsn, "SELECT '\0', $1"), "number 0"),
            (with(dsn, QUERY).option("query-many", QUERY_WITHOUT), "= ANY($1)"),
            (with(dsn, QUERY).option("tls", "off"), "must be `true` or `false`"),
            (with(dsn, QUERY).option("tls", "false").option("ca", "x"), "does nothing"),
            (
                with(dsn, QUERY).option("column", "score"),
                "known: dsn, query, query-many, value-column, connect-timeout-ms, time-zone, tls, ca",
            ),
        ] {
            let problem = refused(&config);
            assert!(problem.contains(part) && !problem.contains("hush"), "{problem}");
        }
    }
}
