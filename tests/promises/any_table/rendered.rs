//! What the statement API gives for a value of a row.

use direct_write::model::{Column, ColumnType, FieldType, Part, local_micros, timestamp_micros};
use serde_json::Value;

/// The text of a column's value; times of a column itself are microseconds. Protobuf has empty lists and maps for nulls.
pub fn expected(column: &Column, value: Option<&Value>, is_protobuf: bool) -> Option<String> {
    let kind = column.field_type().unwrap();
    let value = value.filter(|value| !value.is_null());
    match (&kind, value) {
        (FieldType::Array(_), None) if is_protobuf => Some("[]".to_owned()),
        (FieldType::Map(..), None) if is_protobuf => Some("{}".to_owned()),
        (_, None) => None,
        (FieldType::Scalar(ColumnType::Timestamp | ColumnType::TimestampNtz), Some(value)) => {
            Some(micros(value).to_string())
        }
        (FieldType::Scalar(kind), Some(value)) => Some(scalar(*kind, value)),
        (kind, Some(value)) => Some(json(kind, Some(value), is_protobuf)),
    }
}

fn micros(value: &Value) -> i64 {
    let read = |text: &str| timestamp_micros(text).or_else(|| local_micros(text));
    value.as_i64().or_else(|| read(value.as_str().unwrap())).unwrap()
}

fn scalar(kind: ColumnType, value: &Value) -> String {
    match (kind, value) {
        // As Rust writes the shortest text that is the same number, in the form of the lakehouse.
        (ColumnType::Float, Value::Number(number)) => float(format!("{:e}", number.as_f64().unwrap() as f32)),
        (ColumnType::Double, Value::Number(number)) => float(format!("{:e}", number.as_f64().unwrap())),
        (ColumnType::Decimal { scale, .. }, Value::String(text)) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let fraction = format!("{fraction:0<scale$}", scale = usize::from(scale));
            if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

/// Numbers between are written out, those beyond with their exponent.
fn float(scientific: String) -> String {
    let number: f64 = scientific.parse().unwrap();
    if number == 0.0 || (1e-5..1e16).contains(&number.abs()) { format!("{number:?}") } else { scientific }
}

fn json(kind: &FieldType, value: Option<&Value>, is_protobuf: bool) -> String {
    let of = |part: &Part, value: Option<&Value>| json(&part.kind, value, is_protobuf);
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return match kind {
            FieldType::Array(_) if is_protobuf => "[]",
            FieldType::Map(..) if is_protobuf => "{}",
            _ => "null",
        }
        .to_owned();
    };
    match kind {
        FieldType::Array(item) => {
            let items: Vec<String> = value.as_array().unwrap().iter().map(|value| of(item, Some(value))).collect();
            format!("[{}]", items.join(","))
        }
        FieldType::Map(_, part) => {
            let entries = value.as_object().unwrap().iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), of(part, Some(value))))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        FieldType::Struct(fields) => {
            let object = value.as_object().unwrap();
            let field = |(name, part): &(String, Part)| {
                format!("{}:{}", Value::from(name.as_str()), of(part, object.get(name)))
            };
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
        }
        FieldType::Scalar(ColumnType::Timestamp) => format!("\"{}Z\"", time(micros(value))),
        FieldType::Scalar(ColumnType::TimestampNtz) => format!("\"{}\"", time(micros(value))),
        FieldType::Scalar(kind) => {
            let text = scalar(*kind, value);
            let is_text = matches!(kind, ColumnType::String | ColumnType::Date | ColumnType::Binary);
            if is_text { Value::from(text).to_string() } else { text }
        }
    }
}

/// Inside of other values times have milliseconds.
fn time(micros: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(micros).unwrap();
    time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}
