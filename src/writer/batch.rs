//! What one write call carries.

mod records;

use serde_json::{Map, Value, json};

use super::proto::ProductRecord;
use crate::model::TableInfo;

/// Rows for one table.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The table as it was when the rows were checked against it.
    pub table: TableInfo,
    /// The rows.
    pub rows: Rows,
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
