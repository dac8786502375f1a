//! Rows of a form as records of a run: JSON objects that were checked against the table's columns, by column.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, BooleanArray, PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray, new_null_array,
};
use arrow_schema::DataType;
use serde_json::{Map, Value};

use super::{WriterError, arrow_schema};
use crate::model::{CalendarDate, Column, TableInfo, timestamp_micros};

/// The rows as a batch with the table's columns; what a row leaves out is null.
///
/// # Errors
/// [`WriterError::Rejected`] for a value that its column does not take, and for tables with columns that no writer fills.
pub fn records_from_rows(table: &TableInfo, rows: &[Map<String, Value>]) -> Result<RecordBatch, WriterError> {
    let stray = rows.iter().flatten().find(|(name, value)| !value.is_null() && table.column(name).is_none());
    if let Some((name, value)) = stray {
        return Err(WriterError::Rejected(format!("no column takes {name} {value}")));
    }
    let schema = arrow_schema(table)?;
    let columns = table.columns.iter().zip(schema.fields()).map(|(column, field)| {
        let values = rows.iter().map(|row| row.get(&column.name).filter(|value| !value.is_null()));
        array(values.collect(), column, field.data_type())
    });
    let columns = columns.collect::<Result<_, _>>()?;
    let count = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &count)
        .map_err(|error| WriterError::Rejected(error.to_string()))
}

fn array(values: Vec<Option<&Value>>, column: &Column, kind: &DataType) -> Result<ArrayRef, WriterError> {
    Ok(match kind {
        DataType::Utf8 => Arc::new(StringArray::from(read(&values, column, Value::as_str)?)),
        DataType::Boolean => Arc::new(BooleanArray::from(read(&values, column, Value::as_bool)?)),
        DataType::Int8 => primitive::<Int8Type>(&values, column, kind, |value| value.as_i64()?.try_into().ok())?,
        DataType::Int16 => primitive::<Int16Type>(&values, column, kind, |value| value.as_i64()?.try_into().ok())?,
        DataType::Int32 => primitive::<Int32Type>(&values, column, kind, |value| value.as_i64()?.try_into().ok())?,
        DataType::Int64 => primitive::<Int64Type>(&values, column, kind, Value::as_i64)?,
        DataType::Float32 => primitive::<Float32Type>(&values, column, kind, |value| Some(value.as_f64()? as f32))?,
        DataType::Float64 => primitive::<Float64Type>(&values, column, kind, Value::as_f64)?,
        DataType::Decimal128(precision, scale) => primitive::<Decimal128Type>(&values, column, kind, |value| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            unscaled(&text, *precision, u8::try_from(*scale).ok()?)
        })?,
        DataType::Date32 => primitive::<Date32Type>(&values, column, kind, |value| {
            Some(CalendarDate::parse(value.as_str()?)?.days_since_epoch())
        })?,
        DataType::Timestamp(..) => primitive::<TimestampMicrosecondType>(&values, column, kind, |value| {
            value.as_i64().or_else(|| timestamp_micros(value.as_str()?))
        })?,
        _ => {
            // Forms do not fill in the other types: `read` lets nulls through only.
            read(&values, column, |_| None::<()>)?;
            new_null_array(kind, values.len())
        }
    })
}

fn primitive<T: ArrowPrimitiveType>(
    values: &[Option<&Value>],
    column: &Column,
    kind: &DataType,
    value: impl Fn(&Value) -> Option<T::Native>,
) -> Result<ArrayRef, WriterError> {
    let array = PrimitiveArray::<T>::from_iter(read(values, column, value)?);
    Ok(Arc::new(array.with_data_type(kind.clone())))
}

/// Reads every value that is there; `None` from `value` refuses it.
fn read<'a, T>(
    values: &[Option<&'a Value>],
    column: &Column,
    value: impl Fn(&'a Value) -> Option<T>,
) -> Result<Vec<Option<T>>, WriterError> {
    let one = |came: &Option<&'a Value>| match came {
        None => Ok(None),
        Some(came) => value(came).map(Some).ok_or_else(|| {
            let Column { name, type_text, .. } = column;
            WriterError::Rejected(format!("column {name} ({type_text}) does not take {came}"))
        }),
    };
    values.iter().map(one).collect()
}

/// A decimal number without its point; `None` if a digit would be lost.
fn unscaled(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty() || fraction.len() > usize::from(scale) {
        return None;
    }
    let padding = std::iter::repeat_n(b'0', usize::from(scale) - fraction.len());
    let number = whole.bytes().chain(fraction.bytes()).chain(padding).try_fold(0i128, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i128::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    let fits = number < 10i128.checked_pow(precision.into())?;
    fits.then_some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use serde_json::json;

    use super::*;
    use crate::model::TableName;

    fn table(columns: &[(&str, &str)]) -> TableInfo {
        let columns = columns.iter().zip(0..).map(|((name, type_text), position)| Column {
            name: (*name).to_owned(),
            type_name: type_text.split('(').next().unwrap_or_default().to_uppercase(),
            type_text: (*type_text).to_owned(),
            type_json: String::new(),
            nullable: true,
            position,
        });
        TableInfo { name: TableName::parse("a.b.c").unwrap(), columns: columns.collect() }
    }

    fn rows(rows: Value) -> Vec<Map<String, Value>> {
        rows.as_array().unwrap().iter().map(|row| row.as_object().cloned().unwrap()).collect()
    }

    #[test]
    fn every_value_of_a_form_finds_its_type() {
        let table = table(&[
            ("s", "string"),
            ("b", "boolean"),
            ("i", "tinyint"),
            ("f", "float"),
            ("m", "decimal(5,2)"),
            ("d", "date"),
            ("t", "timestamp"),
            ("n", "timestamp_ntz"),
            ("x", "binary"),
        ]);
        let rows = rows(json!([
            {"s": "x", "b": true, "i": -128, "f": 1, "m": "1.5", "d": "1969-12-31", "t": "1970-01-01T00:00:01Z", "n": 7},
            {"s": null, "m": -999.99},
        ]));
        let records = records_from_rows(&table, &rows).unwrap();
        assert_eq!(records.schema(), arrow_schema(&table).unwrap());
        assert_eq!(records.column(0).as_string::<i32>().value(0), "x");
        assert!(records.column(1).as_boolean().value(0));
        assert_eq!(records.column(2).as_primitive::<Int8Type>().value(0), -128);
        assert_eq!(records.column(3).as_primitive::<Float32Type>().value(0), 1.0);
        assert_eq!(records.column(4).as_primitive::<Decimal128Type>().values().as_ref(), [150, -99_999]);
        assert_eq!(records.column(5).as_primitive::<Date32Type>().value(0), -1);
        assert_eq!(records.column(6).as_primitive::<TimestampMicrosecondType>().value(0), 1_000_000);
        assert_eq!(records.column(7).as_primitive::<TimestampMicrosecondType>().value(0), 7);
        let nulls: Vec<usize> = records.columns().iter().map(|column| column.null_count()).collect();
        assert_eq!(nulls, [1, 1, 1, 1, 0, 1, 1, 1, 2]);
    }

    #[test]
    fn a_value_without_a_column_is_not_dropped() {
        let error = records_from_rows(&table(&[("c", "int")]), &rows(json!([{"c": 1}, {"d": 2}]))).unwrap_err();
        assert_eq!(error.to_string(), "no column takes d 2");
    }

    #[test]
    fn a_value_that_does_not_fit_is_named() {
        let cases = [
            ("string", json!(1)),
            ("tinyint", json!(128)),
            ("bigint", json!(1.5)),
            ("decimal(5,2)", json!("1.234")),
            ("decimal(5,2)", json!("1234.5")),
            ("decimal(5,2)", json!("1e3")),
            ("date", json!("2025-02-31")),
            ("timestamp", json!("soon")),
            ("binary", json!("AA==")),
        ];
        for (type_text, value) in cases {
            let error = records_from_rows(&table(&[("c", type_text)]), &rows(json!([{"c": value}]))).unwrap_err();
            assert_eq!(error.to_string(), format!("column c ({type_text}) does not take {value}"));
        }
    }
}
