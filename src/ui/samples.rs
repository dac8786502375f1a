//! Data to try the page with: sample products, and sample rows made from any table's columns.
//!
//! Fixed values only: no clock and no chance, so that a press of the button always gives the same records.

use serde_json::Value;

use crate::model::receive::object;
use crate::model::{Column, ColumnType, FieldType, ProductDraft, TableInfo};

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
        let fields = table.columns.iter().filter_map(|column| Some((column.name.as_str(), of_column(column, index)?)));
        object(fields.collect())
    };
    vec![row(1), row(2)]
}

fn of_column(column: &Column, index: i64) -> Option<Value> {
    let kind = column.field_type().ok()?;
    let Some(most) = column.most_characters() else { return Some(value(&column.name, &kind, index)) };
    let text: String = format!("{} {index}", column.name.replace('_', " ")).chars().take(most).collect();
    Some(text.into())
}

/// A value of that type.
fn value(name: &str, kind: &FieldType, index: i64) -> Value {
    match kind {
        FieldType::Scalar(kind) => scalar(name, *kind, index),
        FieldType::Array(item) => {
            Value::Array(vec![value(name, &item.kind, index), value(name, &item.kind, index + 1)])
        }
        FieldType::Map(key, part) => {
            let key = match scalar_of(key).map(|kind| scalar("key", kind, index)) {
                Some(Value::String(text)) => text,
                Some(other) => other.to_string(),
                None => return object(Vec::new()),
            };
            object(vec![(key.as_str(), value(name, &part.kind, index))])
        }
        FieldType::Struct(fields) => {
            object(fields.iter().map(|(name, part)| (name.as_str(), value(name, &part.kind, index))).collect())
        }
    }
}

fn scalar_of(kind: &FieldType) -> Option<ColumnType> {
    if let FieldType::Scalar(kind) = kind { Some(*kind) } else { None }
}

fn scalar(name: &str, kind: ColumnType, index: i64) -> Value {
    match kind {
        ColumnType::String => format!("{} {index}", name.replace('_', " ")).into(),
        ColumnType::Boolean => (index % 2 == 1).into(),
        ColumnType::Byte | ColumnType::Short | ColumnType::Int | ColumnType::Long => index.into(),
        ColumnType::Float | ColumnType::Double => (index as f64 + 0.5).into(),
        ColumnType::Decimal { precision, scale } if scale < precision => index.to_string().into(),
        ColumnType::Decimal { .. } => "0.0".into(),
        ColumnType::Date => format!("2025-01-0{index}").into(),
        ColumnType::Timestamp => format!("2025-01-0{index}T12:00:00Z").into(),
        ColumnType::TimestampNtz => format!("2025-01-0{index}T12:00:00").into(),
        ColumnType::Binary => if index % 2 == 1 { "AAH/" } else { "" }.into(),
        ColumnType::Variant => object(vec![("n", index.into())]),
        ColumnType::Other => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{validate_products, validate_rows};

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
            "timestamp_ntz",
            "binary",
            "variant",
            "varchar(2)",
            "array<..>",
        ];
        let json = r#"{"type":"array","containsNull":true,"elementType":{"type":"map","keyType":"integer","valueContainsNull":true,
            "valueType":{"type":"struct","fields":[{"name":"a","type":"date","nullable":false,"metadata":{}}]}}}"#;
        let column = |(index, text): (usize, &&str)| {
            Column::of(&format!("c{index}"), &format!("{text} not null")).with_json(json)
        };
        let table = TableInfo::of(types.iter().enumerate().map(column));
        assert_eq!(validate_rows(&rows(&table), &table).err(), None);
    }
}
