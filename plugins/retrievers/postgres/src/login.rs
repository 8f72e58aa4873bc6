//! Connects, speaks TLS and logs in.

use std::io::{Read, Write};
use std::time::Instant;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use psycache_plugin::FetchError;
use psycache_plugin::net::{Failure, Link};

use crate::failure;
use crate::messages::Messages;
use crate::settings::Settings;

/// A connection that is logged in, by `by` at the latest.
pub(crate) fn log_in(settings: &Settings, by: Instant) -> Result<Messages, FetchError> {
    let mut link = Link::open(&settings.server.place, by, by)?;
    if settings.tls {
        secure(settings, &mut link)?;
    }
    let mut messages = Messages::on(link);
    let time_zone = settings.time_zone.as_deref().map(|zone| ("TimeZone", zone));
    // What a proxy passes on, too.
    let parameters = [
        ("user", &*settings.user),
        ("database", settings.database()),
        ("client_encoding", "UTF8"),
        ("application_name", "psycache"),
        ("DateStyle", "ISO"),
    ];
    let mut startup = BytesMut::new();
    frontend::startup_message(parameters.into_iter().chain(time_zone), &mut startup)
        .map_err(|_| rejected("the dsn has a character of the number 0"))?;
    messages.send(&startup)?;
    authenticate(settings, &mut messages)?;
    loop {
        match messages.next()? {
            Message::ReadyForQuery(_) => return Ok(messages),
            Message::ErrorResponse(error) => return Err(failure::of(&error)?.into()),
            _ => {}
        }
    }
}

/// Asks the server whether it speaks TLS, and speaks it.
fn secure(settings: &Settings, link: &mut Link) -> Result<(), FetchError> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    link.write_all(&request).map_err(Failure::from)?;
    // One byte and no more: what came after it would not be of the server.
    let mut answer = [0];
    link.read_exact(&mut answer).map_err(Failure::from)?;
    match &answer {
        b"S" => link.secure(&settings.server.place.host, settings.authorities.as_deref()),
        b"N" => Err(rejected(
            "the server speaks no TLS; set `ssl = on` there, or give the option `tls=false` \
             where the network is trusted",
        )),
        _ => Err(rejected("it is no server of PostgreSQL")),
    }
}

fn authenticate(settings: &Settings, messages: &mut Messages) -> Result<(), FetchError> {
    let mut answer = BytesMut::new();
    match messages.next()? {
        Message::AuthenticationOk => return Ok(()),
        Message::AuthenticationSasl(body) => return scram(settings, messages, &body),
        Message::AuthenticationMd5Password(body) => {
            let hash = md5_hash(settings.user.as_bytes(), password(settings)?, body.salt());
            frontend::password_message(hash.as_bytes(), &mut answer).map_err(Failure::from)?;
        }
        Message::AuthenticationCleartextPassword if messages.is_secure() => {
            frontend::password_message(password(settings)?, &mut answer).map_err(unsendable)?;
        }
        Message::AuthenticationCleartextPassword => {
            return Err(rejected(
                "the server wants the password in clear, which is sent over TLS only; leave \
                 `tls=false` out, or have the server use scram-sha-256",
            ));
        }
        other => return Err(unexpected(&other)?),
    }
    messages.send(&answer)?;
    accepted(messages)
}

/// SCRAM-SHA-256 (RFC 5802), by which each side proves to know the password.
fn scram(
    settings: &Settings,
    messages: &mut Messages,
    offered: &AuthenticationSaslBody,
) -> Result<(), FetchError> {
    let mut offered = offered.mechanisms();
    let mut known = false;
    while let Some(mechanism) = offered.next().map_err(Failure::from)? {
        known |= mechanism == SCRAM_SHA_256;
    }
    if !known {
        return Err(rejected("the server does not offer SCRAM-SHA-256 for this user"));
    }
    let mut scram = ScramSha256::new(password(settings)?, ChannelBinding::unsupported());
    let mut answer = BytesMut::new();
    frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut answer)
        .map_err(Failure::from)?;
    messages.send(&answer)?;
    match messages.next()? {
        Message::AuthenticationSaslContinue(body) => {
            scram.update(body.data()).map_err(no_server)?;
        }
        other => return Err(unexpected(&other)?),
    }
    answer.clear();
    frontend::sasl_response(scram.message(), &mut answer).map_err(Failure::from)?;
    messages.send(&answer)?;
    match messages.next()? {
        Message::AuthenticationSaslFinal(body) => scram.finish(body.data()).map_err(no_server)?,
        other => return Err(unexpected(&other)?),
    }
    accepted(messages)
}

fn accepted(messages: &mut Messages) -> Result<(), FetchError> {
    match messages.next()? {
        Message::AuthenticationOk => Ok(()),
        other => Err(unexpected(&other)?),
    }
}

fn password(settings: &Settings) -> Result<&[u8], FetchError> {
    let password = settings.password.as_deref().map(str::as_bytes);
    password.ok_or_else(|| rejected("the server asks for a password; give the secret `password`"))
}

/// What a message says that is none of those that were expected.
fn unexpected(message: &Message) -> Result<FetchError, Failure> {
    Ok(match message {
        Message::ErrorResponse(error) => failure::of(error)?.into(),
        Message::AuthenticationGss | Message::AuthenticationSspi => rejected(
            "the server wants the user to log in by Kerberos, which this retriever can't; give \
             the user a password",
        ),
        _ => rejected("the server wants the user to log in in a way that is not known here"),
    })
}

fn no_server(_: std::io::Error) -> FetchError {
    rejected("the server can't prove that it knows the user's password")
}

fn unsendable(_: std::io::Error) -> FetchError {
    rejected("the password has a character of the number 0")
}

fn rejected(problem: &str) -> FetchError {
    FetchError::Rejected(problem.to_owned())
}
