//! Records as JSON objects: fields named as the columns, nulls left out, dates as days and times as microseconds since
//! 1970, binary as base64, decimals as text (ZEROBUS facts; what the local lakehouse reads is in its decode/README.md).

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, SchemaRef};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::column::{Column, Values, items, put_decimal};
use super::{Misfit, WriterError};

/// Bytes that a first record is given room for.
const FIRST_ROOM: usize = 256;

/// Writes batches of one schema as JSON.
pub struct JsonEncoder {
    schema: SchemaRef,
    fields: Vec<FieldPlan>,
}

/// A column, or a part of a nested one.
struct FieldPlan {
    name: String,
    /// The name as JSON, with the colon.
    key: Vec<u8>,
    /// Fields of a struct; the item of an array; key and value of a map.
    parts: Vec<FieldPlan>,
}

/// A batch opened for writing row by row.
pub struct JsonRows<'a> {
    fields: &'a [FieldPlan],
    columns: Vec<Column<'a>>,
}

impl JsonEncoder {
    /// For batches of `schema`.
    pub fn new(schema: SchemaRef) -> Self {
        let fields = schema.fields().iter().map(|field| plan(field)).collect();
        Self { schema, fields }
    }

    /// Opens a batch.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a batch of another schema.
    pub fn rows<'a>(&'a self, records: &'a RecordBatch) -> Result<JsonRows<'a>, WriterError> {
        Ok(JsonRows { fields: &self.fields, columns: super::columns(records, &self.schema)? })
    }

    /// An object for each row.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a batch of another schema, and for numbers that are not finite.
    pub fn encode(&self, records: &RecordBatch) -> Result<Vec<String>, WriterError> {
        let rows = self.rows(records)?;
        let mut room = FIRST_ROOM;
        let object = |row| {
            let mut object = Vec::with_capacity(room);
            rows.put(row, &mut object)?;
            room = room.max(object.len());
            String::from_utf8(object).map_err(|error| WriterError::Rejected(error.to_string()))
        };
        (0..records.num_rows()).map(object).collect()
    }
}

impl JsonRows<'_> {
    /// Appends a row as an object.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for numbers that are not finite.
    pub fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), WriterError> {
        put_object(out, self.fields, &self.columns, row).map_err(|misfit| misfit.in_row(row))
    }
}

fn plan(field: &Field) -> FieldPlan {
    let parts = match field.data_type() {
        DataType::Struct(fields) => fields.iter().map(|field| plan(field)).collect(),
        DataType::List(item) => vec![plan(item)],
        DataType::Map(entries, _) => plan(entries).parts,
        _ => Vec::new(),
    };
    let key = format!("{}:", serde_json::Value::from(field.name().as_str()));
    FieldPlan { name: field.name().clone(), key: key.into_bytes(), parts }
}

fn put_object(out: &mut Vec<u8>, fields: &[FieldPlan], columns: &[Column<'_>], row: usize) -> Result<(), Misfit> {
    out.push(b'{');
    let mut first = true;
    for (field, column) in fields.iter().zip(columns).filter(|(_, column)| !column.is_null(row)) {
        if !first {
            out.push(b',');
        }
        first = false;
        out.extend_from_slice(&field.key);
        put_value(out, field, column, row).map_err(|misfit| misfit.within(&field.name))?;
    }
    out.push(b'}');
    Ok(())
}

fn put_value(out: &mut Vec<u8>, field: &FieldPlan, column: &Column<'_>, row: usize) -> Result<(), Misfit> {
    if column.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    match &column.values {
        Values::Bool(values) => put(out, values.value(row)),
        Values::Int8(values) => put(out, values[row]),
        Values::Int16(values) => put(out, values[row]),
        Values::Int32(values) => put(out, values[row]),
        Values::Int64(values) => put(out, values[row]),
        Values::Float32(values) if values[row].is_finite() => put(out, values[row]),
        Values::Float64(values) if values[row].is_finite() => put(out, values[row]),
        Values::Float32(_) | Values::Float64(_) => Err(Misfit::new("JSON has no numbers that are not finite")),
        Values::Text(values) => put(out, values.value(row)),
        Values::Decimal(values, scale) => {
            out.push(b'"');
            put_decimal(out, values[row], *scale);
            out.push(b'"');
            Ok(())
        }
        Values::Binary(values) => put_base64(out, values.value(row)),
        Values::Struct(children) => put_object(out, &field.parts, children, row),
        Values::List(offsets, list) => {
            let Some(item) = field.parts.first() else { return Err(Misfit::new("it is no array")) };
            put_sequence(out, [b'[', b']'], items(offsets, row), |out, at| put_value(out, item, list, at))
        }
        Values::Map(offsets, entries) => {
            let (keys, values) = entries.as_ref();
            let [key, value] = field.parts.as_slice() else { return Err(Misfit::new("it is no map")) };
            put_sequence(out, [b'{', b'}'], items(offsets, row), |out, at| {
                put_key(out, key, keys, at)?;
                out.push(b':');
                put_value(out, value, values, at)
            })
        }
    }
}

/// The key of a map entry is text, whatever its type.
fn put_key(out: &mut Vec<u8>, field: &FieldPlan, keys: &Column<'_>, at: usize) -> Result<(), Misfit> {
    let start = out.len();
    put_value(out, field, keys, at)?;
    match out[start] {
        b'"' => Ok(()),
        b'{' | b'[' => Err(Misfit::new("JSON has no maps with such keys")),
        _ => {
            out.insert(start, b'"');
            out.push(b'"');
            Ok(())
        }
    }
}

fn put_sequence(
    out: &mut Vec<u8>,
    [open, close]: [u8; 2],
    range: std::ops::Range<usize>,
    mut put_item: impl FnMut(&mut Vec<u8>, usize) -> Result<(), Misfit>,
) -> Result<(), Misfit> {
    let first = range.start;
    out.push(open);
    for at in range {
        if at != first {
            out.push(b',');
        }
        put_item(out, at)?;
    }
    out.push(close);
    Ok(())
}

fn put(out: &mut Vec<u8>, value: impl Serialize) -> Result<(), Misfit> {
    serde_json::to_writer(out, &value).map_err(|_| Misfit::new("JSON cannot say it"))
}

fn put_base64(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Misfit> {
    let too_long = || Misfit::new("it is too long");
    let length = base64::encoded_len(bytes.len(), true).ok_or_else(too_long)?;
    out.push(b'"');
    let start = out.len();
    out.resize(start + length, 0);
    STANDARD.encode_slice(bytes, &mut out[start..]).map_err(|_| too_long())?;
    out.push(b'"');
    Ok(())
}
