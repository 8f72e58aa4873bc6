//! What a client finds without knowing PsyCache: health and reflection.

use psycache::server::ServerConfig;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{served, starting};

pub(super) async fn health(channel: &Channel, service: &str) -> Result<ServingStatus, Code> {
    let request = HealthCheckRequest { service: service.into() };
    let answer = HealthClient::new(channel.clone()).check(request).await;
    answer.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

#[tokio::test]
async fn the_node_and_each_group_are_healthy_once_it_is_ready() {
    let served = starting(ServerConfig::default()).await;
    for service in ["", "scores", "notes"] {
        assert_eq!(health(&served.channel, service).await, Ok(ServingStatus::NotServing));
    }
    served.health.ready();
    for service in ["", "scores", "notes"] {
        assert_eq!(health(&served.channel, service).await, Ok(ServingStatus::Serving));
    }
    assert_eq!(health(&served.channel, "nowhere").await, Err(Code::NotFound));
}

#[tokio::test]
async fn each_service_that_reflection_lists_has_a_health() {
    let served = starting(ServerConfig::default()).await;
    for service in [
        "psycache.v1.Cache",
        "psycache.v1.Peer",
        "psycache.v1.Admin",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ] {
        assert_eq!(health(&served.channel, service).await, Ok(ServingStatus::NotServing));
    }
    served.health.ready();
    assert_eq!(health(&served.channel, "psycache.v1.Cache").await, Ok(ServingStatus::Serving));
}

#[tokio::test]
async fn a_watch_tells_each_change_and_that_a_service_is_unknown() {
    let served = starting(ServerConfig::default()).await;
    let mut client = HealthClient::new(served.channel.clone());
    let mut watch = async |service: &str| {
        let answers = client.watch(HealthCheckRequest { service: service.into() }).await;
        answers.unwrap().into_inner()
    };
    let mut known = watch("psycache.v1.Cache").await;
    let mut unknown = watch("nowhere").await;
    assert_eq!(known.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(unknown.message().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
    served.health.ready();
    assert_eq!(known.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    served.health.leave();
    assert_eq!(known.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    served.health.drain();
    // Nothing has changed for either, so both are told of nothing but the end.
    assert_eq!(known.message().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(unknown.message().await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_node_that_drains_does_not_become_ready_again() {
    let served = starting(ServerConfig::default()).await;
    served.health.drain();
    served.health.ready();
    assert_eq!(health(&served.channel, "").await, Ok(ServingStatus::NotServing));
}

const EXPECTED: [&str; 3] = ["psycache.v1.Cache", "psycache.v1.Admin", "grpc.health.v1.Health"];

#[tokio::test]
async fn reflection_lists_the_services() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let served = served().await;
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(served.channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("no list")
    };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(EXPECTED.iter().all(|expected| names.contains(expected)), "{names:?}");
}

#[tokio::test]
async fn older_clients_find_reflection_too() {
    use tonic_reflection::pb::v1alpha::ServerReflectionRequest;
    use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1alpha::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1alpha::server_reflection_response::MessageResponse;

    let served = served().await;
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::FileContainingSymbol("psycache.v1.Cache".into())),
    };
    let mut client = ServerReflectionClient::new(served.channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let found = answer.message_response;
    assert!(matches!(found, Some(MessageResponse::FileDescriptorResponse(_))), "{found:?}");
}
