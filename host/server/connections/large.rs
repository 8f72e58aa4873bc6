//! Messages that are not small: counted as held while a call works on them, besides what was
//! received and what is sent of them.

use prost::Message;
use tonic::codegen::http;
use tonic::{Extensions, Response};

use super::account::Held;
use super::call::SMALL_BYTES;
use super::caller::Caller;

/// The length of an answer that is not small, in the extensions of its response. It is known
/// there before the answer is encoded, which doubles its bytes.
#[derive(Clone, Copy, Debug)]
struct Large(u64);

/// Counts a request that is not small as held while a call works on it. Decompressed, it is
/// larger than what was received.
pub(in crate::server) fn held_request(
    extensions: &Extensions,
    request: &impl Message,
) -> Option<Held> {
    let bytes = request.encoded_len() as u64;
    let caller = extensions.get::<Caller>()?;
    (bytes >= SMALL_BYTES).then(|| Held::new(&caller.account, bytes))
}

/// A response with `answer`.
pub(in crate::server) fn response<T: Message>(answer: T) -> Response<T> {
    let bytes = answer.encoded_len() as u64;
    let mut response = Response::new(answer);
    if bytes >= SMALL_BYTES {
        response.extensions_mut().insert(Large(bytes));
    }
    response
}

/// The length of an answer, if it is not small.
pub(super) fn large_answer<B>(response: &http::Response<B>) -> Option<u64> {
    response.extensions().get::<Large>().map(|large| large.0)
}
