//! Stand-ins with known behaviour, for tests of runs with a stopped clock: numbered records, a session that answers as a script
//! says, and a table in which rows become visible after a known time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::{Array, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use async_trait::async_trait;
use tokio::time::Instant;

use super::rows::RowOrdinals;
use super::source::{Source, Taken};
use super::table::{ChunkCount, RunTable};
use super::{Extent, Open, Run, RunEvents, RunSetup, RunView, Signals};
use crate::model::{FieldError, RunReport, WriterKind, WriterOptions};
use crate::workspace::WorkspaceError;
use crate::writer::{Acknowledged, BatchProgress, Encoded, Payload, Session, WriteFailure, WriterError};

/// Bytes that an encoded record counts as.
pub(in crate::engine) const RECORD_BYTES: u64 = 100;

/// Records with nothing in them but their ordinal.
#[derive(Default)]
pub(in crate::engine) struct Numbered {
    next: u64,
    /// How many there are; `None` = no end.
    pub(in crate::engine) records: Option<u64>,
    /// Every so many-th is bad.
    pub(in crate::engine) bad_every: Option<u64>,
    /// Every so many-th is sent twice.
    pub(in crate::engine) repeat_every: Option<u64>,
    /// Whether the records have ids of their own.
    pub(in crate::engine) own_ids: bool,
    /// The record at which the source fails.
    pub(in crate::engine) fails_at: Option<u64>,
}

impl Source for Numbered {
    fn take(&mut self, count: u64, want_details: bool) -> Result<Option<Taken>, String> {
        let range = self.next..(self.next + count).min(self.records.unwrap_or(u64::MAX));
        if range.is_empty() {
            return Ok(None);
        }
        if self.fails_at.is_some_and(|at| range.contains(&at)) {
            return Err("line 7 is no JSON".to_owned());
        }
        self.next = range.end;
        let every = |ordinal: u64, every: Option<u64>| every.is_some_and(|every| ordinal % every == every - 1);
        let (invalid, good): (Vec<u64>, Vec<u64>) = range.clone().partition(|ordinal| every(*ordinal, self.bad_every));
        let copies = |ordinal: &u64| if every(*ordinal, self.repeat_every) { 2 } else { 1 };
        let rows: Vec<u64> = good.iter().flat_map(|ordinal| vec![*ordinal; copies(ordinal)]).collect();
        let detail = FieldError::new("records[0].n", "minimum", "must be at least 0", None);
        Ok(Some(Taken {
            repeated: (rows.len() - good.len()) as u64,
            rows: rows.iter().copied().collect(),
            records: numbered_rows(rows),
            details: if want_details { vec![detail; invalid.len()] } else { Vec::new() },
            invalid: invalid.into_iter().collect(),
            own_ids: self.own_ids,
            next: range.end,
        }))
    }
}

fn numbered_rows(ordinals: Vec<u64>) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("ordinal", DataType::UInt64, false)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(UInt64Array::from(ordinals))]).unwrap()
}

/// What becomes of a write.
#[derive(Clone)]
pub(in crate::engine) enum Fate {
    /// All of it is durable after this.
    Durable(Duration),
    /// It fails after this.
    Fails {
        /// When.
        after: Duration,
        /// Why, and what is durable all the same.
        failure: WriteFailure,
        /// Rows that get into the table, acknowledged or not: the first ones.
        landed: u64,
    },
    /// Nothing is ever heard of it.
    Silence,
}

/// A write as a script sees it.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Call {
    /// 0 for the first of the session.
    pub(in crate::engine) number: u64,
    /// Since the session was opened.
    pub(in crate::engine) at: Duration,
}

type Script = Box<dyn Fn(Call) -> Fate + Send + Sync>;

/// A session that answers as a script says.
pub(in crate::engine) struct Scripted {
    script: Script,
    opened: Instant,
    calls: AtomicU64,
    table: Arc<TableDouble>,
    /// Attempts that are told as repeated before each answer.
    pub(in crate::engine) retries: u64,
    pub(in crate::engine) refuses_to_encode: bool,
    pub(in crate::engine) closed: AtomicBool,
}

impl Scripted {
    pub(in crate::engine) fn new(
        table: &Arc<TableDouble>,
        script: impl Fn(Call) -> Fate + Send + Sync + 'static,
    ) -> Self {
        Self {
            script: Box::new(script),
            opened: Instant::now(),
            calls: AtomicU64::new(0),
            table: table.clone(),
            retries: 0,
            refuses_to_encode: false,
            closed: AtomicBool::new(false),
        }
    }

    /// Writes so far.
    pub(in crate::engine) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Session for Scripted {
    fn encode(&self, records: &RecordBatch) -> Result<Encoded, WriterError> {
        if self.refuses_to_encode {
            return Err(WriterError::Rejected("column n has type VOID".to_owned()));
        }
        let rows = records.num_rows() as u64;
        Ok(Encoded { records: rows, bytes: rows * RECORD_BYTES, payload: Payload::Arrow(records.clone()) })
    }

    async fn write(&self, batch: Encoded, progress: Arc<dyn BatchProgress>) -> Result<Acknowledged, WriteFailure> {
        let Payload::Arrow(rows) = batch.payload else { panic!("this session made the batch") };
        let ordinals: Vec<u64> = rows.column(0).as_any().downcast_ref::<UInt64Array>().unwrap().values().to_vec();
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        progress.sent(Instant::now());
        for _ in 0..self.retries {
            progress.retried(&busy());
        }
        match (self.script)(Call { number, at: self.opened.elapsed() }) {
            Fate::Durable(after) => {
                wait(after).await;
                self.table.insert(&ordinals);
                Ok(Acknowledged { records: batch.records, at: Instant::now(), calls: 1 })
            }
            Fate::Fails { after, failure, landed } => {
                wait(after).await;
                self.table.insert(&ordinals[..landed as usize]);
                Err(failure)
            }
            Fate::Silence => std::future::pending().await,
        }
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

/// A sleep of no time is none.
async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// An error that time may heal.
pub(in crate::engine) fn busy() -> WriterError {
    WriterError::Busy { message: "429 Too Many Requests".to_owned(), retry_after: None }
}

/// A batch of which nothing is durable.
pub(in crate::engine) fn refused(error: WriterError) -> Fate {
    Fate::Fails { after: Duration::from_millis(3), failure: WriteFailure::nothing_sent(error), landed: 0 }
}

/// A table in which rows become visible after a known time.
#[derive(Default)]
pub(in crate::engine) struct TableDouble {
    /// From durable to visible.
    pub(in crate::engine) lag: Duration,
    /// How long an answer takes; what it says is as of its end.
    pub(in crate::engine) answer_takes: Duration,
    /// Ordinals that never arrive.
    pub(in crate::engine) loses: BTreeSet<u64>,
    /// Answers nothing but errors from the first question on, as many as these.
    pub(in crate::engine) errors: Mutex<Vec<WorkspaceError>>,
    /// Never answers.
    pub(in crate::engine) silent: bool,
    /// When each row is visible, by ordinal.
    rows: Mutex<BTreeMap<u64, Vec<Instant>>>,
    questions: AtomicU64,
}

impl TableDouble {
    /// An empty table with something about it.
    pub(in crate::engine) fn with(change: impl FnOnce(&mut Self)) -> Arc<Self> {
        let mut table = Self::default();
        change(&mut table);
        Arc::new(table)
    }

    /// Rows become visible after the lag.
    pub(in crate::engine) fn insert(&self, ordinals: &[u64]) {
        let visible_at = Instant::now() + self.lag;
        let mut rows = self.rows.lock().unwrap();
        for ordinal in ordinals.iter().filter(|ordinal| !self.loses.contains(ordinal)) {
            rows.entry(*ordinal).or_default().push(visible_at);
        }
    }

    /// Questions so far.
    pub(in crate::engine) fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl RunTable for TableDouble {
    async fn chunk_counts(&self, ordinals: Range<u64>, chunk: u64) -> Result<Vec<ChunkCount>, WorkspaceError> {
        self.questions.fetch_add(1, Ordering::Relaxed);
        wait(self.answer_takes).await;
        if self.silent {
            std::future::pending::<()>().await;
        }
        if let Some(error) = self.errors.lock().unwrap().pop() {
            return Err(error);
        }
        let now = Instant::now();
        let mut counts: BTreeMap<u64, ChunkCount> = BTreeMap::new();
        for (ordinal, visible_at) in self.rows.lock().unwrap().range(ordinals) {
            let visible = visible_at.iter().filter(|at| **at <= now).count() as u64;
            if visible > 0 {
                let first = ordinal / chunk * chunk;
                let counted = counts.entry(first).or_insert(ChunkCount { first, ids: 0, rows: 0 });
                counted.ids += 1;
                counted.rows += visible;
            }
        }
        Ok(counts.into_values().collect())
    }
}

/// Keeps what a run says.
#[derive(Default)]
pub(in crate::engine) struct Heard {
    pub(in crate::engine) lines: Mutex<Vec<(&'static str, String)>>,
    pub(in crate::engine) changes: AtomicU64,
}

impl RunEvents for Heard {
    fn log(&self, level: &'static str, text: String) {
        self.lines.lock().unwrap().push((level, text));
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }
}

/// A run of doubles. Change what matters to the test, then [`Self::start`] or [`Self::report`].
pub(in crate::engine) struct Rig {
    pub(in crate::engine) source: Numbered,
    pub(in crate::engine) extent: Extent,
    pub(in crate::engine) batch: u32,
    pub(in crate::engine) in_flight: u32,
    pub(in crate::engine) table: Result<Arc<TableDouble>, String>,
    pub(in crate::engine) check_every: Duration,
    pub(in crate::engine) patience: Duration,
    pub(in crate::engine) heard: Arc<Heard>,
    pub(in crate::engine) shutdown: tokio_util::sync::CancellationToken,
}

/// A run that goes on.
pub(in crate::engine) struct Started {
    pub(in crate::engine) view: RunView,
    pub(in crate::engine) signals: Signals,
    pub(in crate::engine) report: tokio::task::JoinHandle<RunReport>,
}

impl Rig {
    /// So many records at this pace, in batches of up to 500 with 64 in flight, and a table that is asked at the end only.
    pub(in crate::engine) fn new(pacer: super::pacer::Pacer, records: u64) -> Self {
        Self {
            source: Numbered::default(),
            extent: Extent { pacer, records: Some(records), time: None },
            batch: 500,
            in_flight: 64,
            table: Ok(Arc::default()),
            check_every: Duration::ZERO,
            patience: Duration::from_secs(60),
            heard: Arc::default(),
            shutdown: tokio_util::sync::CancellationToken::new(),
        }
    }

    /// With a session that `script` answers for.
    pub(in crate::engine) async fn report(self, script: impl Fn(Call) -> Fate + Send + Sync + 'static) -> RunReport {
        self.start(script).report.await.unwrap()
    }

    pub(in crate::engine) fn start(self, script: impl Fn(Call) -> Fate + Send + Sync + 'static) -> Started {
        let open = self.opening(script);
        self.start_with(open)
    }

    /// Opens a session that `script` answers for.
    pub(in crate::engine) fn opening(&self, script: impl Fn(Call) -> Fate + Send + Sync + 'static) -> Open {
        let table = self.table.clone().unwrap_or_default();
        Box::new(move || Box::pin(async move { Ok(Arc::new(Scripted::new(&table, script)) as Arc<dyn Session>) }))
    }

    pub(in crate::engine) fn start_with(self, open: Open) -> Started {
        let signals = Signals::new(self.shutdown.clone());
        let events = self.heard.clone();
        let run = self.run("scripted", open, events);
        Started { view: run.view(), signals: signals.clone(), report: tokio::spawn(run.go(signals)) }
    }

    /// A run under this label that has not begun.
    pub(in crate::engine) fn run(self, label: &str, open: Open, events: Arc<dyn RunEvents>) -> Run {
        let setup = RunSetup {
            run_id: "run".to_owned(),
            label: label.to_owned(),
            options: WriterOptions {
                kind: WriterKind::Sql,
                mode: None,
                encoding: None,
                streams: 1,
                batch: self.batch,
                in_flight: self.in_flight,
            },
            open,
            source: Box::new(self.source),
            seed: 7,
            extent: self.extent,
            table: self.table.map(|table| table as Arc<dyn RunTable>),
            check_every: self.check_every,
            patience: self.patience,
        };
        Run::new(setup, events)
    }
}

/// Ordinals of rows, for ledgers.
pub(in crate::engine) fn rows(range: Range<u64>) -> RowOrdinals {
    RowOrdinals::from_range(range)
}
