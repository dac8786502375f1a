//! Rows for any table: JSON objects checked against the table's columns.

use serde_json::{Map, Value};

use super::{CalendarDate, Column, ColumnType, FieldError, MAX_ITEMS, TableInfo, date::timestamp_micros};

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
        let value = fields.get(&column.name).filter(|value| !value.is_null());
        let problem = match value {
            None if column.nullable => None,
            None => Some(("required", format!("Column {} must have a value.", column.name))),
            Some(value) => check_value(value, column).err(),
        };
        if let Some((rule, message)) = problem {
            errors.push(FieldError::new(format!("{path}.{}", column.name), rule, message, fields.get(&column.name)));
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

/// The rules for JSON values, one arm per column type. They are strict: nothing is coerced.
fn check_value(value: &Value, column: &Column) -> Result<(), (&'static str, String)> {
    let integer = |low: i64, high: i64| match value.as_i64() {
        Some(number) if (low..=high).contains(&number) => Ok(()),
        Some(_) => Err(("range", format!("This must be between {low} and {high}."))),
        None => Err(("type", "This must be a whole number.".to_owned())),
    };
    let expect = |good: bool, rule: &'static str, message: &str| {
        if good { Ok(()) } else { Err((rule, message.to_owned())) }
    };
    match column.kind() {
        ColumnType::String => expect(value.is_string(), "type", "This must be text."),
        ColumnType::Boolean => expect(value.is_boolean(), "type", "This must be true or false."),
        ColumnType::Byte => integer(i8::MIN.into(), i8::MAX.into()),
        ColumnType::Short => integer(i16::MIN.into(), i16::MAX.into()),
        ColumnType::Int => integer(i32::MIN.into(), i32::MAX.into()),
        ColumnType::Long => integer(i64::MIN, i64::MAX),
        ColumnType::Float | ColumnType::Double => expect(value.is_number(), "type", "This must be a number."),
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
        ColumnType::Binary | ColumnType::Other => {
            Err(("unsupported", format!("Columns of type {} cannot be filled in here yet.", column.type_text)))
        }
    }
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
    use crate::model::TableName;

    fn table(columns: &[(&str, &str, bool)]) -> TableInfo {
        let columns = columns.iter().zip(0..).map(|((name, type_text, nullable), position)| Column {
            name: (*name).to_owned(),
            type_name: type_text.split('(').next().unwrap_or_default().to_uppercase(),
            type_text: (*type_text).to_owned(),
            type_json: String::new(),
            nullable: *nullable,
            position,
        });
        TableInfo { name: TableName::parse("a.b.c").unwrap_or_else(|_| unreachable!()), columns: columns.collect() }
    }

    #[test]
    fn each_type_takes_its_own_values_only() {
        let cases: [(&str, &[Value], &[Value]); 8] = [
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
                &[json!("2026-01-31 12:00"), json!(1.5)],
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
    fn missing_and_unknown_columns_are_named() {
        let table = table(&[("a", "string", false), ("b", "int", true)]);
        let errors = validate_rows(&[json!({"b": null, "z": 1})], &table).err().unwrap_or_default();
        let found: Vec<_> = errors.iter().map(|error| (error.path.as_str(), error.rule.as_str())).collect();
        assert_eq!(found, [("items[0].a", "required"), ("items[0].z", "unknown")]);
    }
}
