//! From a table's log into Delta, in the background.
//!
//! Takes sealed segments in their order, writes the rows of several small ones to one Parquet file, and commits them
//! together with the last segment's sequence as the version of the application [`LOG`]. A segment whose sequence is not
//! above that version is in the table: so a crash between the commit and the removal of the file duplicates nothing, and
//! one before the commit loses nothing. Persistent streams' offsets are committed the same way.
//!
//! What cannot be committed stays in the log and is tried again; the log's bounds then hold the streams up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deltalake::DeltaTable;
use deltalake::arrow::datatypes::SchemaRef;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::background;
use super::commits::{AppVersion, Commits};
use super::data_files;
use super::error::LakehouseError;
use super::log::{SealedSegment, SegmentRows, rescue};
use super::metrics::TableMetrics;
use super::weather::{CrashPoint, Faults};
use crate::model::TableName;

/// The application whose version is the last sequence in the table.
pub(crate) const LOG: &str = "direct-write.log";
/// Segments are put together up to so many bytes of log.
const TOGETHER: u64 = 64 << 20;
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// The application whose version is the last offset of a persistent stream.
pub(crate) fn stream_application(stream: &Uuid) -> String {
    format!("direct-write.stream.{stream}")
}

/// The background task of one table.
pub(crate) struct Committer {
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    give_up: CancellationToken,
}

/// What the task works with.
pub(crate) struct CommitterConfig {
    pub(crate) table: TableName,
    pub(crate) schema: SchemaRef,
    pub(crate) log_folder: PathBuf,
    pub(crate) commits: Arc<Commits>,
    pub(crate) latest: watch::Receiver<DeltaTable>,
    /// How many tables may encode Parquet at once.
    pub(crate) turns: Arc<Semaphore>,
    pub(crate) faults: Faults,
    pub(crate) metrics: TableMetrics,
}

impl Committer {
    pub(crate) fn start(config: CommitterConfig, sealed: mpsc::UnboundedReceiver<SealedSegment>) -> Self {
        let give_up = CancellationToken::new();
        let task = tokio::spawn(run(config, sealed, give_up.clone()));
        Self { task: tokio::sync::Mutex::new(Some(task)), give_up }
    }

    /// Waits until everything sealed is in Delta, at most until `deadline`; the rest stays in the log for the next start.
    /// The log has to be closed before.
    pub(crate) async fn close(&self, deadline: tokio::time::Instant) {
        let Some(mut task) = self.task.lock().await.take() else { return };
        if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
            self.give_up.cancel();
            // Ends after the commit it is in the middle of.
            if let Err(error) = task.await {
                tracing::error!(%error, "a committer did not end cleanly; its segments stay in the log");
            }
        }
    }

    /// Stops without committing what is left: the table is being dropped.
    pub(crate) async fn abandon(&self) {
        self.give_up.cancel();
        self.close(tokio::time::Instant::now()).await;
    }
}

async fn run(config: CommitterConfig, mut sealed: mpsc::UnboundedReceiver<SealedSegment>, give_up: CancellationToken) {
    let mut held = None;
    loop {
        let next = match held.take() {
            Some(segment) => Some(segment),
            None => tokio::select! {
                biased;
                () = give_up.cancelled() => None,
                segment = sealed.recv() => segment,
            },
        };
        let Some(first) = next else { break };
        let group;
        (group, held) = gather(first, &mut sealed);
        if !commit_with_retries(&config, group, &give_up).await {
            break;
        }
    }
}

fn gather(
    first: SealedSegment,
    sealed: &mut mpsc::UnboundedReceiver<SealedSegment>,
) -> (Vec<SealedSegment>, Option<SealedSegment>) {
    let mut bytes = first.bytes;
    let mut group = vec![first];
    while let Ok(next) = sealed.try_recv() {
        bytes += next.bytes;
        if bytes > TOGETHER {
            return (group, Some(next));
        }
        group.push(next);
    }
    (group, None)
}

/// Whether the segments are in Delta; if not, the task is to end.
async fn commit_with_retries(
    config: &CommitterConfig,
    mut group: Vec<SealedSegment>,
    give_up: &CancellationToken,
) -> bool {
    let mut pause = FIRST_RETRY;
    let mut tried = false;
    while let Err(error) = commit(config, &mut group, tried).await {
        tried = true;
        tracing::warn!(table = %config.table, %error, segments = group.len(), "rows stay in the log; trying again in {pause:?}");
        tokio::select! {
            () = give_up.cancelled() => return false,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_RETRY);
    }
    !give_up.is_cancelled()
}

/// `tried` says that an earlier try may have got into the table without anybody knowing.
async fn commit(config: &CommitterConfig, group: &mut Vec<SealedSegment>, tried: bool) -> Result<(), LakehouseError> {
    let not_written = |cause: String| LakehouseError::NotWritten { table: config.table.clone(), cause: cause.into() };
    let Ok(_turn) = config.turns.acquire().await else { return Err(LakehouseError::Closed(config.table.clone())) };
    let segments = std::mem::take(group);
    let (schema, folder, metrics) = (config.schema.clone(), config.log_folder.clone(), config.metrics.clone());
    let read = background::run(move || read(segments, &folder, &schema, &metrics)).await;
    let (segments, rows) = read.map_err(|error| not_written(error.to_string()))?;
    *group = segments;
    let rows = rows?;
    let Some(last) = group.last() else { return Ok(()) };
    let mut versions = vec![AppVersion { application: LOG.to_owned(), version: last.sequence as i64, once: tried }];
    versions.extend(rows.offsets.iter().map(|(stream, offset)| AppVersion {
        application: stream_application(stream),
        version: *offset,
        once: false,
    }));
    let table = config.latest.borrow().clone();
    let files =
        data_files::write_in_background(table, rows.batches).await.map_err(|error| not_written(error.to_string()))?;
    config.faults.reach(CrashPoint::AfterDataFile);
    match config.commits.commit(files, versions).await {
        // An earlier try had succeeded after all.
        Ok(()) | Err(LakehouseError::AlreadyApplied { .. }) => {}
        Err(error) => return Err(error),
    }
    config.faults.reach(CrashPoint::AfterCommit);
    let rows = group.iter().map(|segment| segment.rows).sum();
    let age = group.first().and_then(|segment| segment.since).map(|since| since.elapsed());
    config.metrics.committed(rows, group.len() as u64, age);
    tracing::debug!(table = %config.table, rows, segments = group.len(), ?age, "log committed");
    for segment in group.drain(..) {
        if let Err(error) = std::fs::remove_file(&segment.path) {
            tracing::warn!(path = %segment.path.display(), %error, "a committed segment was not removed; the next start does");
        }
    }
    Ok(())
}

/// Reads segments that were whole a moment ago. One that no longer is goes to the quarantine with what is sound in it kept.
fn read(
    segments: Vec<SealedSegment>,
    folder: &std::path::Path,
    schema: &SchemaRef,
    metrics: &TableMetrics,
) -> (Vec<SealedSegment>, Result<SegmentRows, LakehouseError>) {
    let mut all = SegmentRows::default();
    let mut kept: Vec<SealedSegment> = Vec::with_capacity(segments.len());
    let mut segments = segments.into_iter();
    while let Some(mut segment) = segments.next() {
        let segment = match segment.read() {
            Ok(rows) => {
                all.merge(rows);
                kept.push(segment);
                continue;
            }
            Err(what) => {
                tracing::error!(path = %segment.path.display(), what, "a segment cannot be read");
                segment
            }
        };
        metrics.damaged();
        match rescue(folder, &segment, schema) {
            Ok(Some(mut rescued)) => match rescued.read() {
                Ok(rows) => {
                    all.merge(rows);
                    kept.push(SealedSegment { space: segment.space, ..rescued });
                }
                Err(what) => tracing::error!(path = %rescued.path.display(), what, "a rescued segment cannot be read"),
            },
            Ok(None) => {}
            Err(error) => {
                kept.push(segment);
                kept.extend(segments);
                return (kept, Err(error));
            }
        }
    }
    (kept, Ok(all))
}
