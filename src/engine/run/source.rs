//! What the engine takes records from: a generator or a file, a batch at a time.
//!
//! Bad records stay here: what is handed on of them is which they are and which rules they break.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::RecordBatch;

use super::rows::RowOrdinals;
use super::{FileSource, Generated, Generator};
use crate::model::{Amount, EdgeError, FieldError, RateSpec, SourceKind, SourceSpec, TableInfo, validate_row};

/// Broken rules of one batch that are told.
const MOST_DETAILS: usize = 100;

/// The next records of a run.
pub(in crate::engine) struct Taken {
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
    /// Whether a record so far has ids of its own, so that rows cannot be told by their ordinals.
    pub(super) own_ids: bool,
    /// The record behind the last of them.
    pub(super) next: u64,
}

impl Taken {
    fn new(generated: Generated, details: Vec<FieldError>, own_ids: bool, next: u64) -> Self {
        let Generated { records, ordinals, bad, duplicates } = generated;
        let rows = ordinals.into_iter().collect();
        let invalid = bad.iter().map(|(ordinal, _)| *ordinal).collect();
        Self { records, rows, repeated: duplicates, invalid, details, own_ids, next }
    }
}

/// Where the records of a run come from, in their order.
pub(in crate::engine) trait Source: Send {
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
        let details = if want_details { broken_rules(&generated, &self.table) } else { Vec::new() };
        Ok(Some(Taken::new(generated, details, false, self.next)))
    }
}

fn broken_rules(generated: &Generated, table: &TableInfo) -> Vec<FieldError> {
    let broken = |(ordinal, record)| validate_row(record, &format!("records[{ordinal}]"), table).err();
    let bad = generated.bad.iter().map(|(ordinal, record)| (ordinal, record));
    bad.filter_map(broken).flatten().take(MOST_DETAILS).collect()
}

/// The records of a file.
struct FileRecords {
    file: FileSource,
    /// Broken rules that were told.
    told: usize,
}

impl Source for FileRecords {
    fn take(&mut self, count: u64, want_details: bool) -> Result<Option<Taken>, String> {
        let Some(generated) = self.file.batch(count).map_err(|error| error.message)? else { return Ok(None) };
        let broken = self.file.errors();
        let details = if want_details { broken[self.told..].to_vec() } else { Vec::new() };
        self.told = broken.len();
        Ok(Some(Taken::new(generated, details, self.file.brings_ids(), self.file.records())))
    }
}

/// The kind of made records that fits a table best.
pub fn fitting_kind(table: &TableInfo) -> SourceKind {
    let spec = |kind| SourceSpec {
        kind,
        seed: 0,
        amount: Amount::Records(1),
        rate: RateSpec::Unlimited,
        record_bytes: None,
        keys: 1,
        key_skew: 0.0,
        bad: 0.0,
        duplicates: 0.0,
        path: None,
        upload: None,
        map: BTreeMap::new(),
    };
    let fits = |kind: &SourceKind| Generator::new(&spec(*kind), table, "").is_ok();
    [SourceKind::Telemetry, SourceKind::Products].into_iter().find(fits).unwrap_or(SourceKind::Columns)
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
    if spec.kind == SourceKind::File {
        let path = spec.path.as_deref().unwrap_or_default();
        let file = FileSource::open(Path::new(path), &spec.map, table, spec.seed, run_id)?;
        return Ok(Box::new(FileRecords { file, told: 0 }));
    }
    let generator = Generator::new(spec, table, run_id)?;
    Ok(Box::new(MadeRecords { generator, table: table.clone(), next: 0 }))
}
