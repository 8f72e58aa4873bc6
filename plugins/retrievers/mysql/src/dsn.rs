//! Where the server is: `mysql://user@host:port/database`.

use psycache_plugin::net::DsnShape;

/// What a DSN of this retriever looks like.
pub(crate) const SHAPE: DsnShape = DsnShape {
    schemes: &["mysql"],
    port: 3306,
    example: "mysql://user@host:3306/database",
    instead_of: mend,
};

/// What to do instead of a parameter. None would do anything here.
fn mend(parameter: &str) -> &'static str {
    match parameter {
        "require_ssl" | "verify_ca" | "verify_identity" | "built_in_roots" | "ssl-mode"
        | "sslmode" | "ssl" | "useSSL" | "tls" => {
            "give the option `tls`; with `true` the name and the authority are always checked"
        }
        "ssl-ca" | "ssl_ca" | "sslrootcert" => "give the option `ca`",
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
    use psycache_plugin::net::Dsn;

    use super::SHAPE;

    #[test]
    fn what_would_do_nothing_is_refused_by_its_name() {
        for (parameter, part) in [
            ("require_ssl=true", "the option `tls`"),
            ("verify_ca=true", "the option `tls`"),
            ("ssl-ca=a.pem", "the option `ca`"),
            ("pool_max=5", "pool of connections"),
            ("wait_timeout=5", "opened again"),
            ("socket=mysql.sock", "TCP only"),
            ("anything=1", "no parameters"),
        ] {
            let dsn = format!("mysql://db/school?{parameter}");
            let problem = Dsn::read(&dsn, &SHAPE).expect_err(parameter).to_string();
            let name = parameter.split('=').next().expect("a name");
            assert!(problem.contains(&format!("`{name}`")) && problem.contains(part), "{problem}");
        }
    }
}
