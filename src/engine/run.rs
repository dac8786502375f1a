//! A run: records of one source, through one writer, into one table, measured and held against the table at the end.
//!
//! ```text
//! Pending -> Connecting -> Running -> Draining -> Completed | Stopped | Failed
//!
//! source -> producer (pacer, encode) -> queue -> sender -> session      board: meter, ledger, what waits to be visible
//!                                                             table  -> visible -> reconcile
//! ```
//!
//! Time is tokio's and randomness is the source's, so that a run with a stopped clock repeats exactly. Knows nothing of plans
//! with many writers, of histories or pages.

mod board;
mod cells;
mod course;
mod figures;
mod file_source;
mod generated;
mod generator;
pub mod ids;
mod ledger;
mod meter;
mod pacer;
mod producer;
mod reconcile;
mod rows;
mod sender;
mod signals;
mod source;
mod table;
mod visible;
mod words;

#[cfg(test)]
pub(in crate::engine) mod doubles;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use futures::future::BoxFuture;
use tokio::time::Instant;

pub use file_source::{FileSource, preview, preview_file};
pub use generated::Generated;
pub use generator::Generator;

pub(in crate::engine) use figures::Extent;
#[cfg(test)]
pub(in crate::engine) use pacer::Pacer;
pub(in crate::engine) use signals::Signals;
pub use source::fitting_kind;
pub(in crate::engine) use source::{Source, source_of};
pub(in crate::engine) use table::{RunTable, WorkspaceTable};

use board::Board;
use course::Course;
use figures::millis;

use crate::model::{
    EdgeError, ErrorCount, LiveRun, Reconciliation, RunReport, RunState, SourceSpec, TableInfo, WriterKind,
    WriterOptions,
};
use crate::writer::{Session, WriterError};

/// A writer that is not open by then does not open.
const CONNECT: Duration = Duration::from_secs(60);

/// Points of a series are at least this far apart, and so are live updates.
pub(in crate::engine) const TICK: Duration = Duration::from_millis(250);

/// Hears what happens in a run.
pub(in crate::engine) trait RunEvents: Send + Sync {
    /// A line for people; `level` is `info`, `warn` or `error`.
    fn log(&self, level: &'static str, text: String);
    /// The run's state changed.
    fn changed(&self);
    /// Records came a step further; for whoever counts over all runs.
    fn counted(&self, _: WriterKind, _: Counted<'_>) {}
}

/// A step of records.
pub(in crate::engine) enum Counted<'a> {
    /// They were handed to the writer.
    Accepted(u64),
    /// They are durable, so long after their batch was begun.
    Durable(u64, Duration),
    /// They were not acknowledged as durable; with the error's code.
    Failed(u64, &'a str),
}

/// Opens the writer.
pub(in crate::engine) type Open = Box<dyn FnOnce() -> BoxFuture<'static, Result<Arc<dyn Session>, WriterError>> + Send>;

/// What a run is made of.
pub(in crate::engine) struct RunSetup {
    /// Its id, which every row carries.
    pub(in crate::engine) run_id: String,
    /// The writer's label.
    pub(in crate::engine) label: String,
    /// With which options.
    pub(in crate::engine) options: WriterOptions,
    /// Opens the writer.
    pub(in crate::engine) open: Open,
    /// The records.
    pub(in crate::engine) source: Box<dyn Source>,
    /// The seed of the record ids.
    pub(in crate::engine) seed: u64,
    /// How many records, and when.
    pub(in crate::engine) extent: Extent,
    /// The table, or why it cannot be asked.
    pub(in crate::engine) table: Result<Arc<dyn RunTable>, String>,
    /// How often the table is asked for what is visible; zero = only at the end.
    pub(in crate::engine) check_every: Duration,
    /// How long records may take to become visible.
    pub(in crate::engine) patience: Duration,
}

/// Runs generated records through a session of the caller's own, without a table that could be asked: how fast the engine itself is
/// and what it adds.
///
/// # Errors
/// Why the records cannot be made for `table`.
pub async fn run_through(
    session: Arc<dyn Session>,
    source: &SourceSpec,
    table: &TableInfo,
    options: WriterOptions,
) -> Result<RunReport, EdgeError> {
    let run_id = uuid::Uuid::now_v7().to_string();
    let setup = RunSetup {
        source: source_of(source, table, &run_id)?,
        run_id,
        label: "session".to_owned(),
        options,
        open: Box::new(move || Box::pin(async move { Ok(session) })),
        seed: source.seed,
        extent: Extent::new(source),
        table: Err("There is no table behind this session.".to_owned()),
        check_every: Duration::ZERO,
        patience: Duration::ZERO,
    };
    let signals = Signals::new(tokio_util::sync::CancellationToken::new());
    Ok(Run::new(setup, Arc::new(Unheard)).go(signals).await)
}

/// Nobody listens.
struct Unheard;

impl RunEvents for Unheard {
    fn log(&self, _: &'static str, _: String) {}
    fn changed(&self) {}
}

/// A run that can be watched.
pub(in crate::engine) struct Run {
    setup: RunSetup,
    board: Arc<Board>,
}

/// What is known of a run at any time.
#[derive(Clone)]
pub(in crate::engine) struct RunView {
    board: Arc<Board>,
}

impl RunView {
    /// The run as it is now.
    pub(in crate::engine) fn live(&self) -> LiveRun {
        self.board.live(Instant::now())
    }

    /// Values of the series and bytes of the ledger.
    #[cfg(test)]
    fn memory(&self) -> (usize, usize) {
        self.board.memory()
    }

    /// Up to which record the source was asked; `None` when it is no longer.
    #[cfg(test)]
    fn taken(&self) -> Option<u64> {
        self.board.taken()
    }

    /// The report of a run whose task has died; a defect of this program.
    pub(in crate::engine) fn broken_off(&self, problem: &str) -> RunReport {
        let reason = format!(
            "The run broke off by a defect of this program ({problem}). Look into the table before sending again."
        );
        self.board.log("error", reason.clone());
        self.board.enter(RunState::Failed, Some(reason.clone()));
        let LiveRun { run_id, writer, options, .. } = self.live();
        let end = End { state: RunState::Failed, reason: Some(reason), ..End::begun_now() };
        end.report(run_id, writer, options, &self.board)
    }
}

impl Run {
    /// A run that has not begun.
    pub(in crate::engine) fn new(setup: RunSetup, events: Arc<dyn RunEvents>) -> Self {
        let board = Board::new(setup.run_id.clone(), setup.label.clone(), setup.options, setup.extent, events);
        Self { setup, board: Arc::new(board) }
    }

    /// With which options it writes.
    pub(in crate::engine) fn options(&self) -> &WriterOptions {
        &self.setup.options
    }

    /// For watching it.
    pub(in crate::engine) fn view(&self) -> RunView {
        RunView { board: self.board.clone() }
    }

    /// Runs it to its end, whatever that is.
    pub(in crate::engine) async fn go(self, signals: Signals) -> RunReport {
        let Self { setup, board } = self;
        let mut end = End::begun_now();
        board.enter(RunState::Connecting, None);
        let connect_began = Instant::now();
        let opened = connect(setup.open, &signals).await;
        end.connect = connect_began.elapsed();
        let course = Course {
            board: board.clone(),
            label: setup.label.clone(),
            options: setup.options,
            extent: setup.extent,
            seed: setup.seed,
            table: setup.table,
            check_every: setup.check_every,
            patience: setup.patience,
            signals,
        };
        match opened {
            Ok(session) => {
                board.log("info", format!("Connected in {:.0} ms.", millis(end.connect)));
                course.run(session, setup.source, &mut end).await;
            }
            Err(Some(error)) => {
                end.state = RunState::Failed;
                end.reason = Some(words::not_opened(&setup.label, &error));
                end.open_error = Some(error);
            }
            Err(None) => {
                end.state = RunState::Stopped;
                end.reason = Some("Stopped before the writer was open. Nothing was written.".to_owned());
            }
        }
        let level = if end.state == RunState::Failed { "error" } else { "info" };
        board.log(level, end.reason.clone().unwrap_or_else(|| "Completed.".to_owned()));
        board.enter(end.state, end.reason.clone());
        end.report(setup.run_id, setup.label, setup.options, &board)
    }
}

/// Opens the writer; `Err(None)` after a stop.
async fn connect(open: Open, signals: &Signals) -> Result<Arc<dyn Session>, Option<WriterError>> {
    let opening = tokio::time::timeout(CONNECT, open());
    match signals.stop.run_until_cancelled(opening).await {
        Some(Ok(opened)) => opened.map_err(Some),
        Some(Err(_)) => Err(Some(WriterError::Timeout(format!("it was not open after {} s", CONNECT.as_secs())))),
        None => Err(None),
    }
}

/// How a run ends.
struct End {
    state: RunState,
    reason: Option<String>,
    open_error: Option<WriterError>,
    started_at: String,
    connect: Duration,
    reconciliation: Reconciliation,
}

impl End {
    fn begun_now() -> Self {
        let note = Some("Nothing was sent.".to_owned());
        Self {
            state: RunState::Pending,
            reason: None,
            open_error: None,
            started_at: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            connect: Duration::ZERO,
            reconciliation: Reconciliation { note, ..Reconciliation::default() },
        }
    }

    fn report(self, run_id: String, writer: String, options: WriterOptions, board: &Board) -> RunReport {
        let figures = board.figures(Instant::now());
        let mut errors = figures.errors.clone();
        errors.extend(self.open_error.map(|error| ErrorCount {
            class: error.code().to_lowercase(),
            message: error.to_string(),
            count: 1,
            retryable: error.is_retryable(),
            details: Vec::new(),
        }));
        RunReport {
            run_id,
            writer,
            options,
            state: self.state,
            reason: self.reason,
            started_at: self.started_at,
            records: figures.records,
            elapsed_ms: millis(figures.elapsed),
            connect_ms: millis(self.connect),
            throughput: figures.throughput,
            latency_ms: figures.latency_ms,
            most_in_flight: figures.most_in_flight,
            retries: figures.retries,
            errors,
            reconciliation: self.reconciliation,
            usage: figures.usage(options.kind),
            series: figures.series,
        }
    }
}
