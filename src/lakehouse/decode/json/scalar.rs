//! JSON values that are no arrays and no objects, into a column.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use super::Kind;
use crate::lakehouse::decode::column::Column;
use crate::lakehouse::decode::decimal::{self, Notation};
use crate::lakehouse::decode::problem::{Fault, fault, type_name};
use crate::model::CalendarDate;

/// A null, where the column takes one.
pub(super) fn set_null(column: &mut Column) -> Result<(), Fault> {
    if !column.field().is_nullable() {
        return Err(fault("the column must have a value"));
    }
    column.push_null();
    Ok(())
}

/// Appends true or false.
pub(super) fn set_bool(kind: &Kind, column: &mut Column, value: bool) -> Result<(), Fault> {
    match kind {
        Kind::Bool => column.set(column.len(), value),
        _ => Err(misfit(column, &value.to_string())),
    }
}

/// Appends a whole number.
pub(super) fn set_integer(kind: &Kind, column: &mut Column, value: i64) -> Result<(), Fault> {
    let row = column.len();
    let out_of_range = |column: &Column| misfit(column, &value.to_string());
    match kind {
        Kind::Int64 | Kind::Timestamp => column.set(row, value),
        Kind::Int32 | Kind::Date => column.set(row, i32::try_from(value).map_err(|_| out_of_range(column))?),
        Kind::Int16 => column.set(row, i16::try_from(value).map_err(|_| out_of_range(column))?),
        Kind::Int8 => column.set(row, i8::try_from(value).map_err(|_| out_of_range(column))?),
        _ => Err(out_of_range(column)),
    }
}

/// Appends text.
pub(super) fn set_text(kind: &Kind, column: &mut Column, text: &str) -> Result<(), Fault> {
    let row = column.len();
    match kind {
        Kind::Text => column.set_bytes(row, text.as_bytes()),
        Kind::Binary => column.set_with(row, |bytes| {
            STANDARD.decode_vec(text, bytes).map_err(|error| fault(format!("the text is not base64: {error}")))
        }),
        Kind::Date => match CalendarDate::parse(text) {
            Some(day) => column.set(row, day.days_since_epoch()),
            None => Err(misfit_text(column, text)),
        },
        Kind::Decimal(precision, scale) => match decimal::parse(text, *precision, *scale, Notation::Plain) {
            Some(number) => column.set(row, number),
            None => Err(misfit_text(column, text)),
        },
        _ => Err(misfit_text(column, text)),
    }
}

/// Appends a FLOAT, DOUBLE or DECIMAL from the text of a JSON value: numbers are read from their digits, as serde_json
/// rounds twice on the way to f64.
pub(super) fn set_number(kind: &Kind, column: &mut Column, json: &str) -> Result<(), Fault> {
    let row = column.len();
    if !json.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return match (kind, json) {
            (_, "null") => set_null(column),
            (Kind::Decimal(..), text) if text.starts_with('"') => match serde_json::from_str::<String>(text) {
                Ok(text) => set_text(kind, column, &text),
                Err(error) => Err(fault(error.to_string())),
            },
            _ => Err(misfit(column, json)),
        };
    }
    match kind {
        Kind::Float64 => match json.parse::<f64>() {
            Ok(number) if number.is_finite() => column.set(row, number),
            _ => Err(misfit(column, json)),
        },
        Kind::Float32 => match json.parse::<f32>() {
            Ok(number) if number.is_finite() => column.set(row, number),
            _ => Err(misfit(column, json)),
        },
        Kind::Decimal(precision, scale) => match decimal::parse(json, *precision, *scale, Notation::WithExponent) {
            Some(number) => column.set(row, number),
            None => Err(misfit(column, json)),
        },
        _ => Err(misfit(column, json)),
    }
}

/// Appends the key of a map entry. JSON keys are text; for other columns the text is what the value would be in JSON.
pub(super) fn set_key(kind: &Kind, column: &mut Column, text: &str) -> Result<(), Fault> {
    match (kind, text) {
        (Kind::Bool, "true") => set_bool(kind, column, true),
        (Kind::Bool, "false") => set_bool(kind, column, false),
        (Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::Date | Kind::Timestamp, _) => {
            match is_number(text).then(|| text.parse()) {
                Some(Ok(number)) => set_integer(kind, column, number),
                _ => set_text(kind, column, text),
            }
        }
        (Kind::Float32 | Kind::Float64, _) if is_number(text) => set_number(kind, column, text),
        _ => set_text(kind, column, text),
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get() == text)
}

/// The value is of another type, or out of the column's range.
#[cold]
pub(super) fn misfit(column: &Column, value: &str) -> Fault {
    let value: String = value.chars().take(60).collect();
    fault(format!("{value} does not fit a column of type {}", type_name(column.field().data_type())))
}

#[cold]
fn misfit_text(column: &Column, text: &str) -> Fault {
    let text: String = text.chars().take(60).collect();
    misfit(column, &format!("\"{text}\""))
}
