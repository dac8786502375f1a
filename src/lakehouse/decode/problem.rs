//! What is wrong with a record, and where; and how much a record may become.

use std::fmt;

use deltalake::arrow::datatypes::{DataType, TimeUnit};

/// Deepest nesting of columns that records are read into; SQL allows no deeper types either.
pub(super) const MAX_DEPTH: usize = 32;
/// Nulls that any record may become, see [`Allowance`].
const FREE_NULLS: usize = 1 << 20;

/// Why a record does not fit the table; names the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Dotted path of the field, list items by index (`a.b[2].c`); empty for the record as a whole.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.problem),
            field => write!(f, "field '{field}': {}", self.problem),
        }
    }
}

impl std::error::Error for DecodeError {}

impl DecodeError {
    pub(super) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

/// An error on its way out of a record: boxed, so that the results of good values stay small. Each level that it
/// passes puts its name in front.
pub(super) type Fault = Box<DecodeError>;

/// A fault of the value at hand; the levels above name it.
#[cold]
pub(super) fn fault(problem: impl Into<String>) -> Fault {
    Box::new(DecodeError::new("", problem))
}

impl DecodeError {
    /// The same, seen from the struct that has this field.
    #[cold]
    pub(super) fn in_field(mut self: Box<Self>, name: &str) -> Fault {
        self.field = match self.field.as_str() {
            "" => name.to_owned(),
            inner if inner.starts_with('[') => format!("{name}{inner}"),
            inner => format!("{name}.{inner}"),
        };
        self
    }

    /// The same, seen from the list that has this item.
    #[cold]
    pub(super) fn in_item(self: Box<Self>, index: usize) -> Fault {
        self.in_field(&format!("[{index}]"))
    }
}

/// A decoder and its columns disagree: a defect of ours, told instead of panicking.
#[cold]
pub(super) fn defect() -> Fault {
    fault("the decoder was made for other columns; open the stream again")
}

/// Bounds what a record becomes. Values cost at least a byte each to send, but nulls of missing fields cost nothing:
/// a list of empty structs of a wide type would fill memory.
pub(super) struct Allowance(usize);

impl Allowance {
    /// For one record of this many bytes.
    pub(super) fn for_record(bytes: usize) -> Self {
        Self(FREE_NULLS.saturating_add(bytes))
    }

    /// This many.
    pub(super) fn of(nulls: usize) -> Self {
        Self(nulls)
    }

    /// Spends some of it.
    pub(super) fn take(&mut self, nulls: usize) -> Result<(), Fault> {
        match self.0.checked_sub(nulls) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err(fault("so many missing values do not fit one record; send fewer list items per record")),
        }
    }
}

/// A column's type in the words of SQL.
pub(super) fn type_name(kind: &DataType) -> String {
    let name = match kind {
        DataType::Utf8 => "STRING",
        DataType::Binary => "BINARY",
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INT",
        DataType::Int64 => "BIGINT",
        DataType::Date32 => "DATE",
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "TIMESTAMP",
        DataType::Timestamp(TimeUnit::Microsecond, None) => "TIMESTAMP_NTZ",
        DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Decimal128(precision, scale) => return format!("DECIMAL({precision},{scale})"),
        DataType::Struct(_) => "STRUCT",
        DataType::List(_) => "ARRAY",
        DataType::Map(..) => "MAP",
        other => return other.to_string(),
    };
    name.to_owned()
}
