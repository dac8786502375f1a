//! One ephemeral stream from its first message to its end.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::proto::ephemeral_stream_request::Payload as Message;
use super::proto::ephemeral_stream_response::Payload as Answer;
use super::proto::ingest_record_batch_request::Batch;
use super::proto::ingest_record_request::Record;
use super::proto::{
    CloseStreamSignal, CreateIngestStreamRequest, CreateIngestStreamResponse, EphemeralStreamRequest,
    EphemeralStreamResponse, IngestRecordResponse, RecordType,
};
use crate::lakehouse::LakehouseError;
use crate::lakehouse::decode::{BatchBuilder, Decoder, DescriptorError, Encoded, JsonDecoder, ProtobufDecoder};
use crate::lakehouse::oidc::TokenInfo;
use crate::lakehouse::store::{Store, Table};
use crate::model::TableName;

/// The service's limit for one record.
const LARGEST_RECORD: usize = 10 * 1024 * 1024;
/// Calls that are decoded together when they have already arrived.
const CALLS_TOGETHER: usize = 4096;
/// Appends under way on one stream; beyond this it stops reading, and HTTP/2 slows the client down.
const APPENDS_UNDER_WAY: usize = 8;
/// How long a client has to send its first message.
const OPENING: Duration = Duration::from_secs(15);
/// How long clients have to finish when the lakehouse stops.
const CLOSING: Duration = Duration::from_secs(4);

/// Who opened the stream.
pub(super) struct Caller {
    pub(super) token: TokenInfo,
    /// The table named in the request's headers, if one is.
    pub(super) table_header: Option<String>,
}

type Answers = Sender<Result<EphemeralStreamResponse, Status>>;

/// Serves a stream to its end; the last answer is the status unless that is OK.
pub(super) async fn serve(
    store: Store,
    caller: Caller,
    mut inbound: Streaming<EphemeralStreamRequest>,
    answers: Answers,
    shutdown: CancellationToken,
) {
    let outcome = async {
        let mut ingest = open(&store, &caller, &mut inbound).await?;
        let stream_id = Some(Uuid::new_v4().to_string());
        say(&answers, Answer::CreateStreamResponse(CreateIngestStreamResponse { stream_id })).await?;
        ingest.run(inbound, &answers, shutdown).await
    }
    .await;
    if let Err(status) = outcome {
        tracing::debug!(code = ?status.code(), message = status.message(), "stream ended with an error");
        // Nobody is left to hear it when the client has gone.
        let _ = answers.send(Err(status)).await;
    }
}

async fn say(answers: &Answers, payload: Answer) -> Result<(), Status> {
    let gone = |_| Status::cancelled("the client has gone");
    answers.send(Ok(EphemeralStreamResponse { payload: Some(payload) })).await.map_err(gone)
}

async fn open(
    store: &Store,
    caller: &Caller,
    inbound: &mut Streaming<EphemeralStreamRequest>,
) -> Result<Ingest, Status> {
    let first = tokio::time::timeout(OPENING, inbound.message());
    let first = first.await.map_err(|_| Status::deadline_exceeded("no create_stream message came"))??;
    let Some(Message::CreateStream(request)) = first.and_then(|message| message.payload) else {
        return Err(Status::invalid_argument("The first message of a stream must be create_stream."));
    };
    let name = table_name(caller, &request)?;
    let table = store.table(&name).await.map_err(|error| status_of(&error))?;
    let decoder = decoder(&request, &table)?;
    let rows = BatchBuilder::new(table.arrow_schema());
    Ok(Ingest { table, decoder, rows, next_offset: 0 })
}

fn table_name(caller: &Caller, request: &CreateIngestStreamRequest) -> Result<TableName, Status> {
    let name = TableName::parse(request.table_name()).map_err(|error| Status::invalid_argument(error.to_string()))?;
    if let Some(header) = &caller.table_header
        && TableName::parse(header).ok().as_ref() != Some(&name)
    {
        return Err(Status::invalid_argument(format!("The header names table '{header}', the stream '{name}'.")));
    }
    match &caller.token.table {
        Some(bound) if *bound != name => Err(Status::permission_denied(format!(
            "The token was issued for table '{bound}', not for '{name}'. Error Code: 4024, Error State: 1."
        ))),
        _ => Ok(name),
    }
}

fn decoder(request: &CreateIngestStreamRequest, table: &Table) -> Result<Decoder, Status> {
    match request.record_type() {
        RecordType::Json => Ok(Decoder::Json(JsonDecoder::new(&table.arrow_schema()))),
        RecordType::Proto => {
            let decoder = ProtobufDecoder::new(request.descriptor_proto(), &table.arrow_schema());
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

/// A stream that was opened.
struct Ingest {
    table: Arc<Table>,
    decoder: Decoder,
    rows: BatchBuilder,
    next_offset: i64,
}

/// How many of the rows are of whole calls, and the offset of the last of these.
#[derive(Default)]
struct Decoded {
    rows: usize,
    last_offset: Option<i64>,
}

type Appends = FuturesOrdered<BoxFuture<'static, Result<i64, LakehouseError>>>;

impl Ingest {
    /// Decodes what has arrived, appends it, acknowledges what is durable; reading and appending overlap.
    async fn run(
        &mut self,
        inbound: Streaming<EphemeralStreamRequest>,
        answers: &Answers,
        shutdown: CancellationToken,
    ) -> Result<(), Status> {
        let mut arrived = inbound.ready_chunks(CALLS_TOGETHER);
        let mut appends = Appends::new();
        let mut stopping = std::pin::pin!(shutdown.cancelled_owned().fuse());
        let mut closing = std::pin::pin!(futures::future::Fuse::terminated());
        let ended = loop {
            tokio::select! {
                Some(done) = appends.next() => acknowledge(done, answers).await?,
                calls = arrived.next(), if appends.len() < APPENDS_UNDER_WAY => match calls {
                    None => break Ok(()),
                    Some(calls) => if let Err(status) = self.take(calls, &mut appends) {
                        break Err(status);
                    }
                },
                () = &mut stopping => {
                    let duration = Some(prost_types::Duration { seconds: CLOSING.as_secs() as i64, nanos: 0 });
                    say(answers, Answer::CloseStreamSignal(CloseStreamSignal { duration })).await?;
                    closing.set(tokio::time::sleep(CLOSING).fuse());
                }
                () = &mut closing => break Err(Status::unavailable("The lakehouse is stopping. Send what was not acknowledged again.")),
            }
        };
        // What was taken before the end is acknowledged before the end is told.
        while let Some(done) = appends.next().await {
            acknowledge(done, answers).await?;
        }
        ended
    }

    /// Decodes calls and begins to append them. On the first bad one the good ones before it are appended all the same.
    fn take(
        &mut self,
        calls: Vec<Result<EphemeralStreamRequest, Status>>,
        appends: &mut Appends,
    ) -> Result<(), Status> {
        let mut decoded = Decoded::default();
        let outcome = calls.into_iter().try_for_each(|call| self.decode_call(call?, &mut decoded));
        if let Some(last_offset) = decoded.last_offset {
            // A call is acknowledged whole or not at all, so nothing of a bad one is kept.
            let batch = self.rows.finish().map(|batch| batch.slice(0, decoded.rows));
            let batch = batch.map_err(|error| Status::internal(error.to_string()))?;
            let table = self.table.clone();
            appends.push_back(async move { table.append(batch).await.map(|()| last_offset) }.boxed());
        }
        outcome
    }

    fn decode_call(&mut self, call: EphemeralStreamRequest, decoded: &mut Decoded) -> Result<(), Status> {
        let outcome = match call.payload {
            Some(Message::IngestRecord(call)) => {
                self.check_offset(call.offset_id)?;
                match &call.record {
                    Some(Record::ProtoEncodedRecord(bytes)) => self.decode_one(Encoded::Protobuf(bytes), 0),
                    Some(Record::JsonRecord(text)) => self.decode_one(Encoded::Json(text), 0),
                    Some(Record::AvroEncodedRecord(_)) => {
                        Err(Status::unimplemented("Avro records are not taken here."))
                    }
                    None => Err(Status::invalid_argument("ingest_record carries no record.")),
                }
            }
            Some(Message::IngestRecordBatch(call)) => {
                self.check_offset(call.offset_id)?;
                match &call.batch {
                    Some(Batch::ProtoEncodedBatch(batch)) => {
                        let mut records = batch.records.iter().enumerate();
                        records.try_for_each(|(index, bytes)| self.decode_one(Encoded::Protobuf(bytes), index))
                    }
                    Some(Batch::JsonBatch(batch)) => {
                        let mut records = batch.records.iter().enumerate();
                        records.try_for_each(|(index, text)| self.decode_one(Encoded::Json(text), index))
                    }
                    Some(Batch::AvroBatch(_)) => Err(Status::unimplemented("Avro records are not taken here.")),
                    None => Err(Status::invalid_argument("ingest_record_batch carries no batch.")),
                }
            }
            Some(Message::CreateStream(_)) => Err(Status::invalid_argument("create_stream may come only once, first.")),
            None => Err(Status::invalid_argument("The message is empty.")),
        };
        if outcome.is_ok() {
            *decoded = Decoded { rows: self.rows.rows(), last_offset: Some(self.next_offset) };
            self.next_offset += 1;
        }
        outcome
    }

    fn decode_one(&mut self, record: Encoded<'_>, index: usize) -> Result<(), Status> {
        let size = match record {
            Encoded::Protobuf(bytes) => bytes.len(),
            Encoded::Json(text) => text.len(),
        };
        let offset = self.next_offset;
        let place = || format!("offset {offset}, record {index}");
        if size > LARGEST_RECORD {
            return Err(Status::invalid_argument(format!(
                "{}: {size} bytes; a record may have {LARGEST_RECORD}.",
                place()
            )));
        }
        let outcome = self.decoder.decode(record, &mut self.rows);
        outcome.map_err(|error| Status::invalid_argument(format!("{}: {error}.", place())))
    }

    fn check_offset(&self, offset: Option<i64>) -> Result<(), Status> {
        match offset {
            Some(offset) if offset == self.next_offset => Ok(()),
            other => {
                let came = other.map_or_else(|| "none".to_owned(), |offset| offset.to_string());
                Err(Status::invalid_argument(format!("Offset {} was expected, {came} came.", self.next_offset)))
            }
        }
    }
}

async fn acknowledge(done: Result<i64, LakehouseError>, answers: &Answers) -> Result<(), Status> {
    let offset = done.map_err(|error| status_of(&error))?;
    say(answers, Answer::IngestRecordResponse(IngestRecordResponse { durability_ack_up_to_offset: Some(offset) })).await
}

/// The gRPC code decides whether clients send again: all but the first two are retried.
fn status_of(error: &LakehouseError) -> Status {
    match error {
        LakehouseError::NotFound(_) => Status::not_found(error.to_string()),
        LakehouseError::InvalidArgument(_) => Status::invalid_argument(error.to_string()),
        LakehouseError::Closed(_) | LakehouseError::NotWritten { .. } | LakehouseError::Unknown { .. } => {
            Status::unavailable(error.to_string())
        }
        _ => Status::internal(error.to_string()),
    }
}
