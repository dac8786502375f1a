//! CSV: the header, the lines, and text that becomes what the column is.

use std::io::{self, Read};

use chrono::{DateTime, NaiveDateTime};
use csv::{ByteRecord, Reader, ReaderBuilder};
use serde_json::{Map, Number, Value};

use super::LONGEST_RECORD;
use super::input::{refuse, unreadable};
use super::rows::{Row, broken};
use crate::model::{ColumnType, EdgeError, TableInfo};

/// The lines of a CSV file.
pub(super) struct CsvRows<R> {
    reader: Reader<Limited<R>>,
    header: Vec<String>,
    /// Lines before the header.
    skipped: u64,
    record: ByteRecord,
}

/// Ends reading when a record is longer than any may be: else a quote that is never closed would take all memory.
struct Limited<R> {
    reader: R,
    left: usize,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let most = LONGEST_RECORD >> 20;
            return Err(io::Error::other(format!(
                "a record has more than {most} MiB; perhaps a quote is never closed"
            )));
        }
        let most = buffer.len().min(self.left);
        let read = self.reader.read(&mut buffer[..most])?;
        self.left -= read;
        Ok(read)
    }
}

impl<R: Read> CsvRows<R> {
    /// Reads the header; `line` is where it stands.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for a header with a name that comes twice, is empty, or is no UTF-8.
    pub(super) fn open(reader: R, line: u64) -> Result<Self, EdgeError> {
        let limited = Limited { reader, left: LONGEST_RECORD };
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(limited);
        let names = reader.byte_headers().map_err(|error| failure(&error))?;
        let mut header: Vec<String> = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let name = str::from_utf8(name).map_err(|_| refuse("The header is no text in UTF-8."))?.trim();
            if name.is_empty() {
                return Err(refuse(&format!("The header has no name for field {}.", index + 1)));
            }
            if header.iter().any(|other| other == name) {
                return Err(refuse(&format!("The header has field {name} twice.")));
            }
            header.push(name.to_owned());
        }
        // Where lines end with CR LF, the reader stops between the two and counts each line one record late.
        let inside: usize = header.iter().map(|name| name.matches('\n').count()).sum();
        let is_late = reader.position().line() == 1 + inside as u64;
        Ok(Self { reader, header, skipped: line - 1 + u64::from(is_late), record: ByteRecord::new() })
    }

    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The next line that is not blank; every field is text.
    pub(super) fn next(&mut self) -> Result<Option<Row>, EdgeError> {
        self.reader.get_mut().left = LONGEST_RECORD;
        if !self.reader.read_byte_record(&mut self.record).map_err(|error| failure(&error))? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line) + self.skipped;
        let bytes = self.record.as_slice().len();
        let (wanted, come) = (self.header.len(), self.record.len());
        let fields = if wanted != come {
            let message = format!("The header has {wanted} fields, this line {come}.");
            Err(broken("fields", message, &joined(&self.record)))
        } else {
            let text = |(name, field): (&String, &[u8])| Some((name.clone(), Value::from(str::from_utf8(field).ok()?)));
            let fields: Option<Map<_, _>> = self.header.iter().zip(&self.record).map(text).collect();
            fields.ok_or_else(|| broken("encoding", "This is no text in UTF-8.", &joined(&self.record)))
        };
        Ok(Some(Row { line, bytes, fields }))
    }
}

fn joined(record: &ByteRecord) -> Vec<u8> {
    record.iter().collect::<Vec<_>>().join(&b',')
}

fn failure(error: &csv::Error) -> EdgeError {
    match error.kind() {
        csv::ErrorKind::Io(error) => unreadable(error),
        _ => refuse(&format!("The file is no CSV: {error}.")),
    }
}

/// Makes the text of CSV fields, which are named as columns, into values of these columns. What does not become one stays
/// text, so that the validation names it.
///
/// An empty field is NULL, and empty text where a text column must have a value. Times without a zone are in UTC.
pub(super) fn make_typed(fields: &mut Map<String, Value>, table: &TableInfo) {
    for (name, value) in fields.iter_mut() {
        if let (Value::String(text), Some(column)) = (&*value, table.column(name))
            && let Some(typed) = typed(text, column.kind(), column.nullable)
        {
            *value = typed;
        }
    }
}

fn typed(text: &str, kind: ColumnType, nullable: bool) -> Option<Value> {
    if kind == ColumnType::String {
        return (text.is_empty() && nullable).then_some(Value::Null);
    }
    let text = text.trim();
    if text.is_empty() {
        return Some(Value::Null);
    }
    match kind {
        ColumnType::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        ColumnType::Byte | ColumnType::Short | ColumnType::Int | ColumnType::Long => {
            text.parse::<i64>().ok().map(Value::from)
        }
        ColumnType::Float | ColumnType::Double => text.parse().ok().and_then(Number::from_f64).map(Value::Number),
        ColumnType::Timestamp | ColumnType::TimestampNtz => micros(text).map(Value::from),
        ColumnType::Decimal { .. } | ColumnType::Date | ColumnType::Binary => Some(Value::from(text)),
        // Arrays, maps and structs are JSON in the field.
        ColumnType::Other => serde_json::from_str(text).ok().filter(|value: &Value| !value.is_string()),
        ColumnType::String | ColumnType::Variant => None,
    }
}

/// Microseconds since 1970: as a whole number, or from `2026-01-31T12:00:00.5+01:00` with `T` or a space, with or without a
/// zone and a fraction.
fn micros(text: &str) -> Option<i64> {
    if let Ok(micros) = text.parse() {
        return Some(micros);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    let shapes = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    shapes
        .iter()
        .find_map(|shape| NaiveDateTime::parse_from_str(text, shape).ok())
        .map(|time| time.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_becomes_what_the_column_is_or_stays_text() {
        let cases = [
            (ColumnType::String, " 1 ", None),
            (ColumnType::String, "", Some(Value::Null)),
            (ColumnType::Boolean, "TRUE", Some(json!(true))),
            (ColumnType::Boolean, "0", Some(json!(false))),
            (ColumnType::Boolean, "yes", None),
            (ColumnType::Int, " 42 ", Some(json!(42))),
            (ColumnType::Long, "1.0", None),
            (ColumnType::Double, "1e3", Some(json!(1000.0))),
            (ColumnType::Double, "NaN", None),
            (ColumnType::Double, "", Some(Value::Null)),
            (ColumnType::Decimal { precision: 5, scale: 2 }, " 1.50 ", Some(json!("1.50"))),
            (ColumnType::Date, "2026-01-31", Some(json!("2026-01-31"))),
            (ColumnType::Timestamp, "1767225600000000", Some(json!(1_767_225_600_000_000_i64))),
            (ColumnType::Timestamp, "2026-01-01T00:00:00Z", Some(json!(1_767_225_600_000_000_i64))),
            (ColumnType::Timestamp, "2026-01-01 01:00:00+01:00", Some(json!(1_767_225_600_000_000_i64))),
            (ColumnType::Timestamp, "2026-01-01 00:00:00.000001", Some(json!(1_767_225_600_000_001_i64))),
            (ColumnType::Timestamp, "2026-01-01", None),
            (ColumnType::Timestamp, "2026-02-30 00:00:00", None),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(typed(text, kind, true), expected, "{kind:?} {text:?}");
        }
        assert_eq!(typed("", ColumnType::String, false), None);
    }
}
