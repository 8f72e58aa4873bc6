//! An HTTP server of a test's own, which does what the path says.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::certificates::Signed;

/// A server, ended when dropped.
pub(super) struct Site {
    url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Site {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self::serve(url, listener, None)
    }

    /// One that speaks TLS, as `localhost`.
    pub(super) async fn start_secure(signed: &Signed) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        Self::serve(url, listener, Some(signed.acceptor()))
    }

    fn serve(url: String, sockets: TcpListener, tls: Option<TlsAcceptor>) -> Self {
        let (connections, requests) =
            (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<_>>>::default());
        let seen = Arc::clone(&requests);
        let note = from_fn(move |request: Request, next: Next| {
            seen.lock().push(request.uri().to_string());
            next.run(request)
        });
        let routes = routes().layer(note);
        let counted = Counted { sockets, connections: Arc::clone(&connections) };
        let task = tokio::spawn(async move {
            match tls {
                None => axum::serve(counted, routes).await.unwrap(),
                Some(tls) => axum::serve(Secure { counted, tls }, routes).await.unwrap(),
            }
        });
        Self { url, connections, requests, task }
    }

    /// Its scheme, host and port.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Its host and port.
    pub(super) fn place(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The paths that it was asked for.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().clone()
    }

    pub(super) fn stop(self) -> String {
        self.task.abort();
        self.place().to_owned()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn routes() -> Router {
    Router::new()
        .route("/scores/{name}", get(score))
        .route("/chunked/{text}", get(chunked))
        .route("/zeros/{length}", get(zeros))
        .route("/status/{status}", get(status))
        .route("/cached/{directives}", get(cached))
        .route("/to/{place}", get(redirect))
        .route("/header/{name}", get(header_of))
        .route("/zipped/{name}", get(zipped))
}

async fn score(Path(name): Path<String>) -> Response {
    match &*name {
        "Tom" => "630".into_response(),
        "Jack" => "589".into_response(),
        "Sam" => "567".into_response(),
        "a/b ü?" => "any".into_response(),
        "Long" => vec![b'0'; 2 << 20].into_response(),
        // A number is the status of its answer.
        _ => name.parse().unwrap_or(StatusCode::NOT_FOUND).into_response(),
    }
}

/// The text, a chunk for each of its bytes.
async fn chunked(Path(text): Path<String>) -> Body {
    let chunk = |byte| Ok::<_, io::Error>(Bytes::from(vec![byte]));
    Body::from_stream(futures::stream::iter(text.into_bytes().into_iter().map(chunk)))
}

/// So many zeros without telling how many, in chunks.
async fn zeros(Path(length): Path<usize>) -> Body {
    let chunk = |length| Ok::<_, io::Error>(Bytes::from(vec![b'0'; length]));
    let whole = std::iter::repeat_n(1 << 20, length >> 20);
    Body::from_stream(futures::stream::iter(whole.chain([length % (1 << 20)]).map(chunk)))
}

async fn status(Path(status): Path<u16>) -> Response {
    (StatusCode::from_u16(status).unwrap(), "a remark").into_response()
}

/// A value with that `Cache-Control`, which was made 20 seconds ago.
async fn cached(Path(directives): Path<String>) -> Response {
    ([(header::CACHE_CONTROL, directives), (header::AGE, "20".to_owned())], "value").into_response()
}

async fn redirect(Path(place): Path<String>) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, place)], "a remark").into_response()
}

/// What the request had in that header.
async fn header_of(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match headers.get(&name) {
        Some(value) => value.as_bytes().to_vec().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn zipped() -> Response {
    ([(header::CONTENT_ENCODING, "gzip")], "not asked for").into_response()
}

struct Counted {
    sockets: TcpListener,
    connections: Arc<AtomicUsize>,
}

impl Listener for Counted {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let accepted = self.sockets.accept().await.unwrap();
        self.connections.fetch_add(1, Ordering::SeqCst);
        accepted
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.sockets.local_addr()
    }
}

struct Secure {
    counted: Counted,
    tls: TlsAcceptor,
}

impl Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TlsStream<TcpStream>, SocketAddr) {
        loop {
            let (socket, address) = self.counted.accept().await;
            if let Ok(stream) = self.tls.accept(socket).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.counted.local_addr()
    }
}
