//! Single values of a record batch, and the texts that SQL reads them from: whole, never rounded, times in UTC.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};

use crate::writer::WriterError;

/// 1970-01-01, counted in days from the beginning of year 1 as chrono does.
const EPOCH_DAY: i32 = 719_163;

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Text(&'a str),
    Bool(bool),
    Int(i64),
    Float(f32),
    Double(f64),
    /// The digits without the point, and how many stand after it.
    Decimal(i128, i8),
    Date(NaiveDate),
    /// An instant, in UTC.
    Timestamp(NaiveDateTime),
    /// A time of no zone.
    LocalTime(NaiveDateTime),
    Bytes(&'a [u8]),
}

/// The value in a row of a column of a batch.
///
/// # Errors
/// [`WriterError::Rejected`] with the column's name for what [`value`] refuses.
pub(super) fn cell(batch: &RecordBatch, column: usize, row: usize) -> Result<Cell<'_>, WriterError> {
    value(batch.column(column), row).map_err(|problem| refused(batch, column, &problem))
}

/// What is wrong with a column.
pub(super) fn refused(batch: &RecordBatch, column: usize, problem: &str) -> WriterError {
    WriterError::Rejected(format!("column {}: {problem}", batch.schema_ref().field(column).name()))
}

/// The value in a row of an array.
///
/// # Errors
/// A day or time outside of the years 1 to 9999, which SQL's texts cannot say; a type of which there are no single values.
pub(super) fn value(array: &ArrayRef, row: usize) -> Result<Cell<'_>, String> {
    let outside = || "the time is outside of the years 1 to 9999".to_owned();
    if array.is_null(row) {
        return Ok(Cell::Null);
    }
    Ok(match array.data_type() {
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row)),
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Int8 => Cell::Int(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Cell::Int(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Cell::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Cell::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => Cell::Float(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => Cell::Double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => Cell::Decimal(array.as_primitive::<Decimal128Type>().value(row), *scale),
        DataType::Date32 => Cell::Date(day(array.as_primitive::<Date32Type>().value(row)).ok_or_else(outside)?),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let time = array.as_primitive::<TimestampMicrosecondType>().value(row);
            let time = moment(time).ok_or_else(outside)?;
            if zone.is_some() { Cell::Timestamp(time) } else { Cell::LocalTime(time) }
        }
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(row)),
        other => return Err(format!("values of type {other} are not written as text")),
    })
}

fn day(days: i32) -> Option<NaiveDate> {
    let day = NaiveDate::from_num_days_from_ce_opt(days.checked_add(EPOCH_DAY)?)?;
    (1..=9999).contains(&day.year()).then_some(day)
}

fn moment(micros: i64) -> Option<NaiveDateTime> {
    let time = DateTime::from_timestamp_micros(micros)?.naive_utc();
    (1..=9999).contains(&time.year()).then_some(time)
}

impl Cell<'_> {
    /// Adds the text from which SQL's CAST reads the value. NULL has none, and BINARY has none that means the same
    /// everywhere: nothing is added for them.
    pub(super) fn write_text(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match *self {
            Self::Null | Self::Bytes(_) => Ok(()),
            Self::Text(text) => out.write_str(text),
            Self::Bool(value) => write!(out, "{value}"),
            Self::Int(value) => write!(out, "{value}"),
            Self::Float(value) if value.is_finite() => write!(out, "{value:e}"),
            Self::Double(value) if value.is_finite() => write!(out, "{value:e}"),
            Self::Float(value) => out.write_str(not_finite(value.into())),
            Self::Double(value) => out.write_str(not_finite(value)),
            Self::Decimal(digits, scale) => write_decimal(out, digits, scale),
            Self::Date(day) => write_day(out, day),
            Self::Timestamp(time) => write_time(out, time).and_then(|()| out.write_char('Z')),
            Self::LocalTime(time) => write_time(out, time),
        };
    }
}

/// Spark's and Arrow's word for it.
fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

fn write_decimal(out: &mut String, digits: i128, scale: i8) -> std::fmt::Result {
    let places = usize::from(scale.unsigned_abs());
    if scale <= 0 {
        write!(out, "{digits}{:0<places$}", "")
    } else {
        let sign = if digits < 0 { "-" } else { "" };
        let unsigned = format!("{:0>width$}", digits.unsigned_abs(), width = places + 1);
        let (whole, fraction) = unsigned.split_at(unsigned.len() - places);
        write!(out, "{sign}{whole}.{fraction}")
    }
}

fn write_day(out: &mut String, day: NaiveDate) -> std::fmt::Result {
    write!(out, "{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
}

/// ISO 8601 with microseconds.
fn write_time(out: &mut String, time: NaiveDateTime) -> std::fmt::Result {
    write_day(out, time.date())?;
    let micros = time.nanosecond() / 1000;
    write!(out, "T{:02}:{:02}:{:02}.{micros:06}", time.hour(), time.minute(), time.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cell: Cell<'_>) -> String {
        let mut out = String::new();
        cell.write_text(&mut out);
        out
    }

    #[test]
    fn texts_keep_every_digit() {
        let cases = [
            (Cell::Int(i64::MIN), "-9223372036854775808"),
            (Cell::Bool(true), "true"),
            (Cell::Double(f64::MAX), "1.7976931348623157e308"),
            (Cell::Double(5e-324), "5e-324"),
            (Cell::Double(-0.0), "-0e0"),
            (Cell::Float(f32::MAX), "3.4028235e38"),
            (Cell::Float(f32::NEG_INFINITY), "-Infinity"),
            (Cell::Double(f64::NAN), "NaN"),
            (Cell::Decimal(-5, 2), "-0.05"),
            (Cell::Decimal(12_345, 2), "123.45"),
            (Cell::Decimal(0, 0), "0"),
            (Cell::Decimal(7, -2), "700"),
            (Cell::Decimal(i128::MIN, 38), "-1.70141183460469231731687303715884105728"),
        ];
        for (cell, expected) in cases {
            assert_eq!(text(cell), expected);
        }
    }

    #[test]
    fn days_and_times_have_four_digits_of_the_year_or_no_text() {
        assert_eq!(text(Cell::Date(day(0).unwrap())), "1970-01-01");
        assert_eq!(text(Cell::Date(day(-719_162).unwrap())), "0001-01-01");
        assert_eq!(text(Cell::Date(day(2_932_896).unwrap())), "9999-12-31");
        assert_eq!((day(-719_163), day(2_932_897), day(i32::MIN), day(i32::MAX)), (None, None, None, None));
        let last = 253_402_300_799_999_999;
        assert_eq!(text(Cell::Timestamp(moment(last).unwrap())), "9999-12-31T23:59:59.999999Z");
        assert_eq!(text(Cell::LocalTime(moment(-1).unwrap())), "1969-12-31T23:59:59.999999");
        assert_eq!(text(Cell::Timestamp(moment(-62_135_596_800_000_000).unwrap())), "0001-01-01T00:00:00.000000Z");
        let outside = [last + 1, -62_135_596_800_000_001, i64::MIN, i64::MAX];
        assert!(outside.iter().all(|micros| moment(*micros).is_none()));
    }
}
