//! What a comparison measured, as `direct-write/report/v1`. Charts, exports and verdicts are drawn from it alone.
//!
//! Times are milliseconds, rates per second, sizes bytes. Keys may be added within v1; none changes its meaning.

use serde::{Deserialize, Serialize};

use super::{FieldError, Plan, TableName, WorkspaceBadge, WriterOptions};

/// The value of [`Report::schema`].
pub const REPORT_SCHEMA: &str = "direct-write/report/v1";

/// A comparison: the runs of one plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`REPORT_SCHEMA`].
    pub schema: String,
    /// Its id; also that of its page.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// When it began, ISO 8601 in UTC.
    pub started_at: String,
    /// Who started it: an e-mail, or empty.
    #[serde(default)]
    pub started_by: String,
    /// Whose token the SQL statements ran with: an e-mail; empty when it was the app's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sql_as: String,
    /// Which workspace.
    pub workspace: WorkspaceBadge,
    /// Where to.
    pub table: TableName,
    /// What was asked for.
    pub plan: Plan,
    /// What it ran on.
    pub machine: Machine,
    /// One for each writer of the plan, in its order.
    pub runs: Vec<RunReport>,
    /// What had to hold.
    pub thresholds: Vec<ThresholdResult>,
}

impl Report {
    /// How the comparison ended: `Failed` when a run failed, `Stopped` when one was stopped, else `Completed`.
    pub fn state(&self) -> RunState {
        let any = |state| self.runs.iter().any(|run| run.state == state);
        match (any(RunState::Failed), any(RunState::Stopped)) {
            (true, _) => RunState::Failed,
            (false, true) => RunState::Stopped,
            (false, false) => RunState::Completed,
        }
    }

    /// Whether every threshold held; `None` when there were none.
    pub fn held(&self) -> Option<bool> {
        (!self.thresholds.is_empty()).then(|| self.thresholds.iter().all(|threshold| threshold.held))
    }
}

/// What the client ran on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// This program's version.
    pub version: String,
    /// Processors the program may use.
    pub cpus: u32,
    /// `linux x86_64`
    pub platform: String,
    /// Whether it was built for speed; figures of a debug build say little.
    pub optimized: bool,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waits for its turn.
    #[default]
    Pending,
    /// Opens its writer.
    Connecting,
    /// Sends.
    Running,
    /// Sends nothing more; waits for acknowledgements and for the table.
    Draining,
    /// Every record was sent and answered.
    Completed,
    /// Somebody stopped it.
    Stopped,
    /// It could not go on.
    Failed,
}

impl RunState {
    /// Every state, in the order a run goes through them.
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Connecting, Self::Running, Self::Draining, Self::Completed, Self::Stopped, Self::Failed];

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == text)
    }

    /// Whether nothing will change any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Stopped | Self::Failed)
    }

    /// The word on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Connecting => "connecting",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Completed => "completed",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Its id, which every row carries.
    pub run_id: String,
    /// The writer's label: unique in the comparison, e.g. `sql json-parameter`.
    pub writer: String,
    /// With which options.
    pub options: WriterOptions,
    /// How it ended.
    pub state: RunState,
    /// Why it failed or was stopped, in words: what failed, what was kept, what to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it began to connect, ISO 8601 in UTC.
    pub started_at: String,
    /// Counts; the proof that nothing was lost.
    pub records: RecordCounts,
    /// From the first record's send until the last was durable or failed.
    pub elapsed_ms: f64,
    /// Time to open the writer: tokens, streams; never part of a record's latency.
    pub connect_ms: f64,
    /// Durable records over `elapsed_ms`.
    pub throughput: Throughput,
    /// By stage, from the record's intended send time where a rate was asked for, else from when its batch was begun.
    pub latency_ms: Latencies,
    /// Highest number of batches that waited for an acknowledgement.
    pub most_in_flight: u64,
    /// Attempts that were repeated.
    pub retries: u64,
    /// By class, most frequent first; at most 32 classes.
    pub errors: Vec<ErrorCount>,
    /// What the table said at the end.
    pub reconciliation: Reconciliation,
    /// The course of the run, at most 240 points, evenly spaced.
    pub series: Vec<SeriesPoint>,
    /// Requests and bytes, for the cost.
    pub usage: Usage,
}

/// Counts of records of a run; `sent = durable + failed` once it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCounts {
    /// Taken from the source.
    pub sent: u64,
    /// Acknowledged as durable.
    pub durable: u64,
    /// Not acknowledged: refused before sending, refused by the workspace, or in doubt.
    pub failed: u64,
    /// Of `failed`: may be in the table all the same, because the answer was lost.
    #[serde(default)]
    pub in_doubt: u64,
    /// Different record ids of this run that a SELECT returned.
    pub visible: u64,
    /// Durable ids that the table does not have.
    pub missing: u64,
    /// Rows beyond the first of an id.
    pub duplicates: u64,
    /// Of `duplicates`: sent twice on purpose by the source.
    #[serde(default)]
    pub duplicates_sent: u64,
}

/// Durable records and bytes in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Rows.
    pub rows_per_s: f64,
    /// Bytes of encoded records.
    pub bytes_per_s: f64,
}

/// Latencies of a run by stage, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latencies {
    /// Work of making a batch into bytes, for each batch.
    pub encode: Percentiles,
    /// Until the batch was handed to the workspace, for each record.
    pub send: Percentiles,
    /// Until acknowledged as durable, for each record.
    pub durable: Percentiles,
    /// Until a SELECT returned it, for each record; not finer than `check.every`.
    pub visible: Percentiles,
}

impl Latencies {
    /// The stages in the order a record goes through them.
    pub fn stages(&self) -> [(&'static str, &Percentiles); 4] {
        [("encode", &self.encode), ("send", &self.send), ("durable", &self.durable), ("visible", &self.visible)]
    }
}

/// A distribution in milliseconds, from an HDR histogram with three significant digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many values; with 0 the others say nothing.
    pub count: u64,
    /// Smallest.
    pub min: f64,
    /// Average.
    pub mean: f64,
    /// Half are not above it.
    pub p50: f64,
    /// 90 % are not above it.
    pub p90: f64,
    /// 95 % are not above it.
    pub p95: f64,
    /// 99 % are not above it.
    pub p99: f64,
    /// 99.9 % are not above it.
    pub p99_9: f64,
    /// Largest.
    pub max: f64,
}

impl Percentiles {
    /// Its values by name, smallest first.
    pub fn values(&self) -> [(&'static str, f64); 8] {
        [
            ("min", self.min),
            ("mean", self.mean),
            ("p50", self.p50),
            ("p90", self.p90),
            ("p95", self.p95),
            ("p99", self.p99),
            ("p99_9", self.p99_9),
            ("max", self.max),
        ]
    }
}

/// How often one kind of thing went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// Short and stable: `invalid_record`, `unavailable`, `permission_denied`, `timeout`, ...
    pub class: String,
    /// The first message of it.
    pub message: String,
    /// Batches, or records for `invalid_record`.
    pub count: u64,
    /// Whether the same attempt may succeed later.
    pub retryable: bool,
    /// Broken rules, for `invalid_record`; at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<FieldError>,
}

/// What the table said of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Whether the table was asked and everything could be accounted for.
    pub done: bool,
    /// Why not, or what is odd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Record ids that are durable and not in the table; at most 100.
    pub missing_ids: Vec<String>,
    /// Record ids that are in the table more than once; at most 100.
    pub duplicate_ids: Vec<String>,
}

/// One moment of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeriesPoint {
    /// Milliseconds since the run began to send.
    pub at_ms: f64,
    /// Durable records in a second since the point before.
    pub rows_per_s: f64,
    /// Bytes of them in a second.
    pub bytes_per_s: f64,
    /// Durable latency since the point before; `None` when nothing became durable.
    pub durable_p50_ms: Option<f64>,
    /// The same, 99 %.
    pub durable_p99_ms: Option<f64>,
    /// Visible latency since the point before.
    pub visible_p50_ms: Option<f64>,
    /// The same, 99 %.
    pub visible_p99_ms: Option<f64>,
    /// Batches that waited for an acknowledgement.
    pub in_flight: u64,
    /// Errors since the point before.
    pub errors: u64,
}

/// What a run used, for its cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes of encoded records.
    pub bytes: u64,
    /// Calls: batches on a stream, requests, statements.
    pub calls: u64,
    /// Time in which at least one statement of the run was on the warehouse.
    pub warehouse_ms: f64,
}

/// One line of a plan's thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdResult {
    /// As written: `durable.p99 < 5s`.
    pub name: String,
    /// The run's writer label.
    pub writer: String,
    /// Whether it held.
    pub held: bool,
    /// What was measured, in the threshold's unit (milliseconds for times); `None` when it was not measured, which does not hold.
    pub value: Option<f64>,
}
