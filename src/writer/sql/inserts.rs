//! What all modes of writing by SQL have in common: the beginning of an INSERT, and how many rows go into one.

use bytes::Bytes;

use crate::model::{ColumnType, TableInfo};
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

/// A name for SQL text.
pub(in crate::writer) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A column's type for SQL text.
pub(in crate::writer) fn sql_type(column: &crate::model::Column) -> String {
    match column.kind() {
        // Neither parameters nor from_json know the lengths of VARCHAR and CHAR.
        ColumnType::String => "STRING".to_owned(),
        ColumnType::Boolean => "BOOLEAN".to_owned(),
        ColumnType::Byte => "TINYINT".to_owned(),
        ColumnType::Short => "SMALLINT".to_owned(),
        ColumnType::Int => "INT".to_owned(),
        ColumnType::Long => "BIGINT".to_owned(),
        ColumnType::Float => "FLOAT".to_owned(),
        ColumnType::Double => "DOUBLE".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        ColumnType::Date => "DATE".to_owned(),
        ColumnType::Timestamp => column.type_name.to_ascii_uppercase(),
        ColumnType::Binary => "BINARY".to_owned(),
        ColumnType::Other => column.type_text.clone(),
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
