//! How long an answer may be kept, by its `Cache-Control` and `Age` (RFC 9111, 4.2).

use crate::head::Head;

/// The time in milliseconds; `None` if the answer does not say.
pub(crate) fn ttl_ms(head: &Head) -> Option<u64> {
    let directives: Vec<(String, String)> =
        head.all("cache-control").flat_map(directives).collect();
    let find = |name: &str| directives.iter().find(|(given, _)| given == name);
    // A node answers many: what only one reader may keep, it may not.
    if ["no-store", "no-cache", "private"].iter().any(|name| find(name).is_some()) {
        return Some(0);
    }
    let (_, seconds) = find("s-maxage").or_else(|| find("max-age"))?;
    // Not a number: stale, says the RFC, to be on the safe side.
    let lifetime = seconds_of(seconds).unwrap_or(0);
    let age = head.first("age").and_then(seconds_of).unwrap_or(0);
    Some(lifetime.saturating_sub(age).saturating_mul(1_000))
}

/// A number that is too large is the largest.
fn seconds_of(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Names in lower case, and values without their quotes. A comma in quotes ends nothing.
fn directives(value: &str) -> Vec<(String, String)> {
    let (mut parts, mut quoted) = (vec![String::new()], false);
    for c in value.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => parts.push(String::new()),
            c => parts.last_mut().expect("there is one").push(c),
        }
    }
    let directive = |part: &String| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (name.trim().to_ascii_lowercase(), value.trim().to_owned())
    };
    parts.iter().map(directive).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ttl(headers: &str) -> Option<u64> {
        ttl_ms(&Head::of(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n")))
    }

    #[test]
    fn the_time_is_what_a_shared_cache_may_keep_it() {
        for (headers, expected) in [
            ("", None),
            ("Age: 5\r\n", None),
            ("Cache-Control: public\r\n", None),
            ("Cache-Control: max-age=60\r\n", Some(60_000)),
            ("Cache-Control: public, Max-Age=\"60\"\r\n", Some(60_000)),
            ("Cache-Control: max-age=60, s-maxage=5\r\n", Some(5_000)),
            ("Cache-Control: s-maxage=5\r\nCache-Control: max-age=60\r\n", Some(5_000)),
            ("Cache-Control: max-age=60\r\nAge: 20\r\n", Some(40_000)),
            ("Cache-Control: max-age=60\r\nAge: 90\r\n", Some(0)),
            ("Cache-Control: max-age=60\r\nAge: old\r\n", Some(60_000)),
            ("Cache-Control: max-age=60, no-store\r\n", Some(0)),
            ("Cache-Control: no-cache\r\n", Some(0)),
            ("Cache-Control: private=\"x, max-age=7\"\r\n", Some(0)),
            ("Cache-Control: x=\"no-store, y\", max-age=1\r\n", Some(1_000)),
            ("Cache-Control: max-age=soon\r\n", Some(0)),
            ("Cache-Control: max-age=-1\r\n", Some(0)),
            ("Cache-Control: max-age=99999999999999999999\r\n", Some(u64::MAX)),
        ] {
            assert_eq!(ttl(headers), expected, "{headers}");
        }
    }
}
