//! Records as protobuf messages, by a descriptor made from the table's columns: field number = position + 1, dates as
//! days and times as microseconds since 1970, decimals as text, ARRAY as a repeated field, MAP as map entries.

use arrow_array::RecordBatch;
use arrow_schema::{DataType, FieldRef, Fields, SchemaRef};
use databricks_zerobus_ingest_sdk::schema::{UcColumn, descriptor_from_uc_columns};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};

use super::column::{Column, Values, items, put_decimal};
use super::{Misfit, WriterError};
use crate::model::{Column as TableColumn, TableInfo};

/// Bytes that a first record is given room for.
const FIRST_ROOM: usize = 128;

/// The message that rows of `table` are sent as.
///
/// # Errors
/// [`WriterError::Rejected`] for columns that protobuf cannot carry.
pub fn table_descriptor(table: &TableInfo) -> Result<DescriptorProto, WriterError> {
    let name = table.name.table().replace('-', "_");
    descriptor_from_uc_columns(&uc_columns(table), &name)
        .map_err(|error| WriterError::Rejected(format!("{} cannot be written through Zerobus: {error}", table.name)))
}

/// The columns as the SDK has them.
pub(super) fn uc_columns(table: &TableInfo) -> Vec<UcColumn> {
    let column = |column: &TableColumn| UcColumn {
        name: column.name.clone(),
        type_name: column.type_name.clone(),
        type_text: column.type_text.clone(),
        type_json: column.type_json.clone(),
        nullable: column.nullable,
        position: column.position,
    };
    table.columns.iter().map(column).collect()
}

/// Writes batches of one schema as messages of one descriptor.
pub struct ProtobufEncoder {
    schema: SchemaRef,
    fields: Vec<FieldPlan>,
}

/// Where the values of a column, or of a part of one, go.
struct FieldPlan {
    name: String,
    /// Field number and wire type.
    tag: u32,
    /// Fields of a message; key and value of a map.
    parts: Vec<FieldPlan>,
}

impl ProtobufEncoder {
    /// For batches of `schema`, whose columns are fields of `message` by name; fields without a column are not set.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a column that is no field of the message, or one of another type.
    pub fn new(message: &DescriptorProto, schema: SchemaRef) -> Result<Self, WriterError> {
        let fields = plans(&[message], schema.fields())
            .map_err(|problem| WriterError::Rejected(format!("protobuf cannot carry column {problem}")))?;
        Ok(Self { schema, fields })
    }

    /// A message for each row.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a batch of another schema, and for nulls in arrays and maps.
    pub fn encode(&self, records: &RecordBatch) -> Result<Vec<Vec<u8>>, WriterError> {
        let columns = super::columns(records, &self.schema)?;
        let mut messages = Vec::with_capacity(records.num_rows());
        let mut room = FIRST_ROOM;
        for row in 0..records.num_rows() {
            let mut message = Vec::with_capacity(room);
            put_message(&mut message, &self.fields, &columns, row).map_err(|misfit| misfit.in_row(row))?;
            room = room.max(message.len());
            messages.push(message);
        }
        Ok(messages)
    }
}

/// `scopes` are the messages around the fields, the innermost last: that is where the names of types are looked up.
fn plans(scopes: &[&DescriptorProto], fields: &Fields) -> Result<Vec<FieldPlan>, String> {
    let message = scopes.last().map_or(&[][..], |message| &message.field);
    let plan_of = |field: &FieldRef| {
        let proto = message.iter().find(|proto| proto.name() == field.name());
        let proto = proto.ok_or_else(|| format!("{}: the message has no such field", field.name()))?;
        plan(scopes, proto, field.data_type()).map_err(|problem| format!("{}{problem}", field.name()))
    };
    fields.iter().map(plan_of).collect()
}

fn plan(scopes: &[&DescriptorProto], proto: &FieldDescriptorProto, kind: &DataType) -> Result<FieldPlan, String> {
    let misfit = || {
        let (label, proto_type) = (proto.label().as_str_name(), proto.r#type().as_str_name());
        format!(": a field of {label} {proto_type} does not take {kind}")
    };
    let repeated = matches!(kind, DataType::List(_) | DataType::Map(..));
    let element = if let DataType::List(item) = kind { item.data_type() } else { kind };
    let (proto_type, wire_type) = wire(element).ok_or_else(misfit)?;
    if repeated != (proto.label() == Label::Repeated) || proto.r#type() != proto_type {
        return Err(misfit());
    }
    let parts = match element {
        DataType::Struct(fields) => parts(scopes, proto, fields)?,
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => {
                // The entry's fields are always `key` and `value`; the columns' names do not count.
                let named =
                    pair.iter().zip(["key", "value"]).map(|(field, name)| field.as_ref().clone().with_name(name));
                parts(scopes, proto, &named.collect())?
            }
            _ => return Err(misfit()),
        },
        _ => Vec::new(),
    };
    let number = u32::try_from(proto.number()).map_err(|_| misfit())?;
    Ok(FieldPlan { name: proto.name().to_owned(), tag: number << 3 | wire_type, parts })
}

/// The plans for the fields of the message that `proto` is of.
fn parts(scopes: &[&DescriptorProto], proto: &FieldDescriptorProto, fields: &Fields) -> Result<Vec<FieldPlan>, String> {
    let name = proto.type_name().rsplit('.').next().unwrap_or_default();
    let nested = scopes.iter().rev().flat_map(|scope| &scope.nested_type).find(|nested| nested.name() == name);
    let nested = nested.ok_or_else(|| format!(": the message has no type {name}"))?;
    plans(&[scopes, &[nested]].concat(), fields).map_err(|problem| format!(".{problem}"))
}

fn wire(kind: &DataType) -> Option<(Type, u32)> {
    const VARINT: u32 = 0;
    const FIXED64: u32 = 1;
    const LENGTH_DELIMITED: u32 = 2;
    const FIXED32: u32 = 5;
    Some(match kind {
        DataType::Boolean => (Type::Bool, VARINT),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Date32 => (Type::Int32, VARINT),
        DataType::Int64 | DataType::Timestamp(..) => (Type::Int64, VARINT),
        DataType::Float32 => (Type::Float, FIXED32),
        DataType::Float64 => (Type::Double, FIXED64),
        DataType::Decimal128(..) | DataType::Utf8 => (Type::String, LENGTH_DELIMITED),
        DataType::Binary => (Type::Bytes, LENGTH_DELIMITED),
        DataType::Struct(_) | DataType::Map(..) => (Type::Message, LENGTH_DELIMITED),
        _ => return None,
    })
}

fn put_message(out: &mut Vec<u8>, fields: &[FieldPlan], columns: &[Column<'_>], row: usize) -> Result<(), Misfit> {
    for (field, column) in fields.iter().zip(columns) {
        if !column.is_null(row) {
            put_field(out, field, column, row).map_err(|misfit| misfit.within(&field.name))?;
        }
    }
    Ok(())
}

fn put_field(out: &mut Vec<u8>, field: &FieldPlan, column: &Column<'_>, row: usize) -> Result<(), Misfit> {
    match &column.values {
        Values::List(offsets, list) => {
            for item in items(offsets, row) {
                if list.is_null(item) {
                    return Err(Misfit::new("an array cannot carry null in protobuf"));
                }
                put_value(out, field, list, item)?;
            }
            Ok(())
        }
        Values::Map(offsets, entries) => {
            let (keys, values) = entries.as_ref();
            let [key, value] = field.parts.as_slice() else { return Err(Misfit::new("it is no map")) };
            for item in items(offsets, row) {
                if values.is_null(item) {
                    return Err(Misfit::new("a map cannot carry null in protobuf"));
                }
                put_varint(out, field.tag.into());
                put_delimited(out, |out| {
                    put_value(out, key, keys, item)?;
                    put_value(out, value, values, item)
                })?;
            }
            Ok(())
        }
        _ => put_value(out, field, column, row),
    }
}

/// One value that is not null, with its tag.
fn put_value(out: &mut Vec<u8>, field: &FieldPlan, column: &Column<'_>, row: usize) -> Result<(), Misfit> {
    put_varint(out, field.tag.into());
    match &column.values {
        Values::Bool(values) => out.push(values.value(row).into()),
        Values::Int8(values) => put_integer(out, values[row].into()),
        Values::Int16(values) => put_integer(out, values[row].into()),
        Values::Int32(values) => put_integer(out, values[row].into()),
        Values::Int64(values) => put_integer(out, values[row]),
        Values::Float32(values) => out.extend_from_slice(&values[row].to_le_bytes()),
        Values::Float64(values) => out.extend_from_slice(&values[row].to_le_bytes()),
        Values::Text(values) => put_bytes(out, values.value(row).as_bytes()),
        Values::Binary(values) => put_bytes(out, values.value(row)),
        Values::Decimal(values, scale) => put_delimited(out, |out| {
            put_decimal(out, values[row], *scale);
            Ok(())
        })?,
        Values::Struct(children) => put_delimited(out, |out| put_message(out, &field.parts, children, row))?,
        Values::List(..) | Values::Map(..) => return Err(Misfit::new("protobuf has no arrays of arrays or maps")),
    }
    Ok(())
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes something with its length in front, which is known only afterwards.
fn put_delimited(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), Misfit>) -> Result<(), Misfit> {
    let start = out.len();
    out.push(0);
    write(out)?;
    let length = out.len() - start - 1;
    if length < 0x80 {
        out[start] = length as u8;
        return Ok(());
    }
    let mut prefix = Vec::with_capacity(5);
    put_varint(&mut prefix, length as u64);
    out.splice(start..=start, prefix);
    Ok(())
}

/// Negative ones take ten bytes, whatever their width.
fn put_integer(out: &mut Vec<u8>, value: i64) {
    put_varint(out, value.cast_unsigned());
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
