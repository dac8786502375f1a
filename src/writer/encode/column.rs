//! An Arrow column opened for reading row by row: its type is looked at once for a batch, not once for a value.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, BinaryArray, BooleanArray, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};

/// A column, or a part of a nested one.
pub(super) struct Column<'a> {
    nulls: Option<&'a NullBuffer>,
    pub(super) values: Values<'a>,
}

/// Its values. Dates are days and times are microseconds since 1970.
pub(super) enum Values<'a> {
    Bool(&'a BooleanArray),
    Int8(&'a [i8]),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    /// Unscaled values and the digits after the point.
    Decimal(&'a [i128], usize),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
    Struct(Vec<Column<'a>>),
    /// Where each row's items begin and end, and the items of all rows.
    List(&'a [i32], Box<Column<'a>>),
    /// The same with keys and values.
    Map(&'a [i32], Box<(Column<'a>, Column<'a>)>),
}

impl<'a> Column<'a> {
    /// Opens an array; `Err` gives the type that records of a run do not have.
    pub(super) fn new(array: &'a dyn Array) -> Result<Self, &'a DataType> {
        let values = match array.data_type() {
            DataType::Boolean => Values::Bool(array.as_boolean()),
            DataType::Int8 => Values::Int8(array.as_primitive::<Int8Type>().values()),
            DataType::Int16 => Values::Int16(array.as_primitive::<Int16Type>().values()),
            DataType::Int32 => Values::Int32(array.as_primitive::<Int32Type>().values()),
            DataType::Date32 => Values::Int32(array.as_primitive::<Date32Type>().values()),
            DataType::Int64 => Values::Int64(array.as_primitive::<Int64Type>().values()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Values::Int64(array.as_primitive::<TimestampMicrosecondType>().values())
            }
            DataType::Float32 => Values::Float32(array.as_primitive::<Float32Type>().values()),
            DataType::Float64 => Values::Float64(array.as_primitive::<Float64Type>().values()),
            DataType::Decimal128(_, scale) => {
                let scale = usize::try_from(*scale).map_err(|_| array.data_type())?;
                Values::Decimal(array.as_primitive::<Decimal128Type>().values(), scale)
            }
            DataType::Utf8 => Values::Text(array.as_string()),
            DataType::Binary => Values::Binary(array.as_binary()),
            DataType::Struct(_) => {
                let children = array.as_struct().columns().iter();
                Values::Struct(children.map(|child| Self::new(child.as_ref())).collect::<Result<_, _>>()?)
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Values::List(list.value_offsets(), Box::new(Self::new(list.values().as_ref())?))
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let entries = (Self::new(map.keys().as_ref())?, Self::new(map.values().as_ref())?);
                Values::Map(map.value_offsets(), Box::new(entries))
            }
            other => return Err(other),
        };
        Ok(Self { nulls: array.nulls(), values })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }
}

/// The items of a row of a list or map.
pub(super) fn items(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    // Offsets are never negative.
    offsets[row] as usize..offsets[row + 1] as usize
}

/// Appends a decimal as text, `-12.50`.
pub(super) fn put_decimal(out: &mut Vec<u8>, unscaled: i128, scale: usize) {
    if unscaled < 0 {
        out.push(b'-');
    }
    // Room for the 39 digits of an i128, from the end.
    let mut digits = [b'0'; 40];
    let mut first = digits.len();
    let mut rest = unscaled.unsigned_abs();
    while rest > u64::MAX.into() {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let mut rest = rest as u64;
    while rest > 0 {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let point = digits.len() - scale;
    let first = first.min(point - 1);
    out.extend_from_slice(&digits[first..point]);
    if scale > 0 {
        out.push(b'.');
        out.extend_from_slice(&digits[point..]);
    }
}
