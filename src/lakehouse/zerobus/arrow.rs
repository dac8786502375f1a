//! Arrow Flight `DoPut`: record batches in, cumulative acknowledgements out, on the same port.
//!
//! The first message carries the schema; each one behind it carries a batch and, as `app_metadata`, its offset from 0 on.
//! The first answer says that the stream is ready (offset -1); the others acknowledge an offset and the rows up to it.

use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, HandshakeResponse,
    PollInfo, PutResult, SchemaResult, Ticket,
};
use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::buffer::Buffer;
use deltalake::arrow::datatypes::SchemaRef;
use deltalake::arrow::ipc::reader::read_record_batch;
use deltalake::arrow::ipc::{Message, MessageHeader, convert::fb_to_schema, root_as_message};
use futures::Stream;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};

use super::ingest::{Decoded, Mark, Source};
use super::opening::{Caller, table};
use super::stream::{self, Answers, Ends, say};
use super::{LARGEST_MESSAGE, Shared, in_background, shortened, status_of};
use crate::lakehouse::decode::arrow::{ArrowPlan, SchemaProblem, check_schema};
use crate::lakehouse::log::EntryEncoder;
use crate::lakehouse::table::Table;

/// What a compressed batch may become.
const LARGEST_BATCH: i64 = 128 << 20;

/// The Flight service.
pub(super) struct Flight {
    pub(super) shared: Arc<Shared>,
}

impl Flight {
    pub(super) fn into_service(self) -> FlightServiceServer<Self> {
        FlightServiceServer::new(self).max_decoding_message_size(LARGEST_MESSAGE)
    }
}

type Stream1<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn not_here<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("Only DoPut is served here; read tables with SQL."))
}

#[tonic::async_trait]
impl FlightService for Flight {
    type HandshakeStream = Stream1<HandshakeResponse>;
    type ListFlightsStream = Stream1<FlightInfo>;
    type DoGetStream = Stream1<FlightData>;
    type DoPutStream = Stream1<PutResult>;
    type DoExchangeStream = Stream1<FlightData>;
    type DoActionStream = Stream1<arrow_flight::Result>;
    type ListActionsStream = Stream1<ActionType>;

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        let caller = self.shared.caller(request.metadata())?;
        let shared = Arc::clone(&self.shared);
        Ok(in_background(move |answers| async move {
            let mut inbound = request.into_inner();
            let source = open(&shared, &caller, &mut inbound).await?;
            serve(&shared, source, inbound, &answers).await
        }))
    }

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        not_here()
    }

    async fn list_flights(&self, _: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        not_here()
    }

    async fn get_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        not_here()
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        not_here()
    }

    async fn get_schema(&self, _: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        not_here()
    }

    async fn do_get(&self, _: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        not_here()
    }

    async fn do_exchange(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoExchangeStream>, Status> {
        not_here()
    }

    async fn do_action(&self, _: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        not_here()
    }

    async fn list_actions(&self, _: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        not_here()
    }
}

async fn open(shared: &Shared, caller: &Caller, inbound: &mut Streaming<FlightData>) -> Result<Batches, Status> {
    let first = super::opening::first(inbound).await?;
    let first = first.ok_or_else(|| Status::invalid_argument("The stream ended before its schema came."))?;
    let name = caller.table_header.as_deref();
    let name =
        name.ok_or_else(|| Status::invalid_argument("The header x-databricks-zerobus-table-name is missing."))?;
    let table = table(shared, caller, name).await?;
    let message = message(&first)?;
    let schema = message
        .header_as_schema()
        .ok_or_else(|| Status::invalid_argument("The first message of a stream must be the schema of its batches."))?;
    let schema = unpanicking(|| fb_to_schema(schema))
        .map_err(|problem| Status::invalid_argument(format!("The schema cannot be read: {problem}.")))?;
    let schema = Arc::new(schema);
    let plan = check_schema(&schema, &table.arrow_schema()).map_err(|problems| misfit(&table, &problems))?;
    let encoder = table.encoder().map_err(|error| status_of(&error))?;
    Ok(Batches { table, schema, plan, encoder, next_offset: 0, rows: 0, decoded: None })
}

async fn serve(
    shared: &Shared,
    source: Batches,
    inbound: Streaming<FlightData>,
    answers: &Answers<PutResult>,
) -> Result<(), Status> {
    say(answers, Batches::acknowledgement(Mark { offset: -1, rows: 0 })).await?;
    let ends = Ends {
        stopping: shared.config.stopping.clone(),
        replaced: CancellationToken::new(),
        rotation: shared.config.rotation,
    };
    stream::run(source, inbound, answers, ends).await
}

fn message(data: &FlightData) -> Result<Message<'_>, Status> {
    root_as_message(&data.data_header)
        .map_err(|error| Status::invalid_argument(format!("The message is not Arrow IPC: {error}.")))
}

/// What arrow-ipc makes of bytes that came: where they contradict themselves it panics instead of returning an error.
fn unpanicking<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        text.unwrap_or("it contradicts itself").to_owned()
    })
}

/// The service's error for a schema that does not fit.
fn misfit(table: &Table, problems: &[SchemaProblem]) -> Status {
    let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let causes: BTreeSet<&str> = problems.iter().map(|problem| problem.cause.as_str()).collect();
    let causes = causes.into_iter().collect::<Vec<_>>().join(",");
    let metadata = HashMap::from([("causes".to_owned(), causes), ("error_code".to_owned(), "8001".to_owned())]);
    let details = ErrorDetails::with_error_info("SCHEMA_VALIDATION_FAILED", "zerobus.databricks.com", metadata);
    let message = format!(
        "The schema does not fit table '{}': {}. Error Code: 8001, Error State: 1.",
        table.name(),
        text.join("; ")
    );
    // The details carry the text a second time.
    Status::with_error_details(Code::InvalidArgument, shortened(&message), details)
}

#[derive(Deserialize)]
struct BatchMetadata {
    offset_id: i64,
}

#[derive(Serialize)]
struct Acknowledgement {
    ack_up_to_offset: i64,
    ack_up_to_records: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_stream_duration_ms: Option<u64>,
}

impl Acknowledgement {
    fn into_result(self) -> PutResult {
        PutResult { app_metadata: serde_json::to_vec(&self).unwrap_or_default().into() }
    }
}

/// The batches of one stream.
struct Batches {
    table: Arc<Table>,
    schema: SchemaRef,
    plan: ArrowPlan,
    encoder: EntryEncoder,
    next_offset: i64,
    /// Rows up to here.
    rows: u64,
    decoded: Option<Decoded>,
}

impl Batches {
    fn batch(&self, data: &FlightData) -> Result<RecordBatch, String> {
        let message = root_as_message(&data.data_header).map_err(|error| format!("it is not Arrow IPC: {error}"))?;
        let batch = match message.header_type() {
            MessageHeader::RecordBatch => message.header_as_record_batch().ok_or("it has no record batch")?,
            MessageHeader::DictionaryBatch => {
                return Err("dictionaries are not taken here; send plain columns".to_owned());
            }
            other => {
                return Err(format!(
                    "a {} is not taken here",
                    other.variant_name().unwrap_or("message of unknown kind")
                ));
            }
        };
        check_size(&batch, &data.data_body)?;
        let body = Buffer::from(data.data_body.as_ref());
        let read = || read_record_batch(&body, batch, self.schema.clone(), &HashMap::new(), None, &message.version());
        let read = unpanicking(read).and_then(|read| read.map_err(|error| error.to_string()));
        read.map_err(|problem| format!("it cannot be read: {problem}"))
    }
}

/// Each buffer has to be there, and what is written as length in a few compressed bytes must not decide how much memory is
/// taken.
fn check_size(batch: &deltalake::arrow::ipc::RecordBatch<'_>, body: &[u8]) -> Result<(), String> {
    let mut total = 0_i64;
    for buffer in batch.buffers().iter().flatten() {
        let place = usize::try_from(buffer.offset()).ok().zip(usize::try_from(buffer.length()).ok());
        let bytes = place.and_then(|(start, length)| body.get(start..start.checked_add(length)?));
        let bytes = bytes.ok_or("a buffer lies outside of its body")?;
        if batch.compression().is_none() {
            continue;
        }
        let length = bytes.first_chunk::<8>().map(|bytes| i64::from_le_bytes(*bytes));
        // -1 says that the buffer is not compressed; an empty one has no length.
        total = total.saturating_add(length.unwrap_or(0).max(0));
    }
    if total > LARGEST_BATCH {
        return Err(format!("it has {total} bytes when decompressed; a batch may have {LARGEST_BATCH}"));
    }
    Ok(())
}

impl Source for Batches {
    type Request = FlightData;
    type Response = PutResult;

    fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Each batch is an entry of its own: clients have put the rows together already.
    fn is_full(&self) -> bool {
        self.decoded.is_some()
    }

    fn decode(&mut self, data: FlightData) -> Result<(), Status> {
        let metadata: Option<BatchMetadata> = serde_json::from_slice(&data.app_metadata).ok();
        let offset = self.next_offset;
        if metadata.as_ref().map(|metadata| metadata.offset_id) != Some(offset) {
            let came = metadata.map_or_else(|| "none".to_owned(), |metadata| metadata.offset_id.to_string());
            return Err(Status::invalid_argument(format!("Offset {offset} was expected, {came} came.")));
        }
        let wrong = |what: String| Status::invalid_argument(format!("offset {offset}: {what}."));
        let batch = self.batch(&data).map_err(wrong)?;
        let batch = self.plan.fit(&batch).map_err(|error| wrong(error.to_string()))?;
        let entry = self.encoder.encode(&batch, None).map_err(|error| wrong(error.to_string()))?;
        self.rows += batch.num_rows() as u64;
        self.next_offset += 1;
        self.decoded = Some(Decoded { entry, mark: Mark { offset, rows: self.rows } });
        Ok(())
    }

    fn take(&mut self) -> Result<Option<Decoded>, Status> {
        Ok(self.decoded.take())
    }

    fn acknowledgement(mark: Mark) -> PutResult {
        let (ack_up_to_offset, ack_up_to_records) = (mark.offset, mark.rows);
        Acknowledgement { ack_up_to_offset, ack_up_to_records, close_stream_duration_ms: None }.into_result()
    }

    fn close_signal(within: Duration, mark: Mark) -> PutResult {
        let (ack_up_to_offset, ack_up_to_records) = (mark.offset, mark.rows);
        let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        Acknowledgement { ack_up_to_offset, ack_up_to_records, close_stream_duration_ms: Some(within) }.into_result()
    }
}
