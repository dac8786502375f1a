//! Results as the API gives them: every value as text, every type by Databricks' name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deltalake::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use deltalake::arrow::compute::cast;
use deltalake::arrow::datatypes::{DataType, Float32Type, Float64Type, Schema, TimeUnit};
use deltalake::arrow::error::ArrowError;
use deltalake::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Value, json};

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
        .map(|field| ResultColumn::new(field.name(), type_name(field.data_type()), &text(field.data_type())))
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

/// Dictionaries and the like unpacked, so that the rest sees plain arrays.
fn plain(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Dictionary(_, values) => cast(column, values),
        DataType::Timestamp(unit, zone) if *unit != TimeUnit::Microsecond => {
            cast(column, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))
        }
        DataType::Binary | DataType::BinaryView | DataType::FixedSizeBinary(_) => cast(column, &DataType::LargeBinary),
        DataType::FixedSizeList(element, _) => cast(column, &DataType::List(element.clone())),
        _ => Ok(ArrayRef::clone(column)),
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
            json_value(column, row)?.to_string()
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

fn json_value(column: &ArrayRef, row: usize) -> Result<Value, ArrowError> {
    let column = &plain(column)?;
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match column.data_type() {
        DataType::List(_) => json_list(&column.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => json_list(&column.as_list::<i64>().value(row))?,
        DataType::Struct(fields) => {
            let values = column.as_struct();
            let mut object = Map::new();
            for (index, field) in fields.iter().enumerate() {
                object.insert(field.name().clone(), json_value(values.column(index), row)?);
            }
            Value::Object(object)
        }
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            let mut object = Map::new();
            for entry in 0..entries.len() {
                let key = cell(&plain(entries.column(0))?, entry)?.unwrap_or_default();
                object.insert(key, json_value(entries.column(1), entry)?);
            }
            Value::Object(object)
        }
        DataType::Boolean => json!(column.as_boolean().value(row)),
        data_type if data_type.is_numeric() => {
            let text = cell(column, row)?.unwrap_or_default();
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        _ => cell(column, row)?.map_or(Value::Null, Value::String),
    })
}

fn json_list(elements: &ArrayRef) -> Result<Value, ArrowError> {
    (0..elements.len()).map(|index| json_value(elements, index)).collect::<Result<Vec<_>, _>>().map(Value::Array)
}
