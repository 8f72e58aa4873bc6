//! The least that a tonic server can do: the same messages, and one value for all.

use anyhow::{Context, Result};
use bytes::Bytes;
use psycache::proto::cache_server::{Cache, CacheServer};
use psycache::proto::{
    ClearRequest, ClearResponse, GetManyRequest, GetManyResponse, GetRequest, GetResponse,
    GetResult, RemoveManyRequest, RemoveManyResponse, RemoveRequest, RemoveResponse,
    SessionRequest, SessionResponse, SetManyRequest, SetManyResponse, SetRequest, SetResponse,
    get_result,
};
use tokio::net::TcpListener;
use tokio_stream::Empty;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

struct Echo {
    value: Bytes,
}

/// Answers with values of `size` bytes until the process is ended.
pub(super) async fn serve(size: &str) -> Result<()> {
    let size: usize = size.parse().context("the part is a size in bytes")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("echo ready listen={}", listener.local_addr()?);
    let echo = Echo { value: Bytes::from(vec![7; size]) };
    let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder().add_service(CacheServer::new(echo));
    Ok(server.serve_with_incoming(connections).await?)
}

impl Echo {
    fn found(&self) -> GetResponse {
        GetResponse { value: self.value.clone(), ..GetResponse::default() }
    }
}

#[tonic::async_trait]
impl Cache for Echo {
    async fn get(&self, _: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        Ok(Response::new(self.found()))
    }

    async fn get_many(
        &self,
        request: Request<GetManyRequest>,
    ) -> Result<Response<GetManyResponse>, Status> {
        let found = || GetResult { result: Some(get_result::Result::Found(self.found())) };
        let results = request.get_ref().keys.iter().map(|_| found()).collect();
        Ok(Response::new(GetManyResponse { results }))
    }

    async fn set(&self, _: Request<SetRequest>) -> Result<Response<SetResponse>, Status> {
        Ok(Response::new(SetResponse::default()))
    }

    async fn set_many(
        &self,
        _: Request<SetManyRequest>,
    ) -> Result<Response<SetManyResponse>, Status> {
        Err(Status::unimplemented("an echo holds nothing"))
    }

    async fn remove(&self, _: Request<RemoveRequest>) -> Result<Response<RemoveResponse>, Status> {
        Err(Status::unimplemented("an echo holds nothing"))
    }

    async fn remove_many(
        &self,
        _: Request<RemoveManyRequest>,
    ) -> Result<Response<RemoveManyResponse>, Status> {
        Err(Status::unimplemented("an echo holds nothing"))
    }

    async fn clear(&self, _: Request<ClearRequest>) -> Result<Response<ClearResponse>, Status> {
        Err(Status::unimplemented("an echo holds nothing"))
    }

    type SessionStream = Empty<Result<SessionResponse, Status>>;

    async fn session(
        &self,
        _: Request<Streaming<SessionRequest>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        Err(Status::unimplemented("an echo holds nothing"))
    }
}
