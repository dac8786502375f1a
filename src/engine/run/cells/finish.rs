//! Cells become arrays, and are empty afterwards.

use std::mem;
use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, ListArray, MapArray, PrimitiveArray, StringArray,
    StructArray,
};
use arrow_buffer::{ArrowNativeType, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};

use super::{Cells, Ends, Spans, Values};

impl Cells {
    /// The rows as an array; afterwards there are none.
    ///
    /// # Errors
    /// More than 2 GiB of text, more than 2^31 items, or a value that was pushed to a part of another type.
    pub(in crate::engine::run) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls.finish();
        let data_type = self.field.data_type();
        Ok(match &mut self.values {
            Values::Boolean(bits) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            Values::Byte(values) => Arc::new(PrimitiveArray::<Int8Type>::try_new(take(values), nulls)?),
            Values::Short(values) => Arc::new(PrimitiveArray::<Int16Type>::try_new(take(values), nulls)?),
            Values::Int(values) if *data_type == DataType::Date32 => {
                Arc::new(PrimitiveArray::<Date32Type>::try_new(take(values), nulls)?)
            }
            Values::Int(values) => Arc::new(PrimitiveArray::<Int32Type>::try_new(take(values), nulls)?),
            Values::Long(values) if *data_type == DataType::Int64 => {
                Arc::new(PrimitiveArray::<Int64Type>::try_new(take(values), nulls)?)
            }
            Values::Long(values) => typed::<TimestampMicrosecondType>(values, nulls, data_type)?,
            Values::Float(values) => Arc::new(PrimitiveArray::<Float32Type>::try_new(take(values), nulls)?),
            Values::Double(values) => Arc::new(PrimitiveArray::<Float64Type>::try_new(take(values), nulls)?),
            Values::Decimal(values) => typed::<Decimal128Type>(values, nulls, data_type)?,
            Values::Bytes(Spans { ends, bytes }) => {
                let offsets = ends.finish(bytes.len())?;
                // The next batch is about as large.
                let room = Vec::with_capacity(bytes.len() + bytes.len() / 8);
                let bytes = Buffer::from(mem::replace(bytes, room));
                match data_type {
                    DataType::Binary => Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?),
                    _ => Arc::new(StringArray::try_new(offsets, bytes, nulls)?),
                }
            }
            Values::List(ends, items) => {
                let offsets = ends.finish(items.len())?;
                let field = Arc::clone(&items.field);
                Arc::new(ListArray::try_new(field, offsets, items.finish()?, nulls)?)
            }
            Values::Map(ends, entries) => {
                let (keys, values) = &mut **entries;
                let offsets = ends.finish(keys.len())?;
                let DataType::Map(field, ordered) = data_type else {
                    return Err(ArrowError::SchemaError(format!("a map's cells in a {data_type}")));
                };
                let fields = vec![Arc::clone(&keys.field), Arc::clone(&values.field)].into();
                let entries = StructArray::try_new(fields, vec![keys.finish()?, values.finish()?], None)?;
                Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *ordered)?)
            }
            Values::Struct(children) => {
                let fields = children.iter().map(|child| Arc::clone(&child.field)).collect();
                let arrays = children.iter_mut().map(Self::finish).collect::<Result<_, _>>()?;
                Arc::new(StructArray::try_new(fields, arrays, nulls)?)
            }
        })
    }
}

impl Ends {
    /// Checks that the last end, and with it every other, was counted in full.
    fn finish(&mut self, end: usize) -> Result<OffsetBuffer<i32>, ArrowError> {
        if i32::try_from(end).is_err() {
            return Err(ArrowError::OffsetOverflowError(end));
        }
        let mut next = Vec::with_capacity(self.0.len());
        next.push(0);
        Ok(OffsetBuffer::new(ScalarBuffer::from(mem::replace(&mut self.0, next))))
    }
}

fn take<T: ArrowNativeType>(values: &mut Vec<T>) -> ScalarBuffer<T> {
    ScalarBuffer::from(mem::take(values))
}

/// An array of a type with parameters.
fn typed<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
    data_type: &DataType,
) -> Result<ArrayRef, ArrowError> {
    if !PrimitiveArray::<T>::is_compatible(data_type) {
        return Err(ArrowError::SchemaError(format!("{} cells in a {data_type}", T::DATA_TYPE)));
    }
    let array = PrimitiveArray::<T>::try_new(take(values), nulls)?.with_data_type(data_type.clone());
    Ok(Arc::new(array))
}
