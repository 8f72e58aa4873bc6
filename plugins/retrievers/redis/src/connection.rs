//! One connection that is logged in.

use std::io::{BufReader, Write};
use std::time::Instant;

use psycache_plugin::FetchError;
use psycache_plugin::net::{Failure, Link, Quiet};
use psycache_plugin::sql::Batch;

use crate::reply::{Reply, command};
use crate::settings::Settings;

/// A connection that is logged in, with its database selected. Closed after an answer that was
/// not read to its end.
pub(crate) struct Connection(Option<BufReader<Link>>);

impl Connection {
    pub(crate) fn open(settings: &Settings, deadline: Instant) -> Result<Self, FetchError> {
        let connected_by = (Instant::now() + settings.connect_timeout).min(deadline);
        let span = settings.span("connect");
        let opened = Self::log_in(settings, connected_by);
        span.end(opened.as_ref().err());
        opened
    }

    fn log_in(settings: &Settings, by: Instant) -> Result<Self, FetchError> {
        let place = &settings.server.place;
        let mut link = Link::open(place, by, by)?;
        if settings.is_secure() {
            link.secure(&place.host, settings.authorities.as_deref())?;
        }
        let mut commands = Vec::new();
        if let Some(password) = settings.password.as_deref() {
            let user = settings.server.user.as_deref();
            let words: Vec<&str> = ["AUTH"].into_iter().chain(user).chain([password]).collect();
            commands.push(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        }
        if settings.database != 0 {
            commands.push(vec!["SELECT".to_owned(), settings.database.to_string()]);
        }
        let mut connection = Self(Some(BufReader::new(link)));
        for words in commands {
            match connection.exchange(&words)? {
                Reply::Said(_) => {}
                Reply::Refused(error) => return Err(refusal(&error)),
                other => return Err(unexpected(&words[0], &other)),
            }
        }
        Ok(connection)
    }

    /// The value of `key`.
    pub(crate) fn ask(
        &mut self,
        settings: &Settings,
        key: &str,
        deadline: Instant,
    ) -> Result<Option<Vec<u8>>, Failure> {
        self.until(deadline);
        let words = settings.command(key);
        let span = settings.span(&words[0]);
        let answer = self.exchange(&words).and_then(|reply| value(&words[0], reply));
        span.end(answer.as_ref().err());
        answer
    }

    /// The values of `keys`, each asked for by a command of its own, all of which are sent at
    /// once. `MGET` would need another right, and says that there is no value where there is
    /// one of another type.
    pub(crate) fn ask_many(
        &mut self,
        settings: &Settings,
        keys: &[String],
        deadline: Instant,
    ) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        self.until(deadline);
        let commands: Vec<_> = keys.iter().map(|key| settings.command(key)).collect();
        let Some(name) = commands.first().map(|words| words[0].clone()) else {
            return Ok(Vec::new());
        };
        let span = settings.span(&name).with("db.operation.batch.size", keys.len());
        let sent = commands.iter().map(|words| command(words)).collect::<Vec<_>>().concat();
        let answers = self.pipeline(&name, keys, &sent);
        span.end(answers.as_ref().err());
        answers
    }

    fn until(&mut self, deadline: Instant) {
        if let Some(link) = &mut self.0 {
            link.get_mut().until(deadline);
        }
    }

    /// Sends a command and reads its reply. The connection is kept only if that was whole.
    fn exchange(&mut self, words: &[String]) -> Result<Reply, Failure> {
        let mut link = self.0.take().ok_or_else(closed)?;
        link.get_mut().write_all(&command(words))?;
        let reply = Reply::read(&mut link)?;
        self.0 = Some(link);
        Ok(reply)
    }

    /// Sends a command for each of `keys`, and reads as many replies.
    fn pipeline(
        &mut self,
        name: &str,
        keys: &[String],
        commands: &[u8],
    ) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        let mut link = self.0.take().ok_or_else(closed)?;
        link.get_mut().write_all(commands)?;
        let (mut batch, mut refused) = (Batch::new(keys), None);
        for at in 0..keys.len() {
            match value(name, Reply::read(&mut link)?) {
                Ok(Some(value)) => batch.take([at], &value).map_err(Failure::Answered)?,
                Ok(None) => {}
                // The others are read, too, so that the connection can go on.
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        self.0 = Some(link);
        refused.map_or_else(|| Ok(batch.found()), Err)
    }
}

impl Quiet for Connection {
    fn is_quiet(&mut self) -> bool {
        self.0.as_mut().is_some_and(Quiet::is_quiet)
    }
}

fn closed() -> Failure {
    Failure::Broken("it has closed the connection".to_owned())
}

/// What a reply to the command of that name says about a key.
fn value(name: &str, reply: Reply) -> Result<Option<Vec<u8>>, Failure> {
    match reply {
        Reply::Value(value) => Ok(Some(value)),
        Reply::Nothing => Ok(None),
        Reply::Refused(error) => Err(Failure::Answered(refusal(&error))),
        other @ Reply::Said(_) => Err(Failure::Answered(unexpected(name, &other))),
    }
}

/// What an error of the server means, by its first word.
fn refusal(error: &str) -> FetchError {
    let told = error.to_owned();
    match error.split(' ').next().unwrap_or_default() {
        "WRONGTYPE" => FetchError::BadValue(format!(
            "{told}; `GET` is for strings, and the option `field` for hashes"
        )),
        // What passes: the server starts, runs a script, has lost its master or is full.
        "LOADING" | "BUSY" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "OOM" | "UNBLOCKED" => {
            FetchError::Unavailable(told)
        }
        "MOVED" | "ASK" => FetchError::Rejected(format!(
            "the server is one of a cluster, and another one has this key ({told}); give the \
             address of a proxy for the cluster, which this retriever does not follow"
        )),
        "NOAUTH" => FetchError::Rejected(format!("{told} Give the secret `password`")),
        _ if error.contains("max number of clients") => FetchError::Unavailable(told),
        // WRONGPASS, NOPERM, DENIED, and what the command is wrong for.
        _ => FetchError::Rejected(told),
    }
}

fn unexpected(command: &str, reply: &Reply) -> FetchError {
    let reply = match reply {
        Reply::Said(text) => text,
        _ => "a value",
    };
    FetchError::Rejected(format!("it replies to {command} with {reply}; is it a server of Redis?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_its_first_word() {
        for (error, part) in [
            ("LOADING Redis is loading the dataset in memory", "LOADING"),
            ("BUSY Redis is busy running a script.", "BUSY"),
            ("MASTERDOWN Link with MASTER is down", "MASTERDOWN"),
            ("ERR max number of clients reached", "clients"),
        ] {
            let told = refusal(error);
            assert!(
                matches!(&told, FetchError::Unavailable(text) if text.contains(part)),
                "{told}"
            );
        }
        for (error, part) in [
            ("NOAUTH Authentication required.", "secret `password`"),
            ("WRONGPASS invalid username-password pair", "WRONGPASS"),
            ("NOPERM this user has no permissions to run the 'get' command", "NOPERM"),
            ("DENIED Redis is running in protected mode", "DENIED"),
            ("MOVED 3999 127.0.0.1:6381", "cluster"),
            ("ERR DB index is out of range", "range"),
        ] {
            let told = refusal(error);
            assert!(matches!(&told, FetchError::Rejected(text) if text.contains(part)), "{told}");
        }
        let type_ = refusal("WRONGTYPE Operation against a key holding the wrong kind of value");
        assert!(
            matches!(&type_, FetchError::BadValue(text) if text.contains("`field`")),
            "{type_}"
        );
    }
}
