//! Results as the API gives them: every value as text, every type by Databricks' name.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deltalake::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use deltalake::arrow::compute::cast;
use deltalake::arrow::datatypes::{DataType, FieldRef, Float32Type, Float64Type, Schema, TimeUnit};
use deltalake::arrow::error::ArrowError;
use deltalake::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use super::labels;

/// A result column: its name, its type without (`LONG`) and with arguments (`BIGINT`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResultColumn {
    pub(super) name: String,
    pub(super) type_name: String,
    pub(super) type_text: String,
}

impl ResultColumn {
    pub(super) fn new(name: &str, type_name: &str, type_text: &str) -> Self {
        Self { name: name.to_owned(), type_name: type_name.to_owned(), type_text: type_text.to_owned() }
    }
}

/// One row; `None` is NULL.
pub(super) type Row = Vec<Option<String>>;

pub(super) fn result_columns(schema: &Schema) -> Vec<ResultColumn> {
    let columns = schema.fields().iter();
    columns
        .map(|field| {
            ResultColumn::new(labels::name(field.name()), type_name(field.data_type()), &text(field.data_type()))
        })
        .collect()
}

fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Null => "NULL",
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "BYTE",
        DataType::Int16 | DataType::UInt8 => "SHORT",
        DataType::Int32 | DataType::UInt16 => "INT",
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "LONG",
        DataType::Float16 | DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "DECIMAL"
        }
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP",
        DataType::Timestamp(_, None) => "TIMESTAMP_NTZ",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "BINARY",
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "ARRAY",
        DataType::Struct(_) => "STRUCT",
        DataType::Map(..) => "MAP",
        DataType::Interval(_) | DataType::Duration(_) => "INTERVAL",
        DataType::Dictionary(_, values) => type_name(values),
        _ => "STRING",
    }
}

/// The type as the API's `type_text` has it: types in upper case, names of fields as they are.
pub(super) fn text(data_type: &DataType) -> String {
    match data_type {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("DECIMAL({precision},{scale})"),
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            format!("ARRAY<{}>", text(element.data_type()))
        }
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| format!("{}: {}", field.name(), text(field.data_type())));
            format!("STRUCT<{}>", fields.collect::<Vec<_>>().join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                format!("MAP<{}, {}>", text(pair[0].data_type()), text(pair[1].data_type()))
            }
            _ => "MAP".to_owned(),
        },
        DataType::Dictionary(_, values) => text(values),
        other => match type_name(other) {
            "NULL" => "VOID",
            "LONG" => "BIGINT",
            "SHORT" => "SMALLINT",
            "BYTE" => "TINYINT",
            simple => simple,
        }
        .to_owned(),
    }
}

/// Quotes and a comma for each value, as the JSON has them.
pub(super) fn row_bytes(row: &Row) -> usize {
    row.iter().map(|value| value.as_ref().map_or(4, String::len) + 3).sum()
}

/// Renders rows until one would make the result larger than `limit` bytes; returns the rows and their size.
pub(super) fn render(batch: &RecordBatch, limit: usize) -> Result<(Vec<Row>, usize), ArrowError> {
    let columns = batch.columns().iter().map(plain).collect::<Result<Vec<_>, _>>()?;
    let mut rows = Vec::with_capacity(batch.num_rows());
    let mut bytes = 0;
    for index in 0..batch.num_rows() {
        let row = columns.iter().map(|column| cell(column, index)).collect::<Result<Row, _>>()?;
        let size = row_bytes(&row);
        if bytes + size > limit {
            break;
        }
        bytes += size;
        rows.push(row);
    }
    Ok((rows, bytes))
}

/// Dictionaries and the like unpacked, at every depth, so that the rest sees plain arrays.
fn plain(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let kind = plain_type(column.data_type());
    if kind == *column.data_type() { Ok(ArrayRef::clone(column)) } else { cast(column, &kind) }
}

fn plain_type(kind: &DataType) -> DataType {
    let inside = |field: &FieldRef| -> FieldRef {
        Arc::new(field.as_ref().clone().with_data_type(plain_type(field.data_type())))
    };
    match kind {
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        DataType::Binary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::LargeBinary,
        DataType::List(element) | DataType::FixedSizeList(element, _) => DataType::List(inside(element)),
        DataType::LargeList(element) => DataType::LargeList(inside(element)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inside).collect()),
        DataType::Map(entries, sorted) => DataType::Map(inside(entries), *sorted),
        other => other.clone(),
    }
}

fn cell(column: &ArrayRef, row: usize) -> Result<Option<String>, ArrowError> {
    if column.is_null(row) || column.data_type() == &DataType::Null {
        return Ok(None);
    }
    let text = match column.data_type() {
        DataType::LargeBinary => STANDARD.encode(column.as_binary::<i64>().value(row)),
        DataType::Float64 => float(column.as_primitive::<Float64Type>().value(row), column, row)?,
        DataType::Float32 => float(f64::from(column.as_primitive::<Float32Type>().value(row)), column, row)?,
        DataType::List(_) | DataType::LargeList(_) | DataType::Struct(_) | DataType::Map(..) => {
            let mut text = String::new();
            write_json(column, row, &mut text)?;
            text
        }
        _ => display(column, row)?,
    };
    Ok(Some(text))
}

fn display(column: &ArrayRef, row: usize) -> Result<String, ArrowError> {
    let options = FormatOptions::new()
        .with_display_error(false)
        .with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.3f"))
        .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.3fZ"));
    ArrayFormatter::try_new(column, &options)?.value(row).try_to_string()
}

fn float(value: f64, column: &ArrayRef, row: usize) -> Result<String, ArrowError> {
    if value.is_finite() {
        return display(column, row);
    }
    Ok(if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
    .to_owned())
}

/// A value inside of a nested one, as JSON: fields in their order, numbers with all their digits.
fn write_json(column: &ArrayRef, row: usize, out: &mut String) -> Result<(), ArrowError> {
    if column.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match column.data_type() {
        DataType::List(_) => write_list(&column.as_list::<i32>().value(row), out)?,
        DataType::LargeList(_) => write_list(&column.as_list::<i64>().value(row), out)?,
        DataType::Struct(fields) => {
            let values = column.as_struct();
            let fields = fields.iter().zip(values.columns());
            write_object(fields.map(|(field, column)| (field.name().clone(), column, row)), out)?;
        }
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let keys = (0..entries.len()).map(|entry| Ok(cell(keys, entry)?.unwrap_or_default()));
            let keys = keys.collect::<Result<Vec<_>, ArrowError>>()?;
            write_object(keys.into_iter().enumerate().map(|(entry, key)| (key, values, entry)), out)?;
        }
        data_type => {
            let text = cell(column, row)?.unwrap_or_default();
            // What is finite is written as a number of JSON.
            let is_number = data_type.is_numeric() && !text.ends_with(['N', 'y']);
            if is_number || *data_type == DataType::Boolean {
                out.push_str(&text);
            } else {
                out.push_str(&Value::String(text).to_string());
            }
        }
    }
    Ok(())
}

fn write_list(elements: &ArrayRef, out: &mut String) -> Result<(), ArrowError> {
    out.push('[');
    for index in 0..elements.len() {
        out.push_str(if index > 0 { "," } else { "" });
        write_json(elements, index, out)?;
    }
    out.push(']');
    Ok(())
}

fn write_object<'a>(
    entries: impl Iterator<Item = (String, &'a ArrayRef, usize)>,
    out: &mut String,
) -> Result<(), ArrowError> {
    out.push('{');
    for (index, (key, column, row)) in entries.enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        out.push_str(&Value::String(key).to_string());
        out.push(':');
        write_json(column, row, out)?;
    }
    out.push('}');
    Ok(())
}
