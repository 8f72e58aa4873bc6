//! Where a source is on the network.

use std::fmt;
use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::{ConfigError, FetchError, io_words};

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A name or an address; an IPv6 address without its brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for Place {
    /// As `--allow-net` takes it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(out, "[{}]:{}", self.host, self.port),
            false => write!(out, "{}:{}", self.host, self.port),
        }
    }
}

impl Place {
    /// Reads `HOST:PORT`, the value of `option`. An IPv6 address stands in brackets.
    ///
    /// # Errors
    /// [`ConfigError::InvalidValue`] for anything else.
    pub fn read(option: &str, text: &str) -> Result<Self, ConfigError> {
        let parsed = text.rsplit_once(':').and_then(|(host, port)| {
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            let host = bare.unwrap_or(host);
            let is_host = !host.is_empty() && bare.is_some() == host.contains(':');
            Some((is_host.then(|| host.to_owned())?, port.parse().ok().filter(|port| *port != 0)?))
        });
        let (host, port) = parsed.ok_or_else(|| {
            let problem =
                format!("`{text}` is no HOST:PORT, such as db.example:5432 or [::1]:5432");
            ConfigError::invalid(option, problem)
        })?;
        Ok(Self { host, port })
    }

    /// The addresses of the host, by the node's name servers.
    ///
    /// # Errors
    /// The name is not known, or the node does not let this group look it up; the flag that
    /// would is named.
    pub fn addresses(&self) -> Result<Vec<SocketAddr>, FetchError> {
        let found = (self.host.as_str(), self.port).to_socket_addrs();
        let found = found.map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => FetchError::Rejected(format!(
                "the node does not let this group look up `{}`; start it with --allow-net {self}, \
                 or name an address that it allows",
                self.host
            )),
            _ => FetchError::Unavailable(io_words(&error)),
        })?;
        Ok(found.collect())
    }

    /// Says that `error` is about it.
    #[must_use]
    pub fn told(&self, error: FetchError) -> FetchError {
        match error {
            FetchError::Unavailable(message) => {
                FetchError::Unavailable(format!("{self}: {message}"))
            }
            FetchError::Rejected(message) => FetchError::Rejected(format!("{self}: {message}")),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_was_written() {
        for text in ["db.example:5432", "10.0.0.7:1", "[::1]:5432"] {
            assert_eq!(Place::read("place", text).expect(text).to_string(), text);
        }
        for text in ["", "db", "db:", "db:0", ":5432", "::1:5432", "[db]:1", "db:x"] {
            let problem = Place::read("place", text).expect_err(text).to_string();
            assert!(problem.contains("is no HOST:PORT"), "{problem}");
        }
    }
}
