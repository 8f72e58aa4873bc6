//! Addresses and names.

use std::net::Ipv6Addr;

use super::Weight;
use super::kind::{Parsed, as_written, kind};

kind!(Address(String), "A `host:port` to listen on; port 0 picks a free one.", |text: &str| {
    let is_host = |host: &str| match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => is_word(host, |c| c.is_alphanumeric() || "-._".contains(c)),
    };
    let is_port = |port: &str| is_word(port, |c| c.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let fits = text.rsplit_once(':').is_some_and(|(host, port)| is_host(host) && is_port(port));
    as_written(
        text,
        fits,
        "write HOST:PORT, such as 127.0.0.1:7400, db.internal:3306 or [::1]:7400",
    )
});

kind!(Reachable(String), "A `host:port` to connect to, so the port is not 0.", reachable);

fn reachable(text: &str) -> Parsed<String> {
    let Address(address) = text.parse()?;
    match address.ends_with(":0") {
        true => {
            Err("write the port that others connect to; only --listen and --http can have port 0"
                .into())
        }
        false => Ok(address),
    }
}

kind!(
    Peer((String, u32)),
    "A node of a list: its address, and after `=` its weight where that is not 1.",
    |text: &str| {
        let (address, weight) = text.split_once('=').unwrap_or((text, "1"));
        Parsed::Ok((reachable(address)?, weight.parse().map(|Weight(weight)| weight)?))
    }
);

kind!(Url(String), "An `http://` or `https://` address without a user.", |text: &str| {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if rest.contains('@') => {
            Err("write it without user and password, which would be shown wherever the URL is")
        }
        Some(rest) if is_word(rest, |c| !c.is_whitespace()) && !rest.starts_with(['/', ':']) => {
            Ok(text.to_owned())
        }
        _ => Err("write a URL with its scheme, such as http://127.0.0.1:2379"),
    }
});

kind!(EtcdPrefix(String), "What this cluster's keys in etcd begin with.", |text: &str| {
    let fits = !(text.is_empty() || text.starts_with('/') || text.ends_with('/'));
    as_written(text, fits, "write a path without a slash at its ends, such as psycache/nodes")
});

kind!(EtcdUser(String), "The name of a user of etcd.", |text: &str| {
    as_written(text, !text.is_empty(), "write the name of a user of etcd")
});

kind!(ServerName(String), "The name in a certificate: a host without a port.", |text: &str| {
    let fits = is_word(text, |c| c.is_alphanumeric() || "-.".contains(c));
    as_written(text, fits, "write a host's name without a port, such as etcd.internal")
});

kind!(
    GroupName(String),
    "The name of a group, which goes into URLs, metrics and health checks as it is.",
    |text: &str| {
        let fits = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && is_word(text, |c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        as_written(
            text,
            fits,
            "write 1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or digit",
        )
    }
);

fn is_word(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(allowed)
}
