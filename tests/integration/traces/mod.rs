//! What a real collector gets from real nodes.

pub(crate) mod collector;

use bytes::Bytes;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use psycache::proto::admin_client::AdminClient;
use psycache::proto::cache_client::CacheClient;
use psycache::proto::{GetRequest, GetResponse, Origin, StatusRequest};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::harness::{ServedNode, psycache_command};
use crate::metrics::scrape::Scrape;
use collector::{Collector, Span};

/// The span of the application that asks.
const CALLER: &str = "b7ad6b7169203331";

/// The flags of a node that sends traces to `url` and begins none by itself. Its source
/// has the keys k0 to k19, each after a while.
fn flags(url: &str, latency_ms: u64) -> Vec<String> {
    let data: Vec<String> = (0..20).map(|n| format!("\"k{n}\":\"v{n}\"")).collect();
    let data = format!("data={{{}}}", data.join(","));
    let latency = format!("latency-ms={latency_ms}");
    let source = ["--retriever", "static", "--retriever-opt", &data, "--retriever-opt", &latency];
    let telemetry = ["--log", "error", "--otlp", url, "--trace-ratio", "0"];
    source.iter().chain(&telemetry).map(|flag| (*flag).to_owned()).collect()
}

fn start(url: &str, latency_ms: u64) -> ServedNode {
    let flags = flags(url, latency_ms);
    ServedNode::start(&flags.iter().map(String::as_str).collect::<Vec<_>>())
}

fn pair(url: &str) -> [ServedNode; 2] {
    let flags = flags(url, 0);
    ServedNode::pair(&flags.iter().map(String::as_str).collect::<Vec<_>>())
}

fn trace(number: u32) -> String {
    format!("0af7651916cd43dd8448eb21{number:08x}")
}

async fn get(
    client: &CacheClient<Channel>,
    key: &str,
    trace: &str,
    flags: &str,
) -> Result<GetResponse, Status> {
    let key = Bytes::copy_from_slice(key.as_bytes());
    let mut request =
        Request::new(GetRequest { group: Bytes::from_static(b"default"), key, may_lend: false });
    let traceparent = format!("00-{trace}-{CALLER}-{flags}").parse().unwrap();
    request.metadata_mut().insert("traceparent", traceparent);
    client.clone().get(request).await.map(tonic::Response::into_inner)
}

async fn client(node: &ServedNode) -> CacheClient<Channel> {
    let url = format!("http://{}", node.address());
    CacheClient::new(Channel::from_shared(url).unwrap().connect().await.unwrap())
}

/// Stops nodes, which send what they have still.
pub(crate) async fn stop(nodes: impl IntoIterator<Item = ServedNode>) {
    for node in nodes {
        node.signal("TERM");
        let (status, _, log) = tokio::task::spawn_blocking(|| node.ended()).await.unwrap();
        assert!(status.success() && log.is_empty(), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_that_do_not_arrive_are_counted_and_the_log_says_why() {
    let deserted = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("http://{deserted}"), format!("http://{deserted}/v1/traces")] {
        let own = ["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--otlp", &url];
        let mut command = psycache_command(own);
        command.env("OTEL_BSP_SCHEDULE_DELAY", "20");
        let node = ServedNode::spawn(command);
        let client = client(&node).await;
        let mut dropped = 0.0;
        // At least two batches: the line comes for the first of them.
        for _ in 0..2 {
            get(&client, "Tom", &trace(1), "01").await.unwrap();
            let before = dropped;
            while dropped == before {
                dropped = Scrape::of(&node).await.value("psycache_traces_dropped_total", &[]);
            }
        }
        node.signal("TERM");
        let (_, _, log) = tokio::task::spawn_blocking(|| node.ended()).await.unwrap();
        let told: Vec<_> =
            log.lines().filter(|line| line.contains("Traces did not reach")).collect();
        let [line] = told[..] else { panic!("not one line in\n{log}") };
        assert!(line.contains(&url) && line.contains("onnect"), "{line}");
    }
}

/// The one span of a trace that is called so.
pub(crate) fn one<'a>(spans: &'a [Span], name: &str, kind: SpanKind) -> &'a Span {
    let mut named = spans.iter().filter(|span| span.name == name && span.kind == kind);
    match (named.next(), named.next()) {
        (Some(span), None) => span,
        _ => panic!("not one {name} of {kind:?} in {spans:#?}"),
    }
}

pub(crate) fn assert_attributes(span: &Span, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(span.attribute(name), *value, "{name} of {span:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miss_at_another_node_is_one_trace_over_both() {
    let (collector, url) = Collector::grpc().await;
    let nodes = pair(&url);
    let asked = client(&nodes[0]).await;
    let mut number = 0;
    // Some key is the other node's.
    while get(&asked, &format!("k{number}"), &trace(number), "01").await.unwrap().origin()
        != Origin::Peer
    {
        number += 1;
    }
    let owner = nodes[1].address().to_owned();
    let asker = nodes[0].address().to_owned();
    stop(nodes).await;

    let spans = collector.trace(&trace(number));
    assert_eq!(spans.len(), 5, "{spans:#?}");
    let served = one(&spans, "psycache.v1.Cache/Get", SpanKind::Server);
    let asks = one(&spans, "psycache.v1.Peer/Get", SpanKind::Client);
    let answers = one(&spans, "psycache.v1.Peer/Get", SpanKind::Server);
    let flight = one(&spans, "singleflight", SpanKind::Internal);
    let retrieves = one(&spans, "retriever static", SpanKind::Internal);
    let parents = [served, asks, answers, flight, retrieves].map(|span| span.parent.as_str());
    assert_eq!(parents, [CALLER, &served.id, &asks.id, &answers.id, &flight.id]);
    assert!(spans.iter().all(|span| !span.failed && span.links.is_empty()));

    let (host, port) = owner.rsplit_once(':').unwrap();
    let rpc = [("rpc.system", "grpc"), ("rpc.method", "Get"), ("rpc.grpc.status_code", "0")];
    [served, asks, answers].iter().for_each(|span| assert_attributes(span, &rpc));
    let result = [("psycache.result", "peer"), ("cache.hit", "false")];
    assert_attributes(served, &result);
    assert_attributes(served, &[("rpc.service", "psycache.v1.Cache")]);
    assert_attributes(asks, &[("server.address", host), ("server.port", port)]);
    assert!(asks.numbers.contains("server.port"), "{asks:#?}");
    [served, answers, flight]
        .iter()
        .for_each(|span| assert_attributes(span, &[("psycache.group", "default")]));
    assert_attributes(flight, &[("psycache.load.outcome", "found")]);
    let plugin = [("psycache.plugin.name", "static")];
    assert_attributes(retrieves, &plugin);
    // An instance was started before the load, or it was not there yet.
    assert!(["true", "false"].contains(&retrieves.attribute("psycache.pool.connected")));
    assert!(retrieves.attribute("psycache.pool.wait_ms").parse::<f64>().unwrap() >= 0.0);

    for (span, address) in [(served, &asker), (asks, &asker), (answers, &owner), (flight, &owner)] {
        assert_eq!(span.resource["service.name"], "psycache");
        assert_eq!(&span.resource["service.instance.id"], address);
    }
    assert!(served.took_ns >= asks.took_ns && answers.took_ns >= retrieves.took_ns);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_a_load_has_a_link_to_it() {
    let (collector, url) = Collector::grpc().await;
    let node = start(&url, 300);
    let asked = client(&node).await;
    let mut last = 0;
    // On a machine that is busy the second may come too late.
    for number in 0..5 {
        let key = format!("k{number}");
        let (first, second) = (trace(2 * number), trace(2 * number + 1));
        let both = tokio::join!(get(&asked, &key, &first, "01"), get(&asked, &key, &second, "01"));
        let origins = [both.0.unwrap().origin(), both.1.unwrap().origin()];
        last = number;
        if origins == [Origin::Loaded, Origin::Loaded] {
            break;
        }
    }
    stop([node]).await;

    let pair = [trace(2 * last), trace(2 * last + 1)].map(|trace| collector.trace(&trace));
    let leads = |spans: &Vec<Span>| spans.iter().any(|span| span.name == "singleflight");
    let [leader, follower] = match leads(&pair[0]) {
        true => pair,
        false => [pair[1].clone(), pair[0].clone()],
    };
    let flight = one(&leader, "singleflight", SpanKind::Internal);
    let served = one(&follower, "psycache.v1.Cache/Get", SpanKind::Server);
    let wait = one(&follower, "join singleflight", SpanKind::Internal);
    assert_eq!(follower.len(), 2, "{follower:#?}");
    assert_eq!((&wait.parent, &wait.links), (&served.id, &vec![flight.id.clone()]));
    assert_attributes(served, &[("psycache.result", "miss"), ("cache.hit", "false")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_sampled_is_sent_and_only_errors_are_errors() {
    let (collector, url) = Collector::http().await;
    let node = start(&url, 0);
    let asked = client(&node).await;
    let missing = get(&asked, "nobody", &trace(1), "01").await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let invalid = get(&asked, "", &trace(2), "01").await.unwrap_err();
    assert_eq!(invalid.code(), Code::InvalidArgument);
    get(&asked, "k1", &trace(3), "00").await.unwrap();
    asked
        .clone()
        .get(GetRequest { group: "default".into(), key: "k2".into(), may_lend: false })
        .await
        .unwrap();
    get(&asked, "k1", &trace(4), "01").await.unwrap();
    stop([node]).await;

    let missing = collector.trace(&trace(1));
    assert!(missing.len() == 3 && missing.iter().all(|span| !span.failed), "{missing:#?}");
    let served = one(&missing, "psycache.v1.Cache/Get", SpanKind::Server);
    assert_attributes(served, &[("rpc.grpc.status_code", "5"), ("psycache.result", "miss")]);
    let [invalid] = collector.trace(&trace(2)).try_into().unwrap();
    assert!(invalid.failed && invalid.words.contains("bad key"), "{invalid:#?}");
    assert_attributes(&invalid, &[("rpc.grpc.status_code", "3"), ("psycache.result", "error")]);
    let [hit] = collector.trace(&trace(4)).try_into().unwrap();
    assert_attributes(&hit, &[("psycache.result", "hit"), ("cache.hit", "true")]);
    assert_eq!(collector.spans().len(), 5, "what is not sampled was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_admin_have_spans_and_the_instance_is_the_address_with_its_real_port() {
    let (collector, url) = Collector::grpc().await;
    let node = start(&url, 0);
    let channel = Channel::from_shared(format!("http://{}", node.address())).unwrap();
    let mut admin = AdminClient::new(channel.connect().await.unwrap());
    let mut request = Request::new(StatusRequest {});
    let traceparent = format!("00-{}-{CALLER}-01", trace(1)).parse().unwrap();
    request.metadata_mut().insert("traceparent", traceparent);
    admin.status(request).await.unwrap();
    drop(admin);
    let address = node.address().to_owned();
    stop([node]).await;

    let spans = collector.trace(&trace(1));
    let asked = one(&spans, "psycache.v1.Admin/Status", SpanKind::Server);
    assert_attributes(asked, &[("rpc.method", "Status"), ("rpc.grpc.status_code", "0")]);
    assert_eq!(asked.resource["service.instance.id"], address);
}
