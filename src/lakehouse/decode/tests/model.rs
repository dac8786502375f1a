//! Rows as plain values, written as protobuf and JSON by other code than ours and read back from Arrow.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deltalake::arrow::array::{Array, AsArray};
use deltalake::arrow::datatypes::*;
use deltalake::arrow::record_batch::RecordBatch;
use prost_reflect::{DynamicMessage, Kind, MapKey, MessageDescriptor, Value};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FieldOptions, MessageOptions};

use crate::lakehouse::decode::{BatchBuilder, DecodeError, Decoder, Encoded};

/// A value; floats by their bits, so that equal means the same.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Decimal(i128),
    Float(u64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Cell>),
    Struct(Vec<Cell>),
    Map(Vec<(Cell, Cell)>),
}

pub fn float(value: f64) -> Cell {
    Cell::Float(value.to_bits())
}

pub fn text(value: &str) -> Cell {
    Cell::Text(value.to_owned())
}

pub fn schema(fields: Vec<Field>) -> SchemaRef {
    Arc::new(Schema::new(fields))
}

pub fn list_of(item: DataType, nullable: bool) -> DataType {
    DataType::List(Arc::new(Field::new("element", item, nullable)))
}

pub fn map_of(key: DataType, value: DataType, nullable: bool) -> DataType {
    let pair = vec![Field::new("key", key, false), Field::new("value", value, nullable)];
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(pair.into()), false)), false)
}

pub fn micros(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into))
}

/// Decodes records that must all fit.
pub fn decode_all(decoder: &mut Decoder, schema: &SchemaRef, records: &[Encoded<'_>]) -> Vec<Vec<Cell>> {
    let mut rows = BatchBuilder::new(schema.clone());
    for record in records {
        decoder.decode(*record, &mut rows).unwrap();
    }
    assert_eq!(rows.rows(), records.len());
    let batch = rows.finish().unwrap();
    assert_eq!((rows.rows(), rows.bytes()), (0, 0));
    rows_of(&batch)
}

/// Decodes a record that must not fit.
pub fn refusal(decoder: &mut Decoder, schema: &SchemaRef, record: Encoded<'_>) -> DecodeError {
    let mut rows = BatchBuilder::new(schema.clone());
    let error = decoder.decode(record, &mut rows).expect_err("the record should have been refused");
    assert_eq!((rows.rows(), rows.bytes()), (0, 0), "{error}");
    assert_eq!(rows.finish().unwrap().num_rows(), 0);
    error
}

pub fn rows_of(batch: &RecordBatch) -> Vec<Vec<Cell>> {
    (0..batch.num_rows()).map(|row| batch.columns().iter().map(|column| cell(column, row)).collect()).collect()
}

/// A value of an array, map entries in the order of their keys.
pub fn cell(array: &dyn Array, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    let items = |items: &dyn Array| (0..items.len()).map(|item| cell(items, item)).collect::<Vec<_>>();
    match array.data_type() {
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Int8 => Cell::Int(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Cell::Int(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Cell::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Date32 => Cell::Int(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Int64 => Cell::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Timestamp(..) => Cell::Int(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        DataType::Float32 => float(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => Cell::Decimal(array.as_primitive::<Decimal128Type>().value(row)),
        DataType::Utf8 => text(array.as_string::<i32>().value(row)),
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(row).to_vec()),
        DataType::Struct(_) => Cell::Struct(array.as_struct().columns().iter().map(|child| cell(child, row)).collect()),
        DataType::List(_) => Cell::List(items(&array.as_list::<i32>().value(row))),
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            sorted(items(entries.column(0)).into_iter().zip(items(entries.column(1))).collect())
        }
        other => panic!("{other} is no column type"),
    }
}

pub fn sorted(mut entries: Vec<(Cell, Cell)>) -> Cell {
    entries.sort_by_key(|(key, _)| format!("{key:?}"));
    Cell::Map(entries)
}

pub fn decimal_text(value: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap();
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A row as a JSON object; every other null is left out.
pub fn json(fields: &Fields, row: &[Cell]) -> serde_json::Value {
    let members = fields.iter().zip(row).enumerate();
    let members = members.filter(|(index, (_, cell))| index % 2 == 0 || **cell != Cell::Null);
    members.map(|(_, (field, cell))| (field.name().clone(), json_value(field.data_type(), cell))).collect()
}

fn json_value(kind: &DataType, cell: &Cell) -> serde_json::Value {
    match (kind, cell) {
        (_, Cell::Null) => serde_json::Value::Null,
        (_, Cell::Bool(value)) => (*value).into(),
        (_, Cell::Int(value)) => (*value).into(),
        (_, Cell::Float(bits)) => f64::from_bits(*bits).into(),
        (DataType::Decimal128(_, scale), Cell::Decimal(value)) => decimal_text(*value, *scale).into(),
        (_, Cell::Text(text)) => text.as_str().into(),
        (_, Cell::Bytes(bytes)) => STANDARD.encode(bytes).into(),
        (DataType::List(item), Cell::List(items)) => {
            items.iter().map(|cell| json_value(item.data_type(), cell)).collect()
        }
        (DataType::Struct(fields), Cell::Struct(row)) => json(fields, row),
        (DataType::Map(entry, _), Cell::Map(entries)) => {
            let DataType::Struct(pair) = entry.data_type() else { panic!("no entries") };
            let key = |key: &Cell| match json_value(pair[0].data_type(), key) {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            entries.iter().map(|(k, v)| (key(k), json_value(pair[1].data_type(), v))).collect()
        }
        other => panic!("{other:?} is no JSON"),
    }
}

/// A descriptor for these columns, with type names as they are in package `shop.v1`. All ways to write integers and
/// lists come up.
pub fn descriptor(fields: &Fields) -> DescriptorProto {
    message_type("Row", ".shop.v1", fields)
}

fn message_type(name: &str, outer: &str, fields: &Fields) -> DescriptorProto {
    let full_name = format!("{outer}.{name}");
    let mut message = DescriptorProto { name: Some(name.to_owned()), ..Default::default() };
    for (index, field) in fields.iter().enumerate() {
        let number = i32::try_from(index).unwrap() + 1;
        let mut proto =
            field_type(field.name(), field.name(), number, index, field.data_type(), &full_name, &mut message);
        if !field.is_nullable() && proto.label() == Label::Optional {
            proto.set_label(Label::Required);
        }
        message.field.push(proto);
    }
    message
}

/// `stem` begins the names of types that the field needs.
fn field_type(
    name: &str,
    stem: &str,
    number: i32,
    variant: usize,
    kind: &DataType,
    outer: &str,
    message: &mut DescriptorProto,
) -> FieldDescriptorProto {
    let mut proto = FieldDescriptorProto { name: Some(name.to_owned()), number: Some(number), ..Default::default() };
    proto.set_label(Label::Optional);
    match kind {
        DataType::List(item) => {
            proto = field_type(name, stem, number, variant, item.data_type(), outer, message);
            proto.set_label(Label::Repeated);
            if !matches!(proto.r#type(), Type::String | Type::Bytes | Type::Message) {
                proto.options = Some(FieldOptions { packed: Some(variant.is_multiple_of(2)), ..Default::default() });
            }
        }
        DataType::Map(entry, _) => {
            let DataType::Struct(pair) = entry.data_type() else { panic!("no entries") };
            let entry_name = format!("{stem}Entry");
            let mut entry = DescriptorProto { name: Some(entry_name.clone()), ..Default::default() };
            let key = field_type("key", name, 1, variant, pair[0].data_type(), outer, message);
            let value = field_type("value", &format!("{name}Value"), 2, variant, pair[1].data_type(), outer, message);
            entry.field = vec![key, value];
            entry.options = Some(MessageOptions { map_entry: Some(true), ..Default::default() });
            message.nested_type.push(entry);
            proto.set_type(Type::Message);
            proto.type_name = Some(format!("{outer}.{entry_name}"));
            proto.set_label(Label::Repeated);
        }
        DataType::Struct(fields) => {
            let nested = format!("{stem}Type");
            message.nested_type.push(message_type(&nested, outer, fields));
            proto.set_type(Type::Message);
            proto.type_name = Some(format!("{outer}.{nested}"));
        }
        scalar => proto.set_type(scalar_type(scalar, variant)),
    }
    proto
}

fn scalar_type(kind: &DataType, variant: usize) -> Type {
    match kind {
        DataType::Utf8 | DataType::Decimal128(..) => Type::String,
        DataType::Binary => Type::Bytes,
        DataType::Boolean => Type::Bool,
        DataType::Float32 => Type::Float,
        DataType::Float64 => Type::Double,
        DataType::Int64 | DataType::Timestamp(..) => [Type::Int64, Type::Sint64, Type::Sfixed64][variant % 3],
        _ => [Type::Int32, Type::Sint32, Type::Sfixed32][variant % 3],
    }
}

/// A row as a message of that descriptor. What is not sent is not set: nulls and empty lists.
pub fn message(descriptor: &MessageDescriptor, fields: &Fields, row: &[Cell]) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    let is_sent = |cell: &Cell| match cell {
        Cell::Null => false,
        Cell::List(items) => !items.is_empty(),
        Cell::Map(entries) => !entries.is_empty(),
        _ => true,
    };
    for (field, cell) in fields.iter().zip(row).filter(|(_, cell)| is_sent(cell)) {
        let proto = descriptor.get_field_by_name(field.name()).unwrap();
        message.set_field(&proto, proto_value(&proto.kind(), field.data_type(), cell));
    }
    message
}

fn proto_value(proto: &Kind, kind: &DataType, cell: &Cell) -> Value {
    match (kind, cell) {
        (_, Cell::Bool(value)) => Value::Bool(*value),
        (DataType::Int64 | DataType::Timestamp(..), Cell::Int(value)) => Value::I64(*value),
        (_, Cell::Int(value)) => Value::I32(i32::try_from(*value).unwrap()),
        (DataType::Float32, Cell::Float(bits)) => Value::F32(f64::from_bits(*bits) as f32),
        (_, Cell::Float(bits)) => Value::F64(f64::from_bits(*bits)),
        (DataType::Decimal128(_, scale), Cell::Decimal(value)) => Value::String(decimal_text(*value, *scale)),
        (_, Cell::Text(text)) => Value::String(text.clone()),
        (_, Cell::Bytes(bytes)) => Value::Bytes(bytes.clone().into()),
        (DataType::List(item), Cell::List(items)) => {
            Value::List(items.iter().map(|cell| proto_value(proto, item.data_type(), cell)).collect())
        }
        (DataType::Struct(fields), Cell::Struct(row)) => {
            Value::Message(message(proto.as_message().unwrap(), fields, row))
        }
        (DataType::Map(entry, _), Cell::Map(entries)) => {
            let DataType::Struct(pair) = entry.data_type() else { panic!("no entries") };
            let value_kind = proto.as_message().unwrap().map_entry_value_field().kind();
            let entries = entries.iter().map(|(key, value)| {
                let key = match (pair[0].data_type(), key) {
                    (_, Cell::Text(text)) => MapKey::String(text.clone()),
                    (_, Cell::Bool(value)) => MapKey::Bool(*value),
                    (DataType::Int64 | DataType::Timestamp(..), Cell::Int(value)) => MapKey::I64(*value),
                    (_, Cell::Int(value)) => MapKey::I32(i32::try_from(*value).unwrap()),
                    other => panic!("{other:?} is no map key"),
                };
                (key, proto_value(&value_kind, pair[1].data_type(), value))
            });
            Value::Map(entries.collect::<HashMap<_, _>>())
        }
        other => panic!("{other:?} is no protobuf"),
    }
}
