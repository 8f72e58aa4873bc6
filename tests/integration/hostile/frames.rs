//! HTTP/2 as a hostile client writes it: frame by frame, with nothing of a library between.

use prost::Message;
use psycache::proto::GetRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

pub(super) const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
pub(super) const ACK: u8 = 1;

const INITIAL_WINDOW_SIZE: u16 = 4;
const LARGEST_WINDOW: u32 = (1 << 31) - 1;

/// What each connection begins with: windows that never close.
pub(super) fn preface() -> Vec<u8> {
    preface_with(Some(LARGEST_WINDOW))
}

/// The same with this window of each stream; `None`: the usual 64 KiB.
pub(super) fn preface_with(stream_window: Option<u32>) -> Vec<u8> {
    let setting = stream_window
        .map(|bytes| [&INITIAL_WINDOW_SIZE.to_be_bytes()[..], &bytes.to_be_bytes()].concat());
    let window = (LARGEST_WINDOW - 65_535).to_be_bytes();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &setting.unwrap_or_default()));
    bytes.extend(frame(WINDOW_UPDATE, 0, 0, &window));
    bytes
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let stream = stream.to_be_bytes();
    [&length[1..], &[kind, flags], &stream, payload].concat()
}

/// The headers of a call to `method` of the cache service. The request is still to come.
pub(super) fn call(stream: u32, method: &str) -> Vec<u8> {
    call_of(stream, &format!("psycache.v1.Cache/{method}"))
}

/// The same to a method of any service.
pub(super) fn call_of(stream: u32, method: &str) -> Vec<u8> {
    call_with(stream, method, ("te", "trailers"))
}

/// The same with this header.
pub(super) fn call_with(stream: u32, method: &str, header: (&str, &str)) -> Vec<u8> {
    let path = format!("/{method}");
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", &path),
        (":authority", "node"),
        ("content-type", "application/grpc"),
        header,
    ];
    // Literal fields without indexing and without Huffman codes (RFC 7541, 6.2.2).
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    let block = fields.map(|(name, value)| [vec![0], text(name), text(value)].concat()).concat();
    frame(HEADERS, END_HEADERS, stream, &block)
}

/// A whole call for a value.
pub(super) fn get(stream: u32, key: &str) -> Vec<u8> {
    let (group, key) = ("default".into(), key.to_owned().into());
    let request = GetRequest { group, key, ..GetRequest::default() };
    [call(stream, "Get"), message(stream, &request.encode_to_vec())].concat()
}

/// A whole message of gRPC, in frames that every server takes.
pub(super) fn message(stream: u32, message: &[u8]) -> Vec<u8> {
    let whole = [&[0], &(message.len() as u32).to_be_bytes()[..], message].concat();
    let mut parts = whole.chunks(16 << 10).peekable();
    let mut bytes = Vec::new();
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_none() { END_STREAM } else { 0 };
        bytes.extend(frame(DATA, flags, stream, part));
    }
    bytes
}

/// The streams that a client opens, in order.
pub(super) fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

/// Sends bytes. Returns whether the node still takes them.
pub(super) async fn send(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).await.is_ok()
}

pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

/// The next frame; `None` at the end of the connection.
pub(super) async fn next_frame(stream: &mut TcpStream) -> Option<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).await.ok()?;
    let number = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some(Frame { kind: head[3], flags: head[4], stream: number, payload })
}

/// Waits until the node has handled all that was sent. Returns whether it has: `false` if it
/// ended the connection.
pub(super) async fn round_trip(stream: &mut TcpStream) -> bool {
    if !send(stream, &frame(PING, 0, 0, b"question")).await {
        return false;
    }
    while let Some(frame) = next_frame(stream).await {
        if frame.kind == PING && frame.flags == ACK {
            return true;
        }
    }
    false
}

/// Sends a part of a message on stream 1 of a new connection, as fast as the node reads it, until
/// all is sent or the node has ended the connection.
pub(super) async fn upload(stream: &mut TcpStream, mut bytes: &[u8]) {
    // What the node lets be sent on the connection, and on the stream.
    let mut windows = [65_535_i64; 2];
    while !bytes.is_empty() {
        let room = windows[0].min(windows[1]).clamp(0, 16 << 10) as usize;
        if room > 0 {
            let (part, rest) = bytes.split_at(room.min(bytes.len()));
            if !send(stream, &frame(DATA, 0, 1, part)).await {
                return;
            }
            windows = windows.map(|window| window - part.len() as i64);
            bytes = rest;
            continue;
        }
        let Some(frame) = next_frame(stream).await else { return };
        let number = |at: usize| {
            u32::from_be_bytes(frame.payload[at..at + 4].try_into().expect("four bytes"))
        };
        match frame.kind {
            WINDOW_UPDATE => windows[frame.stream.min(1) as usize] += i64::from(number(0)),
            SETTINGS if frame.flags & ACK == 0 => {
                // They hold for the node once the client says that it knows them.
                send(stream, &self::frame(SETTINGS, ACK, 0, &[])).await;
                let settings = (0..frame.payload.len()).step_by(6);
                for at in settings.filter(|at| frame.payload[at + 1] == INITIAL_WINDOW_SIZE as u8) {
                    windows[1] += i64::from(number(at + 2)) - 65_535;
                }
            }
            RST_STREAM | GOAWAY => return,
            _ => {}
        }
    }
}
