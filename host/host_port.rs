//! `host:port`, the one way in which addresses are written.

use std::net::Ipv6Addr;

/// A host and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostPort<'a> {
    /// A name or an address; an IPv6 address without its brackets.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
}

impl<'a> HostPort<'a> {
    /// Reads `db.internal:3306`, `10.0.0.7:3306` or `[::1]:3306`; `None` for anything else.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = match bracketed {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => host.chars().all(|c| c.is_alphanumeric() || "-._".contains(c)),
        };
        // `parse` alone would accept `+1`.
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        let (host, port) = (bracketed.unwrap_or(host), port.parse().ok()?);
        (is_host && is_port && !host.is_empty()).then_some(Self { host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port_are_told_apart() {
        for (text, host, port) in [
            ("127.0.0.1:7400", "127.0.0.1", 7400),
            ("[::1]:0", "::1", 0),
            ("node-1.example:65535", "node-1.example", 65535),
            ("a_b:1", "a_b", 1),
        ] {
            assert_eq!(HostPort::parse(text), Some(HostPort { host, port }), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            ":",
            "node",
            "node:",
            ":1",
            "node:+1",
            "node:65536",
            "http://node:1",
            "a:1/b",
            "u@a:1",
            "::1",
            "::1:1",
            "[::1]",
            "[node]:1",
            "[]:1",
            "a b:1",
        ] {
            assert_eq!(HostPort::parse(text), None, "{text}");
        }
    }
}
