//! A data source that gets a URL with the key in it.
//!
//! `docs/http.md` has the options, what becomes of each answer, and the limits.
//!
//! An instance keeps a connection to each of the last few origins that it asked, most often
//! one. TLS is the node's.

mod body;
mod connection;
mod freshness;
mod head;
mod settings;
mod target;

use std::time::Instant;

use connection::{Answer, Connection};
use psycache_plugin::net::{Kept, deadline};
use psycache_plugin::{
    ConfigError, FetchError, Fetched, Retriever, RetrieverConfig, export_retriever,
};
use settings::Settings;
use target::{Origin, Target};

/// Origins that connections are kept to. More than one are asked only where one redirects to
/// another.
const MOST_ORIGINS: usize = 4;

/// An HTTP server.
pub struct Http {
    settings: Settings,
    kept: Vec<(Origin, Kept<Connection>)>,
}

/// What an answer says, by its status.
#[derive(Debug, PartialEq, Eq)]
enum Says {
    Value,
    Absent,
    Elsewhere,
}

impl Retriever for Http {
    fn configure(config: &RetrieverConfig) -> Result<Self, ConfigError> {
        Ok(Self { settings: Settings::read(config)?, kept: Vec::new() })
    }

    fn fetch(&mut self, key: &str, timeout_ms: u32) -> Result<Option<Fetched>, FetchError> {
        let deadline = deadline(timeout_ms);
        let mut target = self.settings.url.with(key)?;
        for _ in 0..=self.settings.max_redirects {
            let answer = self.get(&target, deadline)?;
            match says(answer.head.status, &answer.head.status_line()) {
                Ok(Says::Absent) => return Ok(None),
                Ok(Says::Value) => {
                    let asked = self.settings.ttl_from_cache_control;
                    let ttl_ms = if asked { freshness::ttl_ms(&answer.head) } else { None };
                    return Ok(Some(Fetched { value: answer.body, ttl_ms }));
                }
                Ok(Says::Elsewhere) => target = target.follow(answer.head.first("location"))?,
                Err(error) => return Err(target.origin.place.told(error)),
            }
        }
        Err(FetchError::Rejected(format!(
            "{}: it redirects more than {} times; raise max-redirects, or name the last URL in `url`",
            target.origin.place, self.settings.max_redirects
        )))
    }
}

impl Http {
    /// The answer of the server at `target`.
    fn get(&mut self, target: &Target, deadline: Instant) -> Result<Answer, FetchError> {
        // The one asked last comes first, so that it is the last to be given up.
        let at = self.kept.iter().position(|(origin, _)| *origin == target.origin);
        let kept = at.map(|at| self.kept.remove(at));
        let mut kept = kept.unwrap_or_else(|| (target.origin.clone(), Kept::default()));
        let settings = &self.settings;
        let open = || Connection::open(settings, &target.origin, deadline);
        let span = settings.span(target);
        let answer =
            kept.1.ask(deadline, open, |connection| connection.ask(settings, target, deadline));
        self.kept.truncate(MOST_ORIGINS - 1);
        self.kept.insert(0, kept);
        match &answer {
            Ok(answer) => {
                span.with("http.response.status_code", answer.head.status).end(None::<&FetchError>)
            }
            Err(error) => span.end(Some(error)),
        }
        answer.map_err(|error| target.origin.place.told(error))
    }
}

/// What an answer of that status means for a key.
fn says(status: u16, line: &str) -> Result<Says, FetchError> {
    match status {
        200..=299 => Ok(Says::Value),
        404 | 410 => Ok(Says::Absent),
        301 | 302 | 303 | 307 | 308 => Ok(Says::Elsewhere),
        401 | 403 | 407 => Err(FetchError::Rejected(format!(
            "it answers {line}; give what it asks for as a secret, such as authorization=env:NAME"
        ))),
        // Too early, too many, and what is wrong at the server.
        408 | 425 | 429 | 500..=599 => Err(FetchError::Unavailable(format!("it answers {line}"))),
        _ => Err(FetchError::Rejected(format!("it answers {line}"))),
    }
}

export_retriever!(Http);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_meaning() {
        for (status, says_) in [
            (200, Says::Value),
            (204, Says::Value),
            (404, Says::Absent),
            (410, Says::Absent),
            (301, Says::Elsewhere),
            (308, Says::Elsewhere),
        ] {
            assert_eq!(says(status, "").ok(), Some(says_), "{status}");
        }
        for status in [408, 425, 429, 500, 503, 599] {
            assert!(matches!(says(status, ""), Err(FetchError::Unavailable(_))), "{status}");
        }
        for status in [300, 304, 400, 401, 403, 405, 407, 418, 600, 999] {
            assert!(matches!(says(status, ""), Err(FetchError::Rejected(_))), "{status}");
        }
    }
}
