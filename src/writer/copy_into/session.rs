//! A run's way into a table by files.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::file::Format;
use super::statement::copy_into;
use crate::model::{ColumnType, TableInfo};
use crate::workspace::{OnSent, Statement, StatementResult, VolumePath, Workspace, WorkspaceError};
use crate::writer::resilience::{Answered, AttemptFailed, GaveUp, Resilience, once};
use crate::writer::sql::{check_columns, inserted};
use crate::writer::{Acknowledged, BatchProgress, Encoded, Payload, Session, WriteFailure, WriterError};

/// How long the removal of the last files is waited for.
const REMOVAL: Duration = Duration::from_secs(10);

/// One run's, or one form's.
pub(super) struct CopySession {
    workspace: Arc<Workspace>,
    warehouse: String,
    table: TableInfo,
    /// Of this session alone.
    folder: VolumePath,
    format: Format,
    /// The number of the next file.
    next: AtomicU64,
    /// `None` for a form's: who sent it is waiting, and decides alone whether to send it again.
    resilience: Option<Resilience>,
    /// Files on their way out.
    removals: TaskTracker,
}

/// Whether files of that format carry every column.
fn check(table: &TableInfo, format: Format) -> Result<(), WriterError> {
    match (format, table.columns.iter().find(|column| column.kind() == ColumnType::Variant)) {
        (Format::Json, _) => check_columns(table),
        (Format::Parquet, None) => Ok(()),
        (Format::Parquet, Some(column)) => Err(WriterError::Rejected(format!(
            "column {} has type variant, which a Parquet file would bring as text; use copy-into with json, or zerobus",
            column.name
        ))),
    }
}

/// A file that is in the table.
pub(super) struct Loaded {
    pub(super) file: VolumePath,
    pub(super) statement_id: String,
    /// When the workspace said so.
    pub(super) at: Instant,
    /// Requests it took.
    pub(super) calls: u64,
}

impl CopySession {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// [`WriterError::NotConfigured`] without a warehouse, [`WriterError::Rejected`] for a column that such files do not carry.
    pub(super) fn new(
        workspace: Arc<Workspace>,
        table: TableInfo,
        folder: VolumePath,
        format: Format,
        retries: bool,
    ) -> Result<Self, WriterError> {
        let warehouse = workspace.warehouse_id()?.to_owned();
        check(&table, format)?;
        let resilience = retries.then(Resilience::at_least_once);
        let (next, removals) = (AtomicU64::new(0), TaskTracker::new());
        Ok(Self { workspace, warehouse, table, folder, format, next, resilience, removals })
    }

    /// The rows as a file.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a value that the format cannot carry.
    pub(super) fn file(&self, records: &RecordBatch) -> Result<Bytes, WriterError> {
        self.format.encode(records)
    }

    /// Puts a file of `rows` rows into the volume and loads it; `progress` hears of its last byte.
    ///
    /// # Errors
    /// All rows are durable or none; in doubt are they only when the last `COPY INTO` was left without an answer.
    pub(super) async fn load(
        &self,
        rows: u64,
        content: Bytes,
        progress: &Arc<dyn BatchProgress>,
    ) -> Result<Loaded, WriteFailure> {
        let name = format!("{}.{}", self.next.fetch_add(1, Ordering::Relaxed), self.format.extension());
        let file = self.folder.join(&name);
        let hears = progress.clone();
        let on_sent: OnSent = Arc::new(move || hears.sent(Instant::now()));
        let put = || async {
            let put = self.workspace.put_file(&file, content.clone(), on_sent.clone()).await;
            // Whether the file is there makes no difference to the table.
            put.map_err(|error| AttemptFailed { error: volume_error(error, &file), in_doubt: false })
        };
        let put = self.call(progress, put).await;
        let put = put.map_err(|gave_up| gave_up.of_rows(0, rows))?;

        let statement =
            Statement::new(copy_into(&self.table, &self.folder, &name, self.format)).encode(&self.warehouse);
        let copied = self.call(progress, || self.copy(statement.clone())).await;
        let at = Instant::now();
        match &copied {
            Err(gave_up) if gave_up.in_doubt => {
                tracing::warn!(%file, error = %gave_up.error, "the file stays: whether it was loaded is not known");
            }
            _ => self.remove(file.clone()),
        }
        let Answered { value: result, calls } = copied.map_err(|gave_up| gave_up.of_rows(0, rows))?;
        check_count(&result, rows, calls)?;
        Ok(Loaded { file, statement_id: result.statement_id, at, calls: put.calls + calls })
    }

    async fn copy(&self, statement: Bytes) -> Result<StatementResult, AttemptFailed> {
        let copied = self.workspace.execute_encoded(statement, Arc::new(|| ())).await;
        copied.map_err(|error| AttemptFailed { in_doubt: error.may_have_happened(), error: error.into() })
    }

    async fn call<T, Attempting>(
        &self,
        progress: &Arc<dyn BatchProgress>,
        attempt: impl Fn() -> Attempting,
    ) -> Result<Answered<T>, GaveUp>
    where
        Attempting: Future<Output = Result<T, AttemptFailed>>,
    {
        match &self.resilience {
            Some(resilience) => resilience.call(progress.as_ref(), attempt).await,
            None => once(attempt).await,
        }
    }

    /// Removes a file without anybody waiting for it.
    fn remove(&self, file: VolumePath) {
        let workspace = self.workspace.clone();
        self.removals.spawn(async move {
            if let Err(error) = workspace.delete_file(&file).await {
                tracing::warn!(%file, %error, "a loaded file was not removed from its volume");
            }
        });
    }
}

/// Whether a `COPY INTO` that succeeded after `calls` attempts loaded all rows of its file.
///
/// # Errors
/// When it loaded other than all of them.
fn check_count(result: &StatementResult, rows: u64, calls: u64) -> Result<(), WriteFailure> {
    match inserted(result) {
        // Its result is gone; a file is loaded whole or not at all.
        None => Ok(()),
        Some(inserted) if inserted == rows => Ok(()),
        // An attempt before it, whose answer was lost, had loaded the file.
        Some(0) if calls > 1 => Ok(()),
        Some(inserted) => {
            let id = &result.statement_id;
            let error = WriterError::Failed(format!("COPY INTO {id} succeeded and loaded {inserted} rows of {rows}"));
            Err(WriteFailure { error, durable: 0, in_doubt: rows })
        }
    }
}

/// An error of the Files API: its permissions and its "not found" are about the volume, not about the table.
pub(super) fn volume_error(error: WorkspaceError, file: &VolumePath) -> WriterError {
    match error {
        WorkspaceError::NotFound(message) => {
            WriterError::NotConfigured(format!("{message} DIRECT_WRITE_VOLUME must name a volume that exists ({file})"))
        }
        error @ WorkspaceError::PermissionDenied(_) => {
            WriterError::from(error).and("grant READ VOLUME and WRITE VOLUME on the volume to the principal")
        }
        error => error.into(),
    }
}

#[async_trait]
impl Session for CopySession {
    fn encode(&self, records: &RecordBatch) -> Result<Encoded, WriterError> {
        let file = self.file(records)?;
        let bytes = file.len() as u64;
        Ok(Encoded { records: records.num_rows() as u64, bytes, payload: Payload::File(file) })
    }

    async fn write(&self, batch: Encoded, progress: Arc<dyn BatchProgress>) -> Result<Acknowledged, WriteFailure> {
        let Payload::File(file) = batch.payload else {
            let message = "the batch was encoded by another writer's session".to_owned();
            return Err(WriteFailure::nothing_sent(WriterError::Rejected(message)));
        };
        let loaded = self.load(batch.records, file, &progress).await?;
        Ok(Acknowledged { records: batch.records, at: loaded.at, calls: loaded.calls })
    }

    /// Waits for the removal of files and removes their folder, which stays when a file in it does.
    async fn close(&self) {
        self.removals.close();
        let removed = async {
            self.removals.wait().await;
            match self.next.load(Ordering::Relaxed) {
                0 => Ok(()),
                _ => self.workspace.delete_folder(&self.folder).await,
            }
        };
        match tokio::time::timeout(REMOVAL, removed).await {
            // Of a folder that no file was ever put into there is nothing to remove.
            Ok(Ok(()) | Err(WorkspaceError::NotFound(_))) => {}
            Ok(Err(error)) => tracing::warn!(folder = %self.folder, %error, "a folder was not removed from its volume"),
            Err(_) => tracing::warn!(folder = %self.folder, "files were not removed from their volume in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(inserted: Option<&str>) -> StatementResult {
        StatementResult {
            statement_id: "s".to_owned(),
            columns: vec!["num_affected_rows".to_owned(), "num_inserted_rows".to_owned()],
            rows: inserted.into_iter().map(|count| vec![None, Some(count.to_owned())]).collect(),
            next_chunk: None,
            closed: inserted.is_none(),
        }
    }

    #[test]
    fn a_file_counts_as_loaded_when_all_of_it_was() {
        assert!(check_count(&result(Some("5")), 5, 1).is_ok());
        assert!(check_count(&result(None), 5, 1).is_ok());
        assert!(check_count(&result(Some("0")), 5, 2).is_ok());
        for (inserted, calls) in [("4", 1), ("4", 2), ("0", 1)] {
            let failure = check_count(&result(Some(inserted)), 5, calls).unwrap_err();
            assert_eq!((failure.durable, failure.in_doubt), (0, 5));
        }
    }
}
