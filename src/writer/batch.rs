//! What one write call carries.

use arrow_array::RecordBatch;
use serde_json::{Map, Value, json};

use super::proto::ProductRecord;
use super::{WriterError, records_from_rows};
use crate::model::TableInfo;

/// Rows for one table.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The table as it was when the rows were checked against it.
    pub table: TableInfo,
    /// The rows.
    pub rows: Rows,
}

impl Batch {
    /// The rows by column, and the table without the columns of types that nothing fills in.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a value that does not fit its column, which rows that were checked have none of.
    pub(super) fn records(&self) -> Result<(TableInfo, RecordBatch), WriterError> {
        let mut table = self.table.clone();
        table.columns.retain(|column| column.field_type().is_ok());
        let records = records_from_rows(&table, &self.rows.to_json())?;
        Ok((table, records))
    }
}

/// The rows of a batch: products as their own message, anything else by column.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Rows of a products table.
    Products(Vec<ProductRecord>),
    /// JSON objects that were checked against the table's columns.
    Columns(Vec<Map<String, Value>>),
}

impl Rows {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::Products(rows) => rows.len(),
            Self::Columns(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows as JSON objects by column; empty columns are null for products and left out otherwise.
    pub fn to_json(&self) -> Vec<Map<String, Value>> {
        match self {
            Self::Products(rows) => rows.iter().map(product_to_json).collect(),
            Self::Columns(rows) => rows.clone(),
        }
    }
}

fn product_to_json(row: &ProductRecord) -> Map<String, Value> {
    let fields = [
        ("record_id", json!(row.record_id)),
        ("product_id", json!(row.product_id)),
        ("product_name", json!(row.product_name)),
        ("product_price", json!(row.product_price)),
        ("category", json!(row.category)),
        ("sale_start_date", json!(row.sale_start_date)),
        ("sale_stop_date", json!(row.sale_stop_date)),
        ("processed_at", json!(row.processed_at)),
        ("batch_id", json!(row.batch_id)),
        ("source", json!(row.source)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_nothing_fills_are_left_out_and_the_others_keep_their_places() {
        let table = TableInfo::of_types(&[("a", "tinyint"), ("v", "interval day"), ("d", "decimal(5,2)")]);
        let row = json!({"a": 1, "v": null, "d": "1.5"}).as_object().cloned().unwrap();
        let (used, records) = Batch { table, rows: Rows::Columns(vec![row]) }.records().unwrap();
        let kept: Vec<_> = used.columns.iter().map(|column| (column.name.as_str(), column.position)).collect();
        assert_eq!(kept, [("a", 0), ("d", 2)]);
        assert_eq!((records.num_rows(), records.num_columns()), (1, 2));
    }
}
