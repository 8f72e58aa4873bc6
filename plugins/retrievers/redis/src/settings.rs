//! What the operator configures.

use std::time::Duration;

use psycache_plugin::net::{Dsn, DsnShape};
use psycache_plugin::{ConfigError, RetrieverConfig, Span};

/// Where the node's key goes in a key of the server.
const KEY: &str = "{key}";

const SHAPE: DsnShape = DsnShape {
    schemes: &["redis", "rediss"],
    port: 6379,
    example: "redis://user@host:6379/0",
    instead_of: |parameter| match parameter {
        "ssl" | "tls" | "ssl_cert_reqs" => "a dsn of the scheme `rediss` means TLS",
        "db" => "the number of the database stands after the host",
        "timeout" | "connect_timeout" | "socket_timeout" => "give the option `connect-timeout-ms`",
        "protocol" => "this retriever speaks RESP2, which every server knows",
        _ => "a dsn has no parameters here",
    },
};

/// The options. No `Debug`: the password would show.
pub(crate) struct Settings {
    pub(crate) server: Dsn,
    /// Certificates in PEM, in place of those that the node's system trusts.
    pub(crate) authorities: Option<String>,
    pub(crate) connect_timeout: Duration,
    pub(crate) password: Option<String>,
    pub(crate) database: u32,
    key: String,
    field: Option<String>,
}

impl Settings {
    pub(crate) fn read(config: &RetrieverConfig) -> Result<Self, ConfigError> {
        let options = config.options();
        let server = Dsn::read(options.required("dsn")?, &SHAPE)?;
        let key = options.text("key").unwrap_or(KEY).to_owned();
        let field = options.text("field").map(str::to_owned);
        let connect_timeout_ms = options.parse("connect-timeout-ms", 5_000, 1..=3_600_000)?;
        let authorities = options.text("ca").map(str::to_owned);
        options.finish()?;
        let secrets = config.secrets();
        let password = secrets.text("password").map(str::to_owned);
        secrets.finish()?;
        if !key.contains(KEY) {
            let problem =
                format!("`{key}` has no `{KEY}`, where the key goes: `student:{KEY}` say");
            return Err(ConfigError::invalid("key", problem));
        }
        if authorities.is_some() && server.scheme != "rediss" {
            return Err(ConfigError::invalid("ca", "it is for a dsn of the scheme `rediss`"));
        }
        if server.user.is_some() && password.is_none() {
            let problem = "a user needs the secret `password`; one without a password is `nopass`, \
                           and takes any";
            return Err(ConfigError::invalid("dsn", problem));
        }
        let database = server.database.as_deref().unwrap_or("0").parse().map_err(|_| {
            let problem = "what stands after the host is the number of the database, 0 say";
            ConfigError::invalid("dsn", problem)
        })?;
        let connect_timeout = Duration::from_millis(connect_timeout_ms);
        Ok(Self { server, authorities, connect_timeout, password, database, key, field })
    }

    /// Whether TLS is spoken.
    pub(crate) fn is_secure(&self) -> bool {
        self.server.scheme == "rediss"
    }

    /// The command for `key`, as its words.
    pub(crate) fn command(&self, key: &str) -> Vec<String> {
        let key = self.key.replace(KEY, key);
        match &self.field {
            None => vec!["GET".to_owned(), key],
            Some(field) => vec!["HGET".to_owned(), key, field.clone()],
        }
    }

    /// Begins a span of what is asked of the server.
    pub(crate) fn span(&self, operation: &str) -> Span {
        Span::begin(format_args!("{operation} {}", self.database))
            .with("db.system.name", "redis")
            .with("db.namespace", self.database)
            .with("db.operation.name", operation)
            .with("server.address", &self.server.place.host)
            .with("server.port", self.server.place.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(dsn: &str) -> RetrieverConfig {
        RetrieverConfig::default().option("dsn", dsn)
    }

    fn refused(config: &RetrieverConfig) -> String {
        Settings::read(config).err().expect("it makes no sense").to_string()
    }

    #[test]
    fn reads_everything() {
        let config = with("rediss://psy@db/7")
            .option("key", "student:{key}:{key}")
            .option("field", "score")
            .secret("password", "hush");
        let settings = Settings::read(&config).expect("all is right");
        assert_eq!((settings.database, settings.is_secure()), (7, true));
        assert_eq!(settings.command("Tom"), ["HGET", "student:Tom:Tom", "score"]);
        let bare = Settings::read(&with("redis://db")).expect("a host is enough");
        assert_eq!((bare.database, bare.is_secure()), (0, false));
        assert_eq!(bare.command("{key}"), ["GET", "{key}"]);
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (config, part) in [
            (RetrieverConfig::default(), "option dsn is missing"),
            (with("redis://db/school"), "number of the database"),
            (with("redis://db?ssl=true"), "`rediss` means TLS"),
            (with("redis://psy:hush@db"), "secret `password`"),
            (with("redis://psy@db"), "needs the secret `password`"),
            (with("redis://db").option("key", "student"), "has no `{key}`"),
            (with("redis://db").option("ca", "x"), "scheme `rediss`"),
            (
                with("redis://db").option("hash", "x"),
                "known: dsn, key, field, connect-timeout-ms, ca",
            ),
        ] {
            let problem = refused(&config);
            assert!(problem.contains(part) && !problem.contains("hush"), "{problem}");
        }
    }
}
