//! The list of what ran: how it is asked for and what it shows of each comparison.

use serde::{Deserialize, Serialize};

use super::{RunState, TableName, WriterKind};

/// Most entries of a page.
pub const MOST_ENTRIES: u32 = 200;

/// Which comparisons, in which order, which page of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HistoryQuery {
    /// Part of the name, the table, the id, or of who started it; empty for all.
    pub text: String,
    /// Only this table.
    pub table: Option<TableName>,
    /// Only comparisons with a run through this writer.
    pub writer: Option<WriterKind>,
    /// Only comparisons that ended so.
    pub state: Option<RunState>,
    /// By what.
    pub sort: HistorySort,
    /// From the smallest or oldest on.
    pub ascending: bool,
    /// 0 for the first.
    pub page: u32,
    /// Entries of a page, 1 to [`MOST_ENTRIES`].
    pub page_size: u32,
}

impl Default for HistoryQuery {
    fn default() -> Self {
        Self {
            text: String::new(),
            table: None,
            writer: None,
            state: None,
            sort: HistorySort::default(),
            ascending: false,
            page: 0,
            page_size: 50,
        }
    }
}

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistorySort {
    /// When it began.
    #[default]
    Started,
    /// Its name.
    Name,
    /// The highest throughput of its runs.
    RowsPerSecond,
}

/// A page of the list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// How many comparisons fit the query, on all pages.
    pub total: u64,
    /// Those of this page.
    pub entries: Vec<HistoryEntry>,
}

/// What the list shows of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// When it began, ISO 8601 in UTC.
    pub started_at: String,
    /// Who started it; empty when nobody was named.
    pub started_by: String,
    /// The name of the workspace.
    pub workspace: String,
    /// Where to.
    pub table: TableName,
    /// `Failed` when one of its runs failed, `Stopped` when one was stopped, else `Completed`.
    pub state: RunState,
    /// Whether all thresholds held; `None` when there were none.
    pub held: Option<bool>,
    /// Its runs, in order.
    pub runs: Vec<HistoryRun>,
}

/// What the list shows of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryRun {
    /// Its writer.
    pub kind: WriterKind,
    /// Its label.
    pub writer: String,
    /// How it ended.
    pub state: RunState,
    /// Durable records.
    pub durable: u64,
    /// Durable rows that are not in the table.
    pub missing: u64,
    /// Durable rows per second.
    pub rows_per_s: f64,
    /// Milliseconds until durable, median; `None` when nothing became durable.
    pub durable_p50_ms: Option<f64>,
    /// The same, 99 %.
    pub durable_p99_ms: Option<f64>,
}
