//! Which columns of a table a kind of records fills, and with what; and the ids that every kind writes.

use arrow_schema::{DataType, SchemaRef};

use super::super::cells::Cells;
use super::super::ids::RecordIds;
use crate::model::{EdgeError, FieldError, SourceKind, TableInfo};
use crate::writer::run_columns;

/// The ids of a run's records.
pub(super) struct RunIds {
    pub(super) record: RecordIds,
    pub(super) run: Box<str>,
}

impl RunIds {
    pub(super) fn new(seed: u64, run_id: &str) -> Self {
        Self { record: RecordIds::new(seed), run: run_id.into() }
    }

    #[inline]
    pub(super) fn push_record_id(&self, ordinal: u64, cells: &mut Cells) {
        cells.push_bytes(|bytes| bytes.extend_from_slice(&self.record.id(ordinal)));
    }

    #[inline]
    pub(super) fn push_run_id(&self, cells: &mut Cells) {
        cells.push_bytes(|bytes| bytes.extend_from_slice(self.run.as_bytes()));
    }
}

/// What goes into a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot<Value> {
    RecordId,
    RunId,
    /// A column that this kind knows nothing of.
    Null,
    Value(Value),
}

/// A column that a kind of records fills.
pub(super) struct Known<Value> {
    pub(super) name: &'static str,
    pub(super) value: Value,
    /// Whether the kind makes no sense without it.
    pub(super) required: bool,
    /// How the accepted types are called.
    pub(super) types: &'static str,
    pub(super) takes: fn(&DataType) -> bool,
}

/// What goes into each column of `table`, in order.
///
/// # Errors
/// Every column that is missing, of another type, or unknown and not nullable.
pub(super) fn layout<Value: Copy>(
    kind: SourceKind,
    table: &TableInfo,
    schema: &SchemaRef,
    known: &[Known<Value>],
) -> Result<Vec<Slot<Value>>, EdgeError> {
    let ids = run_columns(table);
    let mut errors = Vec::new();
    let mut fail = |name: &str, rule: &str, message: String, came: &str| {
        errors.push(FieldError::new(format!("table.{name}"), rule, message, Some(&came.into())));
    };
    for one in known.iter().filter(|one| one.required && table.column(one.name).is_none()) {
        fail(
            one.name,
            "required",
            format!("Records of {} need this column ({}).", kind.name(), one.types),
            "no such column",
        );
    }
    let slot = |(index, field): (usize, &arrow_schema::FieldRef)| {
        if ids.record_id == Some(index) {
            return Slot::RecordId;
        }
        if ids.run_id == Some(index) {
            return Slot::RunId;
        }
        match known.iter().find(|one| one.name == field.name()) {
            Some(one) if (one.takes)(field.data_type()) => return Slot::Value(one.value),
            Some(one) => {
                let message = format!("Records of {} need {} here.", kind.name(), one.types);
                fail(one.name, "type", message, &table.columns[index].type_text);
            }
            None if !field.is_nullable() => {
                let message = format!("Records of {} leave this column empty, and it must have a value.", kind.name());
                fail(field.name(), "unknown", message, &table.columns[index].type_text);
            }
            None => {}
        }
        Slot::Null
    };
    let slots = schema.fields().iter().enumerate().map(slot).collect();
    if errors.is_empty() {
        return Ok(slots);
    }
    Err(EdgeError {
        error_code: "INVALID_PARAMETER_VALUE".to_owned(),
        message: format!(
            "Records of {} do not fit {}. Nothing was written. Choose the source columns, or another table.",
            kind.name(),
            table.name
        ),
        details: errors,
    })
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    *data_type == DataType::Utf8
}

pub(super) fn is_double(data_type: &DataType) -> bool {
    *data_type == DataType::Float64
}

pub(super) fn is_long(data_type: &DataType) -> bool {
    *data_type == DataType::Int64
}

pub(super) fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..))
}

pub(super) fn is_text_or_date(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Date32)
}

pub(super) fn is_text_or_time(data_type: &DataType) -> bool {
    is_text(data_type) || is_time(data_type)
}
