//! Arrays of a client's batch to arrays of the table, by a plan.
//!
//! What stands in a slot that is null, or below a null, is of no account: it is neither checked nor kept.

use std::sync::Arc;

use deltalake::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, ListArray, MapArray, PrimitiveArray, StructArray,
    make_comparator, new_null_array,
};
use deltalake::arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use deltalake::arrow::compute::{CastOptions, SortOptions, cast_with_options, filter};
use deltalake::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Fields, Int8Type, Int16Type, Int32Type, TimestampMicrosecondType,
};
use deltalake::arrow::error::ArrowError;
use deltalake::arrow::record_batch::RecordBatch;

use super::{Source, Step};
use crate::lakehouse::decode::decimal::{self, Notation};
use crate::lakehouse::decode::problem::{Allowance, DecodeError, Fault, fault, type_name};

/// Bytes that the texts of a dictionary may become when they are written out: few bytes on the wire can stand for many.
const WRITTEN_OUT: usize = 256 * 1024 * 1024;
/// Nulls that a batch's missing columns may become, for the same reason.
const MISSING_VALUES: usize = 16 * 1024 * 1024;

/// A value that does not fit.
struct Misfit {
    row: usize,
    fault: Fault,
}

impl Misfit {
    fn at(row: usize, problem: impl Into<String>) -> Self {
        Self { row, fault: fault(problem) }
    }

    fn in_field(self, name: &str) -> Self {
        Self { fault: self.fault.in_field(name), ..self }
    }

    /// The same, seen from the list or map whose rows these offsets part.
    fn in_item(self, offsets: &OffsetBuffer<i32>) -> Self {
        let item = i32::try_from(self.row).unwrap_or(i32::MAX);
        let row = offsets.partition_point(|offset| *offset <= item).saturating_sub(1);
        let start = offsets.get(row).and_then(|start| usize::try_from(*start).ok()).unwrap_or_default();
        Self { row, fault: self.fault.in_item(self.row.saturating_sub(start)) }
    }
}

impl From<ArrowError> for Misfit {
    fn from(error: ArrowError) -> Self {
        Self::at(0, error.to_string())
    }
}

/// The columns of a batch, in the table's order and types.
pub(super) fn columns(sources: &[Source], batch: &RecordBatch, table: &Fields) -> Result<Vec<ArrayRef>, DecodeError> {
    let mut fitter = Fitter { missing: Allowance::of(MISSING_VALUES) };
    let arrays = fitter.fields(sources, batch.columns(), table, None, batch.num_rows());
    arrays.map_err(|Misfit { row, fault }| DecodeError::new(fault.field, format!("row {row}: {}", fault.problem)))
}

/// Converts one batch.
struct Fitter {
    missing: Allowance,
}

impl Fitter {
    fn fields(
        &mut self,
        sources: &[Source],
        arrays: &[ArrayRef],
        fields: &Fields,
        parent: Option<&NullBuffer>,
        rows: usize,
    ) -> Result<Vec<ArrayRef>, Misfit> {
        let column = |(source, field): (&Source, &Arc<Field>)| {
            let fitted = match source {
                Source::Column(index, step) => match arrays.get(*index) {
                    Some(array) => self.array(step, array, field, parent),
                    None => Err(Misfit::at(0, "the batch lacks the column")),
                },
                Source::Missing => self.nulls(field, rows),
            };
            fitted.map_err(|misfit| misfit.in_field(field.name()))
        };
        sources.iter().zip(fields).map(column).collect()
    }

    fn nulls(&mut self, field: &Field, rows: usize) -> Result<ArrayRef, Misfit> {
        let taken = self.missing.take(rows.saturating_mul(weight(field.data_type())));
        taken
            .map_err(|_| Misfit::at(0, "so many rows without the column do not fit one batch; send smaller batches"))?;
        Ok(new_null_array(field.data_type(), rows))
    }

    /// One array. `parent` says which slots of the struct around it are null.
    fn array(
        &mut self,
        step: &Step,
        array: &ArrayRef,
        field: &Field,
        parent: Option<&NullBuffer>,
    ) -> Result<ArrayRef, Misfit> {
        let own = array.logical_nulls();
        if !field.is_nullable()
            && let Some(row) = first_null(own.as_ref(), parent)
        {
            return Err(Misfit::at(row, "the column must have a value"));
        }
        let nulls = NullBuffer::union(own.as_ref(), parent);
        let kind = field.data_type();
        match step {
            Step::Keep => Ok(Arc::clone(array)),
            Step::Cast => Ok(cast_strictly(array, kind)?),
            Step::Dictionary => written_out(array, nulls.as_ref()),
            Step::Narrow if *kind == DataType::Int8 => narrow::<Int8Type>(array, nulls),
            Step::Narrow => narrow::<Int16Type>(array, nulls),
            Step::Timestamp => {
                let DataType::Timestamp(_, zone) = kind else { return Err(Misfit::at(0, "no timestamp column")) };
                let micros = array.as_primitive::<TimestampMicrosecondType>().clone();
                Ok(Arc::new(micros.with_timezone_opt(zone.clone())))
            }
            Step::Decimal => decimals(array, kind, nulls.as_ref()),
            Step::DecimalText => decimals_of_text(array, kind, nulls),
            Step::Struct(sources) => {
                let (DataType::Struct(fields), Some(array)) = (kind, array.as_struct_opt()) else {
                    return Err(Misfit::at(0, "no struct column"));
                };
                let children = self.fields(sources, array.columns(), fields, nulls.as_ref(), array.len())?;
                Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), children, nulls, array.len())?))
            }
            Step::List(step) => {
                let DataType::List(item) = kind else { return Err(Misfit::at(0, "no list column")) };
                let (offsets, items) = list_parts(array, nulls.as_ref())?;
                let items = self.array(step, &items, item, None).map_err(|misfit| misfit.in_item(&offsets))?;
                Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, items, nulls)?))
            }
            Step::Map(steps) => self.map(steps, array, kind, nulls),
        }
    }

    fn map(
        &mut self,
        (key_step, value_step): &(Step, Step),
        array: &ArrayRef,
        kind: &DataType,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, Misfit> {
        let (DataType::Map(entry, sorted), Some(array)) = (kind, array.as_map_opt()) else {
            return Err(Misfit::at(0, "no map column"));
        };
        let DataType::Struct(pair) = entry.data_type() else { return Err(Misfit::at(0, "no map column")) };
        let entries: ArrayRef = Arc::new(array.entries().clone());
        let (offsets, entries) = referenced(array.offsets().clone(), entries, nulls.as_ref())?;
        let entries = entries.as_struct();
        if let Some(row) = first_null(entries.nulls(), None) {
            return Err(Misfit::at(row, "a map entry is null").in_item(&offsets));
        }
        let [key_field, value_field] = pair.as_ref() else { return Err(Misfit::at(0, "no map column")) };
        let keys = self
            .array(key_step, entries.column(0), key_field, None)
            .map_err(|misfit| misfit.in_field("key").in_item(&offsets))?;
        let values = self
            .array(value_step, entries.column(1), value_field, None)
            .map_err(|misfit| misfit.in_field("value").in_item(&offsets))?;
        keys_differ(&keys, &offsets)?;
        let entries = StructArray::try_new_with_length(pair.clone(), vec![keys, values], None, entries.len())?;
        Ok(Arc::new(MapArray::try_new(Arc::clone(entry), offsets, entries, nulls, *sorted)?))
    }
}

/// Values that a null of a type takes.
fn weight(kind: &DataType) -> usize {
    match kind {
        DataType::Struct(children) => 1 + children.iter().map(|child| weight(child.data_type())).sum::<usize>(),
        _ => 1,
    }
}

/// The first slot that is null though the struct around it is not.
fn first_null(own: Option<&NullBuffer>, parent: Option<&NullBuffer>) -> Option<usize> {
    let own = own.filter(|own| own.null_count() > 0)?;
    (0..own.len()).find(|row| own.is_null(*row) && parent.is_none_or(|parent| parent.is_valid(*row)))
}

fn is_valid(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_none_or(|nulls| nulls.is_valid(row))
}

fn cast_strictly(array: &ArrayRef, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(array, kind, &CastOptions { safe: false, ..CastOptions::default() })
}

fn written_out(array: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<ArrayRef, Misfit> {
    let Some(dictionary) = array.as_any_dictionary_opt() else { return Err(Misfit::at(0, "no dictionary")) };
    let texts = dictionary.values();
    if texts.is_empty() {
        // Every key is null then.
        return Ok(new_null_array(&DataType::Utf8, array.len()));
    }
    let texts = cast_strictly(texts, &DataType::LargeUtf8)?;
    let texts = texts.as_string::<i64>();
    let keys = dictionary.normalized_keys().into_iter().enumerate().filter(|(row, _)| is_valid(nulls, *row));
    let bytes: usize = keys.map(|(_, key)| texts.value(key).len()).sum();
    if bytes > WRITTEN_OUT {
        let problem = format!("the dictionary stands for {bytes} bytes of text; a batch may have {WRITTEN_OUT}");
        return Err(Misfit::at(0, problem));
    }
    Ok(cast_strictly(array, &DataType::Utf8)?)
}

fn narrow<T>(array: &ArrayRef, nulls: Option<NullBuffer>) -> Result<ArrayRef, Misfit>
where
    T: ArrowPrimitiveType,
    T::Native: TryFrom<i32>,
{
    let values = array.as_primitive::<Int32Type>().values().iter().enumerate().map(|(row, value)| {
        if !is_valid(nulls.as_ref(), row) {
            return Ok(T::Native::default());
        }
        let problem =
            |_| Misfit::at(row, format!("{value} does not fit a column of type {}", type_name(&T::DATA_TYPE)));
        T::Native::try_from(*value).map_err(problem)
    });
    let values: ScalarBuffer<T::Native> = values.collect::<Result<Vec<_>, _>>()?.into();
    Ok(Arc::new(PrimitiveArray::<T>::new(values, nulls)))
}

fn decimals(array: &ArrayRef, kind: &DataType, nulls: Option<&NullBuffer>) -> Result<ArrayRef, Misfit> {
    let (DataType::Decimal128(precision, _), Some(decimals)) = (kind, array.as_primitive_opt()) else {
        return Err(Misfit::at(0, "no decimal column"));
    };
    let decimals: &Decimal128Array = decimals;
    // 10^38 is below the largest i128.
    let limit = 10i128.checked_pow(u32::from(*precision)).unwrap_or(i128::MAX).unsigned_abs();
    let too_long = |(row, value): (usize, &i128)| value.unsigned_abs() >= limit && is_valid(nulls, row);
    match decimals.values().iter().enumerate().position(too_long) {
        Some(row) => Err(Misfit::at(row, format!("the value has more digits than {}", type_name(kind)))),
        None => Ok(Arc::clone(array)),
    }
}

fn decimals_of_text(array: &ArrayRef, kind: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef, Misfit> {
    let DataType::Decimal128(precision, scale) = kind else { return Err(Misfit::at(0, "no decimal column")) };
    let text = |row: usize| match array.as_string_opt::<i64>() {
        Some(texts) => texts.value(row),
        None => array.as_string::<i32>().value(row),
    };
    let values = (0..array.len()).map(|row| {
        if !is_valid(nulls.as_ref(), row) {
            return Ok(0);
        }
        decimal::parse(text(row), *precision, *scale, Notation::Plain).ok_or_else(|| {
            let text: String = text(row).chars().take(60).collect();
            Misfit::at(row, format!("\"{text}\" does not fit {} without rounding", type_name(kind)))
        })
    });
    let values: ScalarBuffer<i128> = values.collect::<Result<Vec<_>, _>>()?.into();
    Ok(Arc::new(Decimal128Array::new(values, nulls).with_precision_and_scale(*precision, *scale)?))
}

/// The items of a list array that its rows refer to, and where each row's begin.
fn list_parts(array: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<(OffsetBuffer<i32>, ArrayRef), Misfit> {
    if let Some(lists) = array.as_list_opt::<i32>() {
        return referenced(lists.offsets().clone(), Arc::clone(lists.values()), nulls);
    }
    let Some(lists) = array.as_list_opt::<i64>() else { return Err(Misfit::at(0, "no list column")) };
    let first = lists.offsets().first().copied().unwrap_or_default();
    let narrowed = lists.offsets().iter().map(|offset| i32::try_from(offset - first));
    let narrowed = narrowed.collect::<Result<Vec<_>, _>>();
    let offsets = narrowed.map_err(|_| Misfit::at(0, "the lists of a batch may have 2^31 items together"))?;
    let (Ok(start), Some(Ok(length))) = (usize::try_from(first), offsets.last().map(|end| usize::try_from(*end)))
    else {
        return Err(Misfit::at(0, "the list's offsets are negative"));
    };
    referenced(OffsetBuffer::new(offsets.into()), lists.values().slice(start, length), nulls)
}

/// Cuts items down to those that rows with a value refer to, so that the others are neither checked nor kept.
fn referenced(
    offsets: OffsetBuffer<i32>,
    items: ArrayRef,
    nulls: Option<&NullBuffer>,
) -> Result<(OffsetBuffer<i32>, ArrayRef), Misfit> {
    let length_of = |row: usize| match (offsets.get(row), offsets.get(row + 1)) {
        (Some(start), Some(end)) => usize::try_from(end - start).unwrap_or_default(),
        _ => 0,
    };
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
        return Err(Misfit::at(0, "the list has no offsets"));
    };
    let start = usize::try_from(*first).unwrap_or_default();
    let items = items.slice(start, usize::try_from(last - first).unwrap_or_default());
    let rows = offsets.len() - 1;
    let is_kept = |row: usize| is_valid(nulls, row);
    if (0..rows).all(|row| is_kept(row) || length_of(row) == 0) {
        let offsets = if *first == 0 { offsets } else { OffsetBuffer::from_lengths((0..rows).map(length_of)) };
        return Ok((offsets, items));
    }
    let keep: Vec<bool> = (0..rows).flat_map(|row| std::iter::repeat_n(is_kept(row), length_of(row))).collect();
    let items = filter(&items, &BooleanArray::from(keep))?;
    let lengths = (0..rows).map(|row| if is_kept(row) { length_of(row) } else { 0 });
    Ok((OffsetBuffer::from_lengths(lengths), items))
}

/// Two entries of one map with the same key would be one too many for whoever reads it.
fn keys_differ(keys: &ArrayRef, offsets: &OffsetBuffer<i32>) -> Result<(), Misfit> {
    let compare = make_comparator(keys, keys, SortOptions::default())?;
    let mut order = Vec::new();
    for (row, range) in offsets.windows(2).enumerate() {
        let [start, end] = range else { continue };
        if end - start < 2 {
            continue;
        }
        order.clear();
        order.extend(usize::try_from(*start).unwrap_or_default()..usize::try_from(*end).unwrap_or_default());
        order.sort_unstable_by(|left, right| compare(*left, *right));
        let twice = order.windows(2).any(|pair| matches!(pair, [one, other] if compare(*one, *other).is_eq()));
        if twice {
            return Err(Misfit::at(row, "a key is there twice"));
        }
    }
    Ok(())
}
