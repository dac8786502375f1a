//! A run's own way into a table: opened once, many batches at a time, closed at the end.
//!
//! Knows nothing of rates, meters or reports. Every moment that is measured is taken here, where it happens.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::{WriteFailure, WriterError};

/// Records as a writer sends them.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// How many.
    pub records: u64,
    /// Bytes of the records themselves, without what the protocol adds.
    pub bytes: u64,
    /// The records; cheap to clone, for another attempt.
    pub payload: Payload,
}

/// What a session made of a batch; only the session that made it can send it.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A protobuf message each.
    Protobuf(Vec<Vec<u8>>),
    /// A JSON object each.
    Json(Vec<String>),
    /// Columns.
    Arrow(RecordBatch),
    /// Bodies of requests, with the records in each.
    Requests(Vec<(u64, Bytes)>),
    /// A file.
    File(Bytes),
}

/// Hears what happens to a batch on its way.
pub trait BatchProgress: Send + Sync {
    /// The last record was handed to the workspace. A repeated attempt says it again; the first counts.
    fn sent(&self, at: Instant);
    /// An attempt failed and is repeated.
    fn retried(&self, error: &WriterError);
    /// This batch's attempt changed the circuit between the session and the workspace; for the log.
    fn circuit(&self, _: &CircuitChange) {}
}

/// What happened to the circuit of a session: while it is open nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CircuitChange {
    /// Too many failures in a row, or the call that was let through failed too.
    Opened {
        /// Until one call is let through.
        pause: Duration,
        /// The last failure.
        reason: String,
    },
    /// A call was answered.
    Closed {
        /// How long it had not been closed.
        after: Duration,
    },
}

/// A batch that is durable.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    /// Rows; all of the batch.
    pub records: u64,
    /// When the workspace said so.
    pub at: Instant,
    /// Requests or calls it took.
    pub calls: u64,
}

/// A run's own way into a table.
#[async_trait]
pub trait Session: Send + Sync {
    /// Makes records into what is sent. Work for a processor; the caller may use a thread of its own.
    ///
    /// `records` has the table's columns by name and order, as [`arrow_schema`](super::arrow_schema) gives them.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for columns that this way cannot carry.
    fn encode(&self, records: &RecordBatch) -> Result<Encoded, WriterError>;

    /// Sends a batch and returns when all of it is durable. Many may be under way; dropping the future gives the batch up.
    ///
    /// # Errors
    /// [`WriteFailure`] says why, how many rows are durable all the same and how many are in doubt.
    async fn write(&self, batch: Encoded, progress: Arc<dyn BatchProgress>) -> Result<Acknowledged, WriteFailure>;

    /// Waits for what is under way and closes what is open.
    async fn close(&self);
}
