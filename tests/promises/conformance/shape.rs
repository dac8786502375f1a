//! Rows as JSON values, and what the formats make of them: by the descriptor and the Arrow schema that the official SDK
//! derives from a table's columns.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use databricks_zerobus_ingest_sdk::message_descriptor;
use databricks_zerobus_ingest_sdk::schema::{UcColumn, arrow_schema_from_uc_columns, descriptor_from_uc_columns};
use deltalake::arrow::array::{
    ArrayRef, BooleanArray, LargeBinaryArray, LargeStringArray, ListArray, MapArray, PrimitiveArray, RecordBatch,
    StructArray,
};
use deltalake::arrow::buffer::{NullBuffer, OffsetBuffer};
use deltalake::arrow::datatypes::*;
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value as ProtoValue};
use prost_types::DescriptorProto;
use serde_json::Value;

use super::places::Place;

/// A table's columns in the words of each format.
#[derive(Clone)]
pub struct Shape {
    pub descriptor: DescriptorProto,
    pub arrow: SchemaRef,
    message: MessageDescriptor,
}

impl Shape {
    /// As Unity Catalog describes the table.
    pub async fn of(place: &Place, table: &str) -> Self {
        let (status, answer) = place.admin.get(&format!("/api/2.1/unity-catalog/tables/{table}")).await;
        assert_eq!(status, 200, "{answer}");
        let columns: Vec<UcColumn> = serde_json::from_value(answer["columns"].clone()).unwrap();
        let descriptor = descriptor_from_uc_columns(&columns, "Row").unwrap();
        let message = message_descriptor(&descriptor).unwrap();
        Self { descriptor, message, arrow: Arc::new(arrow_schema_from_uc_columns(&columns).unwrap()) }
    }

    pub fn proto(&self, row: &Value) -> Vec<u8> {
        message(&self.message, row).encode_to_vec()
    }

    pub fn batch(&self, rows: &[Value]) -> RecordBatch {
        batch(&self.arrow, rows)
    }
}

/// The rows in that schema.
pub fn batch(schema: &SchemaRef, rows: &[Value]) -> RecordBatch {
    let rows: Vec<&Value> = rows.iter().collect();
    RecordBatch::try_new(Arc::clone(schema), columns(schema.fields(), &rows)).unwrap()
}

fn message(descriptor: &MessageDescriptor, object: &Value) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for (name, value) in object.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()) {
        let field = descriptor.get_field_by_name(name).unwrap();
        message.set_field(&field, field_value(&field, value));
    }
    message
}

fn field_value(field: &FieldDescriptor, value: &Value) -> ProtoValue {
    match (field.kind(), value) {
        (Kind::Message(entry), Value::Object(entries)) if field.is_map() => {
            let key = |text: &String| match entry.map_entry_key_field().kind() {
                Kind::String => MapKey::String(text.clone()),
                Kind::Int32 => MapKey::I32(text.parse().unwrap()),
                other => panic!("no map here has keys of {other:?}"),
            };
            let value = entry.map_entry_value_field().kind();
            ProtoValue::Map(
                entries.iter().map(|(text, one)| (key(text), single(&value, one))).collect::<HashMap<_, _>>(),
            )
        }
        (kind, Value::Array(items)) => ProtoValue::List(items.iter().map(|item| single(&kind, item)).collect()),
        (kind, value) => single(&kind, value),
    }
}

fn single(kind: &Kind, value: &Value) -> ProtoValue {
    match kind {
        Kind::Bool => ProtoValue::Bool(value.as_bool().unwrap()),
        Kind::Int32 => ProtoValue::I32(value.as_i64().unwrap().try_into().unwrap()),
        Kind::Int64 => ProtoValue::I64(value.as_i64().unwrap()),
        Kind::Float => ProtoValue::F32(value.as_f64().unwrap() as f32),
        Kind::Double => ProtoValue::F64(value.as_f64().unwrap()),
        Kind::String => ProtoValue::String(value.as_str().unwrap().to_owned()),
        Kind::Bytes => ProtoValue::Bytes(STANDARD.decode(value.as_str().unwrap()).unwrap().into()),
        Kind::Message(inner) => ProtoValue::Message(message(inner, value)),
        other => panic!("no column becomes {other:?}"),
    }
}

fn column(field: &Field, values: &[&Value]) -> ArrayRef {
    let present = || Some(values.iter().map(|value| !value.is_null()).collect::<NullBuffer>());
    let lengths = |length: fn(&Value) -> usize| OffsetBuffer::from_lengths(values.iter().map(|value| length(value)));
    match field.data_type() {
        DataType::Boolean => Arc::new(values.iter().map(|value| value.as_bool()).collect::<BooleanArray>()),
        DataType::Int8 => Arc::new(integers::<Int8Type>(values)),
        DataType::Int16 => Arc::new(integers::<Int16Type>(values)),
        DataType::Int32 => Arc::new(integers::<Int32Type>(values)),
        DataType::Int64 => Arc::new(integers::<Int64Type>(values)),
        DataType::Date32 => Arc::new(integers::<Date32Type>(values)),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            Arc::new(integers::<TimestampMicrosecondType>(values).with_timezone_opt(zone.clone()))
        }
        DataType::Float32 => {
            let floats = values.iter().map(|value| value.as_f64().map(|value| value as f32));
            Arc::new(floats.collect::<PrimitiveArray<Float32Type>>())
        }
        DataType::Float64 => {
            Arc::new(values.iter().map(|value| value.as_f64()).collect::<PrimitiveArray<Float64Type>>())
        }
        DataType::LargeUtf8 => Arc::new(values.iter().map(|value| value.as_str()).collect::<LargeStringArray>()),
        DataType::LargeBinary => {
            let bytes = values.iter().map(|value| value.as_str().map(|text| STANDARD.decode(text).unwrap()));
            Arc::new(bytes.collect::<LargeBinaryArray>())
        }
        DataType::Struct(fields) => Arc::new(StructArray::new(fields.clone(), columns(fields, values), present())),
        DataType::List(item) => {
            let items: Vec<&Value> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
            let length = |value: &Value| value.as_array().map_or(0, Vec::len);
            Arc::new(ListArray::new(Arc::clone(item), lengths(length), column(item, &items), present()))
        }
        DataType::Map(entry, sorted) => {
            let DataType::Struct(pair) = entry.data_type() else { panic!("a map without entries") };
            let entries: Vec<(Value, &Value)> = values
                .iter()
                .filter_map(|value| value.as_object())
                .flatten()
                .map(|(key, value)| (map_key(pair[0].data_type(), key), value))
                .collect();
            let keys: Vec<&Value> = entries.iter().map(|(key, _)| key).collect();
            let items: Vec<&Value> = entries.iter().map(|(_, value)| *value).collect();
            let columns = vec![column(&pair[0], &keys), column(&pair[1], &items)];
            let entries = StructArray::new(pair.clone(), columns, None);
            let length = |value: &Value| value.as_object().map_or(0, serde_json::Map::len);
            Arc::new(MapArray::new(Arc::clone(entry), lengths(length), entries, present(), *sorted))
        }
        other => panic!("no column becomes {other}"),
    }
}

/// JSON's keys are text.
fn map_key(kind: &DataType, key: &str) -> Value {
    match kind {
        DataType::LargeUtf8 => key.into(),
        _ => key.parse::<i64>().unwrap().into(),
    }
}

fn integers<T: ArrowPrimitiveType<Native: TryFrom<i64, Error: std::fmt::Debug>>>(
    values: &[&Value],
) -> PrimitiveArray<T> {
    values.iter().map(|value| value.as_i64().map(|value| T::Native::try_from(value).unwrap())).collect()
}

/// The fields of objects; a null has null fields.
fn columns(fields: &Fields, values: &[&Value]) -> Vec<ArrayRef> {
    let child = |field: &FieldRef| {
        let values: Vec<&Value> = values.iter().map(|value| &value[field.name().as_str()]).collect();
        column(field, &values)
    };
    fields.iter().map(child).collect()
}
