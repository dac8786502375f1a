//! Maps being gathered: their entries one after the other, and which of them a later one of the same key replaced.

use std::cmp::Ordering;
use std::mem;
use std::sync::Arc;

use deltalake::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, MapArray, StructArray, new_null_array};
use deltalake::arrow::buffer::{NullBuffer, OffsetBuffer};
use deltalake::arrow::compute::filter;
use deltalake::arrow::datatypes::{ArrowNativeType, DataType, Field};
use deltalake::arrow::error::ArrowError;

use super::{Column, Data, last, offset};
use crate::lakehouse::decode::problem::Fault;

/// The entries of all rows. Entries beyond the last offset are those of the open row.
#[derive(Debug)]
pub(in crate::lakehouse::decode) struct Maps {
    offsets: Vec<i32>,
    pub(in crate::lakehouse::decode) keys: Column,
    pub(in crate::lakehouse::decode) values: Column,
    /// Entries whose key came again in their row, in no order. They are left out when the rows are finished: that is
    /// rare, and the entries of a row can then be appended as they come.
    replaced: Vec<usize>,
    /// Kept for its memory.
    order: Vec<usize>,
}

impl Maps {
    /// For entries with two fields.
    pub(super) fn new(entry: &Field) -> Option<Self> {
        let DataType::Struct(pair) = entry.data_type() else { return None };
        let [key, value] = pair.as_ref() else { return None };
        let (keys, values) = (Column::new(key), Column::new(value));
        Some(Self { offsets: vec![0], keys, values, replaced: Vec::new(), order: Vec::new() })
    }

    /// Entries that the open row has so far.
    pub(in crate::lakehouse::decode) fn open_entries(&self) -> usize {
        self.keys.len - last(&self.offsets)
    }

    pub(super) fn close(&mut self) -> Result<usize, Fault> {
        let (start, end) = (last(&self.offsets), self.keys.len);
        self.offsets.push(offset(end)?);
        if end - start < 2 {
            return Ok(0);
        }
        let Self { keys, replaced, order, .. } = self;
        let before = replaced.len();
        order.clear();
        order.extend(start..end);
        order.sort_unstable_by(|left, right| compare(&keys.data, *left, *right).then(left.cmp(right)));
        let twice = order.windows(2).filter_map(|pair| match pair {
            [earlier, later] if compare(&keys.data, *earlier, *later) == Ordering::Equal => Some(*earlier),
            _ => None,
        });
        replaced.extend(twice);
        Ok(replaced.len() - before)
    }

    pub(super) fn push_null(&mut self) {
        self.offsets.extend(self.offsets.last().copied());
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        let end = last(&self.offsets);
        self.keys.truncate(end);
        self.values.truncate(end);
        self.replaced.retain(|entry| *entry < end);
    }

    pub(super) fn prepare(&mut self, rows: usize) {
        self.offsets.reserve_exact(rows);
        self.keys.prepare();
        self.values.prepare();
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.bytes() + self.values.bytes()
    }

    pub(super) fn finish(
        &mut self,
        kind: &DataType,
        len: usize,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, ArrowError> {
        let DataType::Map(entry, sorted) = kind else { return Ok(new_null_array(kind, len)) };
        let DataType::Struct(pair) = entry.data_type() else { return Ok(new_null_array(kind, len)) };
        let mut offsets = mem::replace(&mut self.offsets, vec![0]);
        let mut replaced = mem::take(&mut self.replaced);
        let arrays = vec![self.keys.finish()?, self.values.finish()?];
        let mut entries = StructArray::try_new(pair.clone(), arrays, None)?;
        if !replaced.is_empty() {
            replaced.sort_unstable();
            let kept = (0..entries.len()).map(|entry| Some(replaced.binary_search(&entry).is_err()));
            entries = filter(&entries, &BooleanArray::from_iter(kept))?.as_struct().clone();
            for offset in &mut offsets {
                let left_out = replaced.partition_point(|entry| *entry < offset.as_usize());
                *offset -= i32::try_from(left_out).unwrap_or_default();
            }
        }
        let offsets = OffsetBuffer::new(offsets.into());
        Ok(Arc::new(MapArray::try_new(Arc::clone(entry), offsets, entries, nulls, *sorted)?))
    }
}

/// Two keys, by their rows. Only scalars are keys in protobuf and JSON.
fn compare(keys: &Data, left: usize, right: usize) -> Ordering {
    match keys {
        Data::Bool(values) => values.get(left).cmp(&values.get(right)),
        Data::Int8(values) => values.get(left).cmp(&values.get(right)),
        Data::Int16(values) => values.get(left).cmp(&values.get(right)),
        Data::Int32(values) => values.get(left).cmp(&values.get(right)),
        Data::Int64(values) => values.get(left).cmp(&values.get(right)),
        Data::Decimal(values) => values.get(left).cmp(&values.get(right)),
        Data::Float32(values) => f32::total_cmp(&number(values, left), &number(values, right)),
        Data::Float64(values) => f64::total_cmp(&number(values, left), &number(values, right)),
        Data::Bytes(spans) => spans.get(left).cmp(&spans.get(right)),
        Data::Struct(_) | Data::List(_) | Data::Map(_) | Data::Other => left.cmp(&right),
    }
}

fn number<T: Copy + Default>(values: &[T], row: usize) -> T {
    values.get(row).copied().unwrap_or_default()
}
