//! The first message of a stream: who wants to write what into which table, and whether that is allowed.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::ingest::{Calls, Ingest};
use super::persistent::Lease;
use super::proto::resume_ingest_stream_request::Identifier;
use super::proto::{
    CreateIngestStreamRequest, CreateIngestStreamResponse, EphemeralStreamRequest, EphemeralStreamResponse,
    PersistentStreamRequest, PersistentStreamResponse, RecordType, ResumeIngestStreamRequest,
    ResumeIngestStreamResponse, RetireStreamRequest, ephemeral_stream_request, ephemeral_stream_response,
    persistent_stream_request, persistent_stream_response, retire_stream_request,
};
use super::stream::{self, Answers, Ends, say};
use super::wire::Wire;
use super::{Shared, status_of};
use crate::lakehouse::decode::{Decoder, DescriptorError, JsonDecoder, ProtobufDecoder};
use crate::lakehouse::oidc::TokenInfo;
use crate::lakehouse::table::Table;
use crate::model::TableName;

/// How long a client has to send its first message.
const OPENING: Duration = Duration::from_secs(15);

/// Who calls.
pub(super) struct Caller {
    pub(super) token: TokenInfo,
    /// The table named in the request's headers, if one is.
    pub(super) table_header: Option<String>,
}

/// A stream that may begin.
pub(super) struct Opened<T> {
    ingest: Ingest,
    /// What tells the client so.
    answer: T,
    /// Of persistent streams.
    lease: Option<Lease>,
}

impl<T> Opened<T> {
    /// Tells the client that its stream is open and serves it to its end.
    pub(super) async fn serve<W: Wire<Response = T>>(
        self,
        shared: &Shared,
        inbound: Streaming<W::Request>,
        answers: &Answers<T>,
    ) -> Result<(), Status> {
        say(answers, self.answer).await?;
        let ends = Ends {
            stopping: shared.config.stopping.clone(),
            replaced: self.lease.as_ref().map_or_else(CancellationToken::new, |lease| lease.replaced.clone()),
            rotation: shared.config.rotation,
        };
        stream::run(Calls::<W>::new(self.ingest), inbound, answers, ends).await
    }
}

/// The first message; the error says that none came in time.
pub(super) async fn first<T>(inbound: &mut Streaming<T>) -> Result<Option<T>, Status> {
    let first = tokio::time::timeout(OPENING, inbound.message()).await;
    first.map_err(|_late| Status::deadline_exceeded("No message opened the stream in time."))?
}

/// Opens an ephemeral stream by its first message.
pub(super) async fn ephemeral(
    shared: &Shared,
    caller: &Caller,
    inbound: &mut Streaming<EphemeralStreamRequest>,
) -> Result<Opened<EphemeralStreamResponse>, Status> {
    use ephemeral_stream_request::Payload;
    let Some(Payload::CreateStream(request)) = first(inbound).await?.and_then(|message| message.payload) else {
        return Err(Status::invalid_argument("The first message of a stream must be create_stream."));
    };
    let table = table(shared, caller, request.table_name()).await?;
    if table.faults().refuses_streams() {
        return Err(Status::unavailable("No streams are opened now: refused by the weather. Try again later."));
    }
    let decoder = decoder_of(&request, &table)?;
    let ingest = Ingest::new(table, decoder, None, 0)?;
    let payload = ephemeral_stream_response::Payload::CreateStreamResponse(created(Uuid::new_v4()));
    let answer = EphemeralStreamResponse { payload: Some(payload) };
    Ok(Opened { ingest, answer, lease: None })
}

/// Creates or resumes a persistent stream by its first message.
pub(super) async fn persistent(
    shared: &Shared,
    caller: &Caller,
    inbound: &mut Streaming<PersistentStreamRequest>,
) -> Result<Opened<PersistentStreamResponse>, Status> {
    use persistent_stream_request::Payload;
    match first(inbound).await?.and_then(|message| message.payload) {
        Some(Payload::CreateStream(request)) => create(shared, caller, request.create_stream.unwrap_or_default()).await,
        Some(Payload::ResumeStream(request)) => resume(shared, caller, request).await,
        _ => Err(Status::invalid_argument("The first message of a stream must be create_stream or resume_stream.")),
    }
}

async fn create(
    shared: &Shared,
    caller: &Caller,
    request: CreateIngestStreamRequest,
) -> Result<Opened<PersistentStreamResponse>, Status> {
    let table = table(shared, caller, request.table_name()).await?;
    let decoder = decoder_of(&request, &table)?;
    let id = shared.streams.create(&table).await.map_err(|error| status_of(&error))?;
    let ingest = Ingest::new(table, decoder, Some(id), 0)?;
    let payload = persistent_stream_response::Payload::CreateStreamResponse(created(id));
    let answer = PersistentStreamResponse { payload: Some(payload) };
    Ok(Opened { ingest, answer, lease: Some(shared.streams.take_over(id).await) })
}

async fn resume(
    shared: &Shared,
    caller: &Caller,
    request: ResumeIngestStreamRequest,
) -> Result<Opened<PersistentStreamResponse>, Status> {
    let id = request.identifier.as_ref().map(|Identifier::StreamId(id)| id.as_str());
    let id = stream_id(id)?;
    let unknown = || Status::not_found(format!("Stream {id} does not exist: it was never created, or it was retired."));
    let name = shared.streams.table(id).await.map_err(|error| status_of(&error))?.ok_or_else(unknown)?;
    let table = table(shared, caller, &name.name.to_string()).await?;
    if table.details().id != name.table_id {
        return Err(Status::not_found(format!("Stream {id} wrote to a table '{}' that was dropped.", name.name)));
    }
    let decoder = decoder(request.record_type(), request.descriptor_proto(), &table)?;
    // Taken over first: the other connection writes nothing more behind the offset that is told here.
    let lease = shared.streams.take_over(id).await;
    // It may have been retired in the meantime; from here on retiring ends this connection.
    shared.streams.table(id).await.map_err(|error| status_of(&error))?.ok_or_else(unknown)?;
    let last = table.resume_stream(id).await.map_err(|error| status_of(&error))?;
    let ingest = Ingest::new(table, decoder, Some(id), last.map_or(0, |last| last + 1))?;
    let resumed = ResumeIngestStreamResponse { last_committed_offset: last };
    let payload = persistent_stream_response::Payload::ResumeStreamResponse(resumed);
    Ok(Opened { ingest, answer: PersistentStreamResponse { payload: Some(payload) }, lease: Some(lease) })
}

/// Ends a persistent stream for good.
pub(super) async fn retire(shared: &Shared, caller: &Caller, request: RetireStreamRequest) -> Result<(), Status> {
    let id = request.identifier.as_ref().map(|retire_stream_request::Identifier::StreamId(id)| id.as_str());
    let id = stream_id(id)?;
    let unknown = || Status::not_found(format!("Stream {id} does not exist: it was never created, or it was retired."));
    let known = shared.streams.table(id).await.map_err(|error| status_of(&error))?.ok_or_else(unknown)?;
    let name = table_name(shared, caller, request.table_name())?;
    if known.name != name {
        return Err(Status::invalid_argument(format!("Stream {id} does not write to '{name}'.")));
    }
    shared.streams.retire(id).await.map_err(|error| status_of(&error))
}

fn stream_id(text: Option<&str>) -> Result<Uuid, Status> {
    let id = text.and_then(|text| Uuid::parse_str(text).ok()).filter(|id| !id.is_nil());
    id.ok_or_else(|| Status::invalid_argument("stream_id is missing or is not an id that was given out here."))
}

fn created(id: Uuid) -> CreateIngestStreamResponse {
    CreateIngestStreamResponse { stream_id: Some(id.to_string()) }
}

/// The table, if the caller may write to it.
pub(super) async fn table(shared: &Shared, caller: &Caller, name: &str) -> Result<Arc<Table>, Status> {
    let name = table_name(shared, caller, name)?;
    shared.config.store.table(&name).await.map_err(|error| status_of(&error))
}

/// The table's name, if the caller may write to it. What was revoked since the token was made out counts.
fn table_name(shared: &Shared, caller: &Caller, text: &str) -> Result<TableName, Status> {
    let name = TableName::parse(text).map_err(|error| Status::invalid_argument(error.to_string()))?;
    if let Some(header) = &caller.table_header
        && TableName::parse(header).ok().as_ref() != Some(&name)
    {
        return Err(Status::invalid_argument(format!("The header names table '{header}', the stream '{name}'.")));
    }
    let grants = shared.config.oidc.grants();
    grants.check_zerobus(&caller.token, &name).map_err(|error| status_of(&error))?;
    Ok(name)
}

fn decoder_of(request: &CreateIngestStreamRequest, table: &Table) -> Result<Decoder, Status> {
    decoder(request.record_type(), request.descriptor_proto(), table)
}

fn decoder(record_type: RecordType, descriptor: &[u8], table: &Table) -> Result<Decoder, Status> {
    match record_type {
        RecordType::Json => Ok(Decoder::Json(JsonDecoder::new(&table.arrow_schema()))),
        // An empty one would describe a message without fields, which no record is.
        RecordType::Proto if descriptor.is_empty() => {
            Err(Status::invalid_argument("descriptor_proto is missing; a stream of PROTO records needs one."))
        }
        RecordType::Proto => {
            let decoder = ProtobufDecoder::new(descriptor, &table.arrow_schema());
            decoder.map(Decoder::Protobuf).map_err(|error| match error {
                DescriptorError::NotSelfContained(_) => {
                    Status::invalid_argument(format!("{error} Error Code: 4033, Error State: 1."))
                }
                error => {
                    Status::invalid_argument(format!("The descriptor does not fit table '{}': {error}.", table.name()))
                }
            })
        }
        other => Err(Status::unimplemented(format!(
            "Records of type {} are not taken here; use PROTO or JSON.",
            other.as_str_name()
        ))),
    }
}
