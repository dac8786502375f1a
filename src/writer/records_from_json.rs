//! Rows of a form as records of a run: JSON objects that were checked against the table's columns, by column.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, ListArray, MapArray, PrimitiveArray, RecordBatch, RecordBatchOptions,
    StringArray, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{WriterError, arrow_schema};
use crate::model::{CalendarDate, Column, ColumnType, TableInfo, local_micros, timestamp_micros};

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
        let values: Vec<Option<&Value>> = values.collect();
        if column.kind() == ColumnType::Variant {
            return Ok(Arc::new(StringArray::from_iter(values.iter().map(|value| value.map(variant_text)))) as ArrayRef);
        }
        array(values, column, field.data_type())
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
        DataType::Timestamp(_, zone) => primitive::<TimestampMicrosecondType>(&values, column, kind, |value| {
            let read = |text: &str| timestamp_micros(text).or_else(|| local_micros(text).filter(|_| zone.is_none()));
            value.as_i64().or_else(|| read(value.as_str()?))
        })?,
        DataType::Binary => {
            let decoded = read(&values, column, |value| STANDARD.decode(value.as_str()?).ok())?;
            Arc::new(BinaryArray::from_iter(decoded))
        }
        DataType::List(item) => {
            let lists = read(&values, column, Value::as_array)?;
            let items = lists.iter().flatten().flat_map(|items| items.iter()).map(not_null).collect();
            let items = array(items, column, item.data_type())?;
            let lengths = lists.iter().map(|items| items.map_or(0, Vec::len));
            let lists = ListArray::try_new(item.clone(), OffsetBuffer::from_lengths(lengths), items, nulls(&lists));
            Arc::new(lists.map_err(|error| unfit(column, &error))?)
        }
        DataType::Struct(fields) => {
            let objects = read(&values, column, Value::as_object)?;
            let stray = objects.iter().flatten().flat_map(|object| object.iter());
            if let Some((name, value)) = stray.into_iter().find(|(name, _)| fields.find(name).is_none()) {
                return Err(WriterError::Rejected(format!("no field of column {} takes {name} {value}", column.name)));
            }
            let children = fields.iter().map(|field| {
                let values = objects.iter().map(|object| object.and_then(|object| object.get(field.name())));
                array(values.map(|value| value.and_then(not_null)).collect(), column, field.data_type())
            });
            let children = children.collect::<Result<Vec<_>, _>>()?;
            let structs = StructArray::try_new_with_length(fields.clone(), children, nulls(&objects), objects.len());
            Arc::new(structs.map_err(|error| unfit(column, &error))?)
        }
        DataType::Map(entries, ordered) => {
            let DataType::Struct(pair) = entries.data_type() else { return Err(no_map(column)) };
            let [key, value] = &pair[..] else { return Err(no_map(column)) };
            let objects = read(&values, column, Value::as_object)?;
            let all = || objects.iter().flatten().flat_map(|object| object.iter());
            let keys: Option<Vec<Value>> = all().map(|(name, _)| key_of(name, key.data_type())).collect();
            let Some(keys) = keys else { return Err(no_map(column)) };
            let keys = array(keys.iter().map(Some).collect(), column, key.data_type())?;
            let values = array(all().map(|(_, value)| not_null(value)).collect(), column, value.data_type())?;
            let pairs = StructArray::try_new(pair.clone(), vec![keys, values], None);
            let pairs = pairs.map_err(|error| unfit(column, &error))?;
            let lengths = objects.iter().map(|object| object.map_or(0, Map::len));
            let offsets = OffsetBuffer::from_lengths(lengths);
            let maps = MapArray::try_new(entries.clone(), offsets, pairs, nulls(&objects), *ordered);
            Arc::new(maps.map_err(|error| unfit(column, &error))?)
        }
        other => return Err(WriterError::Rejected(format!("column {} has type {other}", column.name))),
    })
}

/// JSON text is taken as it is; any other value is its own JSON.
fn variant_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn not_null(value: &Value) -> Option<&Value> {
    Some(value).filter(|value| !value.is_null())
}

fn nulls<T>(values: &[Option<T>]) -> Option<NullBuffer> {
    values.iter().any(Option::is_none).then(|| values.iter().map(Option::is_some).collect())
}

/// The key of a map's entry, which is text in JSON; `None` when it is none of that type.
pub(crate) fn key_of(text: &str, kind: &DataType) -> Option<Value> {
    match kind {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            text.parse::<i64>().ok().map(Value::from)
        }
        DataType::Float32 | DataType::Float64 => text.parse::<f64>().ok().map(Value::from),
        DataType::Boolean => text.parse::<bool>().ok().map(Value::from),
        _ => Some(text.into()),
    }
}

fn no_map(column: &Column) -> WriterError {
    let Column { name, type_text, .. } = column;
    WriterError::Rejected(format!("column {name} ({type_text}) does not take such keys"))
}

fn unfit(column: &Column, error: &ArrowError) -> WriterError {
    let Column { name, type_text, .. } = column;
    WriterError::Rejected(format!("column {name} ({type_text}): {error}"))
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
    use arrow_array::Array;
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
    fn values_inside_of_others_find_their_places() {
        let json = r#"{"type":"map","keyType":"integer","valueContainsNull":true,"valueType":{"type":"struct","fields":[
            {"name":"b","type":{"type":"array","elementType":"binary","containsNull":true},"nullable":true,"metadata":{}},
            {"name":"d","type":"date","nullable":true,"metadata":{}}]}}"#;
        let mut table = table(&[("m", "map<..>"), ("v", "variant")]);
        table.columns[0].type_name = "MAP".to_owned();
        table.columns[0].type_json = json.to_owned();
        let rows = self::rows(json!([
            {"m": {"-7": {"b": ["AAH/", null, ""], "d": "1969-12-31"}, "8": null}, "v": {"a": [1]}},
            {"m": {}, "v": "\"text\""},
            {},
            {"m": {"9": {"b": []}}, "v": 1.5},
        ]));
        let records = records_from_rows(&table, &rows).unwrap();
        let maps = records.column(0).as_map();
        assert_eq!(maps.value_offsets(), [0, 2, 2, 2, 3]);
        assert_eq!((maps.null_count(), maps.is_null(2)), (1, true));
        assert_eq!(maps.keys().as_primitive::<Int32Type>().values().as_ref(), [-7, 8, 9]);
        let values = maps.values().as_struct();
        assert!(values.is_null(1));
        let lists = values.column(0).as_list::<i32>();
        assert_eq!(lists.value_offsets(), [0, 3, 3, 3]);
        assert_eq!((lists.is_null(1), lists.is_null(2)), (true, false));
        let bytes = lists.values().as_binary::<i32>();
        assert_eq!((bytes.value(0), bytes.is_null(1), bytes.value(2)), (&b"\x00\x01\xff"[..], true, &b""[..]));
        assert_eq!(values.column(1).as_primitive::<Date32Type>().value(0), -1);
        let variants: Vec<_> = records.column(1).as_string::<i32>().iter().collect();
        assert_eq!(variants, [Some(r#"{"a":[1]}"#), Some("\"text\""), None, Some("1.5")]);
        let stray = self::rows(json!([{"m": {"1": {"x": 1}}}]));
        let error = records_from_rows(&table, &stray).unwrap_err();
        assert_eq!(error.to_string(), "no field of column m takes x 1");
        let error = records_from_rows(&table, &self::rows(json!([{"m": {"k": null}}]))).unwrap_err();
        assert!(error.to_string().contains("does not take such keys"), "{error}");
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
            ("binary", json!("AA")),
            ("timestamp", json!("2026-01-31T12:00:00")),
        ];
        for (type_text, value) in cases {
            let error = records_from_rows(&table(&[("c", type_text)]), &rows(json!([{"c": value}]))).unwrap_err();
            assert_eq!(error.to_string(), format!("column c ({type_text}) does not take {value}"));
        }
    }
}
