//! Zerobus Ingest: rows in, cumulative acknowledgements out, over gRPC and Arrow Flight; and one request at a time over REST.
//!
//! ```text
//! opening: who, which table, which records
//!    -> ingest: calls to log entries -> table's log -> acknowledgement          (stream)
//!       ephemeral: offsets from 0 on each connection      persistent: offsets that go on (persistent)
//! ```
//!
//! Speaks the wire contract of `proto/zerobus.proto`; knows the store and the tokens, nothing of HTTP routes.

mod arrow;
mod ingest;
mod opening;
mod persistent;
mod rest;
mod stream;
mod wire;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, Stream};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use super::error::LakehouseError;
use super::oidc::Oidc;
use super::store::Store;
use opening::Caller;
use persistent::PersistentStreams;
use wire::{Ephemeral, Persistent};

/// Rust types and the server stub of `proto/zerobus.proto`.
pub mod proto {
    #![allow(missing_docs, clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/databricks.zerobus.rs"));
}

use proto::zerobus_server::{Zerobus, ZerobusServer};
use proto::{
    EphemeralStreamRequest, EphemeralStreamResponse, PersistentStreamRequest, PersistentStreamResponse,
    RetireStreamRequest, RetireStreamResponse,
};

/// The service's limit is 10 MiB for a record; a message around it needs a little more.
const LARGEST_MESSAGE: usize = 11 * 1024 * 1024;
/// Answers that wait for a slow client; beyond this the stream stops reading, and HTTP/2 slows the client down.
const ANSWERS_WAITING: usize = 64;
const TABLE_HEADER: &str = "x-databricks-zerobus-table-name";
/// Bytes of an error's text at most. It travels in HTTP/2 headers, of which clients take 8 to 16 KiB: a longer one, with
/// a client's own text in it, would break the connection instead of being read.
const LONGEST_TEXT: usize = 2000;
/// Of these so many at the end, where the error codes are.
const TEXT_END: usize = 400;

/// What the service needs.
pub(super) struct Config {
    pub(super) store: Store,
    pub(super) oidc: Oidc,
    /// Cancelled when the lakehouse begins to stop.
    pub(super) stopping: CancellationToken,
    /// How long a stream lives before its client has to open another.
    pub(super) rotation: Duration,
}

/// The gRPC service and the REST door as routes that merge with the others: all are served on one port.
pub(super) fn router(config: Config) -> axum::Router {
    let streams = PersistentStreams::new(config.store.data().join("streams"));
    let shared = Arc::new(Shared { config, streams });
    let service = ZerobusServer::new(Service { shared: Arc::clone(&shared) });
    let service = service.max_decoding_message_size(LARGEST_MESSAGE);
    let flight = arrow::Flight { shared: Arc::clone(&shared) }.into_service();
    tonic::service::Routes::new(service).add_service(flight).into_axum_router().merge(rest::router(shared))
}

struct Service {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    streams: PersistentStreams,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Zerobus for Service {
    type EphemeralStreamStream = Answers<EphemeralStreamResponse>;
    type PersistentStreamStream = Answers<PersistentStreamResponse>;

    async fn ephemeral_stream(
        &self,
        request: Request<Streaming<EphemeralStreamRequest>>,
    ) -> Result<Response<Self::EphemeralStreamStream>, Status> {
        let caller = self.shared.caller(request.metadata())?;
        let shared = Arc::clone(&self.shared);
        Ok(in_background(move |answers| async move {
            let mut inbound = request.into_inner();
            let opened = opening::ephemeral(&shared, &caller, &mut inbound).await?;
            opened.serve::<Ephemeral>(&shared, inbound, &answers).await
        }))
    }

    async fn persistent_stream(
        &self,
        request: Request<Streaming<PersistentStreamRequest>>,
    ) -> Result<Response<Self::PersistentStreamStream>, Status> {
        let caller = self.shared.caller(request.metadata())?;
        let shared = Arc::clone(&self.shared);
        Ok(in_background(move |answers| async move {
            let mut inbound = request.into_inner();
            let opened = opening::persistent(&shared, &caller, &mut inbound).await?;
            opened.serve::<Persistent>(&shared, inbound, &answers).await
        }))
    }

    async fn retire_stream(
        &self,
        request: Request<RetireStreamRequest>,
    ) -> Result<Response<RetireStreamResponse>, Status> {
        let caller = self.shared.caller(request.metadata())?;
        opening::retire(&self.shared, &caller, request.into_inner()).await.map_err(readable)?;
        Ok(Response::new(RetireStreamResponse {}))
    }
}

/// Answers at once and serves in a task: clients send nothing before they have seen the response's headers.
fn in_background<T: Send + 'static, F>(
    serve: impl FnOnce(stream::Answers<T>) -> F + Send + 'static,
) -> Response<Answers<T>>
where
    F: Future<Output = Result<(), Status>> + Send,
{
    let (answers, receiver) = tokio::sync::mpsc::channel(ANSWERS_WAITING);
    tokio::spawn(async move {
        let served = AssertUnwindSafe(serve(answers.clone())).catch_unwind().await;
        // Without a status the client would take the end for a good one.
        let defect = || {
            Err(Status::internal("A defect of the lakehouse ended the stream. Send what was not acknowledged again."))
        };
        if let Err(status) = served.unwrap_or_else(|_panic| defect()) {
            tracing::debug!(code = ?status.code(), message = status.message(), "stream ended with an error");
            // Nobody is left to hear it when the client has gone.
            let _ = answers.send(Err(readable(status))).await;
        }
    });
    Response::new(Box::pin(ReceiverStream::new(receiver)))
}

/// The status with a text that clients can take.
fn readable(status: Status) -> Status {
    if status.message().len() <= LONGEST_TEXT {
        return status;
    }
    Status::with_details(status.code(), shortened(status.message()), status.details().to_vec().into())
}

/// A text without its middle when it is too long for a status.
fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let begin = text.floor_char_boundary(LONGEST_TEXT - TEXT_END);
    let end = text.ceil_char_boundary(text.len() - TEXT_END);
    format!("{} [{} bytes left out] {}", &text[..begin], end - begin, &text[end..])
}

impl Shared {
    fn caller(&self, metadata: &MetadataMap) -> Result<Caller, Status> {
        let text = |name| metadata.get(name).and_then(|value| value.to_str().ok());
        let token = self.config.oidc.check_bearer(text("authorization"));
        let token = token.map_err(|error| Status::unauthenticated(error.to_string()))?;
        Ok(Caller { token, table_header: text(TABLE_HEADER).map(str::to_owned) })
    }
}

/// The gRPC code decides whether clients send again: they do, except for the first two.
fn status_of(error: &LakehouseError) -> Status {
    let message = error.to_string();
    match error {
        LakehouseError::NotFound(_) => Status::not_found(message),
        LakehouseError::InvalidArgument(_) => Status::invalid_argument(message),
        LakehouseError::Denied(_) => Status::permission_denied(message),
        LakehouseError::Full(_) => Status::resource_exhausted(message),
        LakehouseError::OutOfOrder { .. } => Status::aborted(message),
        LakehouseError::Closed(_) | LakehouseError::NotWritten { .. } | LakehouseError::Unknown { .. } => {
            Status::unavailable(message)
        }
        _ => Status::internal(message),
    }
}
