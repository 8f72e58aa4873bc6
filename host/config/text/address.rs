//! Addresses and names.

use super::Weight;
use super::kind::{Parsed, kind};
use crate::host_port::HostPort;

kind!(
    Address(String),
    "HOST:PORT, such as 127.0.0.1:7400, db.internal:3306 or [::1]:7400",
    |text: &str| HostPort::parse(text).map(|_| text.to_owned())
);

kind!(Reachable(String), "HOST:PORT, where the port is not 0", |text: &str| {
    let Address(address) = text.parse()?;
    match HostPort::parse(&address) {
        Some(HostPort { port: 0, .. }) => {
            Err("write the port that others connect to; only --listen, --peer-listen, --http and \
                 --redis can have port 0"
                .into())
        }
        _ => Parsed::Ok(address),
    }
});

kind!(Peer((String, u32)), "HOST:PORT, or HOST:PORT=WEIGHT", |text: &str| {
    let (address, weight) = text.split_once('=').unwrap_or((text, "1"));
    let (Reachable(address), Weight(weight)) = (address.parse()?, weight.parse()?);
    Parsed::Ok((address, weight))
});

kind!(Url(String), "a URL of http or https without a user", |text: &str| {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if rest.contains('@') => {
            Err("write it without user and password, which would be shown wherever the URL is"
                .into())
        }
        Some(rest) if port(rest).is_some_and(|port| port.parse::<u16>().is_err()) => {
            Err("write a port from 1 to 65535".into())
        }
        Some(rest) if is_word(rest, |c| !c.is_whitespace()) && !rest.starts_with(['/', ':']) => {
            Parsed::Ok(text.to_owned())
        }
        _ => Err("write a URL with its scheme, such as http://127.0.0.1:2379".into()),
    }
});

kind!(
    EtcdPrefix(String),
    "a path without a slash at its ends, such as psycache/nodes",
    |text: &str| {
        let fits = !text.is_empty() && !text.starts_with('/') && !text.ends_with('/');
        fits.then(|| text.to_owned())
    }
);

kind!(EtcdUser(String), "the name of a user of etcd", |text: &str| {
    (!text.is_empty()).then(|| text.to_owned())
});

kind!(ServerName(String), "a host's name without a port, such as etcd.internal", |text: &str| {
    is_word(text, |c| c.is_alphanumeric() || "-.".contains(c)).then(|| text.to_owned())
});

// The name is used in URLs, metrics and health checks without escaping.
kind!(
    GroupName(String),
    "1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or digit",
    |text: &str| {
        let fits = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && is_word(text, |c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        fits.then(|| text.to_owned())
    }
);

/// The port of a URL without its scheme, if it has one.
fn port(rest: &str) -> Option<&str> {
    let authority = rest.split('/').next().unwrap_or_default();
    let (_, port) = authority.rsplit_once(':')?;
    // The colons of an IPv6 address are within brackets.
    (!port.contains(']')).then_some(port)
}

fn is_word(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(allowed)
}
