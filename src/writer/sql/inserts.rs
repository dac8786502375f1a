//! What all modes of writing by SQL have in common: the beginning of an INSERT, and how many rows go into one.

use bytes::Bytes;

use super::literals::push_text;
use crate::model::{Column, ColumnType, FieldType, TableInfo, quoted};
use crate::writer::WriterError;

/// Databricks' SQL connector documents at most 255 parameter markers for a query.
pub(super) const MOST_PARAMETERS: usize = 255;
/// The same for the values of all parameters of a query, in bytes.
pub(super) const MOST_VALUE_BYTES: usize = 1_000_000;
/// The longest statement that the SQL Statement Execution API documents, less room for what is around the rows.
pub(super) const MOST_STATEMENT_BYTES: usize = (16 << 20) - (64 << 10);

/// One INSERT, ready to be sent.
pub(super) struct Insert {
    /// Rows in it.
    pub(super) rows: u64,
    /// Bytes of their values.
    pub(super) bytes: u64,
    /// The request's body.
    pub(super) body: Bytes,
}

/// Where rows go to.
#[derive(Clone, Copy)]
pub(super) struct Target<'t> {
    pub(super) table: &'t TableInfo,
    pub(super) warehouse: &'t str,
}

impl Target<'_> {
    /// The beginning of an INSERT, up to its columns.
    pub(super) fn insert_into(&self) -> String {
        let names: Vec<String> = self.table.columns.iter().map(|column| quoted(&column.name)).collect();
        format!("INSERT INTO {} ({})", self.table.name.quoted(), names.join(", "))
    }
}

/// A column's type for SQL text.
pub(in crate::writer) fn sql_type(column: &Column) -> String {
    column.field_type().map_or_else(|_| column.type_text.clone(), |kind| kind.sql())
}

/// How SQL reads a column from a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::writer) enum Reading {
    /// The text is the value, or a CAST reads it.
    Plain,
    /// BINARY, from base64.
    Base64,
    /// Arrays, maps and structs, from JSON; with their type.
    Json(String),
    /// VARIANT, from JSON.
    Variant,
}

impl Reading {
    pub(in crate::writer) fn of(column: &Column) -> Self {
        match column.kind() {
            ColumnType::Binary => Self::Base64,
            ColumnType::Variant => Self::Variant,
            ColumnType::Other => Self::Json(sql_type(column)),
            _ => Self::Plain,
        }
    }

    /// The expression that reads `text`, itself an expression. FAILFAST, because by itself `from_json` makes NULL of what it
    /// cannot read.
    pub(in crate::writer) fn expression(&self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Base64 => format!("unbase64({text})"),
            Self::Variant => format!("parse_json({text})"),
            Self::Json(kind) => {
                let mut schema = String::new();
                push_text(&mut schema, kind);
                format!("from_json({text}, {schema}, map('mode', 'FAILFAST'))")
            }
        }
    }
}

/// Checks that SQL can read every column from a text.
///
/// # Errors
/// [`WriterError::Rejected`] for a type that nothing fills, and for maps whose keys are no text: `from_json` has none
/// (Databricks' INVALID_JSON_MAP_KEY_TYPE).
pub(in crate::writer) fn check_columns(table: &TableInfo) -> Result<(), WriterError> {
    for column in &table.columns {
        let problem = match column.field_type() {
            Ok(kind) if has_text_keys(&kind) => continue,
            Ok(_) => "SQL reads maps from JSON, and then their keys must be STRING",
            Err(_) => "SQL has no text for it",
        };
        let Column { name, type_text, .. } = column;
        return Err(WriterError::Rejected(format!(
            "column {name} has type {type_text}, which this way cannot carry: {problem}. Use zerobus, or copy-into with parquet"
        )));
    }
    Ok(())
}

fn has_text_keys(kind: &FieldType) -> bool {
    match kind {
        FieldType::Scalar(_) => true,
        FieldType::Array(item) => has_text_keys(&item.kind),
        FieldType::Map(key, value) => **key == FieldType::Scalar(ColumnType::String) && has_text_keys(&value.kind),
        FieldType::Struct(fields) => fields.iter().all(|(_, part)| has_text_keys(&part.kind)),
    }
}

/// Groups rows, each with its size in bytes, and makes an INSERT of each group. A group has at most `most_rows` rows and
/// `most_bytes` bytes; a row that is larger by itself goes alone: the workspace has the last word.
///
/// # Errors
/// The first error among the rows.
pub(super) fn grouped<Row>(
    rows: impl Iterator<Item = Result<(Row, usize), WriterError>>,
    most_rows: usize,
    most_bytes: usize,
    insert: impl Fn(Vec<Row>) -> Bytes,
) -> Result<Vec<Insert>, WriterError> {
    let mut inserts = Vec::new();
    let mut group = Vec::new();
    let mut bytes = 0;
    let mut finish = |group: Vec<Row>, bytes: usize| {
        let rows = group.len() as u64;
        inserts.push(Insert { rows, bytes: bytes as u64, body: insert(group) });
    };
    for row in rows {
        let (row, size) = row?;
        if !group.is_empty() && (group.len() >= most_rows || bytes + size > most_bytes) {
            finish(std::mem::take(&mut group), std::mem::take(&mut bytes));
        }
        bytes += size;
        group.push(row);
    }
    if !group.is_empty() {
        finish(group, bytes);
    }
    Ok(inserts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(sizes: &[usize], most_rows: usize, most_bytes: usize) -> Vec<(u64, u64)> {
        let rows = sizes.iter().map(|size| Ok(((), *size)));
        let inserts = grouped(rows, most_rows, most_bytes, |_| Bytes::new()).unwrap();
        inserts.iter().map(|insert| (insert.rows, insert.bytes)).collect()
    }

    #[test]
    fn rows_are_grouped_below_both_limits_and_a_large_one_goes_alone() {
        assert_eq!(groups(&[1; 5], 2, 100), [(2, 2), (2, 2), (1, 1)]);
        assert_eq!(groups(&[40, 60, 1, 99, 1], 9, 100), [(2, 100), (2, 100), (1, 1)]);
        assert_eq!(groups(&[1, 500, 1], 9, 100), [(1, 1), (1, 500), (1, 1)]);
        assert_eq!(groups(&[], 9, 100), []);
    }
}
