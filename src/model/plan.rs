//! A plan: which records go through which writers into which table, and what must hold afterwards. The same words are
//! used by plan files (TOML), by the page and inside reports.

mod check;
mod preview;
mod spec;
mod writers;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use preview::PlanPreview;
pub use spec::{Amount, PlanSpec, RateSpec, SourceSpec};

use super::{TableName, WriterKind};

/// A plan file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What people call it; runs are listed under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where to.
    pub table: TableName,
    /// Whether the runs go one after the other or all at once.
    #[serde(default)]
    pub order: Order,
    /// Where the records come from.
    pub source: SourcePlan,
    /// The ways in, each of which is a run.
    #[serde(rename = "writer")]
    pub writers: Vec<WriterPlan>,
    /// How visibility and the reconciliation ask the table.
    #[serde(default)]
    pub check: CheckPlan,
    /// What must hold of every run: `errors = "== 0"`, `"durable.p99" = "< 5s"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub thresholds: BTreeMap<String, String>,
}

/// Whether runs share the machine and the workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// One after the other: each has everything for itself.
    #[default]
    Sequential,
    /// All at once; a report says so.
    Parallel,
}

/// Where records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Readings of devices, for a table with the generator's columns.
    Telemetry,
    /// Products, for a table with the product form's columns.
    Products,
    /// Values made from the columns of any table.
    Columns,
    /// A file: CSV, NDJSON or a JSON array.
    File,
}

impl SourceKind {
    /// The name in plan files and on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Telemetry => "telemetry",
            Self::Products => "products",
            Self::Columns => "columns",
            Self::File => "file",
        }
    }
}

/// Which records, how many, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePlan {
    /// Where they come from.
    pub kind: SourceKind,
    /// The same seed gives the same records.
    #[serde(default)]
    pub seed: u64,
    /// How many; this or `duration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// For how long, `30s`; this or `records`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Records per second; 0 = as fast as the writer takes them.
    #[serde(default)]
    pub rate: RatePlan,
    /// About how many bytes a record has as JSON; one text column is filled up to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_bytes: Option<u32>,
    /// How many different keys (devices, products) there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<u32>,
    /// How uneven the keys are: the exponent of Zipf's law; 0 = all alike.
    #[serde(default)]
    pub key_skew: f64,
    /// Share of records that break a rule of the table, 0 to 1.
    #[serde(default)]
    pub bad: f64,
    /// Share of records that are sent a second time with the same record id, 0 to 1.
    #[serde(default)]
    pub duplicates: f64,
    /// The file, for `file`; only the command line takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The id of an upload, for `file`: what the page and the API take in place of `path`. Uploads are not kept, so that plan
    /// files that are written out have an empty `path` instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// Which column of the table each field of the file goes to; fields of the same name need no entry, and fields that go
    /// to `""` are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
}

/// Records per second over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a rate is a number of records per second, {from, to, over} or {burst, every}"
)]
pub enum RatePlan {
    /// The same all the time; 0 = as fast as the writer takes them.
    Constant(f64),
    /// From one rate to another, then on at the last.
    Ramp {
        /// Records per second at the beginning.
        from: f64,
        /// Records per second at the end of `over`.
        to: f64,
        /// How long it takes, `30s`.
        over: String,
    },
    /// Many at once, then silence.
    Burst {
        /// Records in a burst.
        burst: u64,
        /// From the beginning of one burst to the next, `5s`.
        every: String,
    },
}

impl Default for RatePlan {
    fn default() -> Self {
        Self::Constant(0.0)
    }
}

/// One way in, with its options; those left out have the writer's defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriterPlan {
    /// Which.
    pub kind: WriterKind,
    /// How `sql` says what to insert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<SqlMode>,
    /// What records are on the wire: for `zerobus` and `copy-into`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Streams of `zerobus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<u32>,
    /// Records in a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// Batches that may wait for their acknowledgement at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
}

/// How `sql` says what to insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SqlMode {
    /// One row in each statement, as the original app did.
    SingleRow,
    /// `INSERT ... VALUES` with a bound parameter for each value.
    ValuesParameters,
    /// `INSERT ... VALUES` with typed literals in the text.
    ValuesLiterals,
    /// One JSON parameter, exploded by the warehouse.
    JsonParameter,
}

impl SqlMode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::SingleRow, Self::ValuesParameters, Self::ValuesLiterals, Self::JsonParameter];

    /// The name in plan files and on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::SingleRow => "single-row",
            Self::ValuesParameters => "values-parameters",
            Self::ValuesLiterals => "values-literals",
            Self::JsonParameter => "json-parameter",
        }
    }
}

/// What records are on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// A protobuf message each.
    Protobuf,
    /// A JSON object each.
    Json,
    /// Arrow record batches.
    Arrow,
    /// A Parquet file.
    Parquet,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 4] = [Self::Protobuf, Self::Json, Self::Arrow, Self::Parquet];

    /// The name in plan files and on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "protobuf",
            Self::Json => "json",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }
}

/// How the table is asked what arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckPlan {
    /// How often the table is asked for what is visible, `250ms`; `0s` = only at the end.
    pub every: String,
    /// How long after the last acknowledgement records may take to become visible, `60s`.
    pub patience: String,
}

impl Default for CheckPlan {
    fn default() -> Self {
        Self { every: "250ms".to_owned(), patience: "60s".to_owned() }
    }
}

/// A writer's options with nothing left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WriterOptions {
    /// Which.
    pub kind: WriterKind,
    /// For `sql`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<SqlMode>,
    /// For `zerobus` and `copy-into`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Streams of `zerobus`; 1 for the others.
    pub streams: u32,
    /// Records in a batch.
    pub batch: u32,
    /// Batches that may wait for their acknowledgement at the same time.
    pub in_flight: u32,
}
