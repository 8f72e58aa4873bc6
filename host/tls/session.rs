//! TLS to a server, for a guest that moves the bytes by itself.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{
    AlertDescription, ClientConfig, ClientConnection, Error, RootCertStore,
};

use super::client::{VERSIONS, provider};
use super::{pem, problem};

/// The side of the client of one connection.
pub(crate) struct Session(ClientConnection);

/// What came of a turn.
#[derive(Debug)]
pub(crate) struct Turned {
    /// For the server.
    pub(crate) to_network: Vec<u8>,
    /// What the server has said.
    pub(crate) clear: Vec<u8>,
    /// The server has proved who it is.
    pub(crate) established: bool,
    /// The server will say no more.
    pub(crate) closed: bool,
}

/// What connects to a server whose authority is trusted, or why there is none.
pub(crate) type Trust = Result<Arc<ClientConfig>, String>;

/// The authorities that the system trusts. They are read once, on a thread that may block.
pub(crate) fn trust_of_system() -> Trust {
    static READ: OnceLock<Trust> = OnceLock::new();
    READ.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        // One that can't be read is one that is not trusted.
        let (taken, _) =
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        match taken {
            0 => Err("this system has no certificates of authorities; install its package \
                      ca-certificates, or give the option `ca`"
                .to_owned()),
            _ => trust(roots),
        }
    })
    .clone()
}

fn trust(roots: RootCertStore) -> Trust {
    let config = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&VERSIONS);
    let config = config.map_err(|error| error.to_string())?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

impl Session {
    /// Begins one with `host`, whose certificate one of `authorities` must have signed, or
    /// without them one of `system`.
    pub(crate) fn begin(
        host: &str,
        authorities: Option<&str>,
        system: &Trust,
    ) -> Result<Self, String> {
        let config = match authorities {
            None => system.clone()?,
            Some(pem) => {
                let roots = pem::roots(Path::new("the option `ca`"), pem.as_bytes());
                trust(roots.map_err(|error| error.to_string())?)?
            }
        };
        let host = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("{host:?} is no host that a certificate can have"))?;
        let connection = ClientConnection::new(config, host);
        connection.map(Self).map_err(|error| error.to_string())
    }

    /// Takes what came from the network and what is to be said.
    pub(crate) fn turn(&mut self, mut received: &[u8], mut say: &[u8]) -> Result<Turned, String> {
        let Self(connection) = self;
        let mut turned =
            Turned { to_network: Vec::new(), clear: Vec::new(), established: false, closed: false };
        while !received.is_empty() {
            let taken = connection.read_tls(&mut received).map_err(|error| error.to_string())?;
            let state = connection.process_new_packets().map_err(|error| sentence(&error))?;
            let clear = state.plaintext_bytes_to_read();
            turned.closed |= state.peer_has_closed();
            let before = turned.clear.len();
            turned.clear.resize(before + clear, 0);
            let read = connection.reader().read_exact(&mut turned.clear[before..]);
            read.map_err(|error| error.to_string())?;
            if taken == 0 {
                // It takes no more after the end.
                break;
            }
        }
        loop {
            let said = connection.writer().write(say).map_err(|error| error.to_string())?;
            say = &say[said..];
            while connection.wants_write() {
                let sent = connection.write_tls(&mut turned.to_network);
                sent.map_err(|error| error.to_string())?;
            }
            match (say.is_empty(), said) {
                (true, _) => break,
                (false, 0) => return Err("too much was said before the handshake".to_owned()),
                (false, _) => {}
            }
        }
        turned.established = !connection.is_handshaking();
        Ok(turned)
    }
}

fn sentence(error: &Error) -> String {
    match error {
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server asks for a certificate of the client, which a retriever has not".to_owned()
        }
        error => problem::reason(error),
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_no_certificate_has_and_text_that_is_no_certificate_are_told() {
        let system = trust_of_system();
        let ours = rcgen::generate_simple_self_signed(["db".to_owned()]).unwrap().cert.pem();
        let began = |host: &str, pem: &str| Session::begin(host, Some(pem), &system);
        assert!(began("db", &ours).is_ok());
        assert!(began("127.0.0.1", &ours).is_ok() && began("::1", &ours).is_ok());
        assert!(began("a b", &ours).unwrap_err().contains("is no host"));
        let empty = began("db", "nothing").unwrap_err();
        assert!(empty.contains("CERTIFICATE"), "{empty}");
    }

    #[test]
    fn nothing_is_said_before_the_handshake_and_not_without_bound() {
        let ours = rcgen::generate_simple_self_signed(["db".to_owned()]).unwrap().cert.pem();
        let mut session = Session::begin("db", Some(&ours), &Err(String::new())).unwrap();
        let hello = session.turn(&[], b"secret").unwrap();
        assert!(!hello.established && !hello.to_network.is_empty());
        assert!(!hello.to_network.windows(6).any(|part| part == b"secret"));
        let refused = session.turn(&[], &[0; 1 << 20]).unwrap_err();
        assert!(refused.contains("too much"), "{refused}");
    }

    #[test]
    fn who_does_not_speak_tls_is_told() {
        let ours = rcgen::generate_simple_self_signed(["db".to_owned()]).unwrap().cert.pem();
        let mut session = Session::begin("db", Some(&ours), &Err(String::new())).unwrap();
        session.turn(&[], &[]).unwrap();
        let refused = session.turn(b"HTTP/1.1 400 Bad Request\r\n\r\n", &[]).unwrap_err();
        assert!(refused.contains("does not speak TLS"), "{refused}");
    }
}
