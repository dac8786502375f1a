//! What the server adds to records: ids to find them by, and when and whence they came.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::model::{CalendarDate, Product, TableInfo};
use crate::writer::proto::ProductRecord;

/// The same for every record of a submission.
pub(super) struct Origins<'a> {
    pub(super) batch_id: &'a str,
    /// ISO 8601 in UTC.
    pub(super) processed_at: &'a str,
    pub(super) source: &'a str,
}

pub(super) fn product(product: Product, origins: &Origins<'_>) -> ProductRecord {
    let day = |date: Option<CalendarDate>| date.map(|date| date.to_string());
    ProductRecord {
        record_id: Some(Uuid::new_v4().to_string()),
        product_id: Some(product.product_id),
        product_name: Some(product.product_name),
        product_price: Some(product.product_price),
        category: Some(product.category),
        sale_start_date: day(product.sale_start_date),
        sale_stop_date: day(product.sale_stop_date),
        processed_at: Some(origins.processed_at.to_owned()),
        batch_id: Some(origins.batch_id.to_owned()),
        source: Some(origins.source.to_owned()),
    }
}

/// Fills [those columns](crate::model::Column::is_filled_in) of the table that the row leaves out.
pub(super) fn row(mut row: Map<String, Value>, table: &TableInfo, origins: &Origins<'_>) -> Map<String, Value> {
    for column in table.columns.iter().filter(|column| column.is_filled_in()) {
        if row.get(&column.name).is_none_or(Value::is_null) {
            let value = match column.name.as_str() {
                "record_id" => Uuid::new_v4().to_string(),
                "run_id" | "batch_id" => origins.batch_id.to_owned(),
                "processed_at" => origins.processed_at.to_owned(),
                "source" => origins.source.to_owned(),
                _ => continue,
            };
            row.insert(column.name.clone(), Value::String(value));
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_keep_what_they_bring_and_get_only_columns_that_exist() {
        let table = TableInfo::of_types(&[("record_id", "string"), ("run_id", "string"), ("site", "string")]);
        let origins = Origins { batch_id: "batch", processed_at: "now", source: "test" };
        let given = json!({"record_id": "mine", "site": "x"}).as_object().cloned().unwrap();
        let filled = row(given, &table, &origins);
        assert_eq!(Value::Object(filled), json!({"record_id": "mine", "run_id": "batch", "site": "x"}));
    }
}
