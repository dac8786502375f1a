//! Rows of a form to protobuf: products by their compiled message, any other table by the encoder of runs.

use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorSet};

use super::super::encode::protobuf::{ProtobufEncoder, table_descriptor};
use super::super::proto::PRODUCT_RECORD_DESCRIPTORS;
use super::super::{Batch, Rows, WriterError};
use crate::model::TableInfo;

/// Records as the stream takes them, and the message they are.
pub(super) struct FormRecords {
    pub(super) descriptor: DescriptorProto,
    pub(super) records: Vec<Vec<u8>>,
}

/// The message that rows of `table` are sent as.
pub(super) fn descriptor(table: &TableInfo) -> Result<DescriptorProto, WriterError> {
    if table.takes_products() { product_descriptor() } else { table_descriptor(table) }
}

pub(super) fn encode(batch: &Batch) -> Result<FormRecords, WriterError> {
    let descriptor = descriptor(&batch.table)?;
    let records = match &batch.rows {
        Rows::Products(rows) => rows.iter().map(Message::encode_to_vec).collect(),
        Rows::Columns(_) => {
            let (_, records) = batch.records()?;
            ProtobufEncoder::new(&descriptor, records.schema())?.encode(&records)?
        }
    };
    Ok(FormRecords { descriptor, records })
}

fn product_descriptor() -> Result<DescriptorProto, WriterError> {
    let files = FileDescriptorSet::decode(PRODUCT_RECORD_DESCRIPTORS)
        .map_err(|error| WriterError::Failed(format!("the compiled product_record.proto is damaged: {error}")))?;
    let message = files.file.into_iter().flat_map(|file| file.message_type).find(|one| one.name() == "ProductRecord");
    message.ok_or_else(|| WriterError::Failed("product_record.proto has no message ProductRecord".to_owned()))
}
