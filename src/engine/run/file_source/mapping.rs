//! Which column each field of a file goes to: what the plan says, else the column of the same name; for the upload page also
//! what looks alike.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::model::{Column, EdgeError, FieldError, FieldMapping, TableInfo};
use crate::writer::run_columns;

/// The plan's word about fields. All others keep their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping {
    /// By field; empty for one that is left out.
    columns: BTreeMap<String, String>,
}

impl Mapping {
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for columns that there are not, that no file can fill, or that two fields go to.
    pub(super) fn new(map: &BTreeMap<String, String>, table: &TableInfo) -> Result<Self, EdgeError> {
        let mut errors = Vec::new();
        let mut taken = BTreeSet::new();
        for (field, column) in map.iter().filter(|(_, column)| !column.is_empty()) {
            let mut fail = |rule: &str, message: String| {
                errors.push(FieldError::new(
                    format!("source.map.{field:?}"),
                    rule,
                    message,
                    Some(&column.as_str().into()),
                ));
            };
            match table.column(column) {
                None => fail("unknown", format!("{} has no such column.", table.name)),
                Some(known) if !can_fill(known) => fail("unsupported", no_file_fills(known)),
                Some(_) if !taken.insert(column) => fail("exclusive", format!("Another field goes to {column}, too.")),
                Some(_) => {}
            }
        }
        if errors.is_empty() { Ok(Self { columns: map.clone() }) } else { Err(EdgeError::invalid(errors)) }
    }

    /// Looks for what would spoil every record: fields of a header that go nowhere or to the same column, and columns that must
    /// have a value and get none. Without a header, only columns that no record can fill are known beforehand.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` with all of them.
    pub(super) fn check(&self, header: Option<&[String]>, table: &TableInfo) -> Result<(), EdgeError> {
        let mut errors = Vec::new();
        let mut filled: BTreeMap<&str, &str> = BTreeMap::new();
        for field in header.unwrap_or_default() {
            let column = self.column_of(field);
            let mut fail = |rule: &str, message: String| {
                errors.push(FieldError::new(format!("header.{field}"), rule, message, Some(&column.into())));
            };
            match table.column(column) {
                _ if column.is_empty() => {}
                None => fail("unknown", format!("{} has no such column. {CHOOSE}", table.name)),
                Some(known) if !can_fill(known) => fail("unsupported", no_file_fills(known)),
                Some(_) => {
                    if let Some(other) = filled.insert(column, field) {
                        fail("exclusive", format!("Field {other} goes to the same column. {CHOOSE}"));
                    }
                }
            }
        }
        for column in needed(table).filter(|column| match header {
            Some(_) => !filled.contains_key(column.name.as_str()),
            None => !can_fill(column),
        }) {
            let message = "This column must have a value, and no field goes to it.";
            errors.push(FieldError::new(format!("table.{}", column.name), "required", message, None));
        }
        if errors.is_empty() { Ok(()) } else { Err(EdgeError::invalid(errors)) }
    }

    /// A record's fields by column.
    ///
    /// # Errors
    /// When two of its fields go to the same column.
    pub(super) fn columns_of(&self, fields: Map<String, Value>) -> Result<Map<String, Value>, FieldError> {
        if self.columns.is_empty() {
            return Ok(fields);
        }
        let mut by_column = Map::with_capacity(fields.len());
        for (field, value) in fields {
            let column = self.column_of(&field);
            if column.is_empty() {
                continue;
            }
            if by_column.insert(column.to_owned(), value).is_some() {
                let message = format!("Another field of the record goes to column {column}, too.");
                return Err(FieldError::new(format!(".{field}"), "exclusive", message, Some(&column.into())));
            }
        }
        Ok(by_column)
    }

    fn column_of<'a>(&'a self, field: &'a str) -> &'a str {
        self.columns.get(field).map_or(field, String::as_str)
    }

    /// What the upload page shows: the plan's word, the column of the same name, or a free one whose name looks alike.
    pub(super) fn propose(&self, fields: &[(String, String)], table: &TableInfo) -> Vec<FieldMapping> {
        let mut free: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let sure = |field: &str| match self.columns.get(field) {
            Some(column) => Some(column.as_str()),
            None => table.column(field).filter(|column| can_fill(column)).map(|column| column.name.as_str()),
        };
        for (field, _) in fields {
            free.retain(|column| sure(field) != Some(column));
        }
        let propose = |(field, sample): &(String, String)| {
            let column = sure(field).or_else(|| {
                let found = free
                    .iter()
                    .position(|column| plain(column) == plain(field) && table.column(column).is_some_and(can_fill))?;
                Some(free.remove(found))
            });
            FieldMapping { field: field.clone(), column: column.map(str::to_owned), sample: sample.clone() }
        };
        fields.iter().map(propose).collect()
    }

    /// The mapping as proposed; fields without a column are left out.
    pub(super) fn of_proposal(fields: &[FieldMapping]) -> Self {
        let entry = |field: &FieldMapping| (field.field.clone(), field.column.clone().unwrap_or_default());
        Self { columns: fields.iter().map(entry).collect() }
    }
}

/// What to do about a field that does not fit.
pub(super) const CHOOSE: &str = "Map the field to a column, or to \"\" to leave it out.";

/// Columns that must have a value and are not filled in with ids.
pub(super) fn needed(table: &TableInfo) -> impl Iterator<Item = &Column> {
    let ids = run_columns(table);
    let is_id = move |index| ids.record_id == Some(index) || ids.run_id == Some(index);
    let columns = table.columns.iter().enumerate();
    columns.filter(move |(index, column)| !column.nullable && !is_id(*index)).map(|(_, column)| column)
}

/// Whether the validation takes values for such a column.
fn can_fill(column: &Column) -> bool {
    column.field_type().is_ok()
}

fn no_file_fills(column: &Column) -> String {
    format!("Columns of type {} cannot be filled.", column.type_text)
}

/// A name without what people write differently.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
