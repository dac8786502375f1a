//! Data to try the page with: sample products, and sample rows made from any table's columns.
//!
//! Fixed values only: no clock and no chance, so that a press of the button always gives the same records.

use serde_json::Value;

use crate::model::receive::object;
use crate::model::{Column, ColumnType, ProductDraft, TableInfo};

const PRODUCTS: [[&str; 6]; 5] = [
    ["PROD001", "Wireless Headphones", "129.99", "electronics", "2025-03-01", "2025-03-31"],
    ["PROD002", "Trail Running Shoes", "89.50", "sports", "2025-04-15", "2025-06-30"],
    ["PROD003", "Espresso Machine", "349.00", "home", "2025-02-01", "2025-02-28"],
    ["PROD004", "Desk Lamp", "24.95", "home", "", ""],
    ["PROD005", "Smart Watch", "499.99", "electronics", "2025-01-01", "2025-12-31"],
];

/// Five products that keep every rule; one of them has no sale dates.
pub fn products() -> Vec<ProductDraft> {
    let draft = |[id, name, price, category, start, stop]: [&str; 6]| ProductDraft {
        product_id: id.to_owned(),
        product_name: name.to_owned(),
        product_price: price.to_owned(),
        category: category.to_owned(),
        sale_start_date: start.to_owned(),
        sale_stop_date: stop.to_owned(),
    };
    PRODUCTS.map(draft).to_vec()
}

/// Two rows that fit `table`'s columns; columns of types that cannot be filled in are left out.
pub fn rows(table: &TableInfo) -> Vec<Value> {
    let row = |index: i64| {
        let fields = table.columns.iter().filter_map(|column| Some((column.name.as_str(), value(column, index)?)));
        object(fields.collect())
    };
    vec![row(1), row(2)]
}

fn value(column: &Column, index: i64) -> Option<Value> {
    let value = match column.kind() {
        ColumnType::String => format!("{} {index}", column.name.replace('_', " ")).into(),
        ColumnType::Boolean => (index % 2 == 1).into(),
        ColumnType::Byte | ColumnType::Short | ColumnType::Int | ColumnType::Long => index.into(),
        ColumnType::Float | ColumnType::Double => (index as f64 + 0.5).into(),
        ColumnType::Decimal { precision, scale } if scale < precision => index.to_string().into(),
        ColumnType::Decimal { .. } => "0.0".into(),
        ColumnType::Date => format!("2025-01-0{index}").into(),
        ColumnType::Timestamp => format!("2025-01-0{index}T12:00:00Z").into(),
        ColumnType::Binary | ColumnType::Other => return None,
    };
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TableName, validate_products, validate_rows};

    #[test]
    fn sample_products_keep_every_rule() {
        let items: Vec<Value> = products().iter().map(ProductDraft::to_json).collect();
        assert_eq!(validate_products(&items).map(|good| good.len()), Ok(5));
        assert!(items.iter().any(|item| item["product_id"] == "PROD005" && item["product_price"] == 499.99));
    }

    #[test]
    fn sample_rows_fit_the_columns_they_are_made_from() {
        let types = [
            "string",
            "boolean",
            "tinyint",
            "int",
            "bigint",
            "double",
            "decimal(5,2)",
            "decimal(2,2)",
            "date",
            "timestamp",
        ];
        let columns = types.iter().zip(0..).map(|(type_text, position)| Column {
            name: format!("c{position}"),
            type_name: type_text.split('(').next().unwrap_or_default().to_uppercase(),
            type_text: (*type_text).to_owned(),
            type_json: String::new(),
            nullable: false,
            position,
        });
        let name = TableName::parse("a.b.c").unwrap_or_else(|_| unreachable!());
        let table = TableInfo { name, columns: columns.collect() };
        assert_eq!(validate_rows(&rows(&table), &table).err(), None);
    }
}
