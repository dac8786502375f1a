//! A Zerobus client of ours, from the same contract: it says whatever a test wants said, and keeps what it hears.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use prost::Message;
use prost_types::DescriptorProto;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::places::{Place, Places};
use super::sheet::Cell;

mod descriptors;
mod opening;
mod persistent;
pub mod rotation;
mod scripts;
mod wire;

/// Messages and client of `proto/zerobus.proto`.
pub mod proto {
    #![allow(missing_docs, clippy::all, dead_code)]
    include!(concat!(env!("OUT_DIR"), "/client/databricks.zerobus.rs"));
}

use proto::ingest_record_batch_request::Batch;
use proto::ingest_record_request::Record;
use proto::zerobus_client::ZerobusClient;
use proto::{
    CreateIngestStreamRequest, CreatePersistentStreamRequest, EphemeralStreamRequest, EphemeralStreamResponse,
    IngestRecordBatchRequest, IngestRecordRequest, JsonRecordBatch, PersistentStreamRequest, PersistentStreamResponse,
    ProtoEncodedRecordBatch, RecordType, ResumeIngestStreamRequest, ephemeral_stream_request,
    ephemeral_stream_response, persistent_stream_request, persistent_stream_response, resume_ingest_stream_request,
};

/// The two kinds of gRPC stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ephemeral,
    Persistent,
}

impl Kind {
    pub const BOTH: [Self; 2] = [Self::Ephemeral, Self::Persistent];

    /// Its column.
    pub fn client(self) -> &'static str {
        match self {
            Self::Ephemeral => "raw ephemeral",
            Self::Persistent => "raw persistent",
        }
    }
}

/// A message to the lakehouse.
#[derive(Clone, Debug)]
pub enum Sent {
    Create(CreateIngestStreamRequest),
    Resume(ResumeIngestStreamRequest),
    One(IngestRecordRequest),
    Many(IngestRecordBatchRequest),
    /// A message that carries nothing.
    Empty,
}

/// A message from it.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Created(String),
    Resumed(Option<i64>),
    Acknowledged(i64),
    Closing(Duration),
}

pub fn cells(places: &std::sync::Arc<Places>) -> Vec<Cell> {
    let mut cells = opening::cells(places);
    cells.extend(descriptors::cells(places));
    cells.extend(scripts::cells(places));
    cells.extend(wire::cells(places));
    cells.extend(persistent::cells(places));
    cells
}

/// A stream that is open, from the client's side.
pub struct Raw {
    pub kind: Kind,
    /// The stream's id, once it has been told or was resumed by it.
    pub id: Option<String>,
    /// The last offset that was committed when it was resumed.
    pub resumed_at: Option<i64>,
    next_offset: i64,
    acknowledged: i64,
    sender: Option<mpsc::Sender<Sent>>,
    answers: BoxStream<'static, Result<Said, Status>>,
    _channel: Channel,
}

/// How a stream went to its end.
#[derive(Debug)]
pub struct Ended {
    /// Without the last, in order.
    pub said: Vec<Said>,
    pub status: Status,
}

impl Ended {
    pub fn acknowledgements(&self) -> Vec<i64> {
        let offset = |said: &Said| if let Said::Acknowledged(offset) = said { Some(*offset) } else { None };
        self.said.iter().filter_map(offset).collect()
    }

    /// Asserts how it ended, and that the text has these words.
    pub fn with(&self, code: Code, words: &[&str]) {
        let text = self.status.message();
        assert_eq!(self.status.code(), code, "{text}");
        for word in words {
            assert!(text.contains(word), "'{word}' is not in '{text}'");
        }
    }
}

impl Raw {
    /// Opens the call and waits for the answer's headers before it says anything, as the official clients do: a lakehouse that
    /// waited for the first message would never be heard of.
    pub async fn call(channel: Channel, kind: Kind, headers: &[(&'static str, String)]) -> Result<Self, Status> {
        let (sender, receiver) = mpsc::channel(64);
        let sent = ReceiverStream::new(receiver);
        let mut client = ZerobusClient::new(channel.clone());
        let answers = match kind {
            Kind::Ephemeral => {
                let request = with_headers(sent.map(Sent::ephemeral), headers);
                client.ephemeral_stream(request).await?.into_inner().map(|answer| answer.map(Said::ephemeral)).boxed()
            }
            Kind::Persistent => {
                let request = with_headers(sent.map(Sent::persistent), headers);
                client.persistent_stream(request).await?.into_inner().map(|answer| answer.map(Said::persistent)).boxed()
            }
        };
        let (sender, id, resumed_at) = (Some(sender), None, None);
        Ok(Self { kind, id, resumed_at, next_offset: 0, acknowledged: -1, sender, answers, _channel: channel })
    }

    /// Opens a stream as it should be opened: for JSON, or for messages of a descriptor; a new one, or one to be resumed.
    pub async fn begin(
        place: &Place,
        kind: Kind,
        table: &str,
        descriptor: Option<&DescriptorProto>,
        resume: Option<&str>,
    ) -> Result<Self, Status> {
        let mut stream = Self::call(place.channel().await, kind, &place.headers(table).await).await?;
        let first = match (resume, descriptor) {
            (Some(id), descriptor) => resume_stream(id, descriptor),
            (None, None) => create_json(table),
            (None, Some(descriptor)) => create_proto(table, &descriptor.encode_to_vec()),
        };
        stream.send(first).await;
        match stream.next().await?.expect("an answer to the first message") {
            Said::Created(id) => stream.id = Some(id),
            Said::Resumed(last) => {
                (stream.id, stream.resumed_at) = (resume.map(str::to_owned), last);
                stream.next_offset = last.map_or(0, |last| last + 1);
            }
            other => panic!("{other:?} answers no first message"),
        }
        Ok(stream)
    }

    /// Sends a message. When the lakehouse has ended the stream it goes nowhere; why is heard by whoever listens.
    pub async fn send(&mut self, message: Sent) {
        let _ = self.sender.as_ref().expect("still open").send(message).await;
    }

    pub async fn write_json(&mut self, mut records: Vec<String>) {
        let offset = self.take_offset();
        self.send(if records.len() == 1 { json(offset, &records.remove(0)) } else { json_batch(offset, &records) })
            .await;
    }

    pub async fn write_proto(&mut self, mut records: Vec<Vec<u8>>) {
        let offset = self.take_offset();
        let message =
            if records.len() == 1 { proto(offset, &records.remove(0)) } else { proto_batch(offset, &records) };
        self.send(message).await;
    }

    fn take_offset(&mut self) -> i64 {
        self.next_offset += 1;
        self.next_offset - 1
    }

    /// The next message; `None` when the lakehouse has ended the stream well. Acknowledgements must never go back, nor
    /// beyond what was sent.
    pub async fn next(&mut self) -> Result<Option<Said>, Status> {
        let next = self.answers.next().await.transpose()?;
        if let Some(Said::Acknowledged(offset)) = next {
            assert!(offset >= 0 && offset >= self.acknowledged, "{offset} after {}", self.acknowledged);
            self.acknowledged = offset;
        }
        Ok(next)
    }

    /// Until what was written last is acknowledged.
    pub async fn wait(&mut self) -> Result<(), Status> {
        while self.acknowledged < self.next_offset - 1 {
            self.next().await?.expect("no end before the last acknowledgement");
        }
        assert_eq!(self.acknowledged, self.next_offset - 1, "nothing is acknowledged that was not sent");
        Ok(())
    }

    /// Ends its half; the lakehouse must end the other well, after the last acknowledgement.
    pub async fn close(&mut self) -> Result<(), Status> {
        self.finish();
        while self.next().await?.is_some() {}
        assert!(self.acknowledged == self.next_offset - 1 || self.next_offset == 0, "all of it is acknowledged");
        Ok(())
    }

    /// Ends its half.
    pub fn finish(&mut self) {
        self.sender = None;
    }

    /// What is said from here on, to the end.
    pub async fn heard_out(mut self) -> Ended {
        let mut said = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(message)) => said.push(message),
                Ok(None) => return Ended { said, status: Status::ok("") },
                Err(status) => return Ended { said, status },
            }
        }
    }
}

/// A request with metadata.
pub fn with_headers<S>(messages: S, headers: &[(&'static str, String)]) -> Request<S> {
    let mut request = Request::new(messages);
    for (name, value) in headers {
        request.metadata_mut().insert(*name, MetadataValue::try_from(value).unwrap());
    }
    request
}

/// The first message of a stream of JSON records.
pub fn create_json(table: &str) -> Sent {
    Sent::Create(CreateIngestStreamRequest {
        table_name: Some(table.to_owned()),
        record_type: Some(RecordType::Json.into()),
        ..Default::default()
    })
}

/// The first message of a stream of protobuf records.
pub fn create_proto(table: &str, descriptor: &[u8]) -> Sent {
    Sent::Create(CreateIngestStreamRequest {
        table_name: Some(table.to_owned()),
        record_type: Some(RecordType::Proto.into()),
        descriptor_proto: Some(Bytes::copy_from_slice(descriptor)),
        ..Default::default()
    })
}

/// The first message of a persistent stream that is resumed.
pub fn resume_stream(id: &str, descriptor: Option<&DescriptorProto>) -> Sent {
    let record_type = if descriptor.is_some() { RecordType::Proto } else { RecordType::Json };
    Sent::Resume(ResumeIngestStreamRequest {
        identifier: Some(resume_ingest_stream_request::Identifier::StreamId(id.to_owned())),
        descriptor_proto: descriptor.map(|descriptor| descriptor.encode_to_vec().into()),
        record_type: Some(record_type.into()),
    })
}

pub fn json(offset: i64, record: &str) -> Sent {
    one(Some(offset), Some(Record::JsonRecord(record.to_owned())))
}

pub fn proto(offset: i64, record: &[u8]) -> Sent {
    one(Some(offset), Some(Record::ProtoEncodedRecord(Bytes::copy_from_slice(record))))
}

pub fn one(offset_id: Option<i64>, record: Option<Record>) -> Sent {
    Sent::One(IngestRecordRequest { offset_id, record })
}

pub fn json_batch(offset: i64, records: &[impl AsRef<str>]) -> Sent {
    let records = records.iter().map(|record| record.as_ref().to_owned()).collect();
    many(Some(offset), Some(Batch::JsonBatch(JsonRecordBatch { records })))
}

pub fn proto_batch(offset: i64, records: &[Vec<u8>]) -> Sent {
    let records = records.iter().map(|record| Bytes::copy_from_slice(record)).collect();
    many(Some(offset), Some(Batch::ProtoEncodedBatch(ProtoEncodedRecordBatch { records })))
}

pub fn many(offset_id: Option<i64>, batch: Option<Batch>) -> Sent {
    Sent::Many(IngestRecordBatchRequest { offset_id, batch })
}

impl Sent {
    pub fn ephemeral(self) -> EphemeralStreamRequest {
        use ephemeral_stream_request::Payload;
        let payload = match self {
            Self::Create(request) => Some(Payload::CreateStream(request)),
            Self::One(request) => Some(Payload::IngestRecord(request)),
            Self::Many(request) => Some(Payload::IngestRecordBatch(request)),
            Self::Empty => None,
            Self::Resume(_) => panic!("ephemeral streams have no message to resume"),
        };
        EphemeralStreamRequest { payload }
    }

    fn persistent(self) -> PersistentStreamRequest {
        use persistent_stream_request::Payload;
        let payload = match self {
            Self::Create(request) => {
                Some(Payload::CreateStream(CreatePersistentStreamRequest { create_stream: Some(request) }))
            }
            Self::Resume(request) => Some(Payload::ResumeStream(request)),
            Self::One(request) => Some(Payload::IngestRecord(request)),
            Self::Many(request) => Some(Payload::IngestRecordBatch(request)),
            Self::Empty => None,
        };
        PersistentStreamRequest { payload }
    }
}

impl Said {
    pub fn ephemeral(answer: EphemeralStreamResponse) -> Self {
        use ephemeral_stream_response::Payload;
        match answer.payload.expect("a payload") {
            Payload::CreateStreamResponse(created) => Self::Created(created.stream_id.expect("an id")),
            Payload::IngestRecordResponse(answer) => Self::acknowledged(&answer),
            Payload::CloseStreamSignal(signal) => Self::closing(signal),
        }
    }

    fn persistent(answer: PersistentStreamResponse) -> Self {
        use persistent_stream_response::Payload;
        match answer.payload.expect("a payload") {
            Payload::CreateStreamResponse(created) => Self::Created(created.stream_id.expect("an id")),
            Payload::ResumeStreamResponse(resumed) => Self::Resumed(resumed.last_committed_offset),
            Payload::IngestRecordResponse(answer) => Self::acknowledged(&answer),
            Payload::CloseStreamSignal(signal) => Self::closing(signal),
        }
    }

    fn acknowledged(answer: &proto::IngestRecordResponse) -> Self {
        Self::Acknowledged(answer.durability_ack_up_to_offset.expect("an offset"))
    }

    fn closing(signal: proto::CloseStreamSignal) -> Self {
        Self::Closing(signal.duration.expect("a duration").try_into().expect("not below zero"))
    }
}
