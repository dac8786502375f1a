//! The rows of a form as a record batch, so that a form and a run are written by the same encoders.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, PrimitiveArray,
    RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, TimeUnit};
use serde_json::{Map, Value};

use super::Batch;
use crate::model::{CalendarDate, ColumnType, TableInfo, timestamp_micros};
use crate::writer::{WriterError, arrow_schema};

type Row = Map<String, Value>;

impl Batch {
    /// The rows by column, and the table without the columns of types that forms have no way to fill in.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a value that does not fit its column, which rows that were checked have none of.
    pub(in crate::writer) fn records(&self) -> Result<(TableInfo, RecordBatch), WriterError> {
        let rows = self.rows.to_json();
        let mut table = self.table.clone();
        table.columns.retain(|column| !matches!(column.kind(), ColumnType::Binary | ColumnType::Other));
        let schema = arrow_schema(&table)?;
        let columns = schema.fields().iter().map(|field| {
            column(&rows, field.name(), field.data_type()).ok_or_else(|| {
                let message = format!("column {}: a value is not of type {}", field.name(), field.data_type());
                WriterError::Rejected(message)
            })
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>, WriterError>>()?;
        let records = RecordBatch::try_new(schema, columns);
        Ok((table, records.map_err(|error| WriterError::Rejected(error.to_string()))?))
    }
}

/// The values of a column; `None` when one of them does not fit.
fn column(rows: &[Row], name: &str, kind: &DataType) -> Option<ArrayRef> {
    Some(match kind {
        DataType::Utf8 => Arc::new(StringArray::from(values(rows, name, Value::as_str)?)),
        DataType::Boolean => Arc::new(BooleanArray::from(values(rows, name, Value::as_bool)?)),
        DataType::Int8 => integers::<Int8Type>(rows, name)?,
        DataType::Int16 => integers::<Int16Type>(rows, name)?,
        DataType::Int32 => integers::<Int32Type>(rows, name)?,
        DataType::Int64 => integers::<Int64Type>(rows, name)?,
        #[expect(clippy::cast_possible_truncation, reason = "a FLOAT is the nearest one to what was written")]
        DataType::Float32 => {
            Arc::new(Float32Array::from(values(rows, name, |value| value.as_f64().map(|value| value as f32))?))
        }
        DataType::Float64 => Arc::new(Float64Array::from(values(rows, name, Value::as_f64)?)),
        DataType::Decimal128(precision, scale) => {
            let digits = Decimal128Array::from(values(rows, name, |value| decimal(value, *scale))?);
            Arc::new(digits.with_precision_and_scale(*precision, *scale).ok()?)
        }
        DataType::Date32 => Arc::new(Date32Array::from(values(rows, name, day)?)),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let times = TimestampMicrosecondArray::from(values(rows, name, time)?);
            Arc::new(times.with_timezone_opt(zone.clone()))
        }
        _ => return None,
    })
}

/// The values that `read` makes of a column, which may be missing or null; `None` when it makes nothing of one.
fn values<'r, T>(rows: &'r [Row], name: &str, read: impl Fn(&'r Value) -> Option<T>) -> Option<Vec<Option<T>>> {
    let value = |row: &'r Row| match row.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => read(value).map(Some),
    };
    rows.iter().map(value).collect()
}

fn integers<T: ArrowPrimitiveType>(rows: &[Row], name: &str) -> Option<ArrayRef>
where
    T::Native: TryFrom<i64>,
{
    let read = |value: &Value| value.as_i64().and_then(|value| T::Native::try_from(value).ok());
    Some(Arc::new(values(rows, name, read)?.into_iter().collect::<PrimitiveArray<T>>()))
}

fn day(value: &Value) -> Option<i32> {
    value.as_str().and_then(CalendarDate::parse).map(CalendarDate::days_since_epoch)
}

/// Microseconds since 1970, or the text of a time in UTC.
fn time(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str().and_then(timestamp_micros))
}

/// A plain decimal number as the digits of one with `scale` places.
fn decimal(value: &Value, scale: i8) -> Option<i128> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let missing = usize::try_from(scale).ok()?.checked_sub(fraction.len())?;
    format!("{whole}{fraction}{:0<missing$}", "").parse().ok()
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Decimal128Type;
    use serde_json::json;

    use super::*;

    #[test]
    fn decimals_get_all_their_places() {
        let cases = [
            (json!("1.5"), 2, Some(150)),
            (json!("-0.05"), 2, Some(-5)),
            (json!(7), 3, Some(7000)),
            (json!("1.2300"), 2, Some(123)),
            (json!("1.234"), 2, None),
            (json!("x"), 0, None),
            (json!("99999999999999999999999999999999999999"), 0, Some(10_i128.pow(38) - 1)),
        ];
        for (value, scale, expected) in cases {
            assert_eq!(decimal(&value, scale), expected, "{value}");
        }
    }

    #[test]
    fn columns_that_forms_cannot_fill_are_left_out_and_the_others_keep_their_values() {
        let columns = [("a", "TINYINT", "tinyint"), ("v", "VARIANT", "variant"), ("d", "DECIMAL", "decimal(5,2)")];
        let columns = columns.into_iter().zip(0..).map(|((name, type_name, type_text), position)| crate::model::Column {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            type_text: type_text.to_owned(),
            type_json: String::new(),
            nullable: true,
            position,
        });
        let name = crate::model::TableName::parse("a.b.c").unwrap();
        let table = TableInfo { name, columns: columns.collect() };
        let batch = |rows: &[Value]| {
            let rows = rows.iter().map(|row| row.as_object().cloned().unwrap()).collect();
            Batch { table: table.clone(), rows: super::super::Rows::Columns(rows) }
        };
        let (used, records) = batch(&[json!({"a": 1, "d": "1.5"}), json!({"a": null, "v": null})]).records().unwrap();
        assert_eq!(used.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["a", "d"]);
        assert_eq!(records.column(1).as_primitive::<Decimal128Type>().iter().collect::<Vec<_>>(), [Some(150), None]);
        let error = batch(&[json!({"a": 300})]).records().unwrap_err().to_string();
        assert_eq!(error, "column a: a value is not of type Int8");
    }
}
