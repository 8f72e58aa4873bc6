//! How a message becomes bytes of a gRPC stream: as `tonic_prost::ProstCodec` does it, in fewer
//! instructions. prost reads and writes byte by byte, and each of these steps is dear on the
//! growing buffer of a stream. So a message is read from a slice that ends where it does, and a
//! small one is written on the stack and appended at once.

use std::any::Any;
use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::session_get;

/// Messages of this length are written on the stack: a few keys, or a small value. The copy of a
/// longer one would cost more than it saves.
const SMALL: usize = 256;

/// Sends `S` and receives `R`.
#[derive(Debug)]
pub(crate) struct Messages<S, R>(PhantomData<fn() -> (S, R)>);

impl<S, R> Default for Messages<S, R> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<S, R> Codec for Messages<S, R>
where
    S: Message + 'static,
    R: Message + Default + 'static,
{
    type Encode = S;
    type Decode = R;
    type Encoder = Writer<S>;
    type Decoder = Reader<R>;

    fn encoder(&mut self) -> Writer<S> {
        Writer(PhantomData)
    }

    fn decoder(&mut self) -> Reader<R> {
        Reader(PhantomData)
    }
}

/// Encodes each message in one piece, if it is small.
#[derive(Debug)]
pub(crate) struct Writer<S>(PhantomData<fn(S)>);

impl<S: Message + 'static> Encoder for Writer<S> {
    type Item = S;
    type Error = Status;

    fn encode(&mut self, message: S, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let mut small = [0; SMALL];
        let by_hand = write_by_hand(&message, &mut small);
        let by_prost = |small: &mut [u8]| {
            let (room, mut rest) = (small.len(), small);
            message.encode(&mut rest).ok().map(|()| room - rest.len())
        };
        if let Some(length) = by_hand.or_else(|| by_prost(&mut small)) {
            to.put_slice(&small[..length]);
            return Ok(());
        }
        // The buffer grows, so this does not fail.
        message.encode(to).map_err(|error| Status::internal(error.to_string()))
    }
}

/// Decodes each message from a slice of its own.
#[derive(Debug)]
pub(crate) struct Reader<R>(PhantomData<fn() -> R>);

impl<R: Message + Default + 'static> Decoder for Reader<R> {
    type Item = R;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<R>, Status> {
        let message = from.copy_to_bytes(from.remaining());
        let mut read = R::default();
        if read_by_hand(&message, &mut read) {
            return Ok(Some(read));
        }
        let merged = read.merge(message);
        merged.map(|()| Some(read)).map_err(|error| Status::internal(error.to_string()))
    }
}

/// The length of an answer to a get of a session, which is written; `None` for any other message.
fn write_by_hand<S: Any>(message: &S, to: &mut [u8]) -> Option<usize> {
    // The compiler knows the type, so nothing is asked at run time.
    (message as &dyn Any).downcast_ref().and_then(|answer| session_get::write(answer, to))
}

/// Whether the message is a get of a session, which is read.
fn read_by_hand<R: Any>(message: &Bytes, to: &mut R) -> bool {
    let of_session = (to as &mut dyn Any).downcast_mut();
    of_session.is_some_and(|to| session_get::read(message).map(|get| *to = get).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::session_request::Call;
    use crate::proto::session_response::Answer;
    use crate::proto::{GetRequest, GetResponse, SessionRequest, SessionResponse};

    #[test]
    fn gets_of_a_session_are_read_and_written_by_hand_and_no_others() {
        let get = GetRequest { group: "scores".into(), key: "Tom".into(), may_lend: true };
        let bytes = Bytes::from(get.encode_to_vec());
        assert!(!read_by_hand(&bytes, &mut GetRequest::default()));
        let request = SessionRequest { id: 7, call: Some(Call::Get(get)), ..Default::default() };
        let mut read = SessionRequest::default();
        assert!(read_by_hand(&request.encode_to_vec().into(), &mut read));
        assert_eq!(read, request);

        let get = GetResponse { value: "630".into(), ..GetResponse::default() };
        assert_eq!(write_by_hand(&get, &mut [0; SMALL]), None);
        let answer = SessionResponse { id: 7, answer: Some(Answer::Get(get)) };
        assert_eq!(write_by_hand(&answer, &mut [0; SMALL]), Some(answer.encoded_len()));
    }
}
