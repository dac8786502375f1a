//! Keeping a table quick to read: small files are put together, files that nobody reads any more go.
//!
//! A table that is committed to every second gets a small file every second. When [`SMALL_FILES`] of them have gathered,
//! delta-rs's OPTIMIZE puts them together; after that VACUUM removes what earlier compactions have replaced, once the
//! table's `delta.deletedFileRetentionDuration` has passed, so that a reader in the middle of a query keeps its files.
//! Both run beside commits: an append never conflicts with them. A failure harms nothing and is tried again later.

use std::num::NonZeroU64;
use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::kernel::transaction::CommitProperties;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::weather::{CrashPoint, Faults};
use crate::model::TableName;

/// Compaction starts when a table has so many files below [`TARGET_BYTES`].
const SMALL_FILES: usize = 64;
/// How large files are made.
const TARGET_BYTES: u64 = 64 << 20;
/// Looking at a table's files costs something, so it is not done after each commit.
const LOOK_EVERY: u64 = 16;

/// One table's upkeep.
pub(crate) struct Maintenance {
    name: TableName,
    /// One compaction at a time in the whole lakehouse.
    turns: Arc<Semaphore>,
    faults: Faults,
    commits: u64,
    running: Option<JoinHandle<()>>,
}

impl Maintenance {
    pub(crate) fn new(name: TableName, turns: Arc<Semaphore>, faults: Faults) -> Self {
        Self { name, turns, faults, commits: 0, running: None }
    }

    /// Looks now and then whether there is something to do, and does it in the background.
    pub(crate) fn after_commit(&mut self, latest: &watch::Sender<DeltaTable>) {
        self.commits += 1;
        let busy = self.running.as_ref().is_some_and(|running| !running.is_finished());
        if !self.commits.is_multiple_of(LOOK_EVERY) || busy {
            return;
        }
        let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() else { return };
        let (name, table, faults) = (self.name.clone(), latest.borrow().clone(), self.faults.clone());
        self.running = Some(tokio::spawn(async move {
            let _turn = turn;
            match small_files(&table) {
                Ok(count) if count >= SMALL_FILES => tidy(&name, table, &faults).await,
                Ok(_) => {}
                Err(error) => tracing::warn!(table = %name, %error, "the table's files could not be listed"),
            }
        }));
    }

    /// Stops what is running: an unfinished compaction has changed nothing.
    pub(crate) async fn close(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            // Cancelled, most likely; either way it is over.
            let _ = running.await;
        }
    }
}

fn small_files(table: &DeltaTable) -> deltalake::DeltaResult<usize> {
    let files = table.snapshot()?.log_data();
    Ok(files.iter().filter(|file| u64::try_from(file.size()).is_ok_and(|size| size < TARGET_BYTES)).count())
}

async fn tidy(name: &TableName, table: DeltaTable, faults: &Faults) {
    let properties =
        || CommitProperties::default().with_create_checkpoint(false).with_cleanup_expired_logs(Some(false));
    faults.reach(CrashPoint::BeforeCompaction);
    let target = NonZeroU64::new(TARGET_BYTES).unwrap_or(NonZeroU64::MAX);
    let optimize = table.optimize().with_target_size(target).with_max_concurrent_tasks(1);
    let table = match optimize.with_commit_properties(properties()).await {
        Ok((table, metrics)) => {
            let (added, removed) = (metrics.num_files_added, metrics.num_files_removed);
            tracing::info!(table = %name, added, removed, "small files were put together");
            faults.reach(CrashPoint::AfterCompaction);
            table
        }
        Err(error) => {
            tracing::warn!(table = %name, %error, "small files were not put together; trying again later");
            return;
        }
    };
    match table.vacuum().with_commit_properties(properties()).await {
        Ok((_, metrics)) if !metrics.files_deleted.is_empty() => {
            tracing::info!(table = %name, deleted = metrics.files_deleted.len(), "replaced files were removed");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(table = %name, %error, "replaced files were not removed; trying again later"),
    }
}
