//! A comparison while it runs: one snapshot, each of which replaces the one before.

use serde::{Deserialize, Serialize};

use super::{
    ErrorCount, Latencies, Plan, RecordCounts, RunState, SeriesPoint, TableName, Throughput, WorkspaceBadge,
    WriterOptions,
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
    /// Nothing will change any more; the report is there.
    pub finished: bool,
    /// One for each writer.
    pub runs: Vec<LiveRun>,
    /// The latest lines of what happened, oldest first; at most 200.
    pub log: Vec<LogLine>,
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
    /// The course so far, at most 240 points.
    pub series: Vec<SeriesPoint>,
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
