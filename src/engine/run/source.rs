//! What the engine takes records from: a generator or a file, a batch at a time.

use arrow_array::RecordBatch;

use super::rows::RowOrdinals;
use super::{Generated, Generator};
use crate::model::{EdgeError, FieldError, SourceSpec, TableInfo, validate_row};

/// Broken rules of one batch that are told.
const MOST_DETAILS: usize = 100;

/// The next records of a run.
pub(super) struct Taken {
    /// Good ones, those that are sent twice twice in a row.
    pub(super) records: RecordBatch,
    /// Which they are.
    pub(super) rows: RowOrdinals,
    /// How many of the rows are there for the second time.
    pub(super) repeated: u64,
    /// Which records break a rule of the table.
    pub(super) invalid: RowOrdinals,
    /// Which rules, as far as somebody wants to know.
    pub(super) details: Vec<FieldError>,
    /// The record behind the last of them.
    pub(super) next: u64,
}

impl Taken {
    /// `next` is the ordinal behind the last of them. Rules are looked up when `want_details`.
    pub(super) fn new(generated: Generated, next: u64, table: &TableInfo, want_details: bool) -> Self {
        let Generated { records, ordinals, bad, duplicates } = generated;
        let mut details = Vec::new();
        for (ordinal, record) in &bad {
            if !want_details || details.len() >= MOST_DETAILS {
                break;
            }
            if let Err(broken) = validate_row(record, &format!("records[{ordinal}]"), table) {
                details.extend(broken);
            }
        }
        let rows = ordinals.into_iter().collect();
        let invalid = bad.iter().map(|(ordinal, _)| *ordinal).collect();
        Self { records, rows, repeated: duplicates, invalid, details, next }
    }
}

/// Where the records of a run come from, in their order.
pub(super) trait Source: Send {
    /// Takes up to `count` records, bad ones among them; `None` at the end. Work for a processor.
    ///
    /// # Errors
    /// Why there are no more though there should be, a sentence.
    fn take(&mut self, count: u64, want_details: bool) -> Result<Option<Taken>, String>;
}

/// Made records: there is no end to them.
struct MadeRecords {
    generator: Generator,
    table: TableInfo,
    next: u64,
}

impl Source for MadeRecords {
    fn take(&mut self, count: u64, want_details: bool) -> Result<Option<Taken>, String> {
        let generated = self.generator.batch(self.next, count).map_err(|error| error.message)?;
        self.next += count;
        Ok(Some(Taken::new(generated, self.next, &self.table, want_details)))
    }
}

/// The records that a plan asks for; each carries `run_id` where the table has a column for it.
///
/// # Errors
/// Why they cannot be made for this table, or the file cannot be read.
pub(in crate::engine) fn source_of(
    spec: &SourceSpec,
    table: &TableInfo,
    run_id: &str,
) -> Result<Box<dyn Source>, EdgeError> {
    let generator = Generator::new(spec, table, run_id)?;
    Ok(Box::new(MadeRecords { generator, table: table.clone(), next: 0 }))
}
