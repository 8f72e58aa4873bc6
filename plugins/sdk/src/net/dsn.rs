//! Where a source is and as whom to log in: `scheme://user@host:port/database`.

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::Place;
use crate::ConfigError;

/// What a retriever takes for a DSN.
#[derive(Clone, Copy, Debug)]
pub struct DsnShape {
    /// The schemes that it may have, the usual one first.
    pub schemes: &'static [&'static str],
    /// The port where it names none.
    pub port: u16,
    /// One to look at, `mysql://user@host:3306/database` say.
    pub example: &'static str,
    /// What to do instead of a parameter. It has none, because one that did nothing would
    /// not be noticed.
    pub instead_of: fn(parameter: &str) -> &'static str,
}

/// What a DSN names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsn {
    /// One of the shape's schemes.
    pub scheme: &'static str,
    /// The host and its port.
    pub place: Place,
    /// Who logs in.
    pub user: Option<String>,
    /// What stands after the host.
    pub database: Option<String>,
}

impl Dsn {
    /// Reads the option `dsn`.
    ///
    /// # Errors
    /// [`ConfigError::InvalidValue`], with what is wrong and how it looks. A password is refused
    /// without showing it.
    pub fn read(dsn: &str, shape: &DsnShape) -> Result<Self, ConfigError> {
        let looks = format!("it looks like `{}`", shape.example);
        let refused = |problem: &str| ConfigError::invalid("dsn", problem);
        let url = Url::parse(dsn).map_err(|error| refused(&format!("{error}; {looks}")))?;
        let scheme = shape.schemes.iter().find(|scheme| **scheme == url.scheme());
        let Some(scheme) = scheme.copied() else {
            let known = shape.schemes.join("` or `");
            return Err(refused(&format!("`{}` is not `{known}`; {looks}", url.scheme())));
        };
        if url.password().is_some() {
            return Err(refused(
                "leave the password out and give it as the secret `password`, which is never shown",
            ));
        }
        if let Some((name, _)) = url.query_pairs().next() {
            let instead = (shape.instead_of)(&name);
            return Err(refused(&format!("leave `{name}` out: {instead}")));
        }
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => decoded(name, "host")?,
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => return Err(refused(&format!("it names no host; {looks}"))),
        };
        let path = url.path().trim_start_matches('/');
        if path.contains('/') || url.fragment().is_some() {
            return Err(refused(&format!("one database stands after the host; {looks}")));
        }
        let given = |text: &str, what| match text {
            "" => Ok(None),
            text => decoded(text, what).map(Some),
        };
        Ok(Self {
            scheme,
            place: Place { host, port: url.port().unwrap_or(shape.port) },
            user: given(url.username(), "user")?,
            database: given(path, "database")?,
        })
    }
}

fn decoded(text: &str, what: &str) -> Result<String, ConfigError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded =
        decoded.map_err(|_| ConfigError::invalid("dsn", format!("its {what} is not UTF-8")))?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: DsnShape = DsnShape {
        schemes: &["mysql"],
        port: 3306,
        example: "mysql://user@host:3306/database",
        instead_of: |_| "it has no parameters",
    };

    fn read(dsn: &str) -> Result<Dsn, ConfigError> {
        Dsn::read(dsn, &SHAPE)
    }

    #[test]
    fn reads_every_part() {
        for (dsn, host, place) in [
            ("mysql://p%40y@db:3307/sch%20ool", "db", "db:3307"),
            ("mysql://p%40y@127.0.0.1:3307/sch%20ool", "127.0.0.1", "127.0.0.1:3307"),
            ("mysql://p%40y@[::1]:3307/sch%20ool", "::1", "[::1]:3307"),
        ] {
            let server = read(dsn).expect(dsn);
            assert_eq!((&*server.place.host, &*server.place.to_string()), (host, place));
            assert_eq!((server.scheme, server.user.as_deref()), ("mysql", Some("p@y")));
            assert_eq!(server.database.as_deref(), Some("sch ool"));
        }
        let bare = read("mysql://db").expect("a host is enough");
        assert_eq!((bare.place.port, bare.user, bare.database), (3306, None, None));
    }

    #[test]
    fn a_password_is_refused_without_showing_it() {
        let problem = read("mysql://psy:hush@db/school").expect_err("it has one").to_string();
        assert!(problem.contains("secret `password`") && !problem.contains("hush"), "{problem}");
    }

    #[test]
    fn a_parameter_is_refused_by_its_name() {
        let problem = read("mysql://db/school?pool_max=5").expect_err("it has one").to_string();
        assert_eq!(problem, "option dsn: leave `pool_max` out: it has no parameters");
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
            let problem = read(dsn).expect_err(dsn).to_string();
            assert!(problem.starts_with("option dsn: "), "{problem}");
            assert!(problem.contains("mysql://user@host:3306/database"), "{problem}");
        }
    }
}
