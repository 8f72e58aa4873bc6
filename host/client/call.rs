//! Conversion between calls of the client and messages of a session.

use std::time::Duration;

use tonic::{Request, Response, Status};

use super::Error;
use super::answer::Answer as Found;
use crate::proto::cache_client::CacheClient;
use crate::proto::session_request::Call;
use crate::proto::session_response::Answer;
use crate::proto::{GetResponse, Origin};
use crate::telemetry::propagation;
use crate::transport::dial::Link;
use crate::transport::session::UNTIL_HEADER;
use crate::value::{self, Ttl};

/// Makes `call` as a separate unary call, outside of the session, within a time, and until the
/// node's clock shows a moment; 0: no limit.
pub(super) async fn unary(
    mut calls: CacheClient<Link>,
    call: Call,
    limit: (Duration, u64),
) -> Result<Answer, Status> {
    fn request<T>(message: T, (within, until_ms): (Duration, u64)) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(within);
        propagation::inject(request.metadata_mut());
        if until_ms > 0 {
            request.metadata_mut().insert(UNTIL_HEADER, until_ms.into());
        }
        request
    }
    fn answer<T>(answer: fn(T) -> Answer) -> impl Fn(Response<T>) -> Answer {
        move |response| answer(response.into_inner())
    }
    match call {
        Call::Get(call) => calls.get(request(call, limit)).await.map(answer(Answer::Get)),
        Call::GetMany(call) => {
            calls.get_many(request(call, limit)).await.map(answer(Answer::GetMany))
        }
        Call::Set(call) => calls.set(request(call, limit)).await.map(answer(Answer::Set)),
        Call::SetMany(call) => {
            calls.set_many(request(call, limit)).await.map(answer(Answer::SetMany))
        }
        Call::Remove(call) => calls.remove(request(call, limit)).await.map(answer(Answer::Remove)),
        Call::RemoveMany(call) => {
            calls.remove_many(request(call, limit)).await.map(answer(Answer::RemoveMany))
        }
        Call::Clear(call) => calls.clear(request(call, limit)).await.map(answer(Answer::Clear)),
        Call::Cancel(_) | Call::Clock(_) => {
            Err(Status::invalid_argument("only a stream has something to cancel, and a clock"))
        }
    }
}

pub(super) fn found(found: GetResponse) -> Found {
    let origin = match found.origin() {
        Origin::Hit => value::Origin::Hit,
        Origin::Stale => value::Origin::Stale,
        Origin::Peer => value::Origin::Peer,
        Origin::Hot => value::Origin::Hot,
        Origin::Loaded | Origin::Unspecified => value::Origin::Loaded,
    };
    let ttl = (found.ttl_ms > 0).then(|| Duration::from_millis(found.ttl_ms));
    Found { value: found.value, origin, ttl }
}

/// One of many results; a node of another version may leave it out.
pub(super) fn each<R: std::fmt::Debug, T>(
    result: Option<R>,
    read: impl FnOnce(R) -> Result<T, Error>,
) -> Result<T, Error> {
    result.map_or_else(|| Err(Error::strange(&"no result")), read)
}

/// A time to live on the wire: milliseconds, where 0 means the default of the group, and whether
/// there is no limit.
pub(super) fn ttl(ttl: Ttl) -> Result<(u64, bool), Error> {
    match ttl {
        Ttl::OfGroup => Ok((0, false)),
        Ttl::NoLimit => Ok((0, true)),
        Ttl::For(ttl) if ttl < Duration::from_millis(1) => {
            Err(Error::argument(format!("bad ttl: {ttl:?}; give 1ms to 3650d, or remove the key")))
        }
        Ttl::For(ttl) => Ok((u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX), false)),
    }
}
