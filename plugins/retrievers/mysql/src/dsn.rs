//! Where the server is: `mysql://user@host:port/database`.

use mysql_async::OptsBuilder;
use percent_encoding::percent_decode_str;
use psycache_plugin::ConfigError;
use url::{Host, Url};

/// What a DSN names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// A name or an address; an IPv6 address without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: Option<String>,
    pub(crate) database: Option<String>,
}

impl Server {
    pub(crate) fn read(dsn: &str) -> Result<Self, ConfigError> {
        let shape = "it looks like `mysql://user@host:3306/database`";
        let refused = |problem: &str| ConfigError::invalid("dsn", problem);
        let url = Url::parse(dsn).map_err(|error| refused(&format!("{error}; {shape}")))?;
        if url.scheme() != "mysql" {
            return Err(refused(&format!("`{}` is not `mysql`; {shape}", url.scheme())));
        }
        if url.password().is_some() {
            return Err(refused(
                "leave the password out and give it as the secret `password`, which is never shown",
            ));
        }
        if let Some((name, _)) = url.query_pairs().next() {
            return Err(refused(&format!("leave `{name}` out: {}", mend(&name))));
        }
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => decoded(name, "host")?,
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => return Err(refused(&format!("it names no host; {shape}"))),
        };
        let path = url.path().trim_start_matches('/');
        if path.contains('/') || url.fragment().is_some() {
            return Err(refused(&format!("one database stands after the host; {shape}")));
        }
        let given = |text: &str, what| match text {
            "" => Ok(None),
            text => decoded(text, what).map(Some),
        };
        Ok(Self {
            host,
            port: url.port().unwrap_or(3306),
            user: given(url.username(), "user")?,
            database: given(path, "database")?,
        })
    }

    /// `host:port`, as `--allow-net` takes it.
    pub(crate) fn place(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// What the driver is told of it.
    pub(crate) fn options(&self) -> OptsBuilder {
        OptsBuilder::default()
            .ip_or_hostname(&*self.host)
            .tcp_port(self.port)
            .user(self.user.clone())
            .db_name(self.database.clone())
    }
}

fn decoded(text: &str, what: &str) -> Result<String, ConfigError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded =
        decoded.map_err(|_| ConfigError::invalid("dsn", format!("its {what} is not UTF-8")))?;
    Ok(decoded.into_owned())
}

/// What to do instead of a parameter. None would do anything here.
fn mend(parameter: &str) -> &'static str {
    match parameter {
        "require_ssl" | "verify_ca" | "verify_identity" | "built_in_roots" | "ssl-mode"
        | "sslmode" | "tls" => {
            "connections to the server are not encrypted; put a proxy that speaks TLS beside the node"
        }
        "pool_min"
        | "pool_max"
        | "inactive_connection_ttl"
        | "ttl_check_interval"
        | "abs_conn_ttl"
        | "abs_conn_ttl_jitter"
        | "reset_connection" => "the node has the pool of connections",
        "wait_timeout" | "conn_ttl" | "tcp_keepalive" => {
            "a connection that the server has closed is opened again by the next load"
        }
        "socket" | "prefer_socket" => "the server is reached by TCP only",
        "charset" | "collation" => "the session is always utf8mb4",
        "time_zone" | "time-zone" | "loc" => "give the option `time-zone`",
        "sql_mode" | "sql-mode" => "give the option `sql-mode`",
        "connect_timeout" | "timeout" => "give the option `connect-timeout-ms`",
        "max_allowed_packet" => "the node's `max-value` limits values",
        _ => "a dsn has no parameters here",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_part() {
        for (dsn, host, place) in [
            ("mysql://p%40y@db:3307/sch%20ool", "db", "db:3307"),
            ("mysql://p%40y@127.0.0.1:3307/sch%20ool", "127.0.0.1", "127.0.0.1:3307"),
            ("mysql://p%40y@[::1]:3307/sch%20ool", "::1", "[::1]:3307"),
        ] {
            let server = Server::read(dsn).expect(dsn);
            assert_eq!((server.host.as_str(), server.place().as_str()), (host, place));
            assert_eq!((server.port, server.user.as_deref()), (3307, Some("p@y")));
            assert_eq!(server.database.as_deref(), Some("sch ool"));
        }
        let bare = Server::read("mysql://db").expect("a host is enough");
        assert_eq!((bare.port, bare.user, bare.database), (3306, None, None));
    }

    #[test]
    fn a_password_is_refused_without_showing_it() {
        let problem =
            Server::read("mysql://psy:hush@db/school").expect_err("it has one").to_string();
        assert!(problem.contains("secret `password`") && !problem.contains("hush"), "{problem}");
    }

    #[test]
    fn a_bad_one_shows_a_good_one() {
        for dsn in [
            "",
            "db:3306",
            "postgres://db",
            "mysql:db",
            "mysql://",
            "mysql://db/a/b",
            "mysql://db/a#b",
        ] {
            let problem = Server::read(dsn).expect_err(dsn).to_string();
            assert!(problem.starts_with("option dsn: "), "{problem}");
            assert!(problem.contains("mysql://user@host:3306/database"), "{problem}");
        }
    }

    #[test]
    fn what_would_do_nothing_is_refused_by_its_name() {
        for (parameter, part) in [
            ("require_ssl=true", "not encrypted"),
            ("verify_ca=true", "not encrypted"),
            ("pool_max=5", "pool of connections"),
            ("wait_timeout=5", "opened again"),
            ("socket=mysql.sock", "TCP only"),
            ("anything=1", "no parameters"),
        ] {
            let dsn = format!("mysql://db/school?{parameter}");
            let problem = Server::read(&dsn).expect_err(parameter).to_string();
            let name = parameter.split('=').next().expect("a name");
            assert!(problem.contains(&format!("`{name}`")) && problem.contains(part), "{problem}");
        }
    }
}
