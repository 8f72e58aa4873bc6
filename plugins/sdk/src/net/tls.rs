//! TLS, which the node does for its retrievers: it has the cryptography and the authorities.

#[cfg(target_family = "wasm")]
use crate::bindings::retriever::psycache::plugin::tls;

/// What came of a turn.
#[derive(Debug)]
pub(super) struct Turned {
    pub(super) to_network: Vec<u8>,
    pub(super) clear: Vec<u8>,
    pub(super) established: bool,
    pub(super) closed: bool,
}

/// A client's session.
#[cfg(target_family = "wasm")]
pub(super) struct Session(tls::Session);

#[cfg(target_family = "wasm")]
impl Session {
    pub(super) fn begin(host: &str, authorities: Option<&str>) -> Result<Self, String> {
        tls::Session::begin(host, authorities).map(Self)
    }

    pub(super) fn turn(&mut self, from_network: &[u8], to_say: &[u8]) -> Result<Turned, String> {
        let tls::Turned { to_network, clear, established, closed } =
            self.0.turn(from_network, to_say)?;
        Ok(Turned { to_network, clear, established, closed })
    }
}

/// Outside of a node there is no TLS.
#[cfg(not(target_family = "wasm"))]
pub(super) enum Session {}

#[cfg(not(target_family = "wasm"))]
impl Session {
    pub(super) fn begin(_: &str, _: Option<&str>) -> Result<Self, String> {
        Err("only a node has it".to_owned())
    }

    pub(super) fn turn(&mut self, _: &[u8], _: &[u8]) -> Result<Turned, String> {
        match *self {}
    }
}
