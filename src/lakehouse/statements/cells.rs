//! Values of rows on their way into Arrow columns: read one row at a time, turned into whole columns at once.
//!
//! Knows nothing of where the values come from: JSON ([`super::json`]) and CSV make the same cells.

use std::borrow::Cow;
use std::sync::Arc;

use deltalake::arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, ListArray,
    MapArray, PrimitiveArray, RecordBatch, StringArray, StructArray,
};
use deltalake::arrow::buffer::{NullBuffer, OffsetBuffer};
use deltalake::arrow::datatypes::{
    DataType, Date32Type, FieldRef, Int8Type, Int16Type, Int32Type, Int64Type, SchemaRef, TimeUnit,
    TimestampMicrosecondType,
};
use deltalake::arrow::error::ArrowError;

/// A value, already known to fit its column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Bool(bool),
    /// Every integer type, DATE in days, TIMESTAMP in microseconds.
    Int(i64),
    /// DECIMAL without its point.
    Decimal(i128),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Vec<u8>),
    List(Vec<Cell<'a>>),
    /// By field.
    Struct(Vec<Cell<'a>>),
    Map(Vec<(Cell<'a>, Cell<'a>)>),
}

/// The rows, each a struct of all columns, as a batch of that schema.
///
/// # Errors
/// `ArrowError` when a cell is not of its column's kind or a required column has a NULL, which the readers rule out.
pub(super) fn batch(schema: &SchemaRef, rows: &[Cell<'_>]) -> Result<RecordBatch, ArrowError> {
    let rows: Vec<&Cell<'_>> = rows.iter().collect();
    let columns = schema.fields().iter().enumerate();
    let columns = columns.map(|(index, field)| column(field.data_type(), &children(&rows, index)?));
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

/// One column of that type.
///
/// # Errors
/// As [`batch`].
pub(super) fn column(kind: &DataType, cells: &[&Cell<'_>]) -> Result<ArrayRef, ArrowError> {
    Ok(match kind {
        DataType::Boolean => {
            let values = values(cells, |cell| if let Cell::Bool(value) = cell { Some(*value) } else { None });
            Arc::new(values.collect::<Result<BooleanArray, _>>()?)
        }
        DataType::Int8 => Arc::new(integers::<Int8Type>(cells)?),
        DataType::Int16 => Arc::new(integers::<Int16Type>(cells)?),
        DataType::Int32 => Arc::new(integers::<Int32Type>(cells)?),
        DataType::Int64 => Arc::new(integers::<Int64Type>(cells)?),
        DataType::Date32 => Arc::new(integers::<Date32Type>(cells)?),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            Arc::new(integers::<TimestampMicrosecondType>(cells)?.with_timezone_opt(zone.clone()))
        }
        DataType::Float32 => {
            let floats = values(cells, |cell| if let Cell::Float(value) = cell { Some(*value as f32) } else { None });
            Arc::new(floats.collect::<Result<Float32Array, _>>()?)
        }
        DataType::Float64 => {
            let floats = values(cells, |cell| if let Cell::Float(value) = cell { Some(*value) } else { None });
            Arc::new(floats.collect::<Result<Float64Array, _>>()?)
        }
        DataType::Decimal128(precision, scale) => {
            let decimals = values(cells, |cell| if let Cell::Decimal(value) = cell { Some(*value) } else { None });
            let decimals = decimals.collect::<Result<Decimal128Array, _>>()?;
            Arc::new(decimals.with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Utf8 => {
            let texts = values(cells, |cell| if let Cell::Text(value) = cell { Some(value.as_ref()) } else { None });
            Arc::new(texts.collect::<Result<StringArray, _>>()?)
        }
        DataType::Binary => {
            let bytes = values(cells, |cell| if let Cell::Bytes(value) = cell { Some(value.as_slice()) } else { None });
            Arc::new(bytes.collect::<Result<BinaryArray, _>>()?)
        }
        DataType::List(item) => Arc::new(list(item, cells)?),
        DataType::Struct(fields) => {
            let columns = fields.iter().enumerate();
            let columns = columns.map(|(index, field)| column(field.data_type(), &children(cells, index)?));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, present(cells))?)
        }
        DataType::Map(entry, sorted) => Arc::new(map(entry, *sorted, cells)?),
        other => return Err(ArrowError::NotYetImplemented(format!("columns of type {other}"))),
    })
}

static NULL: Cell<'static> = Cell::Null;

/// The cells of one field; a NULL struct has NULL fields.
fn children<'c, 'a>(cells: &[&'c Cell<'a>], index: usize) -> Result<Vec<&'c Cell<'a>>, ArrowError> {
    let child = |cell: &&'c Cell<'a>| match cell {
        Cell::Null => Ok(&NULL as &Cell<'a>),
        Cell::Struct(fields) => fields.get(index).ok_or_else(mismatch),
        _ => Err(mismatch()),
    };
    cells.iter().map(child).collect()
}

/// What `value` gives for each cell that is not NULL.
fn values<'c, 'a: 'c, T>(
    cells: &'c [&'c Cell<'a>],
    value: impl Fn(&'c Cell<'a>) -> Option<T> + 'c,
) -> impl Iterator<Item = Result<Option<T>, ArrowError>> + 'c {
    cells.iter().map(move |cell| match cell {
        Cell::Null => Ok(None),
        cell => value(cell).map(Some).ok_or_else(mismatch),
    })
}

fn integers<T: ArrowPrimitiveType<Native: TryFrom<i64>>>(cells: &[&Cell<'_>]) -> Result<PrimitiveArray<T>, ArrowError> {
    let value = |cell: &Cell<'_>| if let Cell::Int(value) = cell { T::Native::try_from(*value).ok() } else { None };
    values(cells, value).collect()
}

fn list(item: &FieldRef, cells: &[&Cell<'_>]) -> Result<ListArray, ArrowError> {
    let mut items = Vec::new();
    let mut lengths = Vec::with_capacity(cells.len());
    for cell in cells {
        let before = items.len();
        match cell {
            Cell::Null => {}
            Cell::List(cells) => items.extend(cells.iter()),
            _ => return Err(mismatch()),
        }
        lengths.push(items.len() - before);
    }
    let items = column(item.data_type(), &items)?;
    ListArray::try_new(Arc::clone(item), OffsetBuffer::from_lengths(lengths), items, present(cells))
}

fn map(entry: &FieldRef, sorted: bool, cells: &[&Cell<'_>]) -> Result<MapArray, ArrowError> {
    let DataType::Struct(pair) = entry.data_type() else { return Err(mismatch()) };
    let [key, value] = pair.as_ref() else { return Err(mismatch()) };
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    let mut lengths = Vec::with_capacity(cells.len());
    for cell in cells {
        let before = keys.len();
        match cell {
            Cell::Null => {}
            Cell::Map(entries) => {
                keys.extend(entries.iter().map(|(key, _)| key));
                values.extend(entries.iter().map(|(_, value)| value));
            }
            _ => return Err(mismatch()),
        }
        lengths.push(keys.len() - before);
    }
    let columns = vec![column(key.data_type(), &keys)?, column(value.data_type(), &values)?];
    let entries = StructArray::try_new(pair.clone(), columns, None)?;
    MapArray::try_new(Arc::clone(entry), OffsetBuffer::from_lengths(lengths), entries, present(cells), sorted)
}

fn present(cells: &[&Cell<'_>]) -> Option<NullBuffer> {
    let present: NullBuffer = cells.iter().map(|cell| !matches!(cell, Cell::Null)).collect();
    (present.null_count() > 0).then_some(present)
}

fn mismatch() -> ArrowError {
    ArrowError::InvalidArgumentError("a value is not of its column's type".to_owned())
}
