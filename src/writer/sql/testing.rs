//! Tables and batches for this room's tests.

use arrow_array::RecordBatch;
use serde_json::Value;

use super::inserts::Insert;
use crate::model::TableInfo;
use crate::writer::{Batch, Rows};

pub(super) fn batch(table: &TableInfo, rows: &[Value]) -> RecordBatch {
    let rows = rows.iter().map(|row| row.as_object().cloned().unwrap()).collect();
    Batch { table: table.clone(), rows: Rows::Columns(rows) }.records().unwrap().1
}

/// The request's body.
pub(super) fn parse(insert: &Insert) -> Value {
    serde_json::from_slice(&insert.body).unwrap()
}
