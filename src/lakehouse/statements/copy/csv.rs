//! CSV files: RFC 4180, with Spark's options.
//!
//! | column | value |
//! |---|---|
//! | STRING | as it is |
//! | BOOLEAN | true, false |
//! | integers | a whole number in range |
//! | FLOAT, DOUBLE | a number, NaN, INF, -INF, Infinity, -Infinity |
//! | DECIMAL | a number that fits without rounding |
//! | DATE, TIMESTAMP, TIMESTAMP_NTZ | ISO 8601, a TIMESTAMP without a zone in UTC |
//!
//! Without quotes, the `nullValue` (empty unless set) is NULL; in quotes it is itself. Between quotes, a quote is written
//! twice or after the escape letter.

use std::borrow::Cow;

use deltalake::arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::parse::{Columns, CsvOptions};
use super::{BATCH_ROWS, Loading, Problem, without_mark};
use crate::lakehouse::statements::cells::{self, Cell};
use crate::lakehouse::statements::failure::Failure;
use crate::lakehouse::statements::json;
use crate::lakehouse::statements::scalars::{self, Digits};

/// Reads a whole file.
pub(super) fn read(text: &str, options: &CsvOptions, columns: &Columns, loading: &mut Loading) -> Result<(), Problem> {
    let schema = loading.schema.clone();
    let mut records = Records { text: without_mark(text), at: 0, line: 1, options };
    let targets = match columns {
        Columns::ByPosition(None) => (0..schema.fields().len()).collect(),
        Columns::ByPosition(Some(names)) => targets(&schema, names.iter().map(String::as_str), 1)?,
        Columns::ByName => match records.next()? {
            Some(header) => targets(&schema, header.fields.iter().map(|field| field.text.as_ref()), header.line)?,
            None => return Ok(()),
        },
    };
    check_columns(&schema, &targets)?;
    let mut rows = Vec::new();
    while let Some(record) = records.next()? {
        rows.push(row(&record, &schema, &targets, &options.null_value)?);
        if rows.len() == BATCH_ROWS {
            loading.push(cells::batch(&schema, &rows).map_err(Failure::from)?)?;
            rows.clear();
        }
    }
    if !rows.is_empty() {
        loading.push(cells::batch(&schema, &rows).map_err(Failure::from)?)?;
    }
    Ok(())
}

/// The table's columns of these names.
fn targets<'n>(schema: &Schema, names: impl Iterator<Item = &'n str>, line: usize) -> Result<Vec<usize>, Problem> {
    let mut targets = Vec::new();
    for name in names {
        let same = |field: &&std::sync::Arc<Field>| field.name().eq_ignore_ascii_case(name);
        let found = schema.fields().iter().position(|field| same(&field));
        let index = found.ok_or_else(|| Problem::line(line, format_args!("the table has no column '{name}'")))?;
        if targets.contains(&index) {
            return Err(Problem::line(line, format_args!("the column '{name}' is there twice")));
        }
        targets.push(index);
    }
    Ok(targets)
}

/// Whether all columns can be read from CSV, and the others can be empty.
fn check_columns(schema: &Schema, targets: &[usize]) -> Result<(), Problem> {
    for (index, field) in schema.fields().iter().enumerate() {
        let is_there = targets.contains(&index);
        if is_there && (field.data_type().is_nested() || *field.data_type() == DataType::Binary) {
            let kind = json::name(field.data_type());
            let message = format_args!("A CSV file has no values of the type {kind} of column '{}'.", field.name());
            return Err(Problem::Other(Failure::bad("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", message)));
        }
        if !is_there && !field.is_nullable() {
            return Err(Problem::line(1, format_args!("the required column '{}' is missing", field.name())));
        }
    }
    Ok(())
}

fn row<'a>(record: &Record<'a>, schema: &Schema, targets: &[usize], null: &str) -> Result<Cell<'a>, Problem> {
    if record.fields.len() != targets.len() {
        let (found, expected) = (record.fields.len(), targets.len());
        return Err(Problem::line(record.line, format_args!("there are {found} values and not {expected}")));
    }
    let mut cells = vec![Cell::Null; schema.fields().len()];
    for (value, target) in record.fields.iter().zip(targets) {
        let field = schema.field(*target);
        if !value.is_quoted && value.text == null {
            if !field.is_nullable() {
                let message = format_args!("field '{}': the column must have a value", field.name());
                return Err(Problem::line(record.line, message));
            }
            continue;
        }
        cells[*target] = cell(&value.text, field.data_type()).ok_or_else(|| {
            let text: String = value.text.chars().take(60).collect();
            let (name, kind) = (field.name(), json::name(field.data_type()));
            Problem::line(record.line, format_args!("field '{name}': \"{text}\" does not fit the type {kind}"))
        })?;
    }
    Ok(Cell::Struct(cells))
}

fn cell<'a>(text: &Cow<'a, str>, kind: &DataType) -> Option<Cell<'a>> {
    let integer =
        |low: i64, high: i64| text.parse::<i64>().ok().filter(|number| (low..=high).contains(number)).map(Cell::Int);
    match kind {
        DataType::Utf8 => Some(Cell::Text(text.clone())),
        DataType::Boolean if text.eq_ignore_ascii_case("true") => Some(Cell::Bool(true)),
        DataType::Boolean if text.eq_ignore_ascii_case("false") => Some(Cell::Bool(false)),
        DataType::Int8 => integer(i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => integer(i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => integer(i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 => integer(i64::MIN, i64::MAX),
        DataType::Float32 => float(text, |text| text.parse::<f32>().ok().map(f64::from)),
        DataType::Float64 => float(text, |text| text.parse().ok()),
        DataType::Decimal128(precision, scale) => {
            scalars::decimal(text, *precision, *scale, Digits::Exact).map(Cell::Decimal)
        }
        DataType::Date32 => scalars::date(text).map(|days| Cell::Int(days.into())),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => scalars::instant(text).map(Cell::Int),
        DataType::Timestamp(TimeUnit::Microsecond, None) => scalars::local_time(text).map(Cell::Int),
        _ => None,
    }
}

fn float<'a>(text: &str, parse: impl Fn(&str) -> Option<f64>) -> Option<Cell<'a>> {
    let is_number = text.starts_with(|letter: char| letter.is_ascii_digit() || matches!(letter, '+' | '-' | '.'));
    let number = || parse(text).filter(|value| is_number && value.is_finite());
    scalars::special_float(text).or_else(number).map(Cell::Float)
}

/// One row of the file.
struct Record<'a> {
    /// Where it begins.
    line: usize,
    fields: Vec<Value<'a>>,
}

struct Value<'a> {
    text: Cow<'a, str>,
    is_quoted: bool,
}

/// The file, record by record.
struct Records<'a, 'o> {
    text: &'a str,
    at: usize,
    line: usize,
    options: &'o CsvOptions,
}

impl<'a> Records<'a, '_> {
    fn next(&mut self) -> Result<Option<Record<'a>>, Problem> {
        // Empty lines are no records.
        while self.end_of_line() {}
        if self.at == self.text.len() {
            return Ok(None);
        }
        let mut record = Record { line: self.line, fields: Vec::new() };
        loop {
            let value = if self.peek() == Some(self.options.quote) { self.quoted()? } else { self.plain() };
            record.fields.push(value);
            if self.peek() == Some(self.options.delimiter) {
                self.at += 1;
            } else if self.end_of_line() || self.at == self.text.len() {
                return Ok(Some(record));
            } else {
                return Err(Problem::line(self.line, "there is text after a closing quote"));
            }
        }
    }

    fn plain(&mut self) -> Value<'a> {
        let rest = &self.text.as_bytes()[self.at..];
        let length =
            rest.iter().position(|byte| *byte == self.options.delimiter || *byte == b'\n').unwrap_or(rest.len());
        let mut text = &self.text[self.at..self.at + length];
        if rest.get(length).is_none_or(|byte| *byte == b'\n') {
            text = text.strip_suffix('\r').unwrap_or(text);
        }
        self.at += text.len();
        Value { text: Cow::Borrowed(text), is_quoted: false }
    }

    fn quoted(&mut self) -> Result<Value<'a>, Problem> {
        let first_line = self.line;
        let CsvOptions { quote, escape, multi_line, .. } = *self.options;
        self.at += 1;
        let mut start = self.at;
        let mut unescaped = String::new();
        loop {
            let next = self.text.as_bytes().get(self.at + 1).copied();
            match self.peek() {
                None => return Err(Problem::line(first_line, "a value has no closing quote")),
                Some(byte) if (byte == quote && next == Some(quote)) || (byte == escape && next == Some(quote)) => {
                    unescaped.push_str(&self.text[start..self.at]);
                    start = self.at + 1;
                    self.at += 2;
                }
                Some(byte) if byte == escape && escape != quote && next == Some(escape) => {
                    unescaped.push_str(&self.text[start..self.at]);
                    start = self.at + 1;
                    self.at += 2;
                }
                Some(byte) if byte == quote => {
                    let last = &self.text[start..self.at];
                    self.at += 1;
                    let text = if unescaped.is_empty() { Cow::Borrowed(last) } else { Cow::Owned(unescaped + last) };
                    return Ok(Value { text, is_quoted: true });
                }
                Some(b'\n') if !multi_line => {
                    let problem = "a value in quotes goes on in the next line, which needs 'multiLine' = 'true'";
                    return Err(Problem::line(first_line, problem));
                }
                Some(byte) => {
                    self.line += usize::from(byte == b'\n');
                    self.at += 1;
                }
            }
        }
    }

    /// Takes the end of a line when it is next.
    fn end_of_line(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let length = if rest.starts_with('\n') {
            1
        } else if rest.starts_with("\r\n") {
            2
        } else {
            return false;
        };
        self.at += length;
        self.line += 1;
        true
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
#[path = "csv/tests.rs"]
mod tests;
