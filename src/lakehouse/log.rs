//! The write-ahead log of one table: rows are durable here first, and in Delta a moment later.
//!
//! ```text
//! streams --entries--> task: group commit --> segment file --sealed--> committer: Parquet + Delta commit, file removed
//!                      one write, one fsync                            (super::committer)
//! ```
//!
//! Whoever appends is answered after the fsync that covers the entry. Under load groups grow by themselves; alone a caller
//! waits for nobody. A segment is sealed when it is old or large enough ([`LogOptions`]) and handed on; its file goes when
//! its rows are in Delta, and with it its share of the [`Space`]. At the start [`recovery`] hands on what a crash left.
//!
//! Bounds: [`QUEUE_CALLS`] calls and [`QUEUE_BYTES`] of entries wait for a group commit, the files of all tables take at
//! most the space; beyond that `append` waits. [`KEPT_BYTES`] of rows stay in memory for the committer, which reads the others
//! back. Nothing here knows Delta.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deltalake::arrow::datatypes::SchemaRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

mod active;
mod kept;
mod recovery;
mod segment;
mod space;

pub(crate) use kept::{KEPT_BYTES, KeepingRoom, KeptRows};
pub(crate) use recovery::{Recovered, recover, rescue};
pub(crate) use segment::{Entry, EntryEncoder, Origin};
pub(crate) use space::{Space, SpaceShare};

use super::disk::{Precedence, pages};
use super::error::LakehouseError;
use super::metrics::TableMetrics;
use crate::model::TableName;
use active::{ActiveSegment, WriteFailure};
use segment::SegmentId;

/// Entries waiting for their group commit, in bytes, over all tables.
pub const QUEUE_BYTES: usize = 128 << 20;
/// Calls waiting for one table's next group commit.
pub const QUEUE_CALLS: usize = 4096;
/// A group commit takes no further entries once it has this many bytes.
const GROUP_BYTES: usize = 8 << 20;
/// How soon sealing is tried again when the disk does not take the seal.
const SEAL_AGAIN: Duration = Duration::from_millis(200);
const BUDGET_UNIT: usize = 1 << 10;

/// When segments are handed on.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// Age at which a segment is sealed, and its rows become visible.
    pub interval: Duration,
    /// Size at which it is sealed before that.
    pub segment_bytes: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), segment_bytes: 64 << 20 }
    }
}

/// Bytes of entries that may wait in memory, shared by all tables.
pub(crate) fn queue_budget() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(QUEUE_BYTES / BUDGET_UNIT))
}

/// A segment that takes no more rows.
#[derive(Debug)]
pub(crate) struct SealedSegment {
    pub(crate) path: PathBuf,
    pub(crate) sequence: u64,
    pub(crate) rows: u64,
    /// The file's length.
    pub(crate) bytes: u64,
    /// When its first row was durable; unknown for what a crash left.
    pub(crate) since: Option<Instant>,
    /// Given back when the file is gone.
    pub(crate) space: SpaceShare,
    /// Its rows, where there was room for them.
    pub(crate) kept: Option<KeptRows>,
}

impl SealedSegment {
    /// The rows and the last offset of each persistent stream: those kept in memory the first time, those in the file
    /// otherwise; blocks.
    ///
    /// # Errors
    /// When the file cannot be read, or is no longer what was written.
    pub(crate) fn read(&mut self) -> Result<SegmentRows, String> {
        if let Some(kept) = self.kept.take() {
            return Ok(kept.into_rows());
        }
        let bytes = pages::read(&self.path).map_err(|error| error.to_string())?;
        let segment = segment::Segment::read(bytes, self.sequence, false).map_err(|error| error.to_string())?;
        if let segment::Ending::Damaged { what } = &segment.ending {
            return Err(what.clone());
        }
        let batches = segment.batches().map_err(|error| error.to_string())?;
        Ok(SegmentRows { batches, offsets: recovery::offsets(&segment.frames), room: Vec::new() })
    }
}

/// What segments hold.
#[derive(Default)]
pub(crate) struct SegmentRows {
    pub(crate) batches: Vec<deltalake::arrow::array::RecordBatch>,
    /// Persistent streams with the last offset of each.
    pub(crate) offsets: HashMap<Uuid, i64>,
    /// What they take of the room for kept rows.
    pub(crate) room: Vec<OwnedSemaphorePermit>,
}

impl SegmentRows {
    /// Adds the rows of a later segment.
    pub(crate) fn merge(&mut self, mut later: Self) {
        self.batches.append(&mut later.batches);
        self.offsets.extend(later.offsets);
        self.room.append(&mut later.room);
    }
}

/// An entry that is queued.
pub(crate) struct Pending {
    table: TableName,
    answer: oneshot::Receiver<Result<(), LakehouseError>>,
}

impl Pending {
    /// Waits until the entry is on the disk.
    ///
    /// # Errors
    /// [`LakehouseError::Full`] when the disk is, [`LakehouseError::OutOfOrder`] when another connection writes to the same
    /// persistent stream, [`LakehouseError::NotWritten`].
    pub(crate) async fn durable(self) -> Result<(), LakehouseError> {
        self.answer.await.unwrap_or_else(|_gone| {
            let cause = "the log's task stopped before it answered".into();
            Err(LakehouseError::Unknown { table: self.table, cause })
        })
    }
}

struct Append {
    entry: Entry,
    _memory: OwnedSemaphorePermit,
    space: SpaceShare,
    done: oneshot::Sender<Result<(), LakehouseError>>,
}

/// The way into one table's log.
pub(crate) struct Log {
    table: TableName,
    queue: Mutex<Option<mpsc::Sender<Append>>>,
    memory: Arc<Semaphore>,
    space: Space,
    offsets: Arc<Mutex<HashMap<Uuid, i64>>>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

/// What a log is made of.
pub(crate) struct LogConfig {
    pub(crate) table: TableName,
    pub(crate) folder: PathBuf,
    pub(crate) schema: SchemaRef,
    pub(crate) options: LogOptions,
    pub(crate) memory: Arc<Semaphore>,
    pub(crate) space: Space,
    pub(crate) keeping: KeepingRoom,
    pub(crate) precedence: Precedence,
    pub(crate) faults: super::weather::Faults,
    pub(crate) metrics: TableMetrics,
}

impl Log {
    /// Starts the table's task behind what [`recover`] found. Sealed segments go to `sealed`, recovered ones first.
    pub(crate) fn start(config: LogConfig, after: Recovered, sealed: mpsc::UnboundedSender<SealedSegment>) -> Self {
        for segment in after.segments {
            // Nobody listens only when the table is going away already.
            let _ = sealed.send(segment);
        }
        let offsets = Arc::new(Mutex::new(after.offsets));
        let (queue, calls) = mpsc::channel(QUEUE_CALLS);
        let writer = GroupWriter {
            table: config.table.clone(),
            folder: config.folder,
            schema: config.schema,
            options: config.options,
            next: SegmentId { log: Uuid::new_v4(), sequence: after.next_sequence },
            active: None,
            seal_again: None,
            offsets: Arc::clone(&offsets),
            space: config.space.clone(),
            keeping: config.keeping,
            precedence: config.precedence,
            sealed,
            faults: config.faults,
            metrics: config.metrics,
        };
        let task = tokio::spawn(writer.run(calls));
        Self {
            table: config.table,
            queue: Mutex::new(Some(queue)),
            memory: config.memory,
            space: config.space,
            offsets,
            task: tokio::sync::Mutex::new(Some(task)),
        }
    }

    /// Queues the entry, waiting for room; what it returns ends when the entry is durable. Entries are written in the order
    /// in which they were queued. Dropping either future does not take a queued entry back.
    ///
    /// # Errors
    /// [`LakehouseError::Closed`]. [`Pending::durable`] has the others.
    pub(crate) async fn enqueue(&self, entry: Entry) -> Result<Pending, LakehouseError> {
        let closed = || LakehouseError::Closed(self.table.clone());
        let units = entry.size().div_ceil(BUDGET_UNIT).clamp(1, QUEUE_BYTES / BUDGET_UNIT);
        let space = self.space.take(entry.size()).await;
        let memory = Arc::clone(&self.memory).acquire_many_owned(u32::try_from(units).unwrap_or(u32::MAX)).await;
        let memory = memory.map_err(|_closed| closed())?;
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        let (done, answer) = oneshot::channel();
        queue.send(Append { entry, _memory: memory, space, done }).await.map_err(|_closed| closed())?;
        Ok(Pending { table: self.table.clone(), answer })
    }

    /// Lets a persistent stream go on behind `last`. Whoever writes to it with other offsets is refused from now on.
    pub(crate) fn resume(&self, stream: Uuid, last: i64) {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner).entry(stream).or_insert(last);
    }

    /// The last durable offset of a persistent stream, when the log has seen it.
    pub(crate) fn offset(&self, stream: &Uuid) -> Option<i64> {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner).get(stream).copied()
    }

    /// Takes no further entries, writes what has queued up, seals, and returns when the task has ended.
    pub(crate) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(table = %self.table, %error, "the table's log did not end cleanly");
        }
    }
}

/// The task's side.
struct GroupWriter {
    table: TableName,
    folder: PathBuf,
    schema: SchemaRef,
    options: LogOptions,
    next: SegmentId,
    active: Option<ActiveSegment>,
    /// When sealing is tried again after it failed.
    seal_again: Option<Instant>,
    offsets: Arc<Mutex<HashMap<Uuid, i64>>>,
    space: Space,
    keeping: KeepingRoom,
    precedence: Precedence,
    sealed: mpsc::UnboundedSender<SealedSegment>,
    faults: super::weather::Faults,
    metrics: TableMetrics,
}

impl GroupWriter {
    async fn run(mut self, mut calls: mpsc::Receiver<Append>) {
        loop {
            let deadline =
                self.active.as_ref().map(|active| self.seal_again.unwrap_or(active.since + self.options.interval));
            let call = match deadline {
                None => calls.recv().await,
                Some(deadline) => tokio::select! {
                    biased;
                    () = tokio::time::sleep_until(deadline) => {
                        self.seal().await;
                        continue;
                    }
                    call = calls.recv() => call,
                },
            };
            let Some(first) = call else { break };
            self.write(gather(first, &mut calls)).await;
            let full = |active: &ActiveSegment| active.length() >= self.options.segment_bytes;
            if self.seal_again.is_none() && self.active.as_ref().is_some_and(full) {
                self.seal().await;
            }
        }
        self.seal().await;
    }

    /// One group commit.
    async fn write(&mut self, group: Vec<Append>) {
        let mut entries = Vec::with_capacity(group.len());
        let mut waiting = Vec::with_capacity(group.len());
        let mut space = SpaceShare::default();
        let mut reached = HashMap::new();
        for call in group {
            if let Some(origin) = call.entry.origin
                && let Err(error) = self.check_order(origin, &mut reached)
            {
                let _ = call.done.send(Err(error));
                continue;
            }
            waiting.push(call.done);
            entries.push(call.entry);
            space.merge(call.space);
        }
        if entries.is_empty() {
            return;
        }
        let rows = entries.iter().map(|entry| u64::from(entry.rows)).sum();
        let bytes: u64 = entries.iter().map(|entry| entry.size() as u64).sum();
        let active = self.active.take();
        let (id, folder, schema, faults) = (self.next, self.folder.clone(), self.schema.clone(), self.faults.clone());
        let (room, keeping, precedence) = (self.space.clone(), self.keeping.clone(), self.precedence.clone());
        let work = move || {
            let _first = precedence.log_writes();
            let (mut active, before) = match active {
                Some(active) => {
                    let before = active.length();
                    (active, before)
                }
                None => match ActiveSegment::create(&folder, id, &schema) {
                    Ok(mut active) => {
                        active.kept = Some(keeping.begin());
                        (active, 0)
                    }
                    Err(failure) => return (None, Err(failure)),
                },
            };
            let result = active.write(&entries, &faults);
            if result.is_ok() {
                active.space.merge(space);
                // What fills pages takes room as well, but nobody waits for it.
                active.space.merge(room.take_available((active.length() - before).saturating_sub(bytes)));
                active.kept = active.kept.take().and_then(|kept| kept.with(entries));
            }
            (Some(active), result)
        };
        let outcome = tokio::task::spawn_blocking(work).await;
        let (active, result) = outcome.unwrap_or_else(|error| (None, Err(WriteFailure::Other(error.to_string()))));
        if active.as_ref().is_some_and(|active| active.id() == self.next) {
            self.next.sequence += 1;
        }
        self.active = active;
        if let Err(failure) = &result {
            tracing::warn!(table = %self.table, %failure, "a group commit failed; its rows were refused");
        }
        let result = result
            .map(|took| self.metrics.synced(rows, bytes, took))
            .map_err(|failure| failure.into_error(&self.table));
        if result.is_ok() {
            self.offsets.lock().unwrap_or_else(PoisonError::into_inner).extend(reached);
        }
        for done in waiting {
            // A caller that has gone away is no failure: its rows are in the log.
            let _ = done.send(result.clone());
        }
    }

    /// A persistent stream's offsets go on without a gap, whichever connection they come by: two connections that both
    /// believe to be the stream's cannot both write.
    fn check_order(&self, origin: Origin, reached: &mut HashMap<Uuid, i64>) -> Result<(), LakehouseError> {
        let durable = || self.offsets.lock().unwrap_or_else(PoisonError::into_inner).get(&origin.stream).copied();
        let last = reached.get(&origin.stream).copied().or_else(durable).unwrap_or(-1);
        if origin.first != last + 1 {
            return Err(LakehouseError::OutOfOrder { stream: origin.stream, expected: last + 1, came: origin.first });
        }
        reached.insert(origin.stream, origin.last);
        Ok(())
    }

    /// Ends the active segment and hands it on; an empty one is taken away.
    async fn seal(&mut self) {
        let Some(mut active) = self.active.take() else { return };
        let faults = self.faults.clone();
        let sealing = tokio::task::spawn_blocking(move || {
            let result = active.seal(&faults);
            (active, result)
        });
        self.seal_again = None;
        match sealing.await {
            Ok((active, Ok(()))) => {
                // Nobody listens only when the table is going away with its log.
                if let Some(segment) = active.into_sealed() {
                    let _ = self.sealed.send(segment);
                }
            }
            Ok((active, Err(failure))) => {
                tracing::warn!(table = %self.table, %failure, "a segment could not be sealed; trying again");
                self.active = Some(active);
                self.seal_again = Some(Instant::now() + SEAL_AGAIN);
            }
            Err(error) => {
                tracing::error!(table = %self.table, %error, "sealing a segment failed; the next start recovers it");
            }
        }
    }
}

fn gather(first: Append, calls: &mut mpsc::Receiver<Append>) -> Vec<Append> {
    let mut bytes = first.entry.size();
    let mut group = vec![first];
    while bytes < GROUP_BYTES
        && let Ok(next) = calls.try_recv()
    {
        bytes += next.entry.size();
        group.push(next);
    }
    group
}

/// Where a table keeps its log: beside its data, in a folder that Delta readers and VACUUM leave alone, so that it is
/// dropped together with the table.
pub(crate) fn folder(table: &Path) -> PathBuf {
    table.join("_zerobus").join("log")
}

#[cfg(test)]
#[path = "log/tests.rs"]
mod tests;
