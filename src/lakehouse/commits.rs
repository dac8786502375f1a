//! The one writer of a table's Delta log in this process: data files that others have written become part of the table.
//!
//! One task for each open table takes what has queued up while the previous commit was on its way and makes one Delta
//! commit of it. Whoever asked is answered when the commit is on the disk ([`super::disk`]), or when the log says that
//! it is not. Nothing here writes rows.

use std::collections::HashSet;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaResult, DeltaTable, checkpoints};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::error::LakehouseError;
use super::maintenance::Maintenance;
use crate::model::TableName;

/// Commits that wait for one table's task; callers wait when it is full.
const QUEUE: usize = 1024;
/// A commit takes no further files than this.
const GROUP_FILES: usize = 512;
/// A checkpoint after so many commits keeps opening a table quick.
const CHECKPOINT_EVERY: u64 = 100;

/// What an application has done to a table, kept by Delta together with the rows (a `txn` action).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppVersion {
    /// Names the application and what it counts.
    pub application: String,
    /// Its new version.
    pub version: i64,
    /// Whether to refuse when the table has this very version already, because the rows are there then.
    pub once: bool,
}

struct Commit {
    files: Vec<Add>,
    versions: Vec<AppVersion>,
    done: oneshot::Sender<Result<(), LakehouseError>>,
}

/// The way to a table's Delta log.
pub(crate) struct Commits {
    name: TableName,
    queue: Mutex<Option<mpsc::Sender<Commit>>>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Commits {
    /// Starts the task. The receiver always holds the newest committed state; `lock` keeps the data folder locked for as
    /// long as the task may write.
    pub(crate) fn start(
        name: TableName,
        table: DeltaTable,
        maintenance: Maintenance,
        lock: Arc<File>,
    ) -> (Self, watch::Receiver<DeltaTable>) {
        let (latest, reader) = watch::channel(table.clone());
        let (queue, calls) = mpsc::channel(QUEUE);
        let writer = Writer { name: name.clone(), table, latest, since_checkpoint: 0, maintenance, _lock: lock };
        let task = tokio::spawn(writer.run(calls));
        let queue = Mutex::new(Some(queue));
        (Self { name, queue, task: tokio::sync::Mutex::new(Some(task)) }, reader)
    }

    /// Makes the files part of the table, in one commit together with the versions.
    ///
    /// # Errors
    /// [`LakehouseError::AlreadyApplied`] for a version with `once` that the table has, [`LakehouseError::Closed`],
    /// [`LakehouseError::NotWritten`] when the commit failed, [`LakehouseError::Unknown`] when its fate could not be found
    /// out.
    pub(crate) async fn commit(&self, files: Vec<Add>, versions: Vec<AppVersion>) -> Result<(), LakehouseError> {
        let closed = || LakehouseError::Closed(self.name.clone());
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        let (done, answer) = oneshot::channel();
        queue.send(Commit { files, versions, done }).await.map_err(|_closed| closed())?;
        drop(queue);
        answer.await.unwrap_or_else(|_gone| {
            let cause = "the table's task stopped before it answered".into();
            Err(LakehouseError::Unknown { table: self.name.clone(), cause })
        })
    }

    /// Takes no further commits, makes those that have queued up and returns when the task has ended.
    pub(crate) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(table = %self.name, %error, "the table's writer did not end cleanly");
        }
    }
}

struct Writer {
    name: TableName,
    table: DeltaTable,
    latest: watch::Sender<DeltaTable>,
    since_checkpoint: u64,
    maintenance: Maintenance,
    _lock: Arc<File>,
}

impl Writer {
    async fn run(mut self, mut calls: mpsc::Receiver<Commit>) {
        let mut held = None;
        loop {
            let next = match held.take() {
                Some(call) => Some(call),
                None => calls.recv().await,
            };
            let Some(first) = next else { break };
            let group;
            (group, held) = gather(first, &mut calls);
            let group = self.refuse_repeated(group).await;
            if group.is_empty() {
                continue;
            }
            let result = self.commit(&group).await;
            for call in group {
                // A caller that has gone away is no failure: its rows are in the table.
                let _ = call.done.send(result.clone());
            }
            if result.is_ok() {
                self.checkpoint_when_due().await;
                self.maintenance.after_commit(&self.latest);
            }
        }
        self.maintenance.close().await;
    }

    /// Answers those whose `once` versions the table has already; the others go on.
    async fn refuse_repeated(&self, group: Vec<Commit>) -> Vec<Commit> {
        let mut fresh = Vec::with_capacity(group.len());
        for call in group {
            match self.repeated(&call.versions).await {
                Ok(None) => fresh.push(call),
                Ok(Some(application)) => {
                    let error = LakehouseError::AlreadyApplied { table: self.name.clone(), application };
                    let _ = call.done.send(Err(error));
                }
                Err(error) => {
                    let cause = error.to_string().into();
                    let _ = call.done.send(Err(LakehouseError::NotWritten { table: self.name.clone(), cause }));
                }
            }
        }
        fresh
    }

    async fn repeated(&self, versions: &[AppVersion]) -> DeltaResult<Option<String>> {
        for version in versions.iter().filter(|version| version.once) {
            if app_version(&self.table, &version.application).await? == Some(version.version) {
                return Ok(Some(version.application.clone()));
            }
        }
        Ok(None)
    }

    async fn commit(&mut self, group: &[Commit]) -> Result<(), LakehouseError> {
        let files: Vec<&Add> = group.iter().flat_map(|call| &call.files).collect();
        let versions = group.iter().flat_map(|call| &call.versions);
        let transactions = versions.map(|version| Transaction::new(&version.application, version.version)).collect();
        let actions = files.iter().map(|file| Action::Add((*file).clone())).collect();
        let committed = match self.commit_actions(actions, transactions).await {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::warn!(table = %self.name, %error, "a commit failed; reading the table's log again");
                let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
                self.settle(&paths, &error.to_string()).await
            }
        };
        // Also after a failure: the log may have turned out to hold what was not known here.
        self.latest.send_replace(self.table.clone());
        committed
    }

    async fn commit_actions(&mut self, actions: Vec<Action>, transactions: Vec<Transaction>) -> DeltaResult<()> {
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
    async fn settle(&mut self, paths: &[&str], cause: &str) -> Result<(), LakehouseError> {
        let table = self.name.clone();
        if let Err(error) = self.table.update_state().await {
            let cause = format!("{cause}; and reading the log again: {error}").into();
            return Err(LakehouseError::Unknown { table, cause });
        }
        let committed = self
            .table
            .get_file_uris()
            .is_ok_and(|mut uris| uris.any(|uri| paths.iter().any(|path| uri.ends_with(path))));
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

/// What has queued up, up to a limit; and the first call that counts something which the group counts already, because a
/// commit takes one version of each application.
fn gather(first: Commit, calls: &mut mpsc::Receiver<Commit>) -> (Vec<Commit>, Option<Commit>) {
    let names = |call: &Commit| call.versions.iter().map(|version| version.application.clone()).collect::<Vec<_>>();
    let mut counted: HashSet<String> = names(&first).into_iter().collect();
    let mut files = first.files.len();
    let mut group = vec![first];
    while files < GROUP_FILES
        && let Ok(next) = calls.try_recv()
    {
        if names(&next).into_iter().any(|name| !counted.insert(name)) {
            return (group, Some(next));
        }
        files += next.files.len();
        group.push(next);
    }
    (group, None)
}

/// The version of an application that a table's log carries.
pub(crate) async fn app_version(table: &DeltaTable, application: &str) -> DeltaResult<Option<i64>> {
    table.snapshot()?.snapshot().transaction_version(table.log_store().as_ref(), application).await
}
