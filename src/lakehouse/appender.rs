//! Rows on their way to durable: one task for each open table, group commits, an answer only after the disk has it.
//!
//! Callers hand over record batches; the task takes what has queued up while the previous commit was on its way, writes
//! one Parquet file and one Delta commit for all of it, and then answers every caller of the group. Under load the
//! groups grow by themselves, alone a caller waits for nobody. [`super::disk`] makes each write survive a power cut, so
//! a finished commit is a durable one.
//!
//! Bounds: at most [`QUEUE_BYTES`] of rows wait in the whole lakehouse and at most [`QUEUE_CALLS`] calls for a table;
//! beyond that `append` waits. A write-ahead log that acknowledges before the commit would sit in front of
//! [`Appender::append`] and nowhere else.

use std::fs::File;
use std::sync::{Arc, PoisonError};

use deltalake::arrow::array::RecordBatch;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use deltalake::{DeltaResult, DeltaTable, checkpoints};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::error::LakehouseError;
use crate::model::TableName;

/// Rows waiting for their commit, in bytes of Arrow memory, over all tables; callers wait when it is full.
pub const QUEUE_BYTES: usize = 256 << 20;
/// Calls waiting for one table's next commit; callers wait when it is full.
pub const QUEUE_CALLS: usize = 1024;
/// A commit takes no further calls once it holds this many bytes of Arrow memory.
const GROUP_BYTES: usize = 64 << 20;
/// A checkpoint after so many commits keeps opening a table quick.
const CHECKPOINT_EVERY: u64 = 100;

/// The unit the byte budget is counted in: a semaphore counts to 2^61, but takes at most 2^32 permits at once.
const BUDGET_UNIT: usize = 1 << 10;

/// The lakehouse's budget of waiting bytes, shared by all tables.
pub(crate) fn queue_budget() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(QUEUE_BYTES / BUDGET_UNIT))
}

struct Append {
    batches: Vec<RecordBatch>,
    /// Application ids and versions that the commit records.
    transactions: Vec<(String, i64)>,
    /// Given back when the rows have left memory.
    _budget: OwnedSemaphorePermit,
    done: oneshot::Sender<Result<(), LakehouseError>>,
}

/// The way into one table.
pub(crate) struct Appender {
    name: TableName,
    queue: std::sync::Mutex<Option<mpsc::Sender<Append>>>,
    budget: Arc<Semaphore>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Appender {
    /// Starts the table's task. `latest` always holds the newest committed state; `lock` keeps the data folder locked
    /// for as long as the task may write.
    pub(crate) fn start(
        name: TableName,
        table: DeltaTable,
        budget: Arc<Semaphore>,
        lock: Arc<File>,
    ) -> DeltaResult<(Self, watch::Receiver<DeltaTable>)> {
        let writer = RecordBatchWriter::for_table(&table)?;
        let (latest, reader) = watch::channel(table.clone());
        let (queue, calls) = mpsc::channel(QUEUE_CALLS);
        let committer = Committer { name: name.clone(), table, writer, latest, since_checkpoint: 0, _lock: lock };
        let task = tokio::spawn(committer.run(calls));
        let queue = std::sync::Mutex::new(Some(queue));
        Ok((Self { name, queue, budget, task: Mutex::new(Some(task)) }, reader))
    }

    /// Returns when the rows are durable. Dropping the future after it was polled does not take the rows back.
    ///
    /// # Errors
    /// [`LakehouseError::Closed`] when closed, [`LakehouseError::NotWritten`] when the commit failed,
    /// [`LakehouseError::Unknown`] when the commit's fate could not be found out.
    pub(crate) async fn append(&self, batch: RecordBatch) -> Result<(), LakehouseError> {
        self.load(vec![batch], Vec::new()).await
    }

    /// As [`Appender::append`], with transactions that are recorded in the same commit.
    ///
    /// # Errors
    /// As [`Appender::append`].
    pub(crate) async fn load(
        &self,
        batches: Vec<RecordBatch>,
        transactions: Vec<(String, i64)>,
    ) -> Result<(), LakehouseError> {
        let units = memory(&batches).div_ceil(BUDGET_UNIT).clamp(1, QUEUE_BYTES / BUDGET_UNIT);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.budget).acquire_many_owned(units).await;
        let closed = || LakehouseError::Closed(self.name.clone());
        let budget = permit.map_err(|_closed| closed())?;
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        let (done, answer) = oneshot::channel();
        let call = Append { batches, transactions, _budget: budget, done };
        queue.send(call).await.map_err(|_closed| closed())?;
        drop(queue);
        let lost = || LakehouseError::Unknown {
            table: self.name.clone(),
            cause: "the table's writer stopped before it answered".into(),
        };
        answer.await.unwrap_or_else(|_gone| Err(lost()))
    }

    /// Takes no further rows, writes what has queued up and returns when the task has ended.
    pub(crate) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(table = %self.name, %error, "the table's writer did not end cleanly");
        }
    }
}

fn memory(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::get_array_memory_size).sum()
}

/// The task's side: the only writer of its table in this process.
struct Committer {
    name: TableName,
    table: DeltaTable,
    writer: RecordBatchWriter,
    latest: watch::Sender<DeltaTable>,
    since_checkpoint: u64,
    _lock: Arc<File>,
}

impl Committer {
    async fn run(mut self, mut calls: mpsc::Receiver<Append>) {
        while let Some(first) = calls.recv().await {
            let mut bytes = memory(&first.batches);
            let mut group = vec![first];
            while bytes < GROUP_BYTES
                && let Ok(next) = calls.try_recv()
            {
                bytes += memory(&next.batches);
                group.push(next);
            }
            let result = self.commit(&group).await;
            for call in group {
                // A caller that has gone away is no failure: its rows are in the table.
                let _ = call.done.send(result.clone());
            }
            if result.is_ok() {
                self.checkpoint_when_due().await;
            }
        }
    }

    async fn commit(&mut self, group: &[Append]) -> Result<(), LakehouseError> {
        let files = match self.write_files(group).await {
            Ok(files) => files,
            Err(error) => {
                // Rows of the group that the writer has taken already must not slip into the next commit.
                self.writer.reset();
                tracing::warn!(table = %self.name, %error, "writing a data file failed; its rows were refused");
                return Err(LakehouseError::NotWritten { table: self.name.clone(), cause: error.to_string().into() });
            }
        };
        let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        let transactions = group.iter().flat_map(|call| &call.transactions);
        let transactions = transactions.map(|(id, version)| Transaction::new(id, *version)).collect();
        if let Err(error) = self.commit_files(files.into_iter().map(Action::Add).collect(), transactions).await {
            tracing::warn!(table = %self.name, %error, "a commit failed; reading the table's log again");
            self.settle(&paths, &error.to_string()).await?;
        }
        self.latest.send_replace(self.table.clone());
        Ok(())
    }

    async fn write_files(&mut self, group: &[Append]) -> DeltaResult<Vec<deltalake::kernel::Add>> {
        for batch in group.iter().flat_map(|call| &call.batches) {
            self.writer.write(batch.clone()).await?;
        }
        self.writer.flush().await
    }

    async fn commit_files(&mut self, actions: Vec<Action>, transactions: Vec<Transaction>) -> DeltaResult<()> {
        // Checkpoints and log cleaning happen after the answers: a failure there is no failure to write.
        let properties = CommitProperties::default()
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false))
            .with_application_transactions(transactions);
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let commit = CommitBuilder::from(properties).with_actions(actions);
        let log_store = self.table.log_store();
        let finalized = commit.build(Some(self.table.snapshot()?), log_store, operation).await?;
        self.table.state = Some(finalized.snapshot());
        Ok(())
    }

    /// After a failed commit: the log alone says whether the rows are in the table.
    async fn settle(&mut self, paths: &[String], cause: &str) -> Result<(), LakehouseError> {
        let table = self.name.clone();
        if let Err(error) = self.table.update_state().await {
            let cause = format!("{cause}; and reading the log again: {error}").into();
            return Err(LakehouseError::Unknown { table, cause });
        }
        let committed = self
            .table
            .get_file_uris()
            .is_ok_and(|mut uris| uris.any(|uri| paths.iter().any(|path| uri.ends_with(path.as_str()))));
        if committed { Ok(()) } else { Err(LakehouseError::NotWritten { table, cause: cause.into() }) }
    }

    async fn checkpoint_when_due(&mut self) {
        self.since_checkpoint += 1;
        if self.since_checkpoint < CHECKPOINT_EVERY {
            return;
        }
        self.since_checkpoint = 0;
        if let Err(error) = checkpoints::create_checkpoint(&self.table, None).await {
            tracing::warn!(table = %self.name, %error, "no checkpoint was made; opening the table stays slower");
        } else if let Err(error) = checkpoints::cleanup_metadata(&self.table, None).await {
            tracing::warn!(table = %self.name, %error, "old log files were not removed");
        }
    }
}
