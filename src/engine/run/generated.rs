//! What a source hands over at a time: good records as columns, and beside them the bad ones.

use std::ops::Range;

use arrow_array::RecordBatch;
use serde_json::Value;

/// Records with the ordinals of a range, or the next rows of a file.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The good ones, by ordinal; a record that is sent twice is there twice in a row.
    pub records: RecordBatch,
    /// The ordinals of the rows of `records`, in their order: ranges to be taken one after the other. A record that is sent
    /// twice ends one range and begins the next.
    pub ordinals: Vec<Range<u64>>,
    /// Records that break a rule of the table, with their ordinals; they are in `ordinals` no more than in `records`.
    pub bad: Vec<(u64, Value)>,
    /// How many rows of `records` are the second of their ordinal.
    pub duplicates: u64,
}

impl Generated {
    /// Records taken from the source: good, repeated and bad.
    pub fn taken(&self) -> u64 {
        self.records.num_rows() as u64 + self.bad.len() as u64
    }
}

/// Adds the next row's ordinal to the ranges.
pub(super) fn push_ordinal(ordinals: &mut Vec<Range<u64>>, ordinal: u64) {
    match ordinals.last_mut() {
        Some(last) if last.end == ordinal => last.end = ordinal + 1,
        _ => ordinals.push(ordinal..ordinal + 1),
    }
}
