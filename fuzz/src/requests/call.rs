//! One call: what its client sends, and how it is made.

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::{BufMut, Bytes, BytesMut};
use futures::stream::{self, StreamExt};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::service::Routes;

use super::contract::Asked;
use super::message::Message;
use super::method::Method;

/// A call of one of the methods.
#[derive(Debug)]
pub(super) struct Call {
    method: Method,
    timeout: Option<Timeout>,
    traceparent: Option<String>,
    messages: Vec<Message>,
    /// Into how long pieces the connection cuts what is sent; 0: not at all.
    cut: u8,
    ending: Ending,
    /// After how many pieces of the answer the client goes away; 0: not.
    patience: u8,
}

#[derive(Debug)]
enum Timeout {
    Text(String),
    Millis(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Clean,
    /// In the middle of a message.
    Short,
    /// The connection breaks.
    Broken,
}

impl<'a> Arbitrary<'a> for Call {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let method: Method = u.arbitrary()?;
        Ok(Self {
            timeout: match u.int_in_range(0..=7)? {
                0 => Some(Timeout::Text(u.arbitrary()?)),
                1 => Some(Timeout::Millis(u.arbitrary()?)),
                _ => None,
            },
            traceparent: if u.ratio(1, 8)? { u.arbitrary()? } else { None },
            cut: if u.ratio(1, 4)? { u.arbitrary()? } else { 0 },
            ending: match u.int_in_range(0..=7)? {
                0 => Ending::Short,
                1 => Ending::Broken,
                _ => Ending::Clean,
            },
            patience: if u.ratio(1, 4)? { u.arbitrary()? } else { 0 },
            messages: {
                let count = if method.is_streaming() { u.int_in_range(0..=MESSAGES)? } else { 1 };
                (0..count).map(|_| Message::of(method, u)).collect::<Result<_>>()?
            },
            method,
        })
    }
}

/// Most messages of one call.
const MESSAGES: usize = 32;

impl Call {
    /// Sends it and checks what comes back.
    pub(super) async fn make(self, mut routes: Routes) {
        // A watch has no end but its client's.
        let patience = if self.method == Method::Watch { 1 } else { self.patience };
        let asked = Asked::of(self.method, &self.messages, self.ending == Ending::Clean);
        // What is no header never leaves a client.
        let Ok(request) = self.request() else { return };
        let Ok(response) = routes.call(request).await;
        let (head, mut body) = response.into_parts();
        assert_eq!(head.status, http::StatusCode::OK);
        let mut status = Status::from_header_map(&head.headers);
        let mut data = BytesMut::new();
        let mut pieces = 0;
        while let Some(frame) = body.frame().await {
            match frame.expect("errors come as trailers").into_data() {
                Ok(piece) => data.extend_from_slice(&piece),
                Err(frame) => {
                    let trailers = frame.into_trailers().expect("data or trailers");
                    status = Status::from_header_map(&trailers);
                }
            }
            pieces += 1;
            if pieces == patience {
                return;
            }
        }
        let status = status.expect("every call ends with a status");
        asked.check(&status, data.freeze());
    }

    fn request(self) -> http::Result<http::Request<Body>> {
        let mut request = http::Request::post(self.method.path())
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        match self.timeout {
            Some(Timeout::Text(text)) => request = request.header("grpc-timeout", text),
            Some(Timeout::Millis(ms)) => {
                request = request.header("grpc-timeout", format!("{ms}m"));
            }
            None => {}
        }
        if let Some(traceparent) = self.traceparent {
            request = request.header("traceparent", traceparent);
        }
        let mut bytes = BytesMut::new();
        for message in &self.messages {
            let payload = message.payload();
            bytes.put_u8(message.flag());
            bytes.put_u32(payload.len() as u32);
            bytes.put(payload);
        }
        if self.ending == Ending::Short {
            bytes.truncate(bytes.len().saturating_sub(1));
        }
        let mut pieces: Vec<_> = pieces(bytes.freeze(), self.cut.into()).map(Ok).collect();
        if self.ending == Ending::Broken {
            pieces.push(Err(Status::unavailable("the connection broke")));
        }
        // The services get their turn between two pieces.
        let pieces = stream::iter(pieces).then(|piece| async {
            tokio::task::yield_now().await;
            piece.map(Frame::data)
        });
        request.body(Body::new(StreamBody::new(pieces)))
    }
}

fn pieces(bytes: Bytes, length: usize) -> impl Iterator<Item = Bytes> {
    let length = if length == 0 { bytes.len().max(1) } else { length };
    (0..bytes.len())
        .step_by(length)
        .map(move |from| bytes.slice(from..bytes.len().min(from + length)))
}
