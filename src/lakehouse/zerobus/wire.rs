//! The two kinds of stream as one: their messages differ in names only.

use std::time::Duration;

use bytes::Bytes;
use tonic::Status;

use super::proto::ingest_record_batch_request::Batch;
use super::proto::ingest_record_request::Record;
use super::proto::{
    CloseStreamSignal, EphemeralStreamRequest, EphemeralStreamResponse, IngestRecordBatchRequest, IngestRecordRequest,
    IngestRecordResponse, PersistentStreamRequest, PersistentStreamResponse, ephemeral_stream_request,
    ephemeral_stream_response, persistent_stream_request, persistent_stream_response,
};

/// Records of one call.
pub(super) enum Records {
    Protobuf(Vec<Bytes>),
    Json(Vec<String>),
}

/// One call: its offset as it came, and its records.
pub(super) struct Call {
    pub(super) offset: Option<i64>,
    pub(super) records: Records,
}

/// The messages of a kind of stream.
pub(super) trait Wire {
    type Request: Send + 'static;
    type Response: Send + 'static;

    /// A message behind the first.
    fn call(request: Self::Request) -> Result<Call, Status>;
    fn acknowledgement(offset: i64) -> Self::Response;
    fn close_signal(within: Duration) -> Self::Response;
}

pub(super) struct Ephemeral;
pub(super) struct Persistent;

impl Wire for Ephemeral {
    type Request = EphemeralStreamRequest;
    type Response = EphemeralStreamResponse;

    fn call(request: EphemeralStreamRequest) -> Result<Call, Status> {
        use ephemeral_stream_request::Payload;
        match request.payload {
            Some(Payload::IngestRecord(call)) => one(call),
            Some(Payload::IngestRecordBatch(call)) => batch(call),
            Some(Payload::CreateStream(_)) => Err(opened_twice()),
            None => Err(empty()),
        }
    }

    fn acknowledgement(offset: i64) -> EphemeralStreamResponse {
        use ephemeral_stream_response::Payload;
        EphemeralStreamResponse { payload: Some(Payload::IngestRecordResponse(acknowledged(offset))) }
    }

    fn close_signal(within: Duration) -> EphemeralStreamResponse {
        use ephemeral_stream_response::Payload;
        EphemeralStreamResponse { payload: Some(Payload::CloseStreamSignal(closing(within))) }
    }
}

impl Wire for Persistent {
    type Request = PersistentStreamRequest;
    type Response = PersistentStreamResponse;

    fn call(request: PersistentStreamRequest) -> Result<Call, Status> {
        use persistent_stream_request::Payload;
        match request.payload {
            Some(Payload::IngestRecord(call)) => one(call),
            Some(Payload::IngestRecordBatch(call)) => batch(call),
            Some(Payload::CreateStream(_) | Payload::ResumeStream(_)) => Err(opened_twice()),
            None => Err(empty()),
        }
    }

    fn acknowledgement(offset: i64) -> PersistentStreamResponse {
        use persistent_stream_response::Payload;
        PersistentStreamResponse { payload: Some(Payload::IngestRecordResponse(acknowledged(offset))) }
    }

    fn close_signal(within: Duration) -> PersistentStreamResponse {
        use persistent_stream_response::Payload;
        PersistentStreamResponse { payload: Some(Payload::CloseStreamSignal(closing(within))) }
    }
}

fn one(call: IngestRecordRequest) -> Result<Call, Status> {
    let records = match call.record {
        Some(Record::ProtoEncodedRecord(bytes)) => Records::Protobuf(vec![bytes]),
        Some(Record::JsonRecord(text)) => Records::Json(vec![text]),
        Some(Record::AvroEncodedRecord(_)) => return Err(avro()),
        None => return Err(Status::invalid_argument("ingest_record carries no record.")),
    };
    Ok(Call { offset: call.offset_id, records })
}

fn batch(call: IngestRecordBatchRequest) -> Result<Call, Status> {
    let records = match call.batch {
        Some(Batch::ProtoEncodedBatch(batch)) => Records::Protobuf(batch.records),
        Some(Batch::JsonBatch(batch)) => Records::Json(batch.records),
        Some(Batch::AvroBatch(_)) => return Err(avro()),
        None => return Err(Status::invalid_argument("ingest_record_batch carries no batch.")),
    };
    Ok(Call { offset: call.offset_id, records })
}

fn acknowledged(offset: i64) -> IngestRecordResponse {
    IngestRecordResponse { durability_ack_up_to_offset: Some(offset) }
}

fn closing(within: Duration) -> CloseStreamSignal {
    let seconds = i64::try_from(within.as_secs()).unwrap_or(i64::MAX);
    let nanos = i32::try_from(within.subsec_nanos()).unwrap_or_default();
    CloseStreamSignal { duration: Some(prost_types::Duration { seconds, nanos }) }
}

fn avro() -> Status {
    Status::unimplemented("Avro records are not taken here; use PROTO or JSON.")
}

fn opened_twice() -> Status {
    Status::invalid_argument("A stream is opened only once, by its first message.")
}

fn empty() -> Status {
    Status::invalid_argument("The message is empty.")
}
