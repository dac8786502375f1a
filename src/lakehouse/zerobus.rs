//! Zerobus Ingest over gRPC: rows in, cumulative acknowledgements out.
//!
//! Speaks the wire contract of `proto/zerobus.proto`; knows the store and the tokens, nothing of HTTP routes.

mod stream;

use std::pin::Pin;

use futures::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use super::oidc::{Oidc, TokenInfo};
use super::store::Store;

/// Rust types and the server stub of `proto/zerobus.proto`.
pub mod proto {
    #![allow(missing_docs, clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/databricks.zerobus.rs"));
}

use proto::zerobus_server::{Zerobus, ZerobusServer};
use proto::{EphemeralStreamRequest, EphemeralStreamResponse};

/// The service's limit is 10 MiB for a record; a message around it needs a little more.
const LARGEST_MESSAGE: usize = 11 * 1024 * 1024;

/// Answers that wait for a slow client; beyond this the stream stops reading, and HTTP/2 slows the client down.
const ANSWERS_WAITING: usize = 64;

const TABLE_HEADER: &str = "x-databricks-zerobus-table-name";

/// The gRPC service as routes that merge with the HTTP ones: both are served on one port.
pub fn router(store: Store, oidc: Oidc, shutdown: CancellationToken) -> axum::Router {
    let service = ZerobusServer::new(Service { store, oidc, shutdown }).max_decoding_message_size(LARGEST_MESSAGE);
    tonic::service::Routes::new(service).into_axum_router()
}

struct Service {
    store: Store,
    oidc: Oidc,
    shutdown: CancellationToken,
}

type Answers = Pin<Box<dyn Stream<Item = Result<EphemeralStreamResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Zerobus for Service {
    type EphemeralStreamStream = Answers;

    /// Returns at once and reads in a task: clients send nothing before they have seen the response's headers.
    async fn ephemeral_stream(
        &self,
        request: Request<Streaming<EphemeralStreamRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let token = self.authenticate(request.metadata())?;
        let header = request.metadata().get(TABLE_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (answers, receiver) = tokio::sync::mpsc::channel(ANSWERS_WAITING);
        let caller = stream::Caller { token, table_header: header, grants: self.oidc.grants().clone() };
        let serving = stream::serve(self.store.clone(), caller, request.into_inner(), answers, self.shutdown.clone());
        tokio::spawn(serving);
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

impl Service {
    fn authenticate(&self, metadata: &MetadataMap) -> Result<TokenInfo, Status> {
        let authorization = metadata.get("authorization").and_then(|value| value.to_str().ok());
        self.oidc.check_bearer(authorization).map_err(|error| Status::unauthenticated(error.to_string()))
    }
}
