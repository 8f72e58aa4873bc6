//! Traces, as a collector gets them.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt};
use psycache::telemetry::{self, Telemetry};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::{get, served};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// An export, of which the parts stay encoded.
#[derive(Clone, PartialEq, prost::Message)]
struct Export {
    #[prost(bytes = "vec", repeated, tag = "1")]
    resource_spans: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Exported {}

/// A collector that passes on what it gets.
#[derive(Clone)]
struct Collector(mpsc::UnboundedSender<Export>);

impl NamedService for Collector {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl UnaryService<Export> for Collector {
    type Response = Exported;
    type Future = BoxFuture<'static, Result<Response<Exported>, Status>>;

    fn call(&mut self, request: Request<Export>) -> Self::Future {
        self.0.send(request.into_inner()).expect("the test listens");
        async { Ok(Response::new(Exported {})) }.boxed()
    }
}

impl Service<http::Request<Body>> for Collector {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let collector = self.clone();
        async move {
            let codec = ProstCodec::<Exported, Export>::default();
            Ok(Grpc::new(codec).unary(collector, request).await)
        }
        .boxed()
    }
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// The only test that sets up the telemetry of the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_traced_call_reaches_the_collector_before_the_node_is_gone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, mut exports) = mpsc::unbounded_channel();
    let collector = Server::builder().add_service(Collector(sender));
    tokio::spawn(collector.serve_with_incoming(TcpIncoming::from(listener)));
    let config = telemetry::Config {
        log: "off".into(),
        otlp: Some(url),
        trace_ratio: 0.0,
        ..telemetry::Config::default()
    };
    let telemetry = Telemetry::start(&config).unwrap();

    let served = served().await;
    let mut request = Request::new(get("scores", "Tom"));
    request.metadata_mut().insert("traceparent", TRACEPARENT.parse().unwrap());
    served.client().get(request).await.unwrap();
    served.get("Jack").await.unwrap();
    tokio::task::spawn_blocking(|| telemetry.shutdown()).await.unwrap();

    let export = exports.recv().await.unwrap();
    let spans = export.resource_spans.concat();
    assert!(holds(&spans, b"psycache.v1.Cache/Get"));
    assert!(holds(&spans, &0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes()));
    assert!(holds(&spans, b"service.name"));
    let calls = spans.windows(8).filter(|window| window == b"rpc.meth").count();
    assert_eq!(calls, 1, "a call without a trace of its own was traced");
}
