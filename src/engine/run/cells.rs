//! Columns of a record batch while they are filled, value by value; afterwards they are empty and can be filled again.
//!
//! Knows Arrow and nothing of where values come from. Arrow's own builders of nested columns are chosen by type at run time,
//! for each value anew; these are chosen once.

mod finish;
mod size;

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, SchemaRef};

pub(super) use size::json_frame;

/// A column, or a part of a nested one. Every row is exactly one value or one null.
pub(super) struct Cells {
    field: FieldRef,
    nulls: NullBufferBuilder,
    pub(super) values: Values,
}

/// The values by kind; a null has a placeholder there.
pub(super) enum Values {
    Boolean(BooleanBufferBuilder),
    Byte(Vec<i8>),
    Short(Vec<i16>),
    /// INT, and DATE as days since 1970.
    Int(Vec<i32>),
    /// BIGINT, and both kinds of timestamps as microseconds since 1970.
    Long(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    /// Without the point.
    Decimal(Vec<i128>),
    /// STRING and BINARY.
    Bytes(Spans),
    List(Ends, Box<Cells>),
    /// Keys and values.
    Map(Ends, Box<(Cells, Cells)>),
    Struct(Vec<Cells>),
}

/// Byte strings, one after the other.
pub(super) struct Spans {
    ends: Ends,
    bytes: Vec<u8>,
}

/// Where values begin and end among others. They never grow beyond what Arrow's 32 bits count: [`Cells::finish`] refuses that.
pub(super) struct Ends(Vec<i32>);

impl Ends {
    fn new() -> Self {
        Self(vec![0])
    }

    fn push(&mut self, end: usize) {
        self.0.push(end as i32);
    }
}

impl Spans {
    /// Adds a value, in as many pieces as `write` likes.
    #[inline]
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// Makes the last value longer.
    pub(super) fn extend_last(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        if let Some(end) = self.ends.0.last_mut() {
            *end = self.bytes.len() as i32;
        }
    }
}

impl Cells {
    /// Cells for a field of a type that [`arrow_schema`](crate::writer::arrow_schema) makes.
    ///
    /// # Errors
    /// For any other type.
    pub(super) fn new(field: &FieldRef) -> Result<Self, ArrowError> {
        let unknown = || Err(ArrowError::NotYetImplemented(format!("cells of type {}", field.data_type())));
        let values = match field.data_type() {
            DataType::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            DataType::Int8 => Values::Byte(Vec::new()),
            DataType::Int16 => Values::Short(Vec::new()),
            DataType::Int32 | DataType::Date32 => Values::Int(Vec::new()),
            DataType::Int64 | DataType::Timestamp(..) => Values::Long(Vec::new()),
            DataType::Float32 => Values::Float(Vec::new()),
            DataType::Float64 => Values::Double(Vec::new()),
            DataType::Decimal128(..) => Values::Decimal(Vec::new()),
            DataType::Utf8 | DataType::Binary => Values::Bytes(Spans { ends: Ends::new(), bytes: Vec::new() }),
            DataType::List(item) => Values::List(Ends::new(), Box::new(Self::new(item)?)),
            DataType::Struct(fields) => Values::Struct(fields.iter().map(Self::new).collect::<Result<_, _>>()?),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => {
                    Values::Map(Ends::new(), Box::new((Self::new(&fields[0])?, Self::new(&fields[1])?)))
                }
                _ => return unknown(),
            },
            _ => return unknown(),
        };
        Ok(Self { field: Arc::clone(field), nulls: NullBufferBuilder::new(0), values })
    }

    /// Its name, type and nullability.
    pub(super) fn field(&self) -> &Field {
        &self.field
    }

    /// The type, and the values to push to.
    pub(super) fn parts(&mut self) -> (&DataType, &mut Values) {
        (self.field.data_type(), &mut self.values)
    }

    /// Says that the value just pushed to [`Self::values`] is one.
    #[inline]
    pub(super) fn filled(&mut self) {
        self.nulls.append_non_null();
    }

    /// A value of a STRING or BINARY column; ignored by others, which [`Self::finish`] then finds to be short of a row.
    #[inline]
    pub(super) fn push_bytes(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if let Values::Bytes(spans) = &mut self.values {
            spans.push(write);
            self.nulls.append_non_null();
        }
    }

    /// The same for DOUBLE.
    #[inline]
    pub(super) fn push_double(&mut self, value: f64) {
        if let Values::Double(values) = &mut self.values {
            values.push(value);
            self.nulls.append_non_null();
        }
    }

    /// The same for BIGINT, microseconds, INT and days.
    #[inline]
    pub(super) fn push_integer(&mut self, value: i64) {
        match &mut self.values {
            Values::Long(values) => values.push(value),
            Values::Int(values) => values.push(value as i32),
            _ => return,
        }
        self.nulls.append_non_null();
    }

    /// A null, with its placeholders below.
    pub(super) fn push_null(&mut self) {
        match &mut self.values {
            Values::Boolean(bits) => bits.append(false),
            Values::Byte(values) => values.push(0),
            Values::Short(values) => values.push(0),
            Values::Int(values) => values.push(0),
            Values::Long(values) => values.push(0),
            Values::Float(values) => values.push(0.0),
            Values::Double(values) => values.push(0.0),
            Values::Decimal(values) => values.push(0),
            Values::Bytes(spans) => spans.push(|_nothing| {}),
            Values::List(ends, items) => ends.push(items.len()),
            Values::Map(ends, entries) => ends.push(entries.0.len()),
            Values::Struct(children) => children.iter_mut().for_each(Self::push_null),
        }
        self.nulls.append_null();
    }

    /// Ends a list or map whose items were pushed.
    pub(super) fn end_items(&mut self) {
        match &mut self.values {
            Values::List(ends, items) => ends.push(items.len()),
            Values::Map(ends, entries) => ends.push(entries.0.len()),
            _ => return,
        }
        self.nulls.append_non_null();
    }

    /// Rows so far.
    pub(super) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Makes room for rows; text may still grow.
    pub(super) fn reserve(&mut self, rows: usize) {
        match &mut self.values {
            Values::Boolean(bits) => bits.reserve(rows),
            Values::Byte(values) => values.reserve(rows),
            Values::Short(values) => values.reserve(rows),
            Values::Int(values) => values.reserve(rows),
            Values::Long(values) => values.reserve(rows),
            Values::Float(values) => values.reserve(rows),
            Values::Double(values) => values.reserve(rows),
            Values::Decimal(values) => values.reserve(rows),
            Values::Bytes(spans) => spans.ends.0.reserve(rows),
            Values::List(ends, _) | Values::Map(ends, _) => ends.0.reserve(rows),
            Values::Struct(children) => children.iter_mut().for_each(|child| child.reserve(rows)),
        }
    }
}

/// Cells for every column of a schema.
///
/// # Errors
/// As [`Cells::new`].
pub(super) fn cells_of(schema: &SchemaRef) -> Result<Vec<Cells>, ArrowError> {
    schema.fields().iter().map(Cells::new).collect()
}

/// All columns as a batch; afterwards they are empty.
///
/// # Errors
/// As [`Cells::finish`], and for columns of different lengths or a null where none may be.
pub(super) fn finish_batch(schema: &SchemaRef, cells: &mut [Cells], rows: usize) -> Result<RecordBatch, ArrowError> {
    let columns = cells.iter_mut().map(Cells::finish).collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}

#[cfg(test)]
mod tests;
