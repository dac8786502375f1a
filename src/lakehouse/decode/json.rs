//! JSON records: an object whose fields are named as the columns.
//!
//! | column | JSON |
//! |---|---|
//! | STRING | text |
//! | BOOLEAN | true, false |
//! | integers | whole number in range |
//! | FLOAT, DOUBLE | number |
//! | DECIMAL | number or text that fits without rounding |
//! | DATE | whole number of days since 1970-01-01, or text `YYYY-MM-DD` |
//! | TIMESTAMP, TIMESTAMP_NTZ | whole number of microseconds since 1970; text is refused, as by the service |
//! | BINARY | text in base64 |
//! | ARRAY, STRUCT, MAP | array, object, object |
//!
//! Missing and null are the same. A field that is no column is refused: it would be lost without a word.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deltalake::arrow::datatypes::{DataType, Field, Fields, SchemaRef, TimeUnit};
use serde_json::{Map, Value};

use super::{Cell, DecodeError, Row};
use crate::model::CalendarDate;

pub(super) fn decode(text: &str, schema: &SchemaRef) -> Result<Row, DecodeError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => fields(&object, schema.fields(), ""),
        Ok(_) => Err(DecodeError::new("", "the record is not a JSON object")),
        Err(error) => Err(DecodeError::new("", format!("the record is not JSON: {error}"))),
    }
}

fn fields(object: &Map<String, Value>, columns: &Fields, path: &str) -> Result<Row, DecodeError> {
    if let Some(name) = object.keys().find(|name| columns.find(name).is_none()) {
        return Err(DecodeError::new(&join(path, name), "the table has no such column"));
    }
    columns
        .iter()
        .map(|column| {
            let path = join(path, column.name());
            let cell = object.get(column.name()).map_or(Ok(Cell::Null), |value| cell(value, column, &path))?;
            if cell == Cell::Null && !column.is_nullable() {
                return Err(DecodeError::new(&path, "the column must have a value"));
            }
            Ok(cell)
        })
        .collect()
}

fn cell(value: &Value, column: &Field, path: &str) -> Result<Cell, DecodeError> {
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let kind = column.data_type();
    let integer = |low: i64, high: i64| value.as_i64().filter(|number| (low..=high).contains(number)).map(Cell::Int);
    let cell = match kind {
        DataType::Utf8 => value.as_str().map(|text| Cell::Text(text.to_owned())),
        DataType::Boolean => value.as_bool().map(Cell::Bool),
        DataType::Int8 => integer(i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => integer(i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => integer(i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _) => integer(i64::MIN, i64::MAX),
        DataType::Date32 => {
            let day = value.as_str().and_then(CalendarDate::parse).map(|day| Cell::Int(day.days_since_epoch().into()));
            day.or_else(|| integer(i32::MIN.into(), i32::MAX.into()))
        }
        DataType::Float32 | DataType::Float64 => value.as_f64().map(Cell::Float),
        DataType::Decimal128(precision, scale) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            decimal(&text, *precision, *scale).map(Cell::Decimal)
        }
        DataType::Binary => value.as_str().and_then(|text| STANDARD.decode(text).ok()).map(Cell::Bytes),
        DataType::Struct(children) => match value {
            Value::Object(object) => Some(Cell::Struct(fields(object, children, path)?)),
            _ => None,
        },
        DataType::List(item) => match value {
            Value::Array(items) => {
                let items = items.iter().map(|value| cell(value, item, &format!("{path}[]")));
                Some(Cell::List(items.collect::<Result<_, _>>()?))
            }
            _ => None,
        },
        DataType::Map(entry, _) => map(value, entry, path)?,
        _ => None,
    };
    cell.ok_or_else(|| DecodeError::new(path, format!("{} does not fit a column of type {kind}", shorten(value))))
}

/// JSON keys are text; a map with other keys takes their text.
fn map(value: &Value, entry: &Field, path: &str) -> Result<Option<Cell>, DecodeError> {
    let (Value::Object(object), DataType::Struct(pair)) = (value, entry.data_type()) else {
        return Ok(None);
    };
    let [key_field, value_field] = pair.as_ref() else {
        return Ok(None);
    };
    let entries = object.iter().map(|(key, value)| {
        let text_key = Value::String(key.clone());
        let key = match key_field.data_type() {
            DataType::Utf8 => text_key,
            _ => serde_json::from_str(key).unwrap_or(text_key),
        };
        Ok((cell(&key, key_field, path)?, cell(value, value_field, path)?))
    });
    Ok(Some(Cell::Map(entries.collect::<Result<_, DecodeError>>()?)))
}

/// A decimal number without its point, when it fits without rounding.
pub(super) fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = usize::try_from(scale).ok()?;
    let fraction = fraction.trim_end_matches('0');
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || fraction.len() > scale || digits.ends_with('.') {
        return None;
    }
    let unscaled = format!("{whole}{fraction:0<scale$}");
    let unscaled = unscaled.trim_start_matches('0');
    if unscaled.len() > usize::from(precision) {
        return None;
    }
    let number: i128 = if unscaled.is_empty() { 0 } else { unscaled.parse().ok()? };
    Some(if negative { -number } else { number })
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn shorten(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use deltalake::arrow::datatypes::Schema;

    use super::*;

    fn one(kind: DataType, json: &str) -> Result<Cell, DecodeError> {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("c", kind, true)]));
        decode(&format!("{{\"c\": {json}}}"), &schema).map(|mut row| row.remove(0))
    }

    #[test]
    fn each_type_takes_its_own_values_only() {
        assert_eq!(one(DataType::Utf8, "\"x\""), Ok(Cell::Text("x".into())));
        assert_eq!(one(DataType::Int8, "127"), Ok(Cell::Int(127)));
        assert_eq!(one(DataType::Date32, "\"1970-01-02\""), Ok(Cell::Int(1)));
        assert_eq!(one(DataType::Decimal128(10, 2), "\"-12.5\""), Ok(Cell::Decimal(-1250)));
        assert_eq!(one(DataType::Binary, "\"AQI=\""), Ok(Cell::Bytes(vec![1, 2])));
        assert_eq!(one(DataType::Float64, "null"), Ok(Cell::Null));
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        for (kind, json) in [
            (DataType::Utf8, "1"),
            (DataType::Int8, "128"),
            (DataType::Int64, "1.5"),
            (DataType::Int64, "\"1\""),
            (DataType::Boolean, "0"),
            (DataType::Float64, "\"1\""),
            (DataType::Decimal128(4, 2), "123.4"),
            (DataType::Decimal128(4, 2), "1.234"),
            (DataType::Decimal128(4, 2), "\"1e1\""),
            (DataType::Binary, "\"?\""),
            (micros, "\"2026-01-01T00:00:00Z\""),
        ] {
            assert!(one(kind.clone(), json).is_err_and(|error| error.field == "c"), "{kind} {json}");
        }
    }

    #[test]
    fn unknown_and_malformed_records_are_refused() {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("c", DataType::Utf8, true)]));
        assert_eq!(decode("{\"d\": 1}", &schema).map_err(|error| error.field), Err("d".to_owned()));
        assert!(decode("[]", &schema).is_err());
        assert!(decode("{", &schema).is_err());
    }
}
