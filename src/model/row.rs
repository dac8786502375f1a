//! Rows for any table: JSON objects checked against the table's columns, values inside of others too.

use serde_json::{Map, Value};

use super::date::{local_micros, timestamp_micros};
use super::{CalendarDate, Column, ColumnType, FieldError, FieldType, MAX_ITEMS, Part, TableInfo};

/// Checks a whole submission of rows for `table`.
///
/// # Errors
/// Every broken rule of every row, in the order of the rows.
pub fn validate_rows(items: &[Value], table: &TableInfo) -> Result<Vec<Map<String, Value>>, Vec<FieldError>> {
    validate_all(items, |item, path| validate_row(item, path, table))
}

/// Checks one row; `path` is put in front of the column names.
///
/// # Errors
/// Every broken rule of the row.
pub fn validate_row(item: &Value, path: &str, table: &TableInfo) -> Result<Map<String, Value>, Vec<FieldError>> {
    let Value::Object(fields) = item else {
        return Err(vec![FieldError::new(path, "type", "A row must be a JSON object.", Some(item))]);
    };
    let mut errors = Vec::new();
    for column in &table.columns {
        let path = format!("{path}.{}", column.name);
        match fields.get(&column.name).filter(|value| !value.is_null()) {
            None if column.nullable || column.is_filled_in() => {}
            None => {
                let message = format!("Column {} must have a value.", column.name);
                errors.push(FieldError::new(path, "required", message, fields.get(&column.name)));
            }
            Some(value) => check_column(value, column, &path, &mut errors),
        }
    }
    for (name, value) in fields {
        if table.column(name).is_none() {
            let message = format!("{} has no such column.", table.name);
            errors.push(FieldError::new(format!("{path}.{name}"), "unknown", message, Some(value)));
        }
    }
    if errors.is_empty() { Ok(fields.clone()) } else { Err(errors) }
}

/// Runs `validate_one` over 1 to [`MAX_ITEMS`] items and gathers all errors.
pub(super) fn validate_all<T>(
    items: &[Value],
    validate_one: impl Fn(&Value, &str) -> Result<T, Vec<FieldError>>,
) -> Result<Vec<T>, Vec<FieldError>> {
    if !(1..=MAX_ITEMS).contains(&items.len()) {
        let came = Value::from(items.len());
        let message = format!("Send 1 to {MAX_ITEMS} items at a time.");
        return Err(vec![FieldError::new("items", "count", message, Some(&came))]);
    }
    let mut good = Vec::with_capacity(items.len());
    let mut errors = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match validate_one(item, &format!("items[{index}]")) {
            Ok(item) => good.push(item),
            Err(more) => errors.extend(more),
        }
    }
    if errors.is_empty() { Ok(good) } else { Err(errors) }
}

/// The rules for one column's value, which is not null.
fn check_column(value: &Value, column: &Column, path: &str, errors: &mut Vec<FieldError>) {
    let kind = match column.field_type() {
        Ok(kind) => kind,
        Err(problem) => {
            let message = format!("A column of type {} cannot be filled in: {problem}.", column.type_text);
            errors.push(FieldError::new(path, "unsupported", message, Some(value)));
            return;
        }
    };
    if let (Some(most), Some(text)) = (column.most_characters(), value.as_str())
        && text.chars().count() > most
    {
        let message = format!("This must have at most {most} characters.");
        errors.push(FieldError::new(path, "length", message, Some(value)));
        return;
    }
    check(value, &kind, path, errors);
}

/// The rules for values, one arm for each kind of type. They are strict: nothing is coerced.
fn check(value: &Value, kind: &FieldType, path: &str, errors: &mut Vec<FieldError>) {
    match (kind, value) {
        (FieldType::Scalar(kind), _) => {
            if let Err((rule, message)) = check_scalar(value, *kind) {
                errors.push(FieldError::new(path, rule, message, Some(value)));
            }
        }
        (FieldType::Array(item), Value::Array(items)) => {
            for (index, value) in items.iter().enumerate() {
                check_part(Some(value), item, &format!("{path}[{index}]"), errors);
            }
        }
        (FieldType::Map(key, part), Value::Object(entries)) => {
            for (name, value) in entries {
                let path = format!("{path}.{name}");
                if key_value(name, key).is_none_or(|key_value| !is_good(&key_value, key)) {
                    let message = format!("The key must be of type {}.", key.sql());
                    errors.push(FieldError::new(&path, "key", message, Some(&name.as_str().into())));
                }
                check_part(Some(value), part, &path, errors);
            }
        }
        (FieldType::Struct(fields), Value::Object(values)) => {
            for (name, part) in fields {
                check_part(values.get(name), part, &format!("{path}.{name}"), errors);
            }
            for (name, value) in values {
                if !fields.iter().any(|(known, _)| known == name) {
                    let message = "The column has no such field.";
                    errors.push(FieldError::new(format!("{path}.{name}"), "unknown", message, Some(value)));
                }
            }
        }
        (FieldType::Array(_), _) => errors.push(FieldError::new(path, "type", "This must be an array.", Some(value))),
        (FieldType::Map(..), _) => {
            let message = "This must be an object of keys and values.";
            errors.push(FieldError::new(path, "type", message, Some(value)));
        }
        (FieldType::Struct(_), _) => {
            errors.push(FieldError::new(path, "type", "This must be an object.", Some(value)));
        }
    }
}

fn check_part(value: Option<&Value>, part: &Part, path: &str, errors: &mut Vec<FieldError>) {
    match value.filter(|value| !value.is_null()) {
        Some(value) => check(value, &part.kind, path, errors),
        None if part.nullable => {}
        None => errors.push(FieldError::new(path, "required", "This must have a value.", value)),
    }
}

fn is_good(value: &Value, kind: &FieldType) -> bool {
    let mut errors = Vec::new();
    check(value, kind, "", &mut errors);
    errors.is_empty()
}

/// The value of a map's key, which is text in JSON whatever its type; `None` when it is none of that type.
pub fn key_value(text: &str, kind: &FieldType) -> Option<Value> {
    let FieldType::Scalar(kind) = kind else { return None };
    match kind {
        ColumnType::Byte | ColumnType::Short | ColumnType::Int | ColumnType::Long => {
            text.parse::<i64>().ok().map(Value::from)
        }
        ColumnType::Float | ColumnType::Double => text.parse::<f64>().ok().map(Value::from),
        ColumnType::Boolean => match text {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        _ => Some(text.into()),
    }
}

fn check_scalar(value: &Value, kind: ColumnType) -> Result<(), (&'static str, String)> {
    let integer = |low: i64, high: i64| match value.as_i64() {
        Some(number) if (low..=high).contains(&number) => Ok(()),
        Some(_) => Err(("range", format!("This must be between {low} and {high}."))),
        None => Err(("type", "This must be a whole number.".to_owned())),
    };
    let expect = |good: bool, rule: &'static str, message: &str| {
        if good { Ok(()) } else { Err((rule, message.to_owned())) }
    };
    match kind {
        ColumnType::String => expect(value.is_string(), "type", "This must be text."),
        ColumnType::Boolean => expect(value.is_boolean(), "type", "This must be true or false."),
        ColumnType::Byte => integer(i8::MIN.into(), i8::MAX.into()),
        ColumnType::Short => integer(i16::MIN.into(), i16::MAX.into()),
        ColumnType::Int => integer(i32::MIN.into(), i32::MAX.into()),
        ColumnType::Long => integer(i64::MIN, i64::MAX),
        ColumnType::Float => match value.as_f64() {
            Some(number) => expect((number as f32).is_finite(), "range", "This is too large for a FLOAT."),
            None => Err(("type", "This must be a number.".to_owned())),
        },
        ColumnType::Double => expect(value.is_number(), "type", "This must be a number."),
        ColumnType::Decimal { precision, scale } => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            expect(
                fits_decimal(&text, precision, scale),
                "decimal",
                &format!(
                    "This must be a decimal number with at most {scale} digits after the point and {precision} in all."
                ),
            )
        }
        ColumnType::Date => {
            let good = value.as_str().is_some_and(|text| CalendarDate::parse(text).is_some());
            expect(good, "date", "This must be a day that exists, written YYYY-MM-DD.")
        }
        ColumnType::Timestamp => {
            let good = value.is_i64() || value.as_str().is_some_and(|text| timestamp_micros(text).is_some());
            let message = "This must be a time in UTC such as 2026-01-31T12:00:00Z, or whole microseconds since 1970.";
            expect(good, "timestamp", message)
        }
        ColumnType::TimestampNtz => {
            let good = value.is_i64() || value.as_str().is_some_and(|text| local_time(text).is_some());
            let message = "This must be a time such as 2026-01-31T12:00:00, or whole microseconds since 1970.";
            expect(good, "timestamp", message)
        }
        ColumnType::Binary => {
            let good = value.as_str().is_some_and(base64_is_good);
            expect(good, "base64", "This must be bytes as base64 text with its padding, such as AAH/.")
        }
        // Any JSON is a value; text is taken for JSON text.
        ColumnType::Variant => {
            let good = value.as_str().is_none_or(|text| serde_json::from_str::<Value>(text).is_ok());
            expect(good, "json", "This must be JSON, or its text: a text of its own goes into quotes once more.")
        }
        ColumnType::Other => Err(("unsupported", "Values of this type cannot be filled in.".to_owned())),
    }
}

/// Microseconds of a TIMESTAMP_NTZ; a `Z` at its end is of no meaning and is taken.
pub(super) fn local_time(text: &str) -> Option<i64> {
    local_micros(text.strip_suffix('Z').unwrap_or(text))
}

/// Whether `text` is base64 of the standard alphabet with its padding, as every writer reads it.
pub fn base64_is_good(text: &str) -> bool {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    // Bits of the last digit that belong to no byte are zero.
    let unused = match padding {
        0 => 0,
        1 => 0b11,
        2 => 0b1111,
        _ => return false,
    };
    text.len().is_multiple_of(4)
        && digits.bytes().all(|byte| value(byte).is_some())
        && digits.bytes().last().and_then(value).is_none_or(|last| last & unused == 0)
        && (padding == 0 || !digits.is_empty())
}

/// Whether `text` is a plain decimal number that fits `DECIMAL(precision, scale)` without rounding.
fn fits_decimal(text: &str, precision: u8, scale: u8) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let whole_digits = whole.trim_start_matches('0').len();
    let fraction_digits = fraction.trim_end_matches('0').len();
    !whole.is_empty()
        && plain(whole)
        && plain(fraction)
        && !digits.ends_with('.')
        && fraction_digits <= usize::from(scale)
        && whole_digits <= usize::from(precision.saturating_sub(scale))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(columns: &[(&str, &str, bool)]) -> TableInfo {
        TableInfo::of(
            columns.iter().map(|(name, text, nullable)| Column { nullable: *nullable, ..Column::of(name, text) }),
        )
    }

    #[test]
    fn each_type_takes_its_own_values_only() {
        let cases: [(&str, &[Value], &[Value]); 13] = [
            ("string", &[json!("x")], &[json!(1), json!(true), json!([])]),
            ("boolean", &[json!(true)], &[json!("true"), json!(1)]),
            ("tinyint", &[json!(-128), json!(127)], &[json!(128), json!(1.5), json!("1")]),
            ("bigint", &[json!(i64::MAX)], &[json!(u64::MAX), json!(1.0)]),
            ("double", &[json!(1), json!(1.5)], &[json!("1.5")]),
            (
                "decimal(5,2)",
                &[json!("123.45"), json!(1.5), json!("-0.10")],
                &[json!("1234.5"), json!("1.234"), json!("1e3"), json!(".5")],
            ),
            ("date", &[json!("2025-01-31")], &[json!("2025-02-31"), json!(1)]),
            (
                "timestamp",
                &[json!(1_700_000_000_000_000_i64), json!("2026-01-31T12:00:00.5Z")],
                &[json!("2026-01-31 12:00"), json!(1.5), json!("2026-01-31T12:00:00")],
            ),
            ("timestamp_ntz", &[json!(-1), json!("2026-01-31T12:00:00")], &[json!("2026-01-31T12:00:00+01:00")]),
            ("float", &[json!(1e38)], &[json!(1e39)]),
            ("binary", &[json!("AAH/")], &[json!("AAH"), json!([0])]),
            ("varchar(2)", &[json!("ü€")], &[json!("abc"), json!(1)]),
            (
                "variant",
                &[json!({"a": [1]}), json!(1.5), json!(false), json!("{\"a\": 1}"), json!("\"text\"")],
                &[json!("text"), json!("{")],
            ),
        ];
        for (type_text, good, bad) in cases {
            let table = table(&[("c", type_text, true)]);
            for value in good {
                assert_eq!(validate_row(&json!({"c": value}), "r", &table).err(), None, "{type_text} {value}");
            }
            for value in bad {
                assert!(validate_row(&json!({"c": value}), "r", &table).is_err(), "{type_text} {value}");
            }
        }
    }

    #[test]
    fn values_inside_of_others_are_checked_and_named_by_their_path() {
        let json = r#"{"type":"struct","fields":[
            {"name":"tags","type":{"type":"array","elementType":"string","containsNull":false},"nullable":true,"metadata":{}},
            {"name":"at","type":"timestamp_ntz","nullable":false,"metadata":{}},
            {"name":"counts","type":{"type":"map","keyType":"integer","valueType":"byte","valueContainsNull":true},"nullable":true,"metadata":{}}]}"#;
        let mut table = table(&[("c", "struct", true)]);
        table.columns[0].type_json = json.to_owned();
        let good = json!({"c": {"tags": ["a", ""], "at": "1969-12-31T23:59:59", "counts": {"-7": 1, "8": null}}});
        assert_eq!(validate_row(&good, "r", &table).err(), None);
        assert_eq!(validate_row(&json!({"c": {"at": 0, "tags": [], "counts": {}}}), "r", &table).err(), None);
        let bad = json!({"c": {"tags": ["a", null, 1], "counts": {"x": 1, "9": 200}, "more": 1}});
        let errors = validate_row(&bad, "r", &table).unwrap_err();
        let found: Vec<_> = errors.iter().map(|error| (error.path.as_str(), error.rule.as_str())).collect();
        let expected = [
            ("r.c.tags[1]", "required"),
            ("r.c.tags[2]", "type"),
            ("r.c.at", "required"),
            ("r.c.counts.9", "range"),
            ("r.c.counts.x", "key"),
            ("r.c.more", "unknown"),
        ];
        assert_eq!(found.len(), expected.len());
        for one in expected {
            assert!(found.contains(&one), "{one:?} in {found:?}");
        }
        for (value, word) in [(json!([]), "an object"), (json!("x"), "an object")] {
            let errors = validate_row(&json!({"c": value}), "r", &table).unwrap_err();
            assert!(errors[0].message.contains(word), "{}", errors[0].message);
        }
    }

    #[test]
    fn bytes_are_base64_with_nothing_loose_at_the_end() {
        for good in ["", "AA==", "AAE=", "AAH/", "+/+/AAH/"] {
            assert!(base64_is_good(good), "{good}");
        }
        for bad in ["A", "AA", "AA=", "====", "AB==", "AAF=", "A A=", "AA==AA==", "AA-_", "="] {
            assert!(!base64_is_good(bad), "{bad}");
        }
    }

    #[test]
    fn missing_and_unknown_columns_are_named() {
        let table = table(&[("a", "string", false), ("b", "int", true)]);
        let errors = validate_rows(&[json!({"b": null, "z": 1})], &table).err().unwrap_or_default();
        let found: Vec<_> = errors.iter().map(|error| (error.path.as_str(), error.rule.as_str())).collect();
        assert_eq!(found, [("items[0].a", "required"), ("items[0].z", "unknown")]);
    }

    #[test]
    fn what_the_server_fills_in_may_be_left_out() {
        let ids = [("record_id", "string", false), ("processed_at", "timestamp", false), ("source", "int", false)];
        let errors = validate_rows(&[json!({"record_id": null})], &table(&ids)).err().unwrap_or_default();
        let found: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
        assert_eq!(found, ["items[0].source"], "a number is none of the server's");
    }
}
