//! Protobuf records by the descriptor that the client sent when it opened the stream.

use std::collections::HashMap;

use databricks_zerobus_ingest_sdk::{DynamicMessage, MessageDescriptor, message_descriptor};
use deltalake::arrow::datatypes::{DataType, Field, Fields, SchemaRef, TimeUnit};
use prost::Message;
use prost_reflect::{Kind, MapKey, ReflectMessage, Value};
use prost_types::DescriptorProto;

use super::json::decimal;
use super::{Cell, DecodeError, Row};

/// Reads messages of one type.
#[derive(Debug)]
pub struct ProtobufDecoder {
    message: MessageDescriptor,
}

impl ProtobufDecoder {
    /// From one serialized, self-contained `DescriptorProto`. Every field must be a column of the table and every
    /// required column a field.
    ///
    /// # Errors
    /// [`DescriptorError`] tells the three apart.
    pub fn new(descriptor: &[u8], schema: &SchemaRef) -> Result<Self, DescriptorError> {
        let descriptor =
            DescriptorProto::decode(descriptor).map_err(|error| DescriptorError::Damaged(error.to_string()))?;
        let message =
            message_descriptor(&descriptor).map_err(|error| DescriptorError::NotSelfContained(error.to_string()))?;
        check_fields(&message, schema.fields(), "")?;
        Ok(Self { message })
    }

    /// Decodes one record.
    pub(super) fn decode(&self, bytes: &[u8], schema: &SchemaRef) -> Result<Row, DecodeError> {
        let message = DynamicMessage::decode(self.message.clone(), bytes)
            .map_err(|error| DecodeError::new("", format!("the record is not a {}: {error}", self.message.name())))?;
        if let Some(unknown) = message.unknown_fields().next() {
            let problem = format!("the descriptor has no field number {}", unknown.number());
            return Err(DecodeError::new("", problem));
        }
        fields(&message, schema.fields(), "")
    }
}

/// Why a stream cannot be opened with a descriptor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// Not a `DescriptorProto`.
    #[error("descriptor_proto cannot be decoded: {0}")]
    Damaged(String),
    /// Refers to types it does not carry.
    #[error("descriptor_proto is not self-contained: {0}")]
    NotSelfContained(String),
    /// Does not fit the table.
    #[error("field '{field}': {problem}")]
    DoesNotFit {
        /// Dotted path.
        field: String,
        /// What is wrong.
        problem: String,
    },
}

fn check_fields(message: &MessageDescriptor, columns: &Fields, path: &str) -> Result<(), DescriptorError> {
    let misfit = |field: String, problem: String| Err(DescriptorError::DoesNotFit { field, problem });
    for field in message.fields() {
        let place = join(path, field.name());
        let Some((_, column)) = columns.find(field.name()) else {
            return misfit(place, "the table has no such column".to_owned());
        };
        let inner = match column.data_type() {
            DataType::List(item) if field.is_list() => item.data_type(),
            DataType::Map(..) if field.is_map() => continue,
            kind if !field.is_list() && !field.is_map() => kind,
            kind => return misfit(place, format!("{} does not fit a column of type {kind}", cardinality(&field))),
        };
        match (field.kind(), inner) {
            (Kind::Message(nested), DataType::Struct(children)) => check_fields(&nested, children, &place)?,
            (kind, inner) if takes(&kind, inner) => (),
            (kind, inner) => return misfit(place, format!("{kind:?} does not fit a column of type {inner}")),
        }
    }
    match columns.iter().find(|column| !column.is_nullable() && message.get_field_by_name(column.name()).is_none()) {
        Some(column) => {
            misfit(join(path, column.name()), "the column must have a value and the message lacks it".to_owned())
        }
        None => Ok(()),
    }
}

fn cardinality(field: &prost_reflect::FieldDescriptor) -> &'static str {
    match (field.is_list(), field.is_map()) {
        (true, _) => "a repeated field",
        (_, true) => "a map field",
        _ => "a single field",
    }
}

/// The type table of the service: what a scalar column takes.
fn takes(kind: &Kind, column: &DataType) -> bool {
    match column {
        DataType::Utf8 | DataType::Decimal128(..) => matches!(kind, Kind::String),
        DataType::Boolean => matches!(kind, Kind::Bool),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Date32 => {
            matches!(kind, Kind::Int32 | Kind::Sint32 | Kind::Sfixed32)
        }
        DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _) => {
            matches!(kind, Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Int32 | Kind::Sint32 | Kind::Sfixed32)
        }
        DataType::Float32 => matches!(kind, Kind::Float),
        DataType::Float64 => matches!(kind, Kind::Double | Kind::Float),
        DataType::Binary => matches!(kind, Kind::Bytes),
        _ => false,
    }
}

fn fields(message: &DynamicMessage, columns: &Fields, path: &str) -> Result<Row, DecodeError> {
    let descriptor = message.descriptor();
    columns
        .iter()
        .map(|column| {
            let place = join(path, column.name());
            let field = descriptor.get_field_by_name(column.name()).filter(|field| {
                // An empty list is a value; an unset single field is none.
                message.has_field(field) || field.is_list() || field.is_map()
            });
            let cell = match field {
                Some(field) => cell(&message.get_field(&field), column, &place)?,
                None => Cell::Null,
            };
            if cell == Cell::Null && !column.is_nullable() {
                return Err(DecodeError::new(&place, "the column must have a value"));
            }
            Ok(cell)
        })
        .collect()
}

fn cell(value: &Value, column: &Field, path: &str) -> Result<Cell, DecodeError> {
    let kind = column.data_type();
    let cell = match (kind, value) {
        (DataType::Utf8, Value::String(text)) => Some(Cell::Text(text.clone())),
        (DataType::Decimal128(precision, scale), Value::String(text)) => {
            decimal(text, *precision, *scale).map(Cell::Decimal)
        }
        (DataType::Boolean, Value::Bool(value)) => Some(Cell::Bool(*value)),
        (DataType::Int8, Value::I32(value)) => i8::try_from(*value).ok().map(|value| Cell::Int(value.into())),
        (DataType::Int16, Value::I32(value)) => i16::try_from(*value).ok().map(|value| Cell::Int(value.into())),
        (DataType::Int32 | DataType::Date32, Value::I32(value)) => Some(Cell::Int((*value).into())),
        (DataType::Int64 | DataType::Timestamp(..), Value::I64(value)) => Some(Cell::Int(*value)),
        (DataType::Int64 | DataType::Timestamp(..), Value::I32(value)) => Some(Cell::Int((*value).into())),
        (DataType::Float32 | DataType::Float64, Value::F32(value)) => Some(Cell::Float((*value).into())),
        (DataType::Float64, Value::F64(value)) => Some(Cell::Float(*value)),
        (DataType::Binary, Value::Bytes(bytes)) => Some(Cell::Bytes(bytes.to_vec())),
        (DataType::Struct(children), Value::Message(message)) => Some(Cell::Struct(fields(message, children, path)?)),
        (DataType::List(item), Value::List(items)) => {
            let items = items.iter().map(|value| cell(value, item, &format!("{path}[]")));
            Some(Cell::List(items.collect::<Result<_, _>>()?))
        }
        (DataType::Map(entry, _), Value::Map(entries)) => map(entries, entry, path)?,
        _ => None,
    };
    cell.ok_or_else(|| DecodeError::new(path, format!("the value does not fit a column of type {kind}")))
}

fn map(entries: &HashMap<MapKey, Value>, entry: &Field, path: &str) -> Result<Option<Cell>, DecodeError> {
    let DataType::Struct(pair) = entry.data_type() else { return Ok(None) };
    let [key_field, value_field] = pair.as_ref() else { return Ok(None) };
    let entries = entries.iter().map(|(key, value)| {
        let key = Value::from(key.clone());
        Ok((cell(&key, key_field, path)?, cell(value, value_field, path)?))
    });
    Ok(Some(Cell::Map(entries.collect::<Result<_, DecodeError>>()?)))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
