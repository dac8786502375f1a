//! Arrow batches, as Arrow Flight clients send them, into the table's own Arrow types.
//!
//! The client's schema is held against the table's once, when the stream is opened; each batch is then converted by the
//! plan that came out. Columns may come in any order; what clients hold in wider types (text with 64-bit offsets, decimals
//! as text, narrow integers as INT) becomes the column's type if every value fits exactly.

use std::fmt;
use std::sync::Arc;

use deltalake::arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use deltalake::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::DecodeError;
use super::problem::type_name;

mod fit;

/// Why a client's schema is not taken, in the words that the service's clients know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaCause {
    /// A field is no column.
    FieldNotInTable,
    /// A column that must have a value is no field.
    MissingRequiredColumn,
    /// A field's type does not become the column's.
    TypeIncompatible,
    /// A field is there twice.
    FieldCountMismatch,
}

impl SchemaCause {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FieldNotInTable => "FIELD_NOT_IN_TABLE",
            Self::MissingRequiredColumn => "MISSING_REQUIRED_COLUMN",
            Self::TypeIncompatible => "TYPE_INCOMPATIBLE",
            Self::FieldCountMismatch => "FIELD_COUNT_MISMATCH",
        }
    }
}

/// One thing that is wrong with a client's schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// Dotted path of the field; `[]` stands for the items of a list.
    pub field: String,
    /// Which kind of problem.
    pub cause: SchemaCause,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field '{}': {}", self.field, self.problem)
    }
}

/// How a client's batches become the table's.
#[derive(Debug)]
pub struct ArrowPlan {
    table: SchemaRef,
    incoming: Vec<DataType>,
    columns: Vec<Source>,
}

/// Where a column of the table, or a field of a struct, comes from.
#[derive(Debug)]
enum Source {
    /// The client's column of this index, converted.
    Column(usize, Step),
    /// The client has no such column; it is NULL.
    Missing,
}

/// What is done to a column.
#[derive(Debug)]
enum Step {
    /// Nothing: the types are the same.
    Keep,
    /// Arrow's cast, which changes how the value is held and not the value.
    Cast,
    /// Text from a dictionary, which is written out.
    Dictionary,
    /// INT to SMALLINT or TINYINT, when each value fits.
    Narrow,
    /// The same microseconds, with the table's zone.
    Timestamp,
    /// The same decimals, when they have no more digits than they say.
    Decimal,
    /// Text to decimals.
    DecimalText,
    Struct(Vec<Source>),
    List(Box<Step>),
    Map(Box<(Step, Step)>),
}

/// Holds a client's schema against a table's.
///
/// # Errors
/// Every [`SchemaProblem`], at least one.
pub fn check_schema(incoming: &Schema, table: &SchemaRef) -> Result<ArrowPlan, Vec<SchemaProblem>> {
    let mut check = Check { path: Vec::new(), problems: Vec::new() };
    let columns = check.fields(incoming.fields(), table.fields());
    if !check.problems.is_empty() {
        return Err(check.problems);
    }
    let incoming = incoming.fields().iter().map(|field| field.data_type().clone()).collect();
    Ok(ArrowPlan { table: Arc::clone(table), incoming, columns })
}

impl ArrowPlan {
    /// Brings a client's batch into exactly the table's schema.
    ///
    /// # Errors
    /// [`DecodeError`] for the first value that does not fit, with its column and row, or for a batch of another schema
    /// than the one that was checked.
    pub fn fit(&self, batch: &RecordBatch) -> Result<RecordBatch, DecodeError> {
        let kinds = batch.columns().iter().map(|column| column.data_type());
        if !kinds.eq(self.incoming.iter()) {
            return Err(DecodeError::new("", "the batch is not of the schema the stream was created with"));
        }
        let arrays = fit::columns(&self.columns, batch, self.table.fields())?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.table), arrays, &options)
            .map_err(|error| DecodeError::new("", format!("the batch does not fit the table: {error}")))
    }
}

/// Goes through two schemas side by side.
struct Check {
    path: Vec<String>,
    problems: Vec<SchemaProblem>,
}

impl Check {
    fn fields(&mut self, incoming: &Fields, table: &Fields) -> Vec<Source> {
        // Rows without any column have no size: a batch could claim any number of them.
        if incoming.is_empty() {
            let field = self.place();
            let problem = "there are no fields; send at least one".to_owned();
            self.problems.push(SchemaProblem { field, cause: SchemaCause::FieldCountMismatch, problem });
        }
        for (index, field) in incoming.iter().enumerate() {
            if table.find(field.name()).is_none() {
                self.report(field.name(), SchemaCause::FieldNotInTable, "the table has no such column".to_owned());
            } else if incoming.iter().take(index).any(|earlier| earlier.name() == field.name()) {
                self.report(field.name(), SchemaCause::FieldCountMismatch, "the field is there twice".to_owned());
            }
        }
        table.iter().map(|column| self.source(incoming, column)).collect()
    }

    fn source(&mut self, incoming: &Fields, column: &Field) -> Source {
        match incoming.find(column.name()) {
            Some((index, field)) => {
                self.path.push(column.name().clone());
                let step = self.step(field.data_type(), column.data_type());
                self.path.pop();
                // A problem has been reported then, so that the plan is never used.
                step.map_or(Source::Missing, |step| Source::Column(index, step))
            }
            None if column.is_nullable() => Source::Missing,
            None => {
                let problem = "the column must have a value and the schema lacks it".to_owned();
                self.report(column.name(), SchemaCause::MissingRequiredColumn, problem);
                Source::Missing
            }
        }
    }

    /// What makes one type of the other; reports it when nothing does.
    fn step(&mut self, incoming: &DataType, column: &DataType) -> Option<Step> {
        use DataType as T;
        Some(match (incoming, column) {
            (T::Struct(fields), T::Struct(columns)) => Step::Struct(self.fields(fields, columns)),
            (T::List(from) | T::LargeList(from), T::List(to)) => Step::List(Box::new(self.item("[]", from, to)?)),
            (T::Map(from, _), T::Map(to, _)) => match (from.data_type(), to.data_type()) {
                (T::Struct(from), T::Struct(to)) => match (from.as_ref(), to.as_ref()) {
                    // Entries go by their place: clients call them key and value, keys and values, or else.
                    ([from_key, from_value], [to_key, to_value]) => {
                        let key = self.item("[].key", from_key, to_key);
                        Step::Map(Box::new((key?, self.item("[].value", from_value, to_value)?)))
                    }
                    _ => return self.incompatible(incoming, column),
                },
                _ => return self.incompatible(incoming, column),
            },
            (T::LargeUtf8, T::Utf8) | (T::LargeBinary, T::Binary) => Step::Cast,
            (T::Dictionary(_, text), T::Utf8) if is_text(text) => Step::Dictionary,
            (T::Int32, T::Int8 | T::Int16) => Step::Narrow,
            (T::Timestamp(TimeUnit::Microsecond, from), T::Timestamp(TimeUnit::Microsecond, to)) => {
                match (from.as_deref(), to) {
                    (None | Some("UTC" | "Etc/UTC" | "+00:00" | "Z"), _) => Step::Timestamp,
                    _ => return self.incompatible(incoming, column),
                }
            }
            (T::Decimal128(..), T::Decimal128(..)) if incoming == column => Step::Decimal,
            (text, T::Decimal128(..)) if is_text(text) => Step::DecimalText,
            _ if incoming == column && is_flat(column) => Step::Keep,
            _ => return self.incompatible(incoming, column),
        })
    }

    fn item(&mut self, place: &str, incoming: &Field, column: &Field) -> Option<Step> {
        self.path.push(place.to_owned());
        let step = self.step(incoming.data_type(), column.data_type());
        self.path.pop();
        step
    }

    fn incompatible(&mut self, incoming: &DataType, column: &DataType) -> Option<Step> {
        let problem = format!("Arrow type {incoming} does not fit a column of type {}", type_name(column));
        self.problems.push(SchemaProblem { field: self.place(), cause: SchemaCause::TypeIncompatible, problem });
        None
    }

    fn place(&self) -> String {
        self.path.join(".").replace(".[", "[")
    }

    fn report(&mut self, name: &str, cause: SchemaCause, problem: String) {
        let mut field = self.place();
        if !field.is_empty() {
            field.push('.');
        }
        field.push_str(name);
        self.problems.push(SchemaProblem { field, cause, problem });
    }
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8)
}

fn is_flat(kind: &DataType) -> bool {
    kind.is_primitive() || matches!(kind, DataType::Utf8 | DataType::Binary | DataType::Boolean)
}
