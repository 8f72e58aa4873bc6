//! Calls of any method, by its path, with any bytes as message.

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use prost_types::FileDescriptorProto;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

/// Messages as they are.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// A request with a token.
pub(super) fn with<T>(message: T, token: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    request
}

/// Calls `method` (`psycache.v1.Cache/Get`), and returns the first message of the answer. For the
/// wire a single message is a stream of one.
pub(super) async fn call(
    channel: &Channel,
    method: &str,
    message: Vec<u8>,
    token: Option<&str>,
) -> Result<Option<Bytes>, Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let path = format!("/{method}").parse().unwrap();
    let request = with(tokio_stream::once(message), token);
    let answer = grpc.streaming(request, path, Raw).await?;
    answer.into_inner().message().await
}

/// All methods that the node says it has.
pub(super) async fn reflected(channel: &Channel, token: &str) -> Vec<String> {
    let mut client = ServerReflectionClient::new(channel.clone());
    let mut ask = async |request: MessageRequest| {
        let request =
            ServerReflectionRequest { host: String::new(), message_request: Some(request) };
        let answers = client.server_reflection_info(with(tokio_stream::once(request), Some(token)));
        let answer = answers.await.unwrap().into_inner().message().await.unwrap().unwrap();
        answer.message_response.unwrap()
    };
    let MessageResponse::ListServicesResponse(services) =
        ask(MessageRequest::ListServices(String::new())).await
    else {
        panic!("no list")
    };
    let mut methods = Vec::new();
    for service in services.service {
        let symbol = MessageRequest::FileContainingSymbol(service.name.clone());
        let MessageResponse::FileDescriptorResponse(files) = ask(symbol).await else {
            panic!("no file of {}", service.name)
        };
        let files = files.file_descriptor_proto.iter();
        for file in files.map(|bytes| FileDescriptorProto::decode(&bytes[..]).unwrap()) {
            for found in &file.service {
                if format!("{}.{}", file.package(), found.name()) == service.name {
                    let names = found.method.iter().map(|method| method.name());
                    methods.extend(names.map(|name| format!("{}/{name}", service.name)));
                }
            }
        }
    }
    methods
}
