//! A descriptor and a table's columns, compiled into what reading needs.

use deltalake::arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::DescriptorError;
use super::wire::WireType;
use crate::lakehouse::decode::problem::{MAX_DEPTH, type_name};

/// Field numbers up to here are looked up by index; a table has as many columns at most. Others are searched for.
const INDEXED: usize = 4096;

/// How messages of one type are read into the columns of one struct, or of the table.
#[derive(Debug)]
pub(super) struct MessagePlan {
    fields: Vec<FieldPlan>,
    /// By field number; 0 for none, else the place in `fields` plus one.
    indexed: Vec<u16>,
    /// The fields with other numbers, in order of the number.
    searched: Vec<(u32, usize)>,
    /// What each column needs when the message has been read, in the order of the columns.
    pub(super) ends: Vec<End>,
    /// Columns of which a message may have one.
    pub(super) oneofs: Vec<Oneof>,
}

/// One field of a message.
#[derive(Debug)]
pub(super) struct FieldPlan {
    pub(super) name: Box<str>,
    pub(super) column: usize,
    pub(super) shape: Shape,
}

/// What a field carries.
#[derive(Debug)]
pub(super) enum Shape {
    Scalar(Scalar),
    Message(MessagePlan),
    Scalars(Scalar),
    Messages(MessagePlan),
    Map(Scalar, MapValue),
}

/// What the entries of a map carry under their key.
#[derive(Debug)]
pub(super) enum MapValue {
    Scalar(Scalar),
    Message(MessagePlan),
}

/// A value that is no message: how it is written, and which kind of column it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Bool,
    Int8(Coding),
    Int16(Coding),
    Int32(Coding),
    Int64(Coding),
    /// 32 bits on the wire, 64 in the column.
    Int64From32(Coding),
    Float32,
    Float64,
    Float64From32,
    Text,
    Binary,
    Decimal(u8, i8),
}

/// The three ways to write an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Varint,
    Zigzag,
    Fixed,
}

/// What a column needs when its message has been read.
#[derive(Debug)]
pub(super) struct End {
    pub(super) kind: EndKind,
    /// Why there must be a value, if there must.
    pub(super) required: Option<&'static str>,
}

/// How the value of a column is closed.
#[derive(Debug)]
pub(super) enum EndKind {
    /// A scalar, or a column without a field: whatever is not there is NULL.
    Value,
    /// A struct: its fields, by this place in the plan's fields, are closed too.
    Message(usize),
    /// A list that is there even if no item came.
    List,
    /// A map that is there even if no entry came.
    Map,
}

/// Fields of which a message may have one.
#[derive(Debug)]
pub(super) struct Oneof {
    pub(super) name: Box<str>,
    pub(super) columns: Vec<usize>,
}

impl MessagePlan {
    /// The field of a number.
    #[inline]
    pub(super) fn by_number(&self, number: u32) -> Option<&FieldPlan> {
        let place = match self.indexed.get(number as usize) {
            Some(place) => usize::from(*place).checked_sub(1)?,
            None => {
                let found = self.searched.binary_search_by_key(&number, |(number, _)| *number).ok()?;
                self.searched.get(found)?.1
            }
        };
        self.fields.get(place)
    }

    /// The plan of a struct's own fields, by the struct's place in this plan's fields.
    pub(super) fn nested(&self, place: usize) -> Option<&Self> {
        match &self.fields.get(place)?.shape {
            Shape::Message(plan) => Some(plan),
            _ => None,
        }
    }
}

impl Scalar {
    #[inline]
    pub(super) fn wire_type(self) -> WireType {
        match self {
            Self::Int8(coding) | Self::Int16(coding) | Self::Int32(coding) | Self::Int64From32(coding) => {
                if coding == Coding::Fixed { WireType::Fixed32 } else { WireType::Varint }
            }
            Self::Int64(Coding::Fixed) | Self::Float64 => WireType::Fixed64,
            Self::Bool | Self::Int64(_) => WireType::Varint,
            Self::Float32 | Self::Float64From32 => WireType::Fixed32,
            Self::Text | Self::Binary | Self::Decimal(..) => WireType::Length,
        }
    }

    /// What a column takes of a field's kind, if it takes it. Widening is taken where nothing can be lost.
    fn new(kind: &Kind, column: &DataType) -> Option<Self> {
        let int32 = match kind {
            Kind::Int32 => Some(Coding::Varint),
            Kind::Sint32 => Some(Coding::Zigzag),
            Kind::Sfixed32 => Some(Coding::Fixed),
            _ => None,
        };
        let int64 = match kind {
            Kind::Int64 => Some(Coding::Varint),
            Kind::Sint64 => Some(Coding::Zigzag),
            Kind::Sfixed64 => Some(Coding::Fixed),
            _ => None,
        };
        match (column, kind) {
            (DataType::Utf8, Kind::String) => Some(Self::Text),
            (DataType::Decimal128(precision, scale), Kind::String) => Some(Self::Decimal(*precision, *scale)),
            (DataType::Binary, Kind::Bytes) => Some(Self::Binary),
            (DataType::Boolean, Kind::Bool) => Some(Self::Bool),
            (DataType::Float32, Kind::Float) => Some(Self::Float32),
            (DataType::Float64, Kind::Double) => Some(Self::Float64),
            (DataType::Float64, Kind::Float) => Some(Self::Float64From32),
            (DataType::Int8, _) => int32.map(Self::Int8),
            (DataType::Int16, _) => int32.map(Self::Int16),
            (DataType::Int32 | DataType::Date32, _) => int32.map(Self::Int32),
            (DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _), _) => {
                int64.map(Self::Int64).or(int32.map(Self::Int64From32))
            }
            _ => None,
        }
    }
}

/// Compiles the fields of a message for these columns.
///
/// # Errors
/// [`DescriptorError::DoesNotFit`] for the first field that is no column or not of its type, and for a required
/// column without a field.
pub(super) fn compile(message: &MessageDescriptor, columns: &Fields) -> Result<MessagePlan, DescriptorError> {
    Compiler { path: Vec::new() }.message(message, columns)
}

/// Where in the message the compiler is.
struct Compiler {
    path: Vec<String>,
}

impl Compiler {
    fn message(&mut self, message: &MessageDescriptor, columns: &Fields) -> Result<MessagePlan, DescriptorError> {
        if self.path.len() >= MAX_DEPTH {
            return Err(self.misfit(format!("nested more than {MAX_DEPTH} levels deep")));
        }
        let mut plan = MessagePlan {
            fields: Vec::new(),
            indexed: Vec::new(),
            searched: Vec::new(),
            ends: columns.iter().map(|column| end_without_field(column)).collect(),
            oneofs: Vec::new(),
        };
        for field in message.fields() {
            self.path.push(field.name().to_owned());
            let (index, column) =
                columns.find(field.name()).ok_or_else(|| self.misfit("the table has no such column"))?;
            let shape = self.shape(&field, column)?;
            if let Some(end) = plan.ends.get_mut(index) {
                end.close(&field, &shape, plan.fields.len());
            }
            plan.fields.push(FieldPlan { name: field.name().into(), column: index, shape });
            self.path.pop();
        }
        let lacking = columns
            .iter()
            .find(|column| !column.is_nullable() && !plan.fields.iter().any(|field| *field.name == **column.name()));
        if let Some(column) = lacking {
            self.path.push(column.name().clone());
            return Err(self.misfit("the column must have a value and the message lacks it"));
        }
        plan.number(message);
        plan.oneofs = oneofs(message, columns);
        Ok(plan)
    }

    fn shape(&mut self, field: &FieldDescriptor, column: &Field) -> Result<Shape, DescriptorError> {
        let kind = column.data_type();
        if field.is_group() {
            return Err(self.misfit("groups are not taken; use a nested message"));
        }
        match kind {
            DataType::Map(entry, _) if field.is_map() => self.map(field, entry),
            DataType::List(item) if field.is_list() => match (field.kind(), item.data_type()) {
                (Kind::Message(message), DataType::Struct(children)) => {
                    Ok(Shape::Messages(self.message(&message, children)?))
                }
                (kind, item) => Ok(Shape::Scalars(self.scalar(&kind, item)?)),
            },
            _ if field.is_map() || field.is_list() => {
                let shape = if field.is_map() { "a map field" } else { "a repeated field" };
                Err(self.misfit(format!("{shape} does not fit a column of type {}", type_name(kind))))
            }
            DataType::Struct(children) => match field.kind() {
                Kind::Message(message) => Ok(Shape::Message(self.message(&message, children)?)),
                other => Err(self.wrong_type(&other, kind)),
            },
            _ => Ok(Shape::Scalar(self.scalar(&field.kind(), kind)?)),
        }
    }

    fn map(&mut self, field: &FieldDescriptor, entry: &Field) -> Result<Shape, DescriptorError> {
        let Kind::Message(entry_message) = field.kind() else {
            return Err(self.misfit("the map field has no entries"));
        };
        let pair = match entry.data_type() {
            DataType::Struct(pair) => pair.as_ref(),
            _ => &[],
        };
        let [key, value] = pair else {
            return Err(self.misfit("the column's map type has no entries"));
        };
        let key = self.scalar(&entry_message.map_entry_key_field().kind(), key.data_type())?;
        let value = match (entry_message.map_entry_value_field().kind(), value.data_type()) {
            (Kind::Message(message), DataType::Struct(children)) => {
                MapValue::Message(self.message(&message, children)?)
            }
            (kind, value) => MapValue::Scalar(self.scalar(&kind, value)?),
        };
        Ok(Shape::Map(key, value))
    }

    fn scalar(&self, kind: &Kind, column: &DataType) -> Result<Scalar, DescriptorError> {
        Scalar::new(kind, column).ok_or_else(|| self.wrong_type(kind, column))
    }

    fn wrong_type(&self, kind: &Kind, column: &DataType) -> DescriptorError {
        let kind = match kind {
            Kind::Message(message) => format!("message {}", message.name()),
            Kind::Enum(values) => format!("enum {}", values.name()),
            scalar => format!("{scalar:?}"),
        };
        self.misfit(format!("{kind} does not fit a column of type {}", type_name(column)))
    }

    fn misfit(&self, problem: impl Into<String>) -> DescriptorError {
        DescriptorError::DoesNotFit { field: self.path.join("."), problem: problem.into() }
    }
}

fn end_without_field(column: &Field) -> End {
    let required = (!column.is_nullable()).then_some("the column must have a value");
    End { kind: EndKind::Value, required }
}

impl End {
    /// As the column of a field that is at this place among the message's.
    fn close(&mut self, field: &FieldDescriptor, shape: &Shape, place: usize) {
        self.kind = match shape {
            Shape::Scalar(_) => EndKind::Value,
            Shape::Message(_) => EndKind::Message(place),
            Shape::Scalars(_) | Shape::Messages(_) => EndKind::List,
            Shape::Map(..) => EndKind::Map,
        };
        if field.is_required() {
            self.required = self.required.or(Some("the descriptor says required and the message lacks it"));
        }
    }
}

impl MessagePlan {
    /// Enters the numbers of the fields, which are in the message's order.
    fn number(&mut self, message: &MessageDescriptor) {
        for (place, field) in message.fields().enumerate() {
            let number = field.number();
            match (usize::try_from(number), u16::try_from(place + 1)) {
                (Ok(index), Ok(entry)) if index <= INDEXED => {
                    if self.indexed.len() <= index {
                        self.indexed.resize(index + 1, 0);
                    }
                    if let Some(slot) = self.indexed.get_mut(index) {
                        *slot = entry;
                    }
                }
                _ => self.searched.push((number, place)),
            }
        }
        self.searched.sort_unstable();
    }
}

fn oneofs(message: &MessageDescriptor, columns: &Fields) -> Vec<Oneof> {
    let oneofs = message.oneofs().map(|oneof| Oneof {
        name: oneof.name().into(),
        columns: oneof.fields().filter_map(|field| Some(columns.find(field.name())?.0)).collect(),
    });
    // A oneof of one field is how proto3 writes `optional`.
    oneofs.filter(|oneof| oneof.columns.len() > 1).collect()
}
