//! What a plan becomes once it is checked: numbers in place of text, and nothing left open.

use std::collections::BTreeMap;

use super::{Order, SourceKind, WriterOptions};
use crate::model::{TableName, Threshold};

/// A plan with nothing left open.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanSpec {
    /// What people call it; made from the source and the table when the plan has no name.
    pub name: String,
    /// Where to.
    pub table: TableName,
    /// Whether the runs go one after the other or all at once.
    pub order: Order,
    /// Which records.
    pub source: SourceSpec,
    /// The ways in, each with its label: `zerobus`, `zerobus json`, `sql json-parameter`; no label comes twice.
    pub writers: Vec<(String, WriterOptions)>,
    /// How often the table is asked for what is visible, in milliseconds; 0 = only at the end.
    pub check_every_ms: u64,
    /// How long after the last acknowledgement records may take to become visible, in milliseconds.
    pub patience_ms: u64,
    /// What must hold of every run, by name of the metric.
    pub thresholds: Vec<Threshold>,
}

/// Which records, how many, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSpec {
    /// Where they come from.
    pub kind: SourceKind,
    /// The same seed gives the same records.
    pub seed: u64,
    /// How many.
    pub amount: Amount,
    /// When.
    pub rate: RateSpec,
    /// About how many bytes a record has as JSON; `None` = as many as come.
    pub record_bytes: Option<u32>,
    /// How many different keys there are, at least 1.
    pub keys: u32,
    /// The exponent of Zipf's law for the keys; 0 = all alike.
    pub key_skew: f64,
    /// Share of records that break a rule, 0 to 1.
    pub bad: f64,
    /// Share of records that are sent twice, 0 to 1; together with `bad` at most 1.
    pub duplicates: f64,
    /// The file; there for [`SourceKind::File`] and only for it, unless there is an upload.
    pub path: Option<String>,
    /// The id of an upload, in place of a path.
    pub upload: Option<String>,
    /// Which column each field of the file goes to, where the names differ; an empty name leaves the field out.
    pub map: BTreeMap<String, String>,
}

/// How many records a run takes from its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many; a file may have fewer.
    Records(u64),
    /// As many as are due, or as the writer takes, in so many milliseconds.
    Duration(u64),
    /// All that the file has.
    WholeFile,
}

/// Records per second over time, in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RateSpec {
    /// As fast as the writer takes them.
    Unlimited,
    /// The same all the time; more than 0.
    Constant(f64),
    /// From one rate to another, then on at the last.
    Ramp {
        /// Records per second at the beginning, 0 or more.
        from: f64,
        /// Records per second at the end, more than 0.
        to: f64,
        /// How long it takes, in milliseconds; at least 1.
        over_ms: u64,
    },
    /// Many at once, then silence.
    Burst {
        /// Records in a burst, at least 1.
        burst: u64,
        /// From the beginning of one burst to the next, in milliseconds; at least 1.
        every_ms: u64,
    },
}
