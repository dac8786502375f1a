//! Rows to protobuf: products by their compiled message, any other table by a descriptor made from its columns.

use databricks_zerobus_ingest_sdk::schema::{UcColumn, descriptor_from_uc_columns};
use databricks_zerobus_ingest_sdk::{DynamicMessage, MessageDescriptor, Value as ProtoValue, message_descriptor};
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorSet};
use serde_json::{Map, Value};

use super::super::proto::PRODUCT_RECORD_DESCRIPTORS;
use super::super::{Batch, Rows, WriterError};
use crate::model::{CalendarDate, Column, ColumnType, TableInfo, timestamp_micros};

/// Records as the stream takes them, and the message they are.
pub(super) struct Encoded {
    pub(super) descriptor: DescriptorProto,
    pub(super) records: Vec<Vec<u8>>,
}

/// The message that rows of `table` are sent as.
pub(super) fn descriptor(table: &TableInfo) -> Result<DescriptorProto, WriterError> {
    if table.takes_products() { product_descriptor() } else { table_descriptor(table) }
}

pub(super) fn encode(batch: &Batch) -> Result<Encoded, WriterError> {
    match &batch.rows {
        Rows::Products(rows) => {
            let records = rows.iter().map(Message::encode_to_vec).collect();
            Ok(Encoded { descriptor: product_descriptor()?, records })
        }
        Rows::Columns(rows) => {
            let descriptor = table_descriptor(&batch.table)?;
            let message = message_descriptor(&descriptor)?;
            let records = rows.iter().map(|row| encode_row(row, &batch.table, &message)).collect::<Result<_, _>>()?;
            Ok(Encoded { descriptor, records })
        }
    }
}

fn product_descriptor() -> Result<DescriptorProto, WriterError> {
    let files = FileDescriptorSet::decode(PRODUCT_RECORD_DESCRIPTORS)
        .map_err(|error| WriterError::Failed(format!("the compiled product_record.proto is damaged: {error}")))?;
    let message = files.file.into_iter().flat_map(|file| file.message_type).find(|one| one.name() == "ProductRecord");
    message.ok_or_else(|| WriterError::Failed("product_record.proto has no message ProductRecord".to_owned()))
}

fn table_descriptor(table: &TableInfo) -> Result<DescriptorProto, WriterError> {
    let columns: Vec<UcColumn> = table
        .columns
        .iter()
        .map(|column| UcColumn {
            name: column.name.clone(),
            type_name: column.type_name.clone(),
            type_text: column.type_text.clone(),
            type_json: column.type_json.clone(),
            nullable: column.nullable,
            position: column.position,
        })
        .collect();
    let name = table.name.table().replace('-', "_");
    descriptor_from_uc_columns(&columns, &name)
        .map_err(|error| WriterError::Rejected(format!("{} cannot be written through Zerobus: {error}", table.name)))
}

fn encode_row(
    row: &Map<String, Value>,
    table: &TableInfo,
    message: &MessageDescriptor,
) -> Result<Vec<u8>, WriterError> {
    let mut record = DynamicMessage::new(message.clone());
    for (name, value) in row.iter().filter(|(_, value)| !value.is_null()) {
        let encoded = table.column(name).and_then(|column| encode_value(value, column));
        let field = message.get_field_by_name(name);
        let (Some(encoded), Some(field)) = (encoded, field) else {
            return Err(WriterError::Rejected(format!("column {name} does not take {value}")));
        };
        let set = record.try_set_field(&field, encoded);
        set.map_err(|error| WriterError::Rejected(format!("column {name} does not take {value}: {error}")))?;
    }
    Ok(record.encode_to_vec())
}

/// ZEROBUS facts: dates are days and times are microseconds since 1970, decimals are text.
fn encode_value(value: &Value, column: &Column) -> Option<ProtoValue> {
    Some(match column.kind() {
        ColumnType::String => ProtoValue::String(value.as_str()?.to_owned()),
        ColumnType::Boolean => ProtoValue::Bool(value.as_bool()?),
        ColumnType::Byte | ColumnType::Short | ColumnType::Int => ProtoValue::I32(i32::try_from(value.as_i64()?).ok()?),
        ColumnType::Long => ProtoValue::I64(value.as_i64()?),
        ColumnType::Float => ProtoValue::F32(value.as_f64()? as f32),
        ColumnType::Double => ProtoValue::F64(value.as_f64()?),
        ColumnType::Decimal { .. } => {
            ProtoValue::String(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        }
        ColumnType::Date => ProtoValue::I32(CalendarDate::parse(value.as_str()?)?.days_since_epoch()),
        ColumnType::Timestamp => ProtoValue::I64(value.as_i64().or_else(|| timestamp_micros(value.as_str()?))?),
        ColumnType::Binary | ColumnType::Other => return None,
    })
}
