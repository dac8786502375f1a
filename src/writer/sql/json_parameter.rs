//! One JSON array as a single bound parameter, which the warehouse takes apart: no value is ever part of a statement's
//! text, and a statement is as long for a thousand rows as for one.

use arrow_array::RecordBatch;

use super::inserts::{Insert, MOST_VALUE_BYTES, Reading, Target, grouped, sql_type};
use super::json::{Nested, Objects};
use super::literals::push_text;
use crate::model::{Column, quoted};
use crate::workspace::Statement;
use crate::writer::WriterError;

/// Makes INSERTs whose parameter is as long as parameters may be.
///
/// # Errors
/// [`WriterError::Rejected`] for a value that SQL has no text for.
pub(super) fn inserts(target: Target<'_>, batch: &RecordBatch) -> Result<Vec<Insert>, WriterError> {
    let objects = Objects::new(batch, Nested::Inline);
    let text = statement(target);
    let rows = (0..batch.num_rows()).map(|row| {
        let mut object = String::with_capacity(64 * batch.num_columns());
        objects.push(&mut object, row)?;
        let size = object.len() + ",".len();
        Ok((object, size))
    });
    grouped(rows, usize::MAX, MOST_VALUE_BYTES - "[".len(), |objects: Vec<String>| {
        let mut statement = Statement::new(text.clone());
        statement.bind(Some(format!("[{}]", objects.join(","))), "STRING");
        statement.encode(target.warehouse)
    })
}

/// FAILFAST, because by itself `from_json` makes NULL of what it cannot read. A VARIANT is text of JSON within the JSON.
fn statement(target: Target<'_>) -> String {
    let columns = &target.table.columns;
    let is_variant = |column: &&Column| Reading::of(column) == Reading::Variant;
    let field = |column: &Column| {
        let kind = if is_variant(&column) { "STRING".to_owned() } else { sql_type(column) };
        format!("{}: {kind}", quoted(&column.name))
    };
    let fields: Vec<String> = columns.iter().map(field).collect();
    let mut schema = String::new();
    push_text(&mut schema, &format!("ARRAY<STRUCT<{}>>", fields.join(", ")));
    let selected = if columns.iter().any(|column| is_variant(&column)) {
        let selected = columns.iter().map(|column| {
            let field = format!("r.{}", quoted(&column.name));
            if is_variant(&column) { Reading::Variant.expression(&field) } else { field }
        });
        selected.collect::<Vec<_>>().join(", ")
    } else {
        "r.*".to_owned()
    };
    format!(
        "{} SELECT {selected} FROM (SELECT explode(from_json(:p0, {schema}, map('mode', 'FAILFAST'))) AS r)",
        target.insert_into()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{batch, parse};
    use super::*;
    use crate::model::TableInfo;

    #[test]
    fn a_statement_has_the_schema_and_one_parameter() {
        let table = TableInfo::of_types(&[("a`b", "string"), ("t", "timestamp"), ("m", "decimal(5,2)")]);
        let rows = [json!({"a`b": "'); --", "t": 0, "m": "1.5"}), json!({})];
        let inserts = inserts(Target { table: &table, warehouse: "w" }, &batch(&table, &rows)).unwrap();
        let body = parse(&inserts[0]);
        let text = "INSERT INTO `a`.`b`.`c` (`a``b`, `t`, `m`) SELECT r.* FROM (SELECT explode(from_json(:p0, \
            'ARRAY<STRUCT<`a``b`: STRING, `t`: TIMESTAMP, `m`: DECIMAL(5,2)>>', map('mode', 'FAILFAST'))) AS r)";
        assert_eq!(body["statement"], text);
        let [parameter] = body["parameters"].as_array().unwrap().as_slice() else { panic!("{body}") };
        assert_eq!((&parameter["name"], &parameter["type"]), (&json!("p0"), &json!("STRING")));
        let payload: Value = serde_json::from_str(parameter["value"].as_str().unwrap()).unwrap();
        let first = json!({"a`b": "'); --", "t": "1970-01-01T00:00:00.000000Z", "m": "1.50"});
        assert_eq!(payload, json!([first, {"a`b": null, "t": null, "m": null}]));
    }

    #[test]
    fn a_variant_is_read_from_its_text() {
        let table = TableInfo::of_types(&[("a", "int"), ("v", "variant")]);
        let inserts = inserts(Target { table: &table, warehouse: "w" }, &batch(&table, &[json!({"v": [1]})])).unwrap();
        let body = parse(&inserts[0]);
        let text = "INSERT INTO `a`.`b`.`c` (`a`, `v`) SELECT r.`a`, parse_json(r.`v`) FROM (SELECT explode(from_json(:p0, \
            'ARRAY<STRUCT<`a`: INT, `v`: STRING>>', map('mode', 'FAILFAST'))) AS r)";
        assert_eq!(body["statement"], text);
        assert_eq!(body["parameters"][0]["value"], "[{\"a\":null,\"v\":\"[1]\"}]");
    }

    #[test]
    fn parameters_stay_below_their_limit() {
        let table = TableInfo::of_types(&[("s", "string")]);
        let rows = vec![json!({"s": "x".repeat(300_000)}); 7];
        let inserts = inserts(Target { table: &table, warehouse: "w" }, &batch(&table, &rows)).unwrap();
        assert_eq!(inserts.iter().map(|insert| insert.rows).collect::<Vec<_>>(), [3, 3, 1]);
        let longest = inserts.iter().map(|insert| parse(insert)["parameters"][0]["value"].as_str().unwrap().len());
        assert!(longest.max().unwrap() <= MOST_VALUE_BYTES);
    }
}
