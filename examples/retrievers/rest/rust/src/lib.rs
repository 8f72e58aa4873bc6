//! A data source of one's own: a REST API that answers `GET /scores/KEY`.

use std::io::{BufRead, BufReader, Read, Write};

use psycache_plugin::net::{Failure, Kept, Link, Place};
use psycache_plugin::{ConfigError, FetchError, Fetched, Retriever, RetrieverConfig};

/// An API, and the connection that is kept to it.
pub struct Rest(Place, Kept<BufReader<Link>>);

impl Retriever for Rest {
    fn configure(config: &RetrieverConfig) -> Result<Self, ConfigError> {
        let options = config.options();
        let place = Place::read("place", options.required("place")?)?;
        options.finish().and(config.secrets().finish())?;
        Ok(Self(place, Kept::default()))
    }

    fn fetch(&mut self, key: &str, timeout_ms: u32) -> Result<Option<Fetched>, FetchError> {
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(FetchError::BadKey("it is no name".into()));
        }
        let Self(place, kept) = self;
        let request = format!("GET /scores/{key} HTTP/1.1\r\nhost: {place}\r\n\r\n");
        let open = |deadline| Link::open(place, deadline, deadline).map(BufReader::new);
        let found = kept.ask_within(place, timeout_ms, open, |link, deadline| {
            link.get_mut().until(deadline);
            link.get_mut().write_all(request.as_bytes())?;
            answer(link)
        });
        if matches!(found, Err(FetchError::BadValue(_))) {
            *kept = Kept::default(); // the rest of the answer was not read
        }
        Ok(found?.map(Fetched::from))
    }
}

/// The body of an answer, whose head says its length.
fn answer(from: &mut impl BufRead) -> Result<Option<Vec<u8>>, Failure> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if head.len() > 16_384 || from.take(16_384).read_line(&mut head)? == 0 {
            return Err(Failure::Broken("it gives no whole answer".into()));
        }
    }
    let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.ok_or_else(|| Failure::Broken("its answer has no length".into()))?;
    if length > 1 << 20 {
        return Err(Failure::Answered(FetchError::BadValue("it is larger than 1 MiB".into())));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    let Some(status) = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)) else {
        return Err(Failure::Broken("it does not speak HTTP/1.1".into()));
    };
    let told = format!("it answers {status}");
    Err(Failure::Answered(match status.as_bytes() {
        b"200" => return Ok(Some(body)),
        b"404" | b"410" => return Ok(None),
        b"408" | b"425" | b"429" | [b'5', ..] => FetchError::Unavailable(told),
        _ => FetchError::Rejected(told),
    }))
}

psycache_plugin::export_retriever!(Rest);
