//! The records of a file one by one, whatever it is written in.

use std::io::{BufReader, Read};

use serde_json::{Map, Value};

use super::csv_text::CsvRows;
use super::input::{self, Input};
use super::json_array::JsonArray;
use super::json_lines::JsonLines;
use crate::model::{EdgeError, FieldError, FileFormat};

/// A record as it stands in the file.
pub(super) struct Row {
    /// The line it begins in, from 1.
    pub(super) line: u64,
    /// Bytes it takes in the file.
    pub(super) bytes: usize,
    /// Its fields; of CSV all are text. The error's path is what comes behind the line.
    pub(super) fields: Result<Map<String, Value>, FieldError>,
}

/// Reads records.
pub(super) enum RowReader {
    Csv(CsvRows<Input>),
    Lines(JsonLines<Input>),
    Array(JsonArray<Input>),
}

impl RowReader {
    /// Looks at the beginning of a file.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when it cannot be read, is empty, has no header, or begins with no array where one must be.
    pub(super) fn open(reader: Box<dyn Read + Send>, format: Option<FileFormat>) -> Result<Self, EdgeError> {
        let mut input = BufReader::new(reader);
        let (first, line) = input::begin(&mut input)?;
        Ok(match format.unwrap_or_else(|| input::format_by_first_byte(first)) {
            FileFormat::Csv => Self::Csv(CsvRows::open(input, line)?),
            FileFormat::Ndjson => Self::Lines(JsonLines::new(input, line)),
            FileFormat::JsonArray if first == b'[' => Self::Array(JsonArray::new(input, line)),
            FileFormat::JsonArray => return Err(input::refuse("A JSON array begins with '['; this file does not.")),
        })
    }

    pub(super) fn format(&self) -> FileFormat {
        match self {
            Self::Csv(_) => FileFormat::Csv,
            Self::Lines(_) => FileFormat::Ndjson,
            Self::Array(_) => FileFormat::JsonArray,
        }
    }

    /// The names of the fields, where the file says them once for all.
    pub(super) fn header(&self) -> Option<&[String]> {
        match self {
            Self::Csv(rows) => Some(rows.header()),
            Self::Lines(_) | Self::Array(_) => None,
        }
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when reading cannot go on.
    pub(super) fn next(&mut self) -> Result<Option<Row>, EdgeError> {
        match self {
            Self::Csv(rows) => rows.next(),
            Self::Lines(rows) => rows.next(),
            Self::Array(rows) => rows.next(),
        }
    }
}

/// A record from its JSON text.
pub(super) fn json_row(line: u64, text: &[u8]) -> Row {
    let fields = match serde_json::from_slice(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(FieldError::new("", "type", "A record must be a JSON object.", Some(&other))),
        Err(error) => Err(broken("json", format!("This is not JSON: {error}."), text)),
    };
    Row { line, bytes: text.len(), fields }
}

/// An error about a record as a whole.
pub(super) fn broken(rule: &str, message: impl Into<String>, text: &[u8]) -> FieldError {
    // Cut before it is made text: the record may be long.
    const SHOWN: usize = 400;
    let text = String::from_utf8_lossy(&text[..text.len().min(SHOWN)]);
    FieldError::new("", rule, message, Some(&text.trim().into()))
}
