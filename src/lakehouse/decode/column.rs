//! One column of the rows being gathered: values are set for the open row, which is the one after the last closed
//! row, and a column can be cut back to any earlier row.
//!
//! Arrow's own builders cannot be cut back or set twice, which a record that turns out bad in its last field, and a
//! protobuf field that comes twice, both need.

use std::mem;
use std::sync::Arc;

use deltalake::arrow::array::builder::NullBufferBuilder;
use deltalake::arrow::array::{ArrayData, ArrayRef, BooleanArray, ListArray, StructArray, make_array, new_null_array};
use deltalake::arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use deltalake::arrow::datatypes::{ArrowNativeType, DataType, Field, FieldRef, TimeUnit};
use deltalake::arrow::error::ArrowError;

use super::problem::{Fault, defect, fault};

mod map;

pub(super) use map::Maps;

/// Values, and which of them are null.
#[derive(Debug)]
pub(super) struct Column {
    field: FieldRef,
    /// Rows that have their value; the open row's is counted once it is set.
    len: usize,
    /// Written only up to the last null: values that are there need no mark.
    nulls: NullBufferBuilder,
    /// Values that a null of this column takes: itself and what is below it.
    weight: usize,
    /// Rows, and bytes of text or binary, of the batch before.
    before: (usize, usize),
    pub(super) data: Data,
}

/// The values by kind; a null has a placeholder there.
#[derive(Debug)]
pub(super) enum Data {
    Bool(Vec<bool>),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Decimal(Vec<i128>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Bytes(Spans),
    Struct(Vec<Column>),
    List(Box<Lists>),
    Map(Box<Maps>),
    /// A type that records cannot fill; it stays NULL.
    Other,
}

/// Byte strings, one after the other.
#[derive(Debug)]
pub(super) struct Spans {
    /// Where each value begins, and where the last one ends.
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

/// Lists, their items one after the other. Items beyond the last offset are those of the open row.
#[derive(Debug)]
pub(super) struct Lists {
    offsets: Vec<i32>,
    pub(super) items: Column,
}

impl Spans {
    /// The value of a row.
    fn get(&self, row: usize) -> Option<&[u8]> {
        let (start, end) = (self.offsets.get(row)?, self.offsets.get(row + 1)?);
        self.bytes.get(start.as_usize()..end.as_usize())
    }
}

impl Lists {
    /// Items that the open row has so far.
    pub(super) fn open_items(&self) -> usize {
        self.items.len - last(&self.offsets)
    }
}

fn last(offsets: &[i32]) -> usize {
    offsets.last().map_or(0, |offset| offset.as_usize())
}

/// An end of values as an offset; Arrow counts them in 31 bits.
fn offset(end: usize) -> Result<i32, Fault> {
    i32::try_from(end).map_err(|_| fault("the batch is full: a column holds 2 GiB or 2^31 items at most"))
}

/// A kind of value that has a vector of its own.
pub(super) trait Slot: Sized {
    fn slots(data: &mut Data) -> Option<&mut Vec<Self>>;
}

macro_rules! slots {
    ($($native:ty => $variant:ident),*) => {$(
        impl Slot for $native {
            #[inline]
            fn slots(data: &mut Data) -> Option<&mut Vec<Self>> {
                match data {
                    Data::$variant(values) => Some(values),
                    _ => None,
                }
            }
        }
    )*};
}

slots!(bool => Bool, i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64, i128 => Decimal, f32 => Float32, f64 => Float64);

impl Column {
    pub(super) fn new(field: &FieldRef) -> Self {
        let data = match field.data_type() {
            DataType::Boolean => Data::Bool(Vec::new()),
            DataType::Int8 => Data::Int8(Vec::new()),
            DataType::Int16 => Data::Int16(Vec::new()),
            DataType::Int32 | DataType::Date32 => Data::Int32(Vec::new()),
            DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _) => Data::Int64(Vec::new()),
            DataType::Decimal128(..) => Data::Decimal(Vec::new()),
            DataType::Float32 => Data::Float32(Vec::new()),
            DataType::Float64 => Data::Float64(Vec::new()),
            DataType::Utf8 | DataType::Binary => Data::Bytes(Spans { offsets: vec![0], bytes: Vec::new() }),
            DataType::Struct(children) => Data::Struct(children.iter().map(Self::new).collect()),
            DataType::List(item) => Data::List(Box::new(Lists { offsets: vec![0], items: Self::new(item) })),
            DataType::Map(entry, _) => match Maps::new(entry) {
                Some(maps) => Data::Map(Box::new(maps)),
                None => Data::Other,
            },
            _ => Data::Other,
        };
        let weight = match &data {
            Data::Struct(children) => 1 + children.iter().map(|child| child.weight).sum::<usize>(),
            _ => 1,
        };
        Self { field: Arc::clone(field), len: 0, nulls: NullBufferBuilder::new(0), weight, before: (0, 0), data }
    }

    pub(super) fn field(&self) -> &Field {
        &self.field
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// The value of `row`, which is the open one: in place of an earlier one if there is one.
    #[inline]
    pub(super) fn set<T: Slot>(&mut self, row: usize, value: T) -> Result<(), Fault> {
        let values = T::slots(&mut self.data).ok_or_else(defect)?;
        match values.get_mut(row) {
            Some(slot) => *slot = value,
            None => values.push(value),
        }
        self.len = values.len();
        Ok(())
    }

    /// As [`Self::set`], for text and bytes. Text has been checked to be UTF-8.
    #[inline]
    pub(super) fn set_bytes(&mut self, row: usize, value: &[u8]) -> Result<(), Fault> {
        self.set_with(row, |bytes| {
            bytes.extend_from_slice(value);
            Ok(())
        })
    }

    /// As [`Self::set_bytes`], with what `write` adds.
    #[inline]
    pub(super) fn set_with(
        &mut self,
        row: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Data::Bytes(Spans { offsets, bytes }) = &mut self.data else { return Err(defect()) };
        if self.len > row {
            offsets.truncate(row + 1);
            bytes.truncate(last(offsets));
        }
        write(bytes)?;
        offsets.push(offset(bytes.len())?);
        self.len = row + 1;
        Ok(())
    }

    /// Says that `row` has a struct; its fields are set in the columns that this gives.
    #[inline]
    pub(super) fn set_struct(&mut self, row: usize) -> Result<&mut Vec<Column>, Fault> {
        match &mut self.data {
            Data::Struct(children) => {
                self.len = row + 1;
                Ok(children)
            }
            _ => Err(defect()),
        }
    }

    /// The open row has a list, of the items added since the last row.
    pub(super) fn close_list(&mut self) -> Result<(), Fault> {
        let Data::List(lists) = &mut self.data else { return Err(defect()) };
        lists.offsets.push(offset(lists.items.len)?);
        self.len += 1;
        Ok(())
    }

    /// The open row has a map, of the entries added since the last row. Of entries with the same key the last one
    /// counts; the answer is how many others there were.
    pub(super) fn close_map(&mut self) -> Result<usize, Fault> {
        let Data::Map(maps) = &mut self.data else { return Err(defect()) };
        let replaced = maps.close()?;
        self.len += 1;
        Ok(replaced)
    }

    /// The open row has no value.
    pub(super) fn push_null(&mut self) {
        self.nulls.append_n_non_nulls(self.len - self.nulls.len());
        self.nulls.append_null();
        self.len += 1;
        match &mut self.data {
            Data::Bool(values) => values.push(false),
            Data::Int8(values) => values.push(0),
            Data::Int16(values) => values.push(0),
            Data::Int32(values) => values.push(0),
            Data::Int64(values) => values.push(0),
            Data::Decimal(values) => values.push(0),
            Data::Float32(values) => values.push(0.0),
            Data::Float64(values) => values.push(0.0),
            Data::Bytes(Spans { offsets, .. }) => offsets.extend(offsets.last().copied()),
            Data::Struct(children) => children.iter_mut().for_each(Self::push_null),
            Data::List(lists) => lists.offsets.extend(lists.offsets.last().copied()),
            Data::Map(maps) => maps.push_null(),
            Data::Other => {}
        }
    }

    /// Cuts back to the first `rows` rows, whatever has been begun after them.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.len = self.len.min(rows);
        self.nulls.truncate(rows);
        match &mut self.data {
            Data::Bool(values) => values.truncate(rows),
            Data::Int8(values) => values.truncate(rows),
            Data::Int16(values) => values.truncate(rows),
            Data::Int32(values) => values.truncate(rows),
            Data::Int64(values) => values.truncate(rows),
            Data::Decimal(values) => values.truncate(rows),
            Data::Float32(values) => values.truncate(rows),
            Data::Float64(values) => values.truncate(rows),
            Data::Bytes(Spans { offsets, bytes }) => {
                offsets.truncate(rows + 1);
                bytes.truncate(last(offsets));
            }
            Data::Struct(children) => children.iter_mut().for_each(|child| child.truncate(rows)),
            Data::List(lists) => {
                lists.offsets.truncate(rows + 1);
                lists.items.truncate(last(&lists.offsets));
            }
            Data::Map(maps) => maps.truncate(rows),
            Data::Other => {}
        }
    }

    /// Makes room for a batch about as large as the one before: growing from nothing would copy everything about once, into
    /// memory that the system has to clear first.
    pub(super) fn prepare(&mut self) {
        let (rows, bytes) = self.before;
        let (rows, bytes) = (rows + rows / 8, bytes + bytes / 8);
        match &mut self.data {
            Data::Bool(values) => values.reserve_exact(rows),
            Data::Int8(values) => values.reserve_exact(rows),
            Data::Int16(values) => values.reserve_exact(rows),
            Data::Int32(values) => values.reserve_exact(rows),
            Data::Int64(values) => values.reserve_exact(rows),
            Data::Decimal(values) => values.reserve_exact(rows),
            Data::Float32(values) => values.reserve_exact(rows),
            Data::Float64(values) => values.reserve_exact(rows),
            Data::Bytes(spans) => {
                spans.offsets.reserve_exact(rows);
                spans.bytes.reserve_exact(bytes);
            }
            Data::Struct(children) => children.iter_mut().for_each(Self::prepare),
            Data::List(lists) => {
                lists.offsets.reserve_exact(rows);
                lists.items.prepare();
            }
            Data::Map(maps) => maps.prepare(rows),
            Data::Other => {}
        }
    }

    /// Bytes of its values and offsets, without what is reserved.
    pub(super) fn bytes(&self) -> usize {
        self.len / 8
            + match &self.data {
                Data::Bool(values) => values.len(),
                Data::Int8(values) => values.len(),
                Data::Int16(values) => mem::size_of_val(values.as_slice()),
                Data::Int32(values) => mem::size_of_val(values.as_slice()),
                Data::Int64(values) => mem::size_of_val(values.as_slice()),
                Data::Decimal(values) => mem::size_of_val(values.as_slice()),
                Data::Float32(values) => mem::size_of_val(values.as_slice()),
                Data::Float64(values) => mem::size_of_val(values.as_slice()),
                Data::Bytes(Spans { bytes, .. }) => self.len * size_of::<i32>() + bytes.len(),
                Data::Struct(children) => children.iter().map(Self::bytes).sum(),
                Data::List(lists) => self.len * size_of::<i32>() + lists.items.bytes(),
                Data::Map(maps) => self.len * size_of::<i32>() + maps.bytes(),
                Data::Other => 0,
            }
    }

    /// All rows as an Arrow array; the column is empty then.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let len = mem::take(&mut self.len);
        self.before = (len, if let Data::Bytes(spans) = &self.data { spans.bytes.len() } else { 0 });
        self.nulls.append_n_non_nulls(len - self.nulls.len());
        let nulls = mem::replace(&mut self.nulls, NullBufferBuilder::new(0)).build();
        let kind = self.field.data_type();
        Ok(match &mut self.data {
            Data::Bool(values) => Arc::new(BooleanArray::new(BooleanBuffer::from(mem::take(values)), nulls)),
            Data::Int8(values) => flat(kind, len, nulls, [buffer(values)])?,
            Data::Int16(values) => flat(kind, len, nulls, [buffer(values)])?,
            Data::Int32(values) => flat(kind, len, nulls, [buffer(values)])?,
            Data::Int64(values) => flat(kind, len, nulls, [buffer(values)])?,
            Data::Decimal(values) => flat(kind, len, nulls, [buffer(values)])?,
            Data::Float32(values) => flat(kind, len, nulls, [buffer(values)])?,
            Data::Float64(values) => flat(kind, len, nulls, [buffer(values)])?,
            Data::Bytes(Spans { offsets, bytes }) => {
                let offsets = mem::replace(offsets, vec![0]);
                flat(kind, len, nulls, [Buffer::from_vec(offsets), buffer(bytes)])?
            }
            Data::Struct(children) => {
                let DataType::Struct(fields) = kind else { return Ok(new_null_array(kind, len)) };
                let arrays = children.iter_mut().map(Self::finish).collect::<Result<_, _>>()?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), arrays, nulls, len)?)
            }
            Data::List(lists) => {
                let DataType::List(item) = kind else { return Ok(new_null_array(kind, len)) };
                let offsets = OffsetBuffer::new(mem::replace(&mut lists.offsets, vec![0]).into());
                Arc::new(ListArray::try_new(Arc::clone(item), offsets, lists.items.finish()?, nulls)?)
            }
            Data::Map(maps) => maps.finish(kind, len, nulls)?,
            Data::Other => new_null_array(kind, len),
        })
    }
}

fn buffer<T: ArrowNativeType>(values: &mut Vec<T>) -> Buffer {
    Buffer::from_vec(mem::take(values))
}

fn flat<const N: usize>(
    kind: &DataType,
    len: usize,
    nulls: Option<NullBuffer>,
    buffers: [Buffer; N],
) -> Result<ArrayRef, ArrowError> {
    let data = ArrayData::builder(kind.clone()).len(len).nulls(nulls).buffers(buffers.into());
    Ok(make_array(data.build()?))
}
