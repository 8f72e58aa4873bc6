//! How a message becomes bytes of a gRPC stream: as `tonic_prost::ProstCodec` does it, in fewer
//! instructions. prost reads and writes byte by byte, and each of these steps is dear on the
//! growing buffer of a stream. So a message is read from a slice that ends where it does, and a
//! small one is written on the stack and appended at once.

use std::any::Any;
use std::marker::PhantomData;

use bytes::{Buf, BufMut};
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

/// Writes messages.
#[derive(Debug)]
pub(crate) struct Writer<S>(PhantomData<fn(S)>);

impl<S: Message + 'static> Encoder for Writer<S> {
    type Item = S;
    type Error = Status;

    fn encode(&mut self, message: S, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let mut small = [0; SMALL];
        // The compiler knows the type, so nothing is asked at run time.
        let of_session = (&message as &dyn Any).downcast_ref();
        let by_hand = of_session.and_then(|answer| session_get::write(answer, &mut small));
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

/// Reads messages.
#[derive(Debug)]
pub(crate) struct Reader<R>(PhantomData<fn() -> R>);

impl<R: Message + Default + 'static> Decoder for Reader<R> {
    type Item = R;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<R>, Status> {
        let message = from.copy_to_bytes(from.remaining());
        let mut read = R::default();
        // The compiler knows the type, so nothing is asked at run time.
        let of_session = (&mut read as &mut dyn Any).downcast_mut();
        if let Some(request) = of_session
            && let Some(get) = session_get::read(&message)
        {
            *request = get;
            return Ok(Some(read));
        }
        let merged = read.merge(message);
        merged.map(|()| Some(read)).map_err(|error| Status::internal(error.to_string()))
    }
}
