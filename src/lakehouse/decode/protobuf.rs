//! Protobuf records by the descriptor that the client sent when it opened the stream.
//!
//! The descriptor is compiled once into a [`Plan`](plan::MessagePlan): which column each field number goes to and how
//! its bytes are read. Records are then read from the wire format straight into columns.

use std::sync::Arc;

use databricks_zerobus_ingest_sdk::message_descriptor;
use deltalake::arrow::datatypes::SchemaRef;
use prost::Message;
use prost_types::DescriptorProto;

use super::batch::BatchBuilder;
use super::problem::{Allowance, DecodeError};

mod names;
mod plan;
mod read;
mod wire;

/// Reads messages of one type into the columns of one table.
#[derive(Debug)]
pub struct ProtobufDecoder {
    schema: SchemaRef,
    plan: plan::MessagePlan,
}

impl ProtobufDecoder {
    /// From one serialized, self-contained `DescriptorProto`. Every field must be a column of the table and every
    /// required column a field.
    ///
    /// # Errors
    /// [`DescriptorError`] tells the three apart.
    pub fn new(descriptor: &[u8], schema: &SchemaRef) -> Result<Self, DescriptorError> {
        let mut descriptor =
            DescriptorProto::decode(descriptor).map_err(|error| DescriptorError::Damaged(error.to_string()))?;
        names::without_package(&mut descriptor);
        let message =
            message_descriptor(&descriptor).map_err(|error| DescriptorError::NotSelfContained(error.to_string()))?;
        let plan = plan::compile(&message, schema.fields())?;
        Ok(Self { schema: Arc::clone(schema), plan })
    }

    /// Appends one record as a row.
    pub(super) fn decode(&self, record: &[u8], rows: &mut BatchBuilder) -> Result<(), DecodeError> {
        rows.append(&self.schema, |columns, row| {
            let mut allowance = Allowance::for_record(record.len());
            read::message(&self.plan, record, columns, row, &mut allowance)?;
            read::close(&self.plan, columns, row, &mut allowance)
        })
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
