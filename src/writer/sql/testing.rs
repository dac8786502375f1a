//! Tables and batches for this room's tests.

use arrow_array::RecordBatch;
use serde_json::Value;

use super::inserts::Insert;
use crate::model::{Column, TableInfo, TableName};
use crate::writer::{Batch, Rows};

/// The table `a.b.c` of columns, each with its name and type.
pub(super) fn table(types: &[(&str, &str)]) -> TableInfo {
    let columns = types.iter().zip(0..).map(|((name, type_text), position)| Column {
        name: (*name).to_owned(),
        type_name: type_text.split('(').next().unwrap_or_default().to_uppercase(),
        type_text: (*type_text).to_owned(),
        type_json: String::new(),
        nullable: true,
        position,
    });
    TableInfo { name: TableName::parse("a.b.c").unwrap(), columns: columns.collect() }
}

pub(super) fn batch(table: &TableInfo, rows: &[Value]) -> RecordBatch {
    let rows = rows.iter().map(|row| row.as_object().cloned().unwrap()).collect();
    Batch { table: table.clone(), rows: Rows::Columns(rows) }.records().unwrap().1
}

/// The request's body.
pub(super) fn parse(insert: &Insert) -> Value {
    serde_json::from_slice(&insert.body).unwrap()
}
