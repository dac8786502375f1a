//! A run's way into a table by SQL statements, one after the other for each batch.
//!
//! **What is in doubt.** An INSERT has no mark by which a second one would be known for the same, so it is sent again only
//! when the first is known not to have run: it was not handed over to its last byte, the workspace refused it (429, 503
//! with `Retry-After`), or it was accepted and FAILED for a reason that commits nothing
//! ([`WorkspaceError::may_have_happened`](crate::workspace::WorkspaceError::may_have_happened)). When its answer was lost,
//! its rows are in doubt, and whoever wants to know looks for their ids in the table. The statements of a batch before that
//! one are durable, those behind it were not sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::inserts::{Target, check_columns};
use super::{json_parameter, literals, parameters};
use crate::model::{SqlMode, TableInfo};
use crate::workspace::{OnSent, StatementResult, Workspace};
use crate::writer::resilience::{AttemptFailed, Resilience, once};
use crate::writer::{Acknowledged, BatchProgress, Encoded, Payload, Session, WriteFailure, WriterError};

/// One run's, or one form's.
pub(super) struct SqlSession {
    workspace: Arc<Workspace>,
    warehouse: String,
    table: TableInfo,
    mode: SqlMode,
    /// `None` for a form's: who sent it is waiting, and decides alone whether to send it again.
    resilience: Option<Resilience>,
}

/// What a batch becomes.
pub(super) struct Requests {
    /// Bodies, with the rows in each.
    pub(super) bodies: Vec<(u64, Bytes)>,
    /// Bytes of the rows' values.
    pub(super) bytes: u64,
}

/// What became of a batch.
pub(super) struct Written {
    /// The workspace's ids of the statements, in order.
    pub(super) statement_ids: Vec<String>,
    /// Requests it took.
    pub(super) calls: u64,
}

impl SqlSession {
    /// A run's way into that table; connects to nothing yet.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a column that the mode cannot carry, [`WriterError::NotConfigured`] without a warehouse.
    pub(super) fn for_run(workspace: Arc<Workspace>, table: TableInfo, mode: SqlMode) -> Result<Self, WriterError> {
        Ok(Self { resilience: Some(Resilience::never_twice()), ..Self::for_form(workspace, table, mode)? })
    }

    /// Like [`Self::for_run`], but nothing is sent a second time.
    ///
    /// # Errors
    /// As [`Self::for_run`].
    pub(super) fn for_form(workspace: Arc<Workspace>, table: TableInfo, mode: SqlMode) -> Result<Self, WriterError> {
        check_columns(&table)?;
        let warehouse = workspace.warehouse_id()?.to_owned();
        Ok(Self { workspace, warehouse, table, mode, resilience: None })
    }

    /// Makes the requests of a batch.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a value that the mode cannot carry.
    pub(super) fn requests(&self, records: &RecordBatch) -> Result<Requests, WriterError> {
        let target = Target { table: &self.table, warehouse: &self.warehouse };
        let inserts = match self.mode {
            SqlMode::SingleRow => parameters::inserts(target, records, 1),
            SqlMode::ValuesParameters => {
                parameters::inserts(target, records, parameters::most_rows(records.num_columns()))
            }
            SqlMode::ValuesLiterals => literals::inserts(target, records),
            SqlMode::JsonParameter => json_parameter::inserts(target, records),
        }?;
        let bytes = inserts.iter().map(|insert| insert.bytes).sum();
        Ok(Requests { bodies: inserts.into_iter().map(|insert| (insert.rows, insert.body)).collect(), bytes })
    }

    /// Sends requests and waits for each; `progress` hears of the last byte of the last.
    pub(super) async fn send(
        &self,
        bodies: Vec<(u64, Bytes)>,
        progress: &Arc<dyn BatchProgress>,
    ) -> Result<Written, WriteFailure> {
        let mut written = Written { statement_ids: Vec::with_capacity(bodies.len()), calls: 0 };
        let mut durable = 0;
        let last = bodies.len().saturating_sub(1);
        for (index, (rows, body)) in bodies.into_iter().enumerate() {
            let attempt = || self.insert(rows, body.clone(), (index == last).then(|| progress.clone()));
            let answered = match &self.resilience {
                Some(resilience) => resilience.call(progress.as_ref(), attempt).await,
                None => once(attempt).await,
            };
            let answered = answered.map_err(|gave_up| gave_up.of_rows(durable, rows))?;
            written.statement_ids.push(answered.value);
            written.calls += answered.calls;
            durable += rows;
        }
        Ok(written)
    }

    /// Runs one INSERT; returns the workspace's id of it.
    async fn insert(
        &self,
        rows: u64,
        body: Bytes,
        hears: Option<Arc<dyn BatchProgress>>,
    ) -> Result<String, AttemptFailed> {
        let handed_over = Arc::new(AtomicBool::new(false));
        let told = handed_over.clone();
        let on_sent: OnSent = Arc::new(move || {
            told.store(true, Ordering::Relaxed);
            if let Some(progress) = &hears {
                progress.sent(Instant::now());
            }
        });
        let result = self.workspace.execute_encoded(body, on_sent).await.map_err(|error| AttemptFailed {
            in_doubt: handed_over.load(Ordering::Relaxed) && error.may_have_happened(),
            error: error.into(),
        })?;
        match inserted(&result) {
            Some(inserted) if inserted != rows => {
                let id = &result.statement_id;
                let message = format!("statement {id} succeeded and inserted {inserted} rows of {rows}");
                Err(AttemptFailed { error: WriterError::Failed(message), in_doubt: true })
            }
            _ => Ok(result.statement_id),
        }
    }
}

/// The rows that a statement says it inserted.
pub(in crate::writer) fn inserted(result: &StatementResult) -> Option<u64> {
    let column = result.columns.iter().position(|name| name == "num_inserted_rows")?;
    result.rows.first()?.get(column)?.as_ref()?.parse().ok()
}

#[async_trait]
impl Session for SqlSession {
    fn encode(&self, records: &RecordBatch) -> Result<Encoded, WriterError> {
        let Requests { bodies, bytes } = self.requests(records)?;
        Ok(Encoded { records: records.num_rows() as u64, bytes, payload: Payload::Requests(bodies) })
    }

    async fn write(&self, batch: Encoded, progress: Arc<dyn BatchProgress>) -> Result<Acknowledged, WriteFailure> {
        let Payload::Requests(bodies) = batch.payload else {
            let message = "the batch was encoded by another writer's session".to_owned();
            return Err(WriteFailure::nothing_sent(WriterError::Rejected(message)));
        };
        let written = self.send(bodies, &progress).await?;
        Ok(Acknowledged { records: batch.records, at: Instant::now(), calls: written.calls })
    }

    /// Nothing is open between statements.
    async fn close(&self) {}
}
