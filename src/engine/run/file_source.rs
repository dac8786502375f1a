//! A file as a source: CSV, NDJSON or a JSON array, read once from the front, with no more in memory than a batch and the
//! longest record.
//!
//! The n-th record of the file has ordinal n, whether it is good or bad. Fields go to the columns of their names or to those
//! the plan says; text of CSV becomes the column's type; then every record is checked by the same rules as everywhere.

mod convert;
mod csv_text;
mod input;
mod json_array;
mod json_lines;
mod mapping;
mod preview;
mod rows;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use arrow_schema::SchemaRef;
use serde_json::{Map, Value};

use super::Generated;
use super::cells::{Cells, cells_of, finish_batch};
use super::generated::push_ordinal;
use super::ids::record_id;
use crate::model::{EdgeError, FieldError, FileFormat, TableInfo, validate_row};
use crate::writer::{RunColumns, arrow_schema, run_columns};
use mapping::Mapping;
pub use preview::{preview, preview_file};
use rows::{Row, RowReader};

/// Broken rules that are remembered.
const MOST_ERRORS: usize = 100;
/// The longest record, which is Zerobus' limit.
const LONGEST_RECORD: usize = 10 << 20;

/// The records of a file.
pub struct FileSource {
    rows: RowReader,
    checked: Checked,
    seed: u64,
    run_id: String,
    schema: SchemaRef,
    cells: Vec<Cells>,
    next_ordinal: u64,
    brings_ids: bool,
    /// Why reading cannot go on, told once the records before it were handed over.
    failure: Option<EdgeError>,
}

/// What is known of a file's records so far, and how they are checked.
struct Checked {
    /// The table; its columns for ids may be empty here, because they are filled in afterwards.
    rules: TableInfo,
    ids: RunColumns,
    mapping: Mapping,
    is_text: bool,
    records: u64,
    bad: u64,
    errors: Vec<FieldError>,
}

impl FileSource {
    /// Opens a file; how it is written is told by its ending and its first byte.
    ///
    /// # Errors
    /// `NOT_FOUND` for a file that cannot be opened, and as [`Self::new`].
    pub fn open(
        path: &Path,
        map: &BTreeMap<String, String>,
        table: &TableInfo,
        seed: u64,
        run_id: &str,
    ) -> Result<Self, EdgeError> {
        let (file, format) = input::open(path)?;
        Self::new(Box::new(file), format, map, table, seed, run_id)
    }

    /// Reads records from anything; without a `format` it is told by the first byte.
    ///
    /// Every record gets its record id from `seed` and its ordinal, and `run_id`, where the table has columns for them and the
    /// file does not bring them.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for an unreadable or empty beginning, a mapping to columns that there are not, CSV fields
    /// that go nowhere, and columns that must have a value and cannot get one.
    pub fn new(
        reader: Box<dyn Read + Send>,
        format: Option<FileFormat>,
        map: &BTreeMap<String, String>,
        table: &TableInfo,
        seed: u64,
        run_id: &str,
    ) -> Result<Self, EdgeError> {
        let schema = arrow_schema(table).map_err(|error| {
            EdgeError::new(error.code(), format!("{error}. Nothing was written. Choose another table."))
        })?;
        let rows = RowReader::open(reader, format)?;
        let mapping = Mapping::new(map, table)?;
        mapping.check(rows.header(), table)?;
        let cells = cells_of(&schema).map_err(|error| defect(&error))?;
        let checked = Checked::new(table, mapping, rows.format());
        let run_id = run_id.to_owned();
        Ok(Self { rows, checked, seed, run_id, schema, cells, next_ordinal: 0, brings_ids: false, failure: None })
    }

    /// The next `count` records, fewer at the end of the file and before an error; `None` when there are no more.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when reading fails, or when a record of CSV is longer than 10 MiB, because then its end cannot
    /// be told.
    pub fn batch(&mut self, count: u64) -> Result<Option<Generated>, EdgeError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let mut ordinals = Vec::new();
        let mut bad = Vec::new();
        let mut taken = 0;
        while taken < count {
            let row = match self.rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(failure) if taken == 0 => return Err(failure),
                Err(failure) => {
                    self.failure = Some(failure);
                    break;
                }
            };
            taken += 1;
            let ordinal = self.next_ordinal;
            self.next_ordinal += 1;
            match self.checked.row(row) {
                Ok(mut fields) => {
                    self.add_ids(&mut fields, ordinal);
                    self.push(&fields)?;
                    push_ordinal(&mut ordinals, ordinal);
                }
                Err(mut came) => {
                    if let Value::Object(fields) = &mut came {
                        self.add_ids(fields, ordinal);
                    }
                    bad.push((ordinal, came));
                }
            }
        }
        if taken == 0 {
            return Ok(None);
        }
        let rows = self.cells.first().map_or(0, Cells::len);
        let records = finish_batch(&self.schema, &mut self.cells, rows).map_err(|error| defect(&error))?;
        Ok(Some(Generated { records, ordinals, bad, duplicates: 0 }))
    }

    /// How the file is written.
    pub fn format(&self) -> FileFormat {
        self.rows.format()
    }

    /// Records read so far.
    pub fn records(&self) -> u64 {
        self.checked.records
    }

    /// Of these, records that break a rule.
    pub fn bad(&self) -> u64 {
        self.checked.bad
    }

    /// The broken rules so far, each with its line; at most 100.
    pub fn errors(&self) -> &[FieldError] {
        &self.checked.errors
    }

    /// Whether a record so far brought a record id or run id of its own: then rows cannot be told by ordinals.
    pub fn brings_ids(&self) -> bool {
        self.brings_ids
    }

    fn add_ids(&mut self, fields: &mut Map<String, Value>, ordinal: u64) {
        let RunColumns { record_id: record, run_id: run } = self.checked.ids;
        for (index, is_record) in [(record, true), (run, false)] {
            let Some(column) = index.and_then(|index| self.checked.rules.columns.get(index)) else { continue };
            if fields.get(&column.name).is_some_and(|value| !value.is_null()) {
                self.brings_ids = true;
                continue;
            }
            let id = if is_record { record_id(self.seed, ordinal) } else { self.run_id.clone() };
            fields.insert(column.name.clone(), Value::String(id));
        }
    }

    fn push(&mut self, fields: &Map<String, Value>) -> Result<(), EdgeError> {
        for cells in &mut self.cells {
            let value = fields.get(cells.field().name());
            convert::push_json(cells, value).map_err(|problem| {
                EdgeError::new("INTERNAL_ERROR", format!("{problem}. Nothing of this batch was written."))
            })?;
        }
        Ok(())
    }
}

impl Checked {
    fn new(table: &TableInfo, mapping: Mapping, format: FileFormat) -> Self {
        let ids = run_columns(table);
        let mut rules = table.clone();
        for index in [ids.record_id, ids.run_id].into_iter().flatten() {
            rules.columns[index].nullable = true;
        }
        let is_text = format == FileFormat::Csv;
        Self { rules, ids, mapping, is_text, records: 0, bad: 0, errors: Vec::new() }
    }

    /// A record by column, or what came instead when it breaks a rule.
    fn row(&mut self, row: Row) -> Result<Map<String, Value>, Value> {
        self.records += 1;
        let path = format!("line {}", row.line);
        let mut fields = match row.fields.and_then(|fields| self.mapping.columns_of(fields)) {
            Ok(fields) => fields,
            Err(mut broken) => {
                let came = Value::String(broken.came.clone());
                broken.path = path + &broken.path;
                self.note(vec![broken]);
                return Err(came);
            }
        };
        if self.is_text {
            csv_text::make_typed(&mut fields, &self.rules);
        }
        let came = Value::Object(fields);
        match validate_row(&came, &path, &self.rules) {
            Ok(fields) => Ok(fields),
            Err(errors) => {
                self.note(errors);
                Err(came)
            }
        }
    }

    fn note(&mut self, errors: Vec<FieldError>) {
        self.bad += 1;
        let room = MOST_ERRORS - self.errors.len();
        self.errors.extend(errors.into_iter().take(room));
    }
}

fn defect(error: &arrow_schema::ArrowError) -> EdgeError {
    EdgeError::new(
        "INTERNAL_ERROR",
        format!("The records could not be made into a batch: {error}. Ask for smaller batches."),
    )
}

#[cfg(test)]
mod tests;
