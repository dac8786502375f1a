//! What a file holds for a table, before anything is written: for the upload page.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::input;
use super::mapping::{CHOOSE, Mapping, needed};
use super::rows::{Row, RowReader};
use super::{Checked, MOST_ERRORS};
use crate::model::{EdgeError, FieldError, FileFormat, FilePreview, TableInfo};

/// Records that are looked at for fields, unless they are long.
const SAMPLED_RECORDS: usize = 100;
/// Bytes of records after which no more are looked at for fields.
const SAMPLED_BYTES: usize = 1 << 20;
/// Fields that are shown; tables have at most 2,000 columns.
const MOST_FIELDS: usize = 2_000;

/// Reads a file to its end: its fields with the columns they go to, the first `limit` good records, and every broken rule.
///
/// Fields that go to no column are named in the errors once, and left out of the records.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for a file that cannot be read to its end, and for a `map` to columns that there are not.
pub fn preview(
    reader: Box<dyn Read + Send>,
    format: Option<FileFormat>,
    map: &BTreeMap<String, String>,
    table: &TableInfo,
    limit: usize,
) -> Result<FilePreview, EdgeError> {
    let mut reader = RowReader::open(reader, format)?;
    let asked_for = Mapping::new(map, table)?;
    let sample = read_sample(&mut reader)?;
    let fields = asked_for.propose(&fields_of(&reader, &sample), table);
    let mut checked = Checked::new(table, Mapping::of_proposal(&fields), reader.format());
    for field in fields.iter().filter(|field| field.column.is_none()).take(MOST_ERRORS) {
        let came = Value::from(field.sample.as_str());
        let message = format!("{} has no such column. {CHOOSE}", table.name);
        checked.errors.push(FieldError::new(format!("header.{}", field.field), "unknown", message, Some(&came)));
    }
    let filled: BTreeSet<&str> = fields.iter().filter_map(|field| field.column.as_deref()).collect();
    let missing = needed(table).filter(|column| !filled.contains(column.name.as_str()));
    let missing_columns = missing.map(|column| column.name.clone()).collect();
    let mut rows = Vec::new();
    let mut take = |row: Row| {
        if let Ok(row) = checked.row(row)
            && rows.len() < limit
        {
            rows.push(row);
        }
    };
    sample.into_iter().for_each(&mut take);
    while let Some(row) = reader.next()? {
        take(row);
    }
    let Checked { records, bad, errors, .. } = checked;
    Ok(FilePreview { format: reader.format(), fields, missing_columns, rows, records, bad, errors })
}

/// As [`preview`], of a file on disk.
///
/// # Errors
/// `NOT_FOUND` for a file that cannot be opened, and as [`preview`].
pub fn preview_file(
    path: &Path,
    map: &BTreeMap<String, String>,
    table: &TableInfo,
    limit: usize,
) -> Result<FilePreview, EdgeError> {
    let (file, format) = input::open(path)?;
    preview(Box::new(file), format, map, table, limit)
}

fn read_sample(reader: &mut RowReader) -> Result<Vec<Row>, EdgeError> {
    let mut sample = Vec::new();
    let mut bytes = 0;
    while sample.len() < SAMPLED_RECORDS && bytes < SAMPLED_BYTES {
        let Some(row) = reader.next()? else { break };
        bytes += row.bytes;
        sample.push(row);
    }
    Ok(sample)
}

/// The fields and what the first record that has them has there.
fn fields_of(reader: &RowReader, sample: &[Row]) -> Vec<(String, String)> {
    let mut names: Vec<String> = reader.header().map(<[String]>::to_vec).unwrap_or_default();
    let mut samples: BTreeMap<String, String> = BTreeMap::new();
    for fields in sample.iter().filter_map(|row| row.fields.as_ref().ok()) {
        for (name, value) in fields {
            if reader.header().is_none() && !names.contains(name) && names.len() < MOST_FIELDS {
                names.push(name.clone());
            }
            let is_something = !value.is_null() && value.as_str() != Some("");
            if is_something && !samples.contains_key(name) {
                samples.insert(name.clone(), shorten(value));
            }
        }
    }
    let with_sample = |name: String| {
        let sample = samples.remove(&name).unwrap_or_default();
        (name, sample)
    };
    names.into_iter().map(with_sample).collect()
}

fn shorten(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(LONGEST).collect()
}
