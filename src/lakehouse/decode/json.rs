//! JSON records: an object whose fields are named as the columns.
//!
//! The text is walked once, by serde_json, and each value is set in its column as it comes.

use std::collections::HashMap;
use std::sync::Arc;

use deltalake::arrow::datatypes::{DataType, FieldRef, Fields, SchemaRef, TimeUnit};
use serde_json::error::Category;

use super::batch::BatchBuilder;
use super::problem::{Allowance, DecodeError, MAX_DEPTH, fault};

mod read;
mod scalar;

/// Reads JSON objects into the columns of one table.
#[derive(Debug)]
pub struct JsonDecoder {
    schema: SchemaRef,
    plan: ObjectPlan,
}

impl JsonDecoder {
    /// For rows of a table with these columns.
    pub fn new(schema: &SchemaRef) -> Self {
        Self { schema: Arc::clone(schema), plan: ObjectPlan::new(schema.fields(), 0) }
    }

    /// Appends one record as a row.
    pub(super) fn decode(&self, record: &str, rows: &mut BatchBuilder) -> Result<(), DecodeError> {
        rows.append(&self.schema, |columns, row| {
            let mut context = read::Context { allowance: Allowance::for_record(record.len()), fault: None };
            read::record(&self.plan, record, columns, row, &mut context).map_err(|error| {
                // serde_json's errors carry text only, so ours travel beside them.
                context.fault.take().unwrap_or_else(|| match error.classify() {
                    Category::Data => fault("the record is not a JSON object"),
                    _ => fault(format!("the record is not JSON: {error}")),
                })
            })
        })
    }
}

/// The fields of an object, which are the columns of the table or of a struct.
#[derive(Debug)]
struct ObjectPlan {
    fields: Vec<(Box<str>, Kind)>,
    by_name: HashMap<Box<str>, usize>,
}

/// What a column takes.
#[derive(Debug)]
enum Kind {
    Text,
    Binary,
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Date,
    Timestamp,
    Float32,
    Float64,
    Decimal(u8, i8),
    Struct(ObjectPlan),
    List(Box<Kind>),
    Map(Box<(Kind, Kind)>),
    /// Nothing but null.
    Nothing,
}

impl ObjectPlan {
    fn new(columns: &Fields, depth: usize) -> Self {
        let named = |column: &FieldRef| (Box::from(column.name().as_str()), Kind::new(column.data_type(), depth));
        let fields: Vec<(Box<str>, Kind)> = columns.iter().map(named).collect();
        let by_name = fields.iter().enumerate().map(|(index, (name, _))| (name.clone(), index)).collect();
        Self { fields, by_name }
    }

    /// The place of a name. `expected` is where it is when the fields come in the table's order.
    fn place(&self, name: &str, expected: usize) -> Option<usize> {
        match self.fields.get(expected) {
            Some((next, _)) if **next == *name => Some(expected),
            _ => self.by_name.get(name).copied(),
        }
    }
}

impl Kind {
    fn new(column: &DataType, depth: usize) -> Self {
        if depth >= MAX_DEPTH {
            return Self::Nothing;
        }
        match column {
            DataType::Utf8 => Self::Text,
            DataType::Binary => Self::Binary,
            DataType::Boolean => Self::Bool,
            DataType::Int8 => Self::Int8,
            DataType::Int16 => Self::Int16,
            DataType::Int32 => Self::Int32,
            DataType::Int64 => Self::Int64,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(TimeUnit::Microsecond, _) => Self::Timestamp,
            DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            DataType::Decimal128(precision, scale) => Self::Decimal(*precision, *scale),
            DataType::Struct(children) => Self::Struct(ObjectPlan::new(children, depth + 1)),
            DataType::List(item) => Self::List(Box::new(Self::new(item.data_type(), depth + 1))),
            DataType::Map(entry, _) => match entry.data_type() {
                DataType::Struct(pair) => match pair.as_ref() {
                    [key, value] => Self::Map(Box::new((
                        Self::new(key.data_type(), depth + 1),
                        Self::new(value.data_type(), depth + 1),
                    ))),
                    _ => Self::Nothing,
                },
                _ => Self::Nothing,
            },
            _ => Self::Nothing,
        }
    }
}
