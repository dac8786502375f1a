//! Zerobus Ingest over HTTP: a JSON array of records in each request, taken whole or not at all, durable when answered.
//!
//! A run asks again when an answer was lost, so rows arrive at least once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;

use super::encode::json::JsonEncoder;
use super::form::FormProgress;
use super::registry::{Unavailable, WriterFactory};
use super::resilience::{Answered, AttemptFailed, Resilience, once};
use super::session::{Acknowledged, BatchProgress, Encoded, Payload, Session};
use super::{Batch, Progress, Receipt, WriteFailure, Writer, WriterError, arrow_schema, zerobus};
use crate::model::{TableInfo, TableName, WriterKind, WriterOptions};
use crate::workspace::{OnSent, Workspace, WorkspaceError};

/// Bytes of a request's body. Nobody says what the service takes; a gRPC call takes 10 MiB, and far less is enough to make
/// the request's own cost small.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// Makes [`ZerobusRestWriter`].
pub(super) struct Factory;

impl WriterFactory for Factory {
    fn kind(&self) -> WriterKind {
        WriterKind::ZerobusRest
    }

    fn build(&self, workspace: &Arc<Workspace>) -> Result<Arc<dyn Writer>, Unavailable> {
        zerobus::settings(workspace.config())?;
        Ok(Arc::new(ZerobusRestWriter { workspace: workspace.clone() }))
    }
}

/// The writer `zerobus-rest`.
struct ZerobusRestWriter {
    workspace: Arc<Workspace>,
}

impl ZerobusRestWriter {
    fn session(&self, table: &TableInfo, resilience: Option<Resilience>) -> Result<RestSession, WriterError> {
        let encoder = JsonEncoder::new(arrow_schema(table)?);
        Ok(RestSession { workspace: self.workspace.clone(), table: table.name.clone(), encoder, resilience })
    }
}

#[async_trait]
impl Writer for ZerobusRestWriter {
    fn kind(&self) -> WriterKind {
        WriterKind::ZerobusRest
    }

    async fn write(&self, batch: Arc<Batch>, progress: Arc<dyn Progress>) -> Result<Receipt, WriteFailure> {
        let (table, records) = batch.records().map_err(WriteFailure::nothing_sent)?;
        let session = self.session(&table, None).map_err(WriteFailure::nothing_sent)?;
        let encoded = session.encode(&records).map_err(WriteFailure::nothing_sent)?;
        progress.encoded(encoded.bytes);
        let Acknowledged { records, calls, .. } = session.write(encoded, FormProgress::hear(progress)).await?;
        Ok(Receipt { durable: records, proof: json!({ "requests": calls }) })
    }

    async fn open(&self, table: &TableInfo, _: &WriterOptions) -> Result<Arc<dyn Session>, WriterError> {
        Ok(Arc::new(self.session(table, Some(Resilience::at_least_once()))?))
    }

    /// Sends no record: the door is there and takes the token, whether or not it minds that the array is empty.
    async fn rehearse(&self, table: &TableInfo) -> Result<String, WriterError> {
        match self.workspace.insert_records(&table.name, Bytes::from_static(b"[]"), Arc::new(|| ())).await {
            Ok(()) | Err(WorkspaceError::Refused { .. }) => {
                Ok(format!("the REST door takes requests for {}", table.name))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn close(&self) {}
}

/// The writer `zerobus-rest` for a run.
struct RestSession {
    workspace: Arc<Workspace>,
    table: TableName,
    encoder: JsonEncoder,
    /// `None` for a form, whose user decides whether to send again.
    resilience: Option<Resilience>,
}

#[async_trait]
impl Session for RestSession {
    fn encode(&self, records: &RecordBatch) -> Result<Encoded, WriterError> {
        let rows = self.encoder.rows(records)?;
        let mut bodies = Bodies::default();
        for row in 0..records.num_rows() {
            bodies.add(|body| rows.put(row, body))?;
        }
        let (bytes, requests) = bodies.finish();
        Ok(Encoded { records: records.num_rows() as u64, bytes, payload: Payload::Requests(requests) })
    }

    async fn write(&self, batch: Encoded, progress: Arc<dyn BatchProgress>) -> Result<Acknowledged, WriteFailure> {
        let Payload::Requests(requests) = batch.payload else {
            let error = WriterError::Rejected("The batch was encoded by another writer.".to_owned());
            return Err(WriteFailure::nothing_sent(error));
        };
        let last = requests.len().saturating_sub(1);
        let mut durable = 0;
        let mut calls = 0;
        for (index, (rows, body)) in requests.into_iter().enumerate() {
            let attempt = || {
                let handed_over = Arc::new(AtomicBool::new(false));
                let (told, progress) = (handed_over.clone(), progress.clone());
                let on_sent: OnSent = Arc::new(move || {
                    told.store(true, Ordering::Relaxed);
                    if index == last {
                        progress.sent(Instant::now());
                    }
                });
                let insert = self.workspace.insert_records(&self.table, body.clone(), on_sent);
                async move { insert.await.map_err(|error| AttemptFailed::new(error, handed_over.load(Ordering::Relaxed))) }
            };
            let answered = match &self.resilience {
                Some(resilience) => resilience.call(progress.as_ref(), attempt).await,
                None => once(attempt).await,
            };
            let Answered { value: (), calls: made } = answered.map_err(|gave_up| gave_up.of_rows(durable, rows))?;
            calls += made;
            durable += rows;
        }
        Ok(Acknowledged { records: durable, at: Instant::now(), calls })
    }

    async fn close(&self) {}
}

/// JSON arrays being filled, none larger than a body may be unless a single record is.
#[derive(Default)]
struct Bodies {
    full: Vec<(u64, Bytes)>,
    rows: u64,
    body: Vec<u8>,
    /// Bytes of the records alone.
    bytes: u64,
}

impl Bodies {
    fn add(&mut self, put: impl FnOnce(&mut Vec<u8>) -> Result<(), WriterError>) -> Result<(), WriterError> {
        self.body.push(if self.rows == 0 { b'[' } else { b',' });
        let start = self.body.len();
        put(&mut self.body)?;
        self.bytes += (self.body.len() - start) as u64;
        // The bracket that closes it has to fit too.
        if self.body.len() >= LARGEST_BODY && self.rows > 0 {
            let record = self.body.split_off(start);
            self.body.pop();
            self.end();
            self.body.push(b'[');
            self.body.extend_from_slice(&record);
        }
        self.rows += 1;
        Ok(())
    }

    fn end(&mut self) {
        self.body.push(b']');
        let body = std::mem::take(&mut self.body);
        self.full.push((std::mem::take(&mut self.rows), Bytes::from(body)));
    }

    fn finish(mut self) -> (u64, Vec<(u64, Bytes)>) {
        if self.rows > 0 {
            self.end();
        }
        (self.bytes, self.full)
    }
}

#[cfg(test)]
mod tests;
