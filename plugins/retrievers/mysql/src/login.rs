//! Connects, speaks TLS and logs in.

use std::time::Instant;

use mysql_common::crypto;
use mysql_common::packets::AuthPlugin;
use psycache_plugin::FetchError;
use psycache_plugin::net::{Failure, Link};

use crate::failure::{self, ServerError};
use crate::fields::Fields;
use crate::packets::{Packets, strange};
use crate::settings::Settings;

/// Capabilities of the protocol, of which a client says what it uses.
const LONG_PASSWORD: u32 = 1;
const CONNECT_WITH_DB: u32 = 1 << 3;
const PROTOCOL_41: u32 = 1 << 9;
const TLS: u32 = 1 << 11;
const TRANSACTIONS: u32 = 1 << 13;
const SECURE_CONNECTION: u32 = 1 << 15;
const MULTI_STATEMENTS: u32 = 1 << 16;
const MULTI_RESULTS: u32 = 1 << 17;
const PLUGIN_AUTH: u32 = 1 << 19;

/// What every server has had for many years, and nothing works without.
const NEEDED: u32 = PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH;
const WANTED: u32 = NEEDED | LONG_PASSWORD | TRANSACTIONS | MULTI_STATEMENTS | MULTI_RESULTS;

/// The largest packet that a client says it would send.
const LARGEST_PACKET_BYTES: u32 = 64 << 20;
/// utf8mb4_general_ci, which every version knows. The session gets what it needs later.
const COLLATION: u8 = 45;
/// The most bytes that a key of RSA takes here: 2,048 bits, less their padding.
const LONGEST_FOR_RSA_BYTES: usize = 214;

/// A connection that is logged in, by `by` at the latest.
pub(crate) fn log_in(settings: &Settings, by: Instant) -> Result<Packets, FetchError> {
    let place = &settings.server.place;
    let mut packets = Packets::on(Link::open(place, by, by)?);
    let payload = packets.next()?;
    let greeting = Greeting::read(&payload)?;
    let mut used = WANTED & greeting.capabilities;
    if settings.server.database.is_some() {
        used |= CONNECT_WITH_DB;
    }
    if settings.tls {
        if greeting.capabilities & TLS == 0 {
            return Err(rejected(
                "the server speaks no TLS; give it a certificate (`ssl_cert` and `ssl_key`), or \
                 give the option `tls=false` where the network is trusted",
            ));
        }
        used |= TLS;
        packets.send(&beginning(used))?;
        packets.secure(&place.host, settings.authorities.as_deref())?;
    }
    let plugin = match greeting.plugin {
        AuthPlugin::CachingSha2Password => AuthPlugin::CachingSha2Password,
        // The server asks for another one where the user needs it.
        _ => AuthPlugin::MysqlNativePassword,
    };
    let mut login = Login { settings, packets, plugin, nonce: greeting.nonce, is_salted: false };
    login.respond(used)?;
    login.authenticate()?;
    Ok(login.packets)
}

/// What a server says first.
struct Greeting<'p> {
    capabilities: u32,
    nonce: Vec<u8>,
    plugin: AuthPlugin<'p>,
}

impl<'p> Greeting<'p> {
    fn read(payload: &'p [u8]) -> Result<Self, FetchError> {
        if let Some(error) = ServerError::read(payload) {
            return Err(failure::of(&error, None).into());
        }
        let mut fields = Fields::of(payload);
        let no_server = |_: Failure| rejected("it is no server of MySQL or MariaDB");
        if fields.number(1).map_err(no_server)? != 10 {
            return Err(no_server(strange()));
        }
        let _version = fields.until_zero();
        let mut read = || -> Result<(u32, Vec<u8>), Failure> {
            let _connection = fields.number(4)?;
            let mut nonce = fields.bytes(8)?.to_vec();
            fields.bytes(1)?;
            let low = fields.number(2)?;
            let _collation_and_status = fields.bytes(3)?;
            let capabilities = (fields.number(2)? << 16 | low) as u32;
            let length = fields.number(1)? as usize;
            fields.bytes(10)?;
            nonce.extend_from_slice(fields.bytes(length.saturating_sub(8).max(13))?);
            // A 0 ends it.
            nonce.truncate(20);
            Ok((capabilities, nonce))
        };
        let (capabilities, nonce) = read().map_err(no_server)?;
        if capabilities & NEEDED != NEEDED {
            return Err(rejected("the server is too old: it speaks an old form of the protocol"));
        }
        Ok(Self { capabilities, nonce, plugin: AuthPlugin::from_bytes(fields.until_zero()) })
    }
}

/// What the request for TLS is, and what the response to the greeting begins with.
fn beginning(used: u32) -> Vec<u8> {
    let mut payload = used.to_le_bytes().to_vec();
    payload.extend_from_slice(&LARGEST_PACKET_BYTES.to_le_bytes());
    payload.push(COLLATION);
    payload.resize(payload.len() + 23, 0);
    payload
}

/// A login under way.
struct Login<'s> {
    settings: &'s Settings,
    packets: Packets,
    plugin: AuthPlugin<'static>,
    nonce: Vec<u8>,
    /// Whether the server has said what `parsec` needs beside the nonce.
    is_salted: bool,
}

impl Login<'_> {
    fn respond(&mut self, used: u32) -> Result<(), FetchError> {
        let mut payload = beginning(used);
        let server = &self.settings.server;
        if [&server.user, &server.database].into_iter().flatten().any(|text| text.contains('\0')) {
            return Err(rejected("the dsn has a character of the number 0"));
        }
        payload.extend_from_slice(server.user.as_deref().unwrap_or_default().as_bytes());
        payload.push(0);
        let answer = self.answer();
        payload.push(answer.len() as u8);
        payload.extend_from_slice(&answer);
        let database = server.database.as_deref().map(str::as_bytes);
        for name in database.into_iter().chain([self.plugin.as_bytes()]) {
            payload.extend_from_slice(name);
            payload.push(0);
        }
        Ok(self.packets.send(&payload)?)
    }

    /// What proves that the password is known, without telling it.
    fn answer(&self) -> Vec<u8> {
        let password = self.settings.password.as_deref();
        let answer = self.plugin.gen_data(password, &self.nonce);
        answer.map_or_else(Vec::new, |answer| answer.to_vec())
    }

    /// Answers what the server asks until it is content.
    fn authenticate(&mut self) -> Result<(), FetchError> {
        let mut is_switched = false;
        loop {
            let payload = self.packets.next()?;
            if let Some(error) = ServerError::read(&payload) {
                return Err(failure::of(&error, None).into());
            }
            match payload.split_first() {
                Some((0x00, _)) => return Ok(()),
                Some((0xFE, request)) if !is_switched => {
                    is_switched = true;
                    self.switch(request)?;
                }
                Some((0x01, more)) => self.go_on(more)?,
                // The first servers with `parsec` sent it without a mark.
                Some(_) if self.needs_salt() => self.salt(&payload)?,
                _ => return Err(strange().into()),
            }
        }
    }

    /// The server wants the user to log in in another way.
    fn switch(&mut self, request: &[u8]) -> Result<(), FetchError> {
        let mut fields = Fields::of(request);
        self.plugin = AuthPlugin::from_bytes(fields.until_zero()).into_owned();
        let nonce = fields.rest();
        let length = match self.plugin {
            AuthPlugin::CachingSha2Password | AuthPlugin::MysqlNativePassword => 20,
            _ => 32,
        };
        self.nonce = nonce[..nonce.len().min(length)].to_vec();
        let answer = match &self.plugin {
            AuthPlugin::CachingSha2Password
            | AuthPlugin::MysqlNativePassword
            | AuthPlugin::Ed25519 => self.answer(),
            // It says what else it needs first.
            AuthPlugin::MariadbParsec { .. } => Vec::new(),
            AuthPlugin::MysqlClearPassword if self.packets.is_secure() => self.in_clear(),
            AuthPlugin::MysqlClearPassword => {
                return Err(rejected(
                    "the server wants the password in clear, which is sent over TLS only; give \
                     the option `tls=true`, or the user another plugin",
                ));
            }
            // With one byte the server asks for the way of versions before 4.1.
            other => {
                let name = match String::from_utf8_lossy(other.as_bytes()) {
                    name if name.is_empty() => "mysql_old_password".into(),
                    name => name,
                };
                return Err(rejected(&format!(
                    "the server wants the user to log in by `{name}`, which this retriever \
                     can't; give the user another plugin, such as mysql_native_password"
                )));
            }
        };
        Ok(self.packets.send(&answer)?)
    }

    /// The server says more, which only some ways of logging in know.
    fn go_on(&mut self, more: &[u8]) -> Result<(), FetchError> {
        match (&self.plugin, more) {
            // It remembers the password.
            (AuthPlugin::CachingSha2Password, [3]) => Ok(()),
            (AuthPlugin::CachingSha2Password, [4]) if self.packets.is_secure() => {
                let password = self.in_clear();
                Ok(self.packets.send(&password)?)
            }
            (AuthPlugin::CachingSha2Password, [4]) => self.encrypted(),
            _ if self.needs_salt() => self.salt(more),
            _ => Err(strange().into()),
        }
    }

    fn in_clear(&self) -> Vec<u8> {
        let password = self.settings.password.as_deref().unwrap_or_default();
        [password.as_bytes(), &[0]].concat()
    }

    /// Sends the password as only the server can read it, if the key is the server's.
    fn encrypted(&mut self) -> Result<(), FetchError> {
        self.packets.send(&[2])?;
        let payload = self.packets.next()?;
        let Some((0x01, key)) = payload.split_first() else { return Err(strange().into()) };
        let mut password = self.in_clear();
        for (byte, nonce) in password.iter_mut().zip(self.nonce.iter().cycle()) {
            *byte ^= nonce;
        }
        let is_key = key.trim_ascii().starts_with(b"-----BEGIN PUBLIC KEY-----");
        if !is_key || password.len() > LONGEST_FOR_RSA_BYTES {
            return Err(rejected(
                "the password can't be encrypted by the key of the server; give the option \
                 `tls=true`",
            ));
        }
        Ok(self.packets.send(&crypto::encrypt(&password, key))?)
    }

    fn needs_salt(&self) -> bool {
        matches!(self.plugin, AuthPlugin::MariadbParsec { .. }) && !self.is_salted
    }

    fn salt(&mut self, payload: &[u8]) -> Result<(), FetchError> {
        self.is_salted = true;
        self.plugin.read_add_data(payload).ok_or_else(|| FetchError::from(strange()))?;
        let answer = self.answer();
        Ok(self.packets.send(&answer)?)
    }
}

fn rejected(problem: &str) -> FetchError {
    FetchError::Rejected(problem.to_owned())
}
