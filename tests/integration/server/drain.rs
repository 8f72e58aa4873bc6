//! A server that stops.

use std::time::Duration;

use psycache::proto::SessionRequest;
use psycache::proto::session_request::Call;
use psycache::server::ServerConfig;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::http::page;
use super::{get, info, served, served_with};

#[tokio::test]
async fn what_is_in_flight_is_finished_after_the_health_checks_were_told() {
    let mut served = served().await;
    let watch = HealthCheckRequest { service: "scores".into() };
    let watching = HealthClient::new(served.channel.clone()).watch(watch).await;
    let mut watching = watching.unwrap().into_inner();
    let told = watching.message().await.unwrap().unwrap().status();
    assert_eq!(told, ServingStatus::Serving);

    let (requests, sent) = mpsc::unbounded_channel();
    let answers = served.client().session(UnboundedReceiverStream::new(sent)).await;
    let mut answers = answers.unwrap().into_inner();
    let call = Some(Call::Get(get("scores", "slow")));
    requests.send(SessionRequest { id: 1, call, ..SessionRequest::default() }).unwrap();
    let mut client = served.client();
    let alone = tokio::spawn(async move { client.get(get("scores", "slow too")).await });
    let loads = [served.loads.recv().await.unwrap(), served.loads.recv().await.unwrap()];

    served.stop();
    let told = watching.message().await.unwrap().unwrap().status();
    assert_eq!(told, ServingStatus::NotServing);
    let (head, body) = page(served.http, "/readyz").await;
    assert!(head.contains("503") && body.contains("stopping"), "{head} {body}");

    for load in loads {
        load.finish();
    }
    assert_eq!(alone.await.unwrap().unwrap().into_inner().value, "value of slow too");
    assert_eq!(answers.next().await.unwrap().unwrap().id, 1);
    let farewell = answers.next().await.unwrap().unwrap_err();
    assert_eq!(farewell.code(), Code::Unavailable);
    assert_eq!(info(&farewell).reason, "STOPPING");

    drop(watching);
    served.serving.await.unwrap().unwrap();
    let again = Channel::from_shared(format!("http://{}", served.grpc)).unwrap();
    assert!(again.connect().await.is_err(), "it still takes connections");
}

#[tokio::test]
async fn a_call_that_does_not_end_holds_up_the_stop_for_a_time_only() {
    let drain_timeout = Duration::from_millis(100);
    let mut served = served_with(ServerConfig { drain_timeout, ..ServerConfig::default() }).await;
    let mut client = served.client();
    tokio::spawn(async move { client.get(get("scores", "slow")).await });
    let _load = served.loads.recv().await.unwrap();
    served.stop();
    served.serving.await.unwrap().unwrap();
}
