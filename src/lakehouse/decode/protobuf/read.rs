//! Messages from the wire format into columns, by a plan.
//!
//! Reading goes no deeper than the plan, and the plan no deeper than the table's types.

use std::fmt::Display;

use super::plan::{Coding, EndKind, FieldPlan, MapValue, MessagePlan, Scalar, Shape};
use super::wire::{Reader, WireType};
use crate::lakehouse::decode::column::{Column, Data, Maps};
use crate::lakehouse::decode::decimal::{self, Notation};
use crate::lakehouse::decode::problem::{Allowance, Fault, defect, fault};

/// Reads the bytes of a message into the open row. The same message may come in several pieces; [`close`] follows the
/// last one.
pub(super) fn message(
    plan: &MessagePlan,
    bytes: &[u8],
    columns: &mut [Column],
    row: usize,
    allowance: &mut Allowance,
) -> Result<(), Fault> {
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let (number, wire) = reader.tag()?;
        let field = plan.by_number(number).ok_or_else(|| unknown(number))?;
        let column = columns.get_mut(field.column).ok_or_else(defect)?;
        read_field(field, wire, &mut reader, column, row, allowance).map_err(|fault| fault.in_field(&field.name))?;
    }
    Ok(())
}

/// Ends the open row: what did not come is NULL, an empty list or an error.
pub(super) fn close(
    plan: &MessagePlan,
    columns: &mut [Column],
    row: usize,
    allowance: &mut Allowance,
) -> Result<(), Fault> {
    for oneof in &plan.oneofs {
        let came = oneof.columns.iter().filter(|index| columns.get(**index).is_some_and(|column| column.len() > row));
        if came.count() > 1 {
            return Err(fault("a record may have one of its fields, this one has more").in_field(&oneof.name));
        }
    }
    for (column, end) in columns.iter_mut().zip(&plan.ends) {
        match end.kind {
            EndKind::List => column.close_list().map_err(|fault| fault.in_field(column.field().name()))?,
            EndKind::Map => {
                column.close_map().map_err(|fault| fault.in_field(column.field().name()))?;
            }
            EndKind::Message(place) if column.len() > row => {
                let nested = plan.nested(place).ok_or_else(defect)?;
                let closed = close(nested, column.set_struct(row)?, row, allowance);
                closed.map_err(|fault| fault.in_field(column.field().name()))?;
            }
            _ if column.len() > row => {}
            EndKind::Value | EndKind::Message(_) => match end.required {
                None => {
                    allowance.take(column.weight())?;
                    column.push_null();
                }
                Some(problem) => return Err(fault(problem).in_field(column.field().name())),
            },
        }
    }
    Ok(())
}

#[inline]
fn read_field(
    field: &FieldPlan,
    wire: WireType,
    reader: &mut Reader<'_>,
    column: &mut Column,
    row: usize,
    allowance: &mut Allowance,
) -> Result<(), Fault> {
    match &field.shape {
        Shape::Scalar(scalar) => {
            expect(wire, scalar.wire_type())?;
            read_scalar(*scalar, reader, column, row)
        }
        Shape::Message(plan) => {
            expect(wire, WireType::Length)?;
            let bytes = reader.length_delimited()?;
            message(plan, bytes, column.set_struct(row)?, row, allowance)
        }
        Shape::Scalars(scalar) => read_scalars(*scalar, wire, reader, column),
        Shape::Messages(plan) => {
            expect(wire, WireType::Length)?;
            let bytes = reader.length_delimited()?;
            let Data::List(lists) = &mut column.data else { return Err(defect()) };
            let (index, item) = (lists.open_items(), lists.items.len());
            let children = lists.items.set_struct(item)?;
            message(plan, bytes, children, item, allowance)
                .and_then(|()| close(plan, children, item, allowance))
                .map_err(|fault| fault.in_item(index))
        }
        Shape::Map(key, value) => {
            expect(wire, WireType::Length)?;
            let bytes = reader.length_delimited()?;
            let Data::Map(maps) = &mut column.data else { return Err(defect()) };
            let index = maps.open_entries();
            read_entry(*key, value, bytes, maps, allowance).map_err(|fault| fault.in_item(index))
        }
    }
}

/// One item, or many in packed form.
fn read_scalars(scalar: Scalar, wire: WireType, reader: &mut Reader<'_>, column: &mut Column) -> Result<(), Fault> {
    let Data::List(lists) = &mut column.data else { return Err(defect()) };
    if wire == scalar.wire_type() {
        let (index, item) = (lists.open_items(), lists.items.len());
        return read_scalar(scalar, reader, &mut lists.items, item).map_err(|fault| fault.in_item(index));
    }
    // Scalars that are length-delimited themselves do not come here.
    expect(wire, WireType::Length)?;
    let mut packed = Reader::new(reader.length_delimited()?);
    while !packed.is_empty() {
        let (index, item) = (lists.open_items(), lists.items.len());
        read_scalar(scalar, &mut packed, &mut lists.items, item).map_err(|fault| fault.in_item(index))?;
    }
    Ok(())
}

/// A map entry is a message of its own, with the key as field 1 and the value as field 2.
fn read_entry(
    key: Scalar,
    value: &MapValue,
    bytes: &[u8],
    maps: &mut Maps,
    allowance: &mut Allowance,
) -> Result<(), Fault> {
    let Maps { keys, values, .. } = maps;
    let entry = keys.len();
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        match (reader.tag()?, value) {
            ((1, wire), _) => {
                let read = expect(wire, key.wire_type()).and_then(|()| read_scalar(key, &mut reader, keys, entry));
                read.map_err(|fault| fault.in_field("key"))?;
            }
            ((2, wire), MapValue::Scalar(scalar)) => {
                let read = expect(wire, scalar.wire_type());
                let read = read.and_then(|()| read_scalar(*scalar, &mut reader, values, entry));
                read.map_err(|fault| fault.in_field("value"))?;
            }
            ((2, wire), MapValue::Message(plan)) => {
                expect(wire, WireType::Length).map_err(|fault| fault.in_field("value"))?;
                let bytes = reader.length_delimited()?;
                let read = message(plan, bytes, values.set_struct(entry)?, entry, allowance);
                read.map_err(|fault| fault.in_field("value"))?;
            }
            ((number, _), _) => return Err(unknown(number)),
        }
    }
    if keys.len() == entry {
        set_default(key, keys, entry).map_err(|fault| fault.in_field("key"))?;
    }
    let closed = match value {
        MapValue::Message(plan) => close(plan, values.set_struct(entry)?, entry, allowance),
        MapValue::Scalar(scalar) if values.len() == entry => set_default(*scalar, values, entry),
        MapValue::Scalar(_) => Ok(()),
    };
    closed.map_err(|fault| fault.in_field("value"))
}

#[inline]
fn read_scalar(scalar: Scalar, reader: &mut Reader<'_>, column: &mut Column, row: usize) -> Result<(), Fault> {
    match scalar {
        Scalar::Text => {
            let bytes = reader.length_delimited()?;
            std::str::from_utf8(bytes).map_err(|_| fault("the text is not UTF-8"))?;
            column.set_bytes(row, bytes)
        }
        Scalar::Binary => column.set_bytes(row, reader.length_delimited()?),
        Scalar::Bool => match reader.varint()? {
            0 => column.set(row, false),
            1 => column.set(row, true),
            other => Err(fault(format!("{other} is neither true nor false"))),
        },
        Scalar::Int64(coding) => column.set(row, read_int64(coding, reader)?),
        Scalar::Int64From32(coding) => column.set(row, i64::from(read_int32(coding, reader)?)),
        Scalar::Int32(coding) => column.set(row, read_int32(coding, reader)?),
        Scalar::Int16(coding) => column.set(row, narrow::<i16>(read_int32(coding, reader)?)?),
        Scalar::Int8(coding) => column.set(row, narrow::<i8>(read_int32(coding, reader)?)?),
        Scalar::Float64 => column.set(row, f64::from_le_bytes(reader.fixed64()?)),
        Scalar::Float64From32 => column.set(row, f64::from(f32::from_le_bytes(reader.fixed32()?))),
        Scalar::Float32 => column.set(row, f32::from_le_bytes(reader.fixed32()?)),
        Scalar::Decimal(precision, scale) => {
            let text = std::str::from_utf8(reader.length_delimited()?).map_err(|_| fault("the text is not UTF-8"))?;
            let number = decimal::parse(text, precision, scale, Notation::Plain);
            column.set(row, number.ok_or_else(|| not_decimal(text, precision, scale))?)
        }
    }
}

#[inline]
fn read_int64(coding: Coding, reader: &mut Reader<'_>) -> Result<i64, Fault> {
    Ok(match coding {
        Coding::Varint => reader.varint()?.cast_signed(),
        Coding::Zigzag => {
            let value = reader.varint()?;
            (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
        }
        Coding::Fixed => i64::from_le_bytes(reader.fixed64()?),
    })
}

/// Protobuf cuts longer integers to 32 bits; here they are refused, as nothing is coerced.
#[inline]
fn read_int32(coding: Coding, reader: &mut Reader<'_>) -> Result<i32, Fault> {
    match coding {
        Coding::Fixed => Ok(i32::from_le_bytes(reader.fixed32()?)),
        coding => narrow(read_int64(coding, reader)?),
    }
}

#[inline]
fn narrow<T>(value: impl TryInto<T> + Copy + Display) -> Result<T, Fault> {
    value.try_into().map_err(|_| fault(format!("{value} is out of range")))
}

/// The value of a map entry's field that did not come.
fn set_default(scalar: Scalar, column: &mut Column, row: usize) -> Result<(), Fault> {
    match scalar {
        Scalar::Text | Scalar::Binary => column.set_bytes(row, b""),
        Scalar::Bool => column.set(row, false),
        Scalar::Int64(_) | Scalar::Int64From32(_) => column.set(row, 0i64),
        Scalar::Int32(_) => column.set(row, 0i32),
        Scalar::Int16(_) => column.set(row, 0i16),
        Scalar::Int8(_) => column.set(row, 0i8),
        Scalar::Float64 | Scalar::Float64From32 => column.set(row, 0f64),
        Scalar::Float32 => column.set(row, 0f32),
        // Protobuf's default is the empty text, which is no number.
        Scalar::Decimal(precision, scale) => Err(not_decimal("", precision, scale)),
    }
}

#[inline]
fn expect(wire: WireType, expected: WireType) -> Result<(), Fault> {
    if wire == expected { Ok(()) } else { Err(wrong_wire_type(wire, expected)) }
}

#[cold]
fn wrong_wire_type(wire: WireType, expected: WireType) -> Fault {
    fault(format!("{} came where the descriptor says {}", wire.name(), expected.name()))
}

#[cold]
fn unknown(number: u32) -> Fault {
    fault(format!("the descriptor has no field number {number}"))
}

#[cold]
fn not_decimal(text: &str, precision: u8, scale: i8) -> Fault {
    let text: String = text.chars().take(60).collect();
    fault(format!("\"{text}\" does not fit DECIMAL({precision},{scale}) without rounding"))
}
