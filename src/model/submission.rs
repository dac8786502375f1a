//! One submission: records through one writer into one table, and what is known of it so far.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::receive::object;
use super::{EdgeError, TableInfo, TableName, WorkspaceBadge, WriterCard, WriterKind};

/// What the page hands in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// The way in.
    pub writer: WriterKind,
    /// Where to.
    pub table: TableName,
    /// Products, or rows by the table's columns: JSON objects, checked by the server again.
    pub items: Vec<Value>,
}

impl Submission {
    /// The JSON that the browser sends, which is what serde reads.
    pub fn to_json(&self) -> Value {
        let items = Value::Array(self.items.clone());
        object(vec![("writer", self.writer.name().into()), ("table", self.table.to_string().into()), ("items", items)])
    }
}

/// The five stops of a record's journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Checked against the table's columns.
    Validated,
    /// Made into the bytes the writer sends.
    Encoded,
    /// Handed to the workspace: accepted by the stream, or the request's last byte given to the connection.
    Sent,
    /// Acknowledged as durable.
    Durable,
    /// Returned by a SELECT.
    Visible,
}

impl Stage {
    /// In the order of the journey.
    pub const ALL: [Self; 5] = [Self::Validated, Self::Encoded, Self::Sent, Self::Durable, Self::Visible];

    /// The word on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Validated => "validated",
            Self::Encoded => "encoded",
            Self::Sent => "sent",
            Self::Durable => "durable",
            Self::Visible => "visible",
        }
    }
}

/// How far one stop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Not begun.
    Waiting,
    /// Under way.
    Active,
    /// Reached.
    Done,
    /// Will not be reached.
    Failed,
    /// Cannot be measured for this table, or did not happen within the time allowed; the reason is in the note.
    Unknown,
}

/// One stop and the time it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageReport {
    /// Which.
    pub stage: Stage,
    /// How far.
    pub state: StageState,
    /// Microseconds from the stop before it to this one; `None` until it is reached.
    pub took_us: Option<u64>,
    /// Why it is failed or unknown.
    pub note: Option<String>,
}

/// Counts of records; `received = durable + failed` once it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// Handed in.
    pub received: u64,
    /// Acknowledged as durable.
    pub durable: u64,
    /// Not acknowledged.
    pub failed: u64,
    /// Found in the table by a SELECT; `None` when nobody could look.
    pub visible: Option<u64>,
}

/// Where a submission stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionState {
    /// Under way.
    Running,
    /// Every record is durable.
    Succeeded,
    /// At least one record is not durable.
    Failed,
}

/// All that is known of a submission at one moment; each replaces the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubmissionSnapshot {
    /// Also the batch id of its records.
    pub id: String,
    /// Counts up with every change; the id of the server-sent event.
    pub sequence: u64,
    /// Where it stands. `Succeeded` and `Failed` may come before the visible stop is decided.
    pub state: SubmissionState,
    /// Nothing will change any more.
    pub finished: bool,
    /// The way in.
    pub writer: WriterKind,
    /// Where to.
    pub table: TableName,
    /// Which workspace.
    pub workspace: WorkspaceBadge,
    /// When it began, ISO 8601 in UTC.
    pub started_at: String,
    /// Counts.
    pub records: Records,
    /// Bytes of the records as the writer sent them, 0 until they are encoded.
    pub payload_bytes: u64,
    /// The five stops in order.
    pub stages: Vec<StageReport>,
    /// Microseconds from the beginning until durable or failed (so far, while it runs).
    pub processing_us: u64,
    /// Ids of the records, to mark them among the table's rows.
    pub record_ids: Vec<String>,
    /// What went wrong.
    pub error: Option<EdgeError>,
    /// The raw JSON answer, the same as `/api/v1/process-structured` gives; there once it is durable or failed.
    pub answer: Option<Value>,
}

impl SubmissionSnapshot {
    /// Durable records per second of processing time; `None` while nothing is durable.
    pub fn records_per_second(&self) -> Option<f64> {
        self.per_second(self.records.durable)
    }

    /// Bytes of durable records per second of processing time.
    pub fn bytes_per_second(&self) -> Option<f64> {
        self.per_second(if self.records.failed == 0 { self.payload_bytes } else { 0 })
    }

    fn per_second(&self, amount: u64) -> Option<f64> {
        let done = amount > 0 && self.processing_us > 0 && self.state != SubmissionState::Running;
        done.then(|| amount as f64 * 1e6 / self.processing_us as f64)
    }
}

/// The latest rows of a table, as a SELECT returned them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowsPage {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Values by column, as the Statement Execution API gives them: text, or null.
    pub rows: Vec<Vec<Option<String>>>,
    /// All rows in the table.
    pub total: u64,
}

/// Everything the workbench needs to begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkbenchInfo {
    /// Which workspace.
    pub workspace: WorkspaceBadge,
    /// Every writer, usable or not.
    pub writers: Vec<WriterCard>,
    /// The tables that can be written to; empty when the workspace does not answer.
    pub tables: Vec<TableInfo>,
    /// The one of them that the reader asked for, if any.
    #[serde(default)]
    pub asked: Option<TableName>,
    /// Why the tables could not be listed.
    pub problem: Option<EdgeError>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_submission_is_read_as_it_was_sent() {
        for writer in WriterKind::ALL {
            let table = TableName::parse("a.b.c").unwrap();
            let submission = Submission { writer, table, items: vec![json!({"n": 9_007_199_254_740_993_i64})] };
            let text = submission.to_json().to_string();
            assert_eq!(serde_json::from_str::<Submission>(&text).unwrap(), submission, "{text}");
        }
    }
}
