//! Records of a run as the ways in take them: from Arrow columns to a protobuf message or a JSON object each, or to the
//! Arrow types that Zerobus wants.
//!
//! Knows types and formats; knows nothing of streams, requests or tables beyond their columns.

pub mod arrow;
mod column;
pub mod json;
pub mod protobuf;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use self::column::Column;
use super::WriterError;

/// Why a value cannot be written.
struct Misfit {
    /// The field within the column, `b.c`; empty for the column itself.
    path: String,
    problem: &'static str,
}

impl Misfit {
    fn new(problem: &'static str) -> Self {
        Self { path: String::new(), problem }
    }

    fn within(self, field: &str) -> Self {
        let path = if self.path.is_empty() { field.to_owned() } else { format!("{field}.{}", self.path) };
        Self { path, ..self }
    }

    fn in_row(self, row: usize) -> WriterError {
        WriterError::Rejected(format!("row {row}, column {}: {}", self.path, self.problem))
    }
}

/// Opens the columns of a batch that must have this schema.
fn columns<'a>(records: &'a RecordBatch, schema: &SchemaRef) -> Result<Vec<Column<'a>>, WriterError> {
    if !Arc::ptr_eq(records.schema_ref(), schema) && records.schema_ref() != schema {
        return Err(WriterError::Rejected("the batch does not have the table's columns".to_owned()));
    }
    let open = |array: &'a arrow_array::ArrayRef| Column::new(array.as_ref());
    records
        .columns()
        .iter()
        .map(open)
        .collect::<Result<_, _>>()
        .map_err(|kind| WriterError::Rejected(format!("records of a run have no columns of type {kind}")))
}
