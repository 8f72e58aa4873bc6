//! What a client and a node agree on about a session and the calls beside it.

/// The most requests of one session that a node works on at a time. A client that sends no more
/// than these is always read on, so its cancellations are seen.
pub(crate) const SESSION_WINDOW: usize = 256;

/// The header of a call with `SessionRequest.until_ms`, for calls that are not on a session.
pub(crate) const UNTIL_HEADER: &str = "psycache-until-ms";
