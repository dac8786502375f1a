//! A comparison while it runs: one snapshot, each of which replaces the one before.

use serde::{Deserialize, Serialize};

use super::{
    ErrorCount, Latencies, Order, Plan, RecordCounts, Report, RunReport, RunState, SeriesPoint, TableName, Throughput,
    WorkspaceBadge, WriterOptions,
};

/// All that is known of a comparison at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveComparison {
    /// Its id; also that of its report.
    pub id: String,
    /// Counts up with every change; the id of the server-sent event.
    pub sequence: u64,
    /// What people call it.
    pub name: String,
    /// Which workspace.
    pub workspace: WorkspaceBadge,
    /// Where to.
    pub table: TableName,
    /// What was asked for.
    pub plan: Plan,
    /// When it began, ISO 8601 in UTC.
    pub started_at: String,
    /// Who started it: an e-mail, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub started_by: String,
    /// Whose token the SQL statements run with: an e-mail; empty when it is the app's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sql_as: String,
    /// Nothing will change any more; the report is there.
    pub finished: bool,
    /// One for each writer.
    pub runs: Vec<LiveRun>,
    /// The latest lines of what happened, oldest first; at most 200.
    pub log: Vec<LogLine>,
}

impl From<&Report> for LiveComparison {
    /// How things stood when it had ended; there is no log.
    fn from(report: &Report) -> Self {
        Self {
            id: report.id.clone(),
            sequence: 0,
            name: report.name.clone(),
            workspace: report.workspace.clone(),
            table: report.table.clone(),
            plan: report.plan.clone(),
            started_at: report.started_at.clone(),
            started_by: report.started_by.clone(),
            sql_as: report.sql_as.clone(),
            finished: true,
            runs: report.runs.iter().map(LiveRun::from).collect(),
            log: Vec::new(),
        }
    }
}

/// What of a comparison changes while it runs: the part of [`LiveComparison`] that a page draws again and again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveView {
    /// Its id.
    pub id: String,
    /// Counts up with every change.
    pub sequence: u64,
    /// Nothing will change any more; the report is there.
    pub finished: bool,
    /// Whether the runs go one after the other or all at once.
    pub order: Order,
    /// One for each writer.
    pub runs: Vec<LiveRun>,
    /// The latest lines of what happened, oldest first.
    pub log: Vec<LogLine>,
}

impl From<&LiveComparison> for LiveView {
    fn from(live: &LiveComparison) -> Self {
        Self {
            id: live.id.clone(),
            sequence: live.sequence,
            finished: live.finished,
            order: live.plan.order,
            runs: live.runs.clone(),
            log: live.log.clone(),
        }
    }
}

/// A run at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveRun {
    /// Its id.
    pub run_id: String,
    /// Its label.
    pub writer: String,
    /// With which options.
    pub options: WriterOptions,
    /// Where it stands.
    pub state: RunState,
    /// Why it failed or was stopped.
    pub reason: Option<String>,
    /// Counts so far.
    pub records: RecordCounts,
    /// Share of the work that is done, 0 to 1; `None` when it is not known.
    pub progress: Option<f64>,
    /// Milliseconds left at the present rate; `None` when it is not known.
    pub left_ms: Option<f64>,
    /// Milliseconds since it began to send.
    pub elapsed_ms: f64,
    /// Since the beginning.
    pub throughput: Throughput,
    /// Since the beginning.
    pub latency_ms: Latencies,
    /// Batches that wait for an acknowledgement now.
    pub in_flight: u64,
    /// Attempts that were repeated.
    pub retries: u64,
    /// By class.
    pub errors: Vec<ErrorCount>,
    /// How hard the writer pushes back.
    pub pressure: Pressure,
    /// The course so far, at most 240 points; on the wire as columns.
    #[serde(with = "super::columns")]
    pub series: Vec<SeriesPoint>,
}

impl From<&RunReport> for LiveRun {
    fn from(run: &RunReport) -> Self {
        Self {
            run_id: run.run_id.clone(),
            writer: run.writer.clone(),
            options: run.options,
            state: run.state,
            reason: run.reason.clone(),
            records: run.records,
            progress: None,
            left_ms: None,
            elapsed_ms: run.elapsed_ms,
            throughput: run.throughput,
            latency_ms: run.latency_ms,
            in_flight: 0,
            retries: run.retries,
            errors: run.errors.clone(),
            pressure: Pressure::default(),
            series: run.series.clone(),
        }
    }
}

/// How hard a writer pushes back, and why it is thought so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pressure {
    /// How hard.
    pub level: PressureLevel,
    /// In words.
    pub reason: String,
}

/// How hard a writer pushes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PressureLevel {
    /// It takes what comes.
    #[default]
    Low,
    /// It is mostly busy.
    Medium,
    /// Records wait for it.
    High,
}

/// A line of the log of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// ISO 8601 in UTC.
    pub at: String,
    /// Which run, by its label; `None` for the comparison.
    pub writer: Option<String>,
    /// `info`, `warn` or `error`.
    pub level: String,
    /// What happened.
    pub text: String,
}
