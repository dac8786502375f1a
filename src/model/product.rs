//! The product record: what the form and `/api/v1/process-structured` take, and its rules.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{CalendarDate, FieldError, parse_number};

/// Most records one submission may carry.
pub const MAX_ITEMS: usize = 100;

/// The columns of a products table, in order; the first and the last three are filled in by the server.
pub const PRODUCT_COLUMNS: [&str; 10] = [
    "record_id",
    "product_id",
    "product_name",
    "product_price",
    "category",
    "sale_start_date",
    "sale_stop_date",
    "processed_at",
    "batch_id",
    "source",
];

/// The columns a caller fills in.
pub const PRODUCT_INPUT_COLUMNS: [&str; 6] =
    ["product_id", "product_name", "product_price", "category", "sale_start_date", "sale_stop_date"];

/// A product as typed into the form: text that may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductDraft {
    /// 1 to 50 characters.
    pub product_id: String,
    /// 1 to 200 characters.
    pub product_name: String,
    /// A decimal number, 0 or more.
    pub product_price: String,
    /// 1 to 50 characters.
    pub category: String,
    /// `YYYY-MM-DD`, or empty when the sale has no first day.
    pub sale_start_date: String,
    /// `YYYY-MM-DD`, or empty when the sale has no last day; not before the start.
    pub sale_stop_date: String,
}

impl ProductDraft {
    /// The JSON that is sent for this draft: empty fields are left out, a price that is a finite number becomes one.
    pub fn to_json(&self) -> Value {
        let mut item = Map::new();
        for column in PRODUCT_INPUT_COLUMNS {
            let text = self.field(column).trim();
            if text.is_empty() {
                continue;
            }
            let number = (column == "product_price").then(|| parse_number(text)).flatten();
            let value = number.and_then(serde_json::Number::from_f64).map_or_else(|| text.into(), Value::Number);
            item.insert(column.to_owned(), value);
        }
        Value::Object(item)
    }

    /// The text of one of [`PRODUCT_INPUT_COLUMNS`]; empty for any other name.
    pub fn field(&self, column: &str) -> &str {
        match column {
            "product_id" => &self.product_id,
            "product_name" => &self.product_name,
            "product_price" => &self.product_price,
            "category" => &self.category,
            "sale_start_date" => &self.sale_start_date,
            "sale_stop_date" => &self.sale_stop_date,
            _ => "",
        }
    }

    /// Sets one of [`PRODUCT_INPUT_COLUMNS`]; other names are ignored.
    pub fn set_field(&mut self, column: &str, text: String) {
        match column {
            "product_id" => self.product_id = text,
            "product_name" => self.product_name = text,
            "product_price" => self.product_price = text,
            "category" => self.category = text,
            "sale_start_date" => self.sale_start_date = text,
            "sale_stop_date" => self.sale_stop_date = text,
            _ => {}
        }
    }
}

/// A product that keeps every rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// 1 to 50 characters, not blank.
    pub product_id: String,
    /// 1 to 200 characters, not blank.
    pub product_name: String,
    /// Finite and not negative; unit of currency is the table owner's.
    pub product_price: f64,
    /// 1 to 50 characters, not blank.
    pub category: String,
    /// First day of the sale.
    pub sale_start_date: Option<CalendarDate>,
    /// Last day of the sale, not before the first.
    pub sale_stop_date: Option<CalendarDate>,
}

/// Checks a whole submission: 1 to [`MAX_ITEMS`] products.
///
/// # Errors
/// Every broken rule of every item, in the order of the items.
pub fn validate_products(items: &[Value]) -> Result<Vec<Product>, Vec<FieldError>> {
    super::row::validate_all(items, validate_product)
}

/// Checks one product; `path` is put in front of the field names (`items[0]`).
///
/// # Errors
/// Every broken rule of the item.
pub fn validate_product(item: &Value, path: &str) -> Result<Product, Vec<FieldError>> {
    let Value::Object(fields) = item else {
        return Err(vec![FieldError::new(path, "type", "A product must be a JSON object.", Some(item))]);
    };
    let mut check = Check { fields, path, errors: Vec::new() };
    let product_id = check.text("product_id", 50);
    let product_name = check.text("product_name", 200);
    let product_price = check.price();
    let category = check.text("category", 50);
    let sale_start_date = check.date("sale_start_date");
    let sale_stop_date = check.date("sale_stop_date");
    if let (Some(start), Some(stop)) = (sale_start_date, sale_stop_date)
        && stop < start
    {
        check.fail("sale_stop_date", "order", format!("The sale must not stop before it starts ({start})."));
    }
    for name in fields.keys().filter(|name| !PRODUCT_INPUT_COLUMNS.contains(&name.as_str())) {
        check.fail(name, "unknown", "This is not a field of a product.");
    }
    match (product_id, product_name, product_price, category) {
        (Some(product_id), Some(product_name), Some(product_price), Some(category)) if check.errors.is_empty() => {
            Ok(Product { product_id, product_name, product_price, category, sale_start_date, sale_stop_date })
        }
        _ => Err(check.errors),
    }
}

struct Check<'a> {
    fields: &'a Map<String, Value>,
    path: &'a str,
    errors: Vec<FieldError>,
}

impl Check<'_> {
    fn fail(&mut self, name: &str, rule: &str, message: impl Into<String>) {
        self.errors.push(FieldError::new(format!("{}.{name}", self.path), rule, message, self.fields.get(name)));
    }

    fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        let message = match self.fields.get(name) {
            None | Some(Value::Null) => {
                self.fail(name, "required", "This field is required.");
                return None;
            }
            Some(Value::String(text)) if text.trim().is_empty() => "This field must not be empty.".to_owned(),
            Some(Value::String(text)) => match text.chars().count() {
                count if count > longest => format!("At most {longest} characters; these are {count}."),
                _ => return Some(text.clone()),
            },
            Some(_) => {
                self.fail(name, "type", "This field must be text.");
                return None;
            }
        };
        self.fail(name, "length", message);
        None
    }

    fn price(&mut self) -> Option<f64> {
        let name = "product_price";
        match self.fields.get(name) {
            None | Some(Value::Null) => self.fail(name, "required", "This field is required."),
            Some(Value::Number(number)) => match number.as_f64() {
                Some(price) if !price.is_finite() => self.fail(name, "finite", "The price must be finite."),
                Some(price) if price < 0.0 => self.fail(name, "minimum", "The price must be 0 or more."),
                Some(price) => return Some(price),
                None => self.fail(name, "finite", "The price must be finite."),
            },
            Some(Value::String(text)) if parse_number(text).is_some_and(|price| !price.is_finite()) => {
                self.fail(name, "finite", "The price must be finite.");
            }
            Some(_) => self.fail(name, "type", "The price must be a number, such as 499.99."),
        }
        None
    }

    fn date(&mut self, name: &str) -> Option<CalendarDate> {
        match self.fields.get(name) {
            None | Some(Value::Null) => return None,
            Some(Value::String(text)) => match CalendarDate::parse(text) {
                Some(date) => return Some(date),
                None => self.fail(name, "date", "This must be a day that exists, written YYYY-MM-DD."),
            },
            Some(_) => self.fail(name, "type", "This must be a day written as text, YYYY-MM-DD."),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn watch() -> Value {
        json!({"product_id": "PROD005", "product_name": "Smart Watch", "product_price": 499.99,
            "category": "electronics", "sale_start_date": "2025-01-01", "sale_stop_date": "2025-12-31"})
    }

    fn rules(items: &[Value]) -> Vec<(String, String)> {
        validate_products(items).err().unwrap_or_default().into_iter().map(|error| (error.path, error.rule)).collect()
    }

    #[test]
    fn a_complete_product_passes_and_dates_may_be_left_out() {
        assert_eq!(validate_products(&[watch()]).map(|products| products[0].product_price), Ok(499.99));
        let bare = json!({"product_id": "a", "product_name": "b", "product_price": 0, "category": "c"});
        assert_eq!(validate_products(&[bare]).map(|products| products[0].sale_start_date), Ok(None));
    }

    #[test]
    fn every_error_of_every_item_comes_at_once() {
        let bad = json!({"product_id": "", "product_name": "x".repeat(201), "product_price": -1, "category": 7,
            "sale_start_date": "2025-02-30", "sale_stop_date": 20250101, "colour": "red"});
        let late = {
            let mut item = watch();
            item["sale_stop_date"] = json!("2024-12-31");
            item
        };
        let found = rules(&[watch(), bad, late, json!("text")]);
        let expected = [
            ("items[1].product_id", "length"),
            ("items[1].product_name", "length"),
            ("items[1].product_price", "minimum"),
            ("items[1].category", "type"),
            ("items[1].sale_start_date", "date"),
            ("items[1].sale_stop_date", "type"),
            ("items[1].colour", "unknown"),
            ("items[2].sale_stop_date", "order"),
            ("items[3]", "type"),
        ];
        assert_eq!(found, expected.map(|(path, rule)| (path.to_owned(), rule.to_owned())));
    }

    #[test]
    fn the_number_of_items_is_bounded() {
        assert_eq!(rules(&[]), [("items".to_owned(), "count".to_owned())]);
        assert_eq!(rules(&vec![watch(); MAX_ITEMS + 1]), [("items".to_owned(), "count".to_owned())]);
        assert_eq!(validate_products(&vec![watch(); MAX_ITEMS]).map(|products| products.len()), Ok(MAX_ITEMS));
    }

    #[test]
    fn a_draft_becomes_the_json_that_is_sent() {
        let draft = ProductDraft { product_id: " P1 ".into(), product_price: "12.50".into(), ..Default::default() };
        assert_eq!(draft.to_json(), json!({"product_id": "P1", "product_price": 12.5}));
        let draft = ProductDraft { product_price: "1e999".into(), ..Default::default() };
        let errors = validate_product(&draft.to_json(), "items[0]").err().unwrap_or_default();
        assert!(errors.iter().any(|error| error.rule == "finite"), "{errors:?}");
        let draft = ProductDraft { product_price: "cheap".into(), ..Default::default() };
        let errors = validate_product(&draft.to_json(), "items[0]").err().unwrap_or_default();
        assert!(errors.iter().any(|error| error.path.ends_with("price") && error.rule == "type"), "{errors:?}");
    }

    #[test]
    fn what_came_is_shown_shortened() {
        let item = json!({"product_id": "x".repeat(500), "product_name": "n", "product_price": 1, "category": "c"});
        let errors = validate_product(&item, "items[0]").err().unwrap_or_default();
        assert_eq!(errors[0].came.chars().count(), 80);
        assert_eq!(errors[0].message, "At most 50 characters; these are 500.");
    }
}
