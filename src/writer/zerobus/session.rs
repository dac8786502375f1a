//! A run's own streams: batches go to them in turn, and each waits for its own acknowledgement.
//!
//! Sent is the moment when the SDK has taken the records into its queue; it does not say when they go to the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use databricks_zerobus_ingest_sdk::{OffsetId, StreamBuilder, ZerobusSdk};
use futures::future::{join_all, try_join_all};
use prost_types::DescriptorProto;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::super::encode::arrow::{ArrowEncoder, size};
use super::super::encode::json::JsonEncoder;
use super::super::encode::protobuf::{ProtobufEncoder, table_descriptor};
use super::super::session::{Acknowledged, BatchProgress, Encoded, Payload, Session};
use super::super::{WriteFailure, WriterError, arrow_schema};
use super::acks::Acks;
use super::lane::{Call, Lane, Stream};
use crate::model::{Encoding, TableInfo, TableName, WriterOptions};
use crate::workspace::Credentials;

/// What a closing session waits for its last acknowledgements.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of records in one call: the SDK's own limit (10 MiB less what the protocol adds).
const LARGEST_CALL: usize = 10 * 1024 * 1024 - 64 * 1024;
/// Longer than any run: how long a wait for acknowledgements lasts is said here, not by the SDK.
const NO_TIMEOUT_MS: u64 = u32::MAX as u64;

/// Makes records into what the streams carry.
enum Encoder {
    Protobuf(ProtobufEncoder),
    Json(JsonEncoder),
    Arrow(ArrowEncoder),
}

/// The writer `zerobus` for a run.
pub(super) struct ZerobusSession {
    encoder: Encoder,
    lanes: Vec<Lane>,
    /// Batches so far.
    turn: AtomicUsize,
}

impl ZerobusSession {
    /// Opens the streams.
    pub(super) async fn open(
        sdk: &ZerobusSdk,
        credentials: &Credentials,
        table: &TableInfo,
        options: &WriterOptions,
    ) -> Result<Self, WriterError> {
        let opening = Opening { sdk, credentials, table: &table.name };
        let streams = options.streams.max(1);
        let (encoder, lanes) = match options.encoding.unwrap_or(Encoding::Protobuf) {
            Encoding::Protobuf => {
                let descriptor = table_descriptor(table)?;
                let encoder = ProtobufEncoder::new(&descriptor, arrow_schema(table)?)?;
                (Encoder::Protobuf(encoder), opening.protobuf(&descriptor, streams).await?)
            }
            Encoding::Json => (Encoder::Json(JsonEncoder::new(arrow_schema(table)?)), opening.json(streams).await?),
            Encoding::Arrow => {
                let encoder = ArrowEncoder::new(table)?;
                let lanes = opening.arrow(&encoder, streams).await?;
                (Encoder::Arrow(encoder), lanes)
            }
            Encoding::Parquet => {
                return Err(WriterError::Rejected("zerobus carries protobuf, json or arrow, not parquet.".to_owned()));
            }
        };
        Ok(Self { encoder, lanes, turn: AtomicUsize::new(0) })
    }
}

/// What all streams of a session are opened with.
struct Opening<'a> {
    sdk: &'a ZerobusSdk,
    credentials: &'a Credentials,
    table: &'a TableName,
}

impl Opening<'_> {
    fn builder(&self) -> StreamBuilder<'_> {
        let Credentials { client_id, client_secret } = self.credentials;
        self.sdk
            .stream_builder()
            .table(self.table.to_string())
            .oauth(client_id.clone(), client_secret.expose_secret().to_owned())
            .flush_timeout_ms(NO_TIMEOUT_MS)
    }

    async fn protobuf(&self, descriptor: &DescriptorProto, streams: u32) -> Result<Vec<Lane>, WriterError> {
        let open = || self.records(self.builder().compiled_proto(descriptor.clone()));
        Self::all(streams, open).await
    }

    async fn json(&self, streams: u32) -> Result<Vec<Lane>, WriterError> {
        Self::all(streams, || self.records(self.builder().json())).await
    }

    async fn records(&self, builder: StreamBuilder<'_>) -> Result<Lane, WriterError> {
        let acks = Arc::new(Acks::default());
        let stream = builder.ack_callback(acks.clone()).build().await?;
        Ok(Lane::new(Stream::Records(stream), acks))
    }

    async fn arrow(&self, encoder: &ArrowEncoder, streams: u32) -> Result<Vec<Lane>, WriterError> {
        let open = || async {
            let acks = Arc::new(Acks::default());
            let builder = self.builder().arrow(encoder.schema().clone()).stats_exporter(acks.clone());
            Ok(Lane::new(Stream::Batches(builder.build_arrow().await?), acks))
        };
        Self::all(streams, open).await
    }

    /// The first stream alone, so that one token is fetched for all.
    async fn all<Opened>(streams: u32, open: impl Fn() -> Opened) -> Result<Vec<Lane>, WriterError>
    where
        Opened: Future<Output = Result<Lane, WriterError>>,
    {
        let mut lanes = vec![open().await?];
        lanes.extend(try_join_all((1..streams).map(|_| open())).await?);
        Ok(lanes)
    }
}

#[async_trait]
impl Session for ZerobusSession {
    fn encode(&self, records: &RecordBatch) -> Result<Encoded, WriterError> {
        let (bytes, payload) = match &self.encoder {
            Encoder::Protobuf(encoder) => {
                let messages = encoder.encode(records)?;
                (messages.iter().map(|message| message.len() as u64).sum(), Payload::Protobuf(messages))
            }
            Encoder::Json(encoder) => {
                let objects = encoder.encode(records)?;
                (objects.iter().map(|object| object.len() as u64).sum(), Payload::Json(objects))
            }
            Encoder::Arrow(encoder) => {
                let batch = encoder.encode(records)?;
                (size(&batch)?, Payload::Arrow(batch))
            }
        };
        Ok(Encoded { records: records.num_rows() as u64, bytes, payload })
    }

    async fn write(&self, batch: Encoded, progress: Arc<dyn BatchProgress>) -> Result<Acknowledged, WriteFailure> {
        let records = batch.records;
        let calls = calls(batch.payload).map_err(WriteFailure::nothing_sent)?;
        let made = calls.len() as u64;
        let lane = &self.lanes[self.turn.fetch_add(1, Ordering::Relaxed) % self.lanes.len()];
        let closed = || WriterError::Failed("The session was closed.".to_owned());
        let stream = lane.stream().ok_or_else(|| WriteFailure::nothing_sent(closed()))?;
        let mut last = None;
        for call in calls {
            match stream.ingest(call).await {
                Ok(offset) => last = Some((offset, lane.acks.wait_for(offset))),
                Err(error) => {
                    let in_doubt = if last.is_some() { records } else { 0 };
                    // Of a stream that has ended it says only that; the stream knows why.
                    let why = if stream.has_ended() { stream.verdict(OffsetId::MAX).await.err() } else { None };
                    return Err(WriteFailure { error: why.unwrap_or(error).into(), durable: 0, in_doubt });
                }
            }
        }
        let Some((offset, acknowledged)) = last else {
            return Err(WriteFailure::nothing_sent(WriterError::Rejected("There are no records.".to_owned())));
        };
        let sent = Instant::now();
        progress.sent(sent);
        if let Ok(at) = acknowledged.await {
            // It may have come before the SDK's queue let us go on.
            return Ok(Acknowledged { records, at: at.max(sent), calls: made });
        }
        // A stream that has ended knows what was acknowledged before, and why it ended.
        let verdict = if stream.has_ended() {
            stream.verdict(offset).await.map_err(WriterError::from)
        } else {
            Err(WriterError::Timeout("The session was closed before the acknowledgement came.".to_owned()))
        };
        match verdict {
            Ok(()) => Ok(Acknowledged { records, at: Instant::now(), calls: made }),
            Err(error) => Err(WriteFailure { error, durable: 0, in_doubt: records }),
        }
    }

    async fn close(&self) {
        join_all(self.lanes.iter().map(|lane| lane.close(CLOSE_WITHIN))).await;
    }
}

/// The calls that a batch takes: one, unless it is larger than a call may be.
fn calls(payload: Payload) -> Result<Vec<Call>, WriterError> {
    match payload {
        Payload::Protobuf(messages) => Ok(parts(messages, Vec::len).into_iter().map(Call::Protobuf).collect()),
        Payload::Json(objects) => Ok(parts(objects, String::len).into_iter().map(Call::Json).collect()),
        // Arrow Flight divides what is too large by itself.
        Payload::Arrow(batch) => Ok(vec![Call::Arrow(batch)]),
        Payload::Requests(_) | Payload::File(_) => {
            Err(WriterError::Rejected("The batch was encoded by another writer.".to_owned()))
        }
    }
}

fn parts<T>(records: Vec<T>, size: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    if records.iter().map(&size).sum::<usize>() <= LARGEST_CALL {
        return vec![records];
    }
    let mut parts = Vec::new();
    let mut part = Vec::new();
    let mut bytes = 0;
    for record in records {
        let more = size(&record);
        if bytes + more > LARGEST_CALL && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += more;
        part.push(record);
    }
    parts.push(part);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_is_too_large_takes_several_calls() {
        let record = |mebibytes: usize| vec![0; mebibytes * 1024 * 1024];
        let sizes = |records: Vec<Vec<u8>>| parts(records, Vec::len).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(vec![record(1); 9]), [9]);
        assert_eq!(sizes(vec![record(1); 20]), [9, 9, 2]);
        assert_eq!(sizes(vec![record(11), record(1)]), [1, 1], "one record is never divided; the SDK refuses it");
    }
}
