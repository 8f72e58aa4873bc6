//! Requests that are compressed, as the compression specification of gRPC has it.

use psycache::proto::SetRequest;
use psycache::proto::cache_client::CacheClient;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Request};

use super::{get, served};

fn set(value: Vec<u8>) -> SetRequest {
    SetRequest {
        group: "notes".into(),
        key: "Ada".into(),
        value: value.into(),
        ..SetRequest::default()
    }
}

#[tokio::test]
async fn a_compressed_request_is_answered() {
    let served = served().await;
    let mut client = CacheClient::new(served.channel.clone())
        .send_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Gzip);
    client.set(set(vec![7; 10_000])).await.unwrap();
    let answer = client.get(get("notes", "Ada")).await.unwrap();
    assert_eq!(answer.into_inner().value, vec![7; 10_000]);
}

#[tokio::test]
async fn a_request_that_is_too_long_once_decompressed_is_refused() {
    let served = served().await;
    let mut client =
        CacheClient::new(served.channel.clone()).send_compressed(CompressionEncoding::Gzip);
    let refused = client.set(set(vec![0; 100 << 20])).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    client.set(set(vec![0; 100])).await.unwrap();
}

#[tokio::test]
async fn an_unknown_compression_is_refused_with_those_that_are_known() {
    let served = served().await;
    let mut request = Request::new(set(vec![1]));
    request.metadata_mut().insert("grpc-encoding", "brotli".parse().unwrap());
    let refused = served.client().set(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented, "{refused:?}");
    let known = refused.metadata().get("grpc-accept-encoding").unwrap().to_str().unwrap();
    assert!(known.contains("gzip"), "{known}");
}
