//! Records in the Arrow types that Zerobus takes: STRING and DECIMAL as LargeUtf8, BINARY as LargeBinary, and the parts
//! of ARRAY and MAP under its names (ZEROBUS facts; the SDK's `arrow_schema_from_uc_columns`).

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{
    Array, ArrayRef, LargeBinaryArray, LargeStringArray, ListArray, MapArray, RecordBatch, RecordBatchOptions,
    StructArray,
};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Fields, SchemaRef};
use databricks_zerobus_ingest_sdk::schema::arrow_schema_from_uc_columns;

use super::WriterError;
use super::column::put_decimal;
use super::protobuf::uc_columns;
use crate::model::TableInfo;

/// Brings batches of a table into the types of Zerobus.
pub struct ArrowEncoder {
    target: SchemaRef,
}

impl ArrowEncoder {
    /// For batches with the columns of `table`.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for columns that Zerobus does not take from Arrow.
    pub fn new(table: &TableInfo) -> Result<Self, WriterError> {
        let target = arrow_schema_from_uc_columns(&uc_columns(table));
        let target = target.map_err(|error| {
            WriterError::Rejected(format!("{} cannot be written through Zerobus: {error}", table.name))
        })?;
        Ok(Self { target: Arc::new(target) })
    }

    /// The schema that streams are opened with.
    pub fn schema(&self) -> &SchemaRef {
        &self.target
    }

    /// The same rows in that schema.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a batch of other columns.
    pub fn encode(&self, records: &RecordBatch) -> Result<RecordBatch, WriterError> {
        let refuse = |error: ArrowError| WriterError::Rejected(format!("the batch does not fit the table: {error}"));
        let columns = fit_all(records.columns(), self.target.fields()).map_err(refuse)?;
        let rows = RecordBatchOptions::new().with_row_count(Some(records.num_rows()));
        RecordBatch::try_new_with_options(self.target.clone(), columns, &rows).map_err(refuse)
    }
}

/// Bytes of a batch's values and offsets, without what is reserved.
///
/// # Errors
/// [`WriterError::Rejected`] for a type whose size is not known.
pub fn size(records: &RecordBatch) -> Result<u64, WriterError> {
    let sizes = records.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    let sizes = sizes.collect::<Result<Vec<_>, _>>().map_err(|error| WriterError::Rejected(error.to_string()))?;
    Ok(sizes.into_iter().map(|size| size as u64).sum())
}

fn fit_all(arrays: &[ArrayRef], targets: &Fields) -> Result<Vec<ArrayRef>, ArrowError> {
    if arrays.len() != targets.len() {
        let problem = format!("{} columns for {}", arrays.len(), targets.len());
        return Err(ArrowError::SchemaError(problem));
    }
    arrays.iter().zip(targets).map(|(array, target)| fit(array, target.data_type())).collect()
}

fn fit(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ArrowError> {
    let nulls = || array.nulls().cloned();
    Ok(match (array.data_type(), target) {
        (from, to) if from == to => array.clone(),
        (DataType::Utf8, DataType::LargeUtf8) => {
            let text = array.as_string::<i32>();
            Arc::new(LargeStringArray::try_new(widened(text.offsets()), text.values().clone(), nulls())?)
        }
        (DataType::Binary, DataType::LargeBinary) => {
            let binary = array.as_binary::<i32>();
            Arc::new(LargeBinaryArray::try_new(widened(binary.offsets()), binary.values().clone(), nulls())?)
        }
        (DataType::Decimal128(_, scale), DataType::LargeUtf8) => Arc::new(decimal_texts(array, *scale)?),
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let children = fit_all(array.as_struct().columns(), fields)?;
            Arc::new(StructArray::try_new_with_length(fields.clone(), children, nulls(), array.len())?)
        }
        (DataType::List(_), DataType::List(item)) => {
            let list = array.as_list::<i32>();
            let values = fit(list.values(), item.data_type())?;
            Arc::new(ListArray::try_new(item.clone(), list.offsets().clone(), values, nulls())?)
        }
        (DataType::Map(..), DataType::Map(entries, ordered)) => {
            let map = array.as_map();
            let DataType::Struct(pair) = entries.data_type() else {
                return Err(ArrowError::SchemaError(format!("a map of {}", entries.data_type())));
            };
            let fitted = fit_all(map.entries().columns(), pair)?;
            let fitted = StructArray::try_new(pair.clone(), fitted, None)?;
            Arc::new(MapArray::try_new(entries.clone(), map.offsets().clone(), fitted, nulls(), *ordered)?)
        }
        (from, to) => return Err(ArrowError::CastError(format!("{from} does not become {to}"))),
    })
}

fn widened(offsets: &OffsetBuffer<i32>) -> OffsetBuffer<i64> {
    OffsetBuffer::new(ScalarBuffer::from_iter(offsets.iter().map(|offset| i64::from(*offset))))
}

fn decimal_texts(array: &ArrayRef, scale: i8) -> Result<LargeStringArray, ArrowError> {
    let scale = usize::try_from(scale).map_err(|_| ArrowError::CastError(format!("a scale of {scale}")))?;
    let mut texts = Vec::with_capacity(array.len() * 16);
    let mut lengths = Vec::with_capacity(array.len());
    for value in array.as_primitive::<Decimal128Type>() {
        let start = texts.len();
        if let Some(value) = value {
            put_decimal(&mut texts, value, scale);
        }
        lengths.push(texts.len() - start);
    }
    LargeStringArray::try_new(OffsetBuffer::from_lengths(lengths), Buffer::from_vec(texts), array.nulls().cloned())
}
