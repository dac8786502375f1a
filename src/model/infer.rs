//! Columns for records that somebody has an example of: types that take every value of the sample.

use serde_json::{Map, Value};

use super::table::ColumnType;
use super::{CalendarDate, FieldType, Part, quoted, timestamp_micros};

/// Records of a sample that are looked at.
const MOST_RECORDS: usize = 1000;

/// The columns for a sample: one JSON object, an array of them, or one in each line. One column in each line, as
/// [`NewTableDraft`](super::NewTableDraft) reads them; every column takes nulls.
///
/// # Errors
/// A sentence: that it is no JSON, or no object.
pub fn columns_from_sample(text: &str) -> Result<String, String> {
    let mut fields: Vec<(String, Seen)> = Vec::new();
    for record in records(text)?.iter().take(MOST_RECORDS) {
        let Value::Object(record) = record else {
            return Err(format!("A record must be a JSON object; this is {}.", shortened(record)));
        };
        see_all(&mut fields, record);
    }
    if fields.is_empty() {
        return Err("There is no field in the sample. Paste a record with values.".to_owned());
    }
    let lines = fields.iter().map(|(name, seen)| format!("{} {}", bare_or_quoted(name), seen.kind().ddl()));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn records(text: &str) -> Result<Vec<Value>, String> {
    let whole: Result<Value, _> = serde_json::from_str(text);
    match whole {
        Ok(Value::Array(records)) => Ok(records),
        Ok(record) => Ok(vec![record]),
        Err(error) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            let records: Result<Vec<Value>, _> = lines.map(serde_json::from_str).collect();
            records.map_err(|_| {
                format!("The sample is not JSON: {error}. Paste one object, an array of objects, or one in each line.")
            })
        }
    }
}

/// What was seen of a value so far.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    Scalar(ColumnType),
    Array(Box<Seen>),
    Object(Vec<(String, Seen)>),
}

impl Seen {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Scalar(ColumnType::Boolean),
            Value::Number(number) if number.is_i64() => Self::Scalar(ColumnType::Long),
            Value::Number(number) if number.is_u64() => Self::Scalar(ColumnType::Decimal { precision: 20, scale: 0 }),
            Value::Number(_) => Self::Scalar(ColumnType::Double),
            Value::String(text) if CalendarDate::parse(text).is_some() => Self::Scalar(ColumnType::Date),
            Value::String(text) if timestamp_micros(text).is_some() => Self::Scalar(ColumnType::Timestamp),
            Value::String(_) => Self::Scalar(ColumnType::String),
            Value::Array(items) => Self::Array(Box::new(items.iter().map(Self::of).fold(Self::Nothing, Self::and))),
            Value::Object(object) => {
                let mut fields = Vec::new();
                see_all(&mut fields, object);
                Self::Object(fields)
            }
        }
    }

    /// What takes the values of both; text takes what has nothing in common.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, seen) | (seen, Self::Nothing) => seen,
            (one, other) if one == other => one,
            (Self::Scalar(one), Self::Scalar(other)) => Self::Scalar(common(one, other)),
            (Self::Array(one), Self::Array(other)) => Self::Array(Box::new(one.and(*other))),
            (Self::Object(mut one), Self::Object(other)) => {
                for (name, seen) in other {
                    add(&mut one, name, seen);
                }
                Self::Object(one)
            }
            _ => Self::Scalar(ColumnType::String),
        }
    }

    fn kind(&self) -> FieldType {
        let part = |seen: &Self| Part { kind: seen.kind(), nullable: true };
        match self {
            Self::Nothing => FieldType::Scalar(ColumnType::String),
            Self::Scalar(kind) => FieldType::Scalar(*kind),
            Self::Array(items) => FieldType::Array(Box::new(part(items))),
            // An object without fields has no fixed ones.
            Self::Object(fields) if fields.is_empty() => {
                FieldType::Map(Box::new(FieldType::Scalar(ColumnType::String)), Box::new(part(&Self::Nothing)))
            }
            Self::Object(fields) => {
                FieldType::Struct(fields.iter().map(|(name, seen)| (name.clone(), part(seen))).collect())
            }
        }
    }
}

fn common(one: ColumnType, other: ColumnType) -> ColumnType {
    let is_number = |kind| matches!(kind, ColumnType::Long | ColumnType::Double | ColumnType::Decimal { .. });
    match (one, other) {
        (ColumnType::Decimal { .. }, ColumnType::Long) | (ColumnType::Long, ColumnType::Decimal { .. }) => {
            ColumnType::Decimal { precision: 20, scale: 0 }
        }
        _ if is_number(one) && is_number(other) => ColumnType::Double,
        _ => ColumnType::String,
    }
}

fn see_all(fields: &mut Vec<(String, Seen)>, record: &Map<String, Value>) {
    for (name, value) in record {
        add(fields, name.clone(), Seen::of(value));
    }
}

fn add(fields: &mut Vec<(String, Seen)>, name: String, seen: Seen) {
    match fields.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = std::mem::replace(known, Seen::Nothing).and(seen),
        None => fields.push((name, seen)),
    }
}

fn bare_or_quoted(name: &str) -> String {
    let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain { name.to_owned() } else { quoted(name) }
}

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NewTableDraft;

    #[test]
    fn a_record_becomes_columns_that_make_a_table() {
        let sample = r#"{"id": 7, "price": 1.5, "ok": true, "day": "2026-01-31", "at": "2026-01-31T12:00:00Z", "name": "x",
            "none": null, "tags": ["a"], "lines": [{"sku": "a", "n": 1}, {"n": 1.5, "gift": true}], "extra": {}, "big": 18446744073709551615}"#;
        let columns = columns_from_sample(sample).unwrap();
        let mut lines: Vec<&str> = columns.lines().collect();
        lines.sort_unstable();
        let expected = [
            "at TIMESTAMP",
            "big DECIMAL(20,0)",
            "day DATE",
            "extra MAP<STRING, STRING>",
            "id BIGINT",
            "lines ARRAY<STRUCT<`n`: DOUBLE, `sku`: STRING, `gift`: BOOLEAN>>",
            "name STRING",
            "none STRING",
            "ok BOOLEAN",
            "price DOUBLE",
            "tags ARRAY<STRING>",
        ];
        assert_eq!(lines, expected);
        let draft = NewTableDraft { name: "a.b.c".to_owned(), columns, ..Default::default() };
        assert!(draft.validate().is_ok());
    }

    #[test]
    fn several_records_are_taken_together() {
        let expected = "a STRING\nb BIGINT";
        for sample in
            [r#"[{"a": "2026-01-31"}, {"a": "x", "b": 1}, {"b": null}]"#, "{\"a\": 1}\n{\"a\": \"x\", \"b\": 1}\n"]
        {
            assert_eq!(columns_from_sample(sample).as_deref(), Ok(expected), "{sample}");
        }
    }

    #[test]
    fn what_is_no_record_says_so() {
        for (sample, word) in
            [("", "no field"), ("{", "not JSON"), ("7", "must be a JSON object"), ("{}", "no field"), ("[1]", "object")]
        {
            let error = columns_from_sample(sample).unwrap_err();
            assert!(error.contains(word), "{sample}: {error}");
        }
    }
}
