//! Addresses and names.

use super::{OrNone, Parsed, or_none};

const MAX_GROUP_NAME_BYTES: usize = 64;

/// A `host:port` to listen on; port 0 picks a free one.
///
/// # Errors
/// The host or the port is missing, or the port is above 65535.
pub fn address(text: &str) -> Parsed<String> {
    let host_and_port = text.rsplit_once(':').filter(|(host, port)| {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let named = match bare {
            Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || "-._".contains(c))
            }
        };
        named && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
    });
    match host_and_port {
        Some(_) => Ok(text.to_owned()),
        None => {
            Err("write HOST:PORT, such as 127.0.0.1:7400, db.internal:3306 or [::1]:7400".into())
        }
    }
}

/// Where to serve, or `none`.
///
/// # Errors
/// Those of [`address`].
pub fn address_or_none(text: &str) -> Parsed<OrNone<String>> {
    or_none(text, address)
}

/// A `host:port` that others connect to, so the port is not 0.
///
/// # Errors
/// Those of [`address`]; the port is 0.
pub fn reachable(text: &str) -> Parsed<String> {
    let address = address(text)?;
    match address.ends_with(":0") {
        true => {
            Err("write the port that others connect to; only --listen and --http can have port 0"
                .into())
        }
        false => Ok(address),
    }
}

/// An `http://` or `https://` address.
///
/// # Errors
/// It has another scheme or no host, or a user and password, which would be shown
/// wherever the URL is.
pub fn url(text: &str) -> Parsed<String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest)
            if !rest.is_empty()
                && !rest.starts_with(['/', ':'])
                && !rest.contains(char::is_whitespace)
                && !rest.contains('@') =>
        {
            Ok(text.to_owned())
        }
        Some(rest) if rest.contains('@') => {
            Err("write it without user and password, which would be shown wherever the URL is"
                .into())
        }
        _ => Err("write a URL with its scheme, such as http://127.0.0.1:2379".into()),
    }
}

/// What stands before the nodes' addresses in etcd.
///
/// # Errors
/// It is empty, or begins or ends with a slash.
pub fn etcd_prefix(text: &str) -> Parsed<String> {
    match text.is_empty() || text.starts_with('/') || text.ends_with('/') {
        true => Err("write a path without a slash at its ends, such as psycache/nodes".into()),
        false => Ok(text.to_owned()),
    }
}

/// A user of etcd.
///
/// # Errors
/// It is empty.
pub fn etcd_user(text: &str) -> Parsed<String> {
    match text.is_empty() {
        true => Err("write the name of a user of etcd".into()),
        false => Ok(text.to_owned()),
    }
}

/// The name in a certificate: a host without a port.
///
/// # Errors
/// It is empty or has other characters than a host's.
pub fn server_name(text: &str) -> Parsed<String> {
    let is_one = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-.".contains(c));
    match is_one {
        true => Ok(text.to_owned()),
        false => Err("write a host's name without a port, such as etcd.internal".into()),
    }
}

/// The name of a group: it goes into URLs, metrics and health checks as it is.
///
/// # Errors
/// It is empty, longer than 64 bytes, or has other characters than letters,
/// digits, `-`, `_` and `.`, the first being a letter or digit.
pub fn group_name(text: &str) -> Parsed<String> {
    let fits = (1..=MAX_GROUP_NAME_BYTES).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    match fits {
        true => Ok(text.to_owned()),
        false => {
            Err("write 1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or digit"
                .into())
        }
    }
}
