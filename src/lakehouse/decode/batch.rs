//! The rows being gathered for one table.

use std::sync::Arc;

use deltalake::arrow::datatypes::SchemaRef;
use deltalake::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::column::Column;
use super::problem::{DecodeError, Fault, defect};

/// Rows being gathered for one table. Only whole records are ever in it.
#[derive(Debug)]
pub struct BatchBuilder {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
}

impl BatchBuilder {
    /// For rows of a table with these columns.
    pub fn new(schema: SchemaRef) -> Self {
        let columns = schema.fields().iter().map(Column::new).collect();
        Self { schema, columns, rows: 0 }
    }

    /// Rows gathered so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of column data gathered so far (approximately; for limits). Looks at every column.
    #[allow(dead_code, reason = "for limits of the streams")]
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(Column::bytes).sum()
    }

    /// All rows gathered, and empties the builder for the next batch.
    ///
    /// # Errors
    /// [`DecodeError`] when the columns form no batch, which the decoders rule out. The rows are gone then.
    pub fn finish(&mut self) -> Result<RecordBatch, DecodeError> {
        let rows = std::mem::take(&mut self.rows);
        let arrays: Result<Vec<_>, _> = self.columns.iter_mut().map(Column::finish).collect();
        let batch = arrays.and_then(|arrays| {
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
        });
        batch.map_err(|error| {
            *self = Self::new(Arc::clone(&self.schema));
            DecodeError::new("", format!("the rows form no batch: {error}"))
        })
    }

    /// Appends the row that `fill` sets, or nothing when it fails. It gets the columns and the row's index.
    pub(super) fn append(
        &mut self,
        schema: &SchemaRef,
        fill: impl FnOnce(&mut [Column], usize) -> Result<(), Fault>,
    ) -> Result<(), DecodeError> {
        if !Arc::ptr_eq(schema, &self.schema) && *schema != self.schema {
            return Err(*defect());
        }
        if self.rows == 0 {
            self.columns.iter_mut().for_each(Column::prepare);
        }
        match fill(&mut self.columns, self.rows) {
            Ok(()) => {
                self.rows += 1;
                debug_assert!(self.columns.iter().all(|column| column.len() == self.rows), "a column was left open");
                Ok(())
            }
            Err(fault) => {
                self.columns.iter_mut().for_each(|column| column.truncate(self.rows));
                Err(*fault)
            }
        }
    }
}
