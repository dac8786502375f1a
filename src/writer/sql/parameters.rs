//! `INSERT ... VALUES` whose values are bound as named parameters and never part of the text: many rows in a statement, or
//! one, as the original app did.

use arrow_array::{Array, RecordBatch};

use super::cell::refused;
use super::inserts::{Insert, MOST_PARAMETERS, MOST_VALUE_BYTES, Reading, Target, grouped, sql_type};
use super::json::readable;
use crate::workspace::Statement;
use crate::writer::WriterError;

/// How many rows of a table fit into a statement.
pub(super) fn most_rows(columns: usize) -> usize {
    (MOST_PARAMETERS / columns.max(1)).max(1)
}

/// Makes INSERTs of at most `most_rows` rows.
///
/// # Errors
/// [`WriterError::Rejected`] for a value that has no text.
pub(super) fn inserts(target: Target<'_>, batch: &RecordBatch, most_rows: usize) -> Result<Vec<Insert>, WriterError> {
    let column = |column| match Reading::of(column) {
        Reading::Plain => (sql_type(column), Reading::Plain),
        reading => ("STRING".to_owned(), reading),
    };
    let columns: Vec<(String, Reading)> = target.table.columns.iter().map(column).collect();
    let beginning = target.insert_into();
    let rows = (0..batch.num_rows()).map(|row| {
        let values = (0..batch.num_columns()).map(|column| text(batch, column, row));
        let values = values.collect::<Result<Vec<Option<String>>, WriterError>>()?;
        let size = values.iter().flatten().map(String::len).sum();
        Ok((values, size))
    });
    grouped(rows, most_rows, MOST_VALUE_BYTES, |rows| {
        let mut statement = Statement::default();
        let mut tuples = Vec::with_capacity(rows.len());
        for values in rows {
            let bind = |(value, (kind, reading)): (Option<String>, &(String, Reading))| {
                reading.expression(&statement.bind(value, kind))
            };
            let markers: Vec<String> = values.into_iter().zip(&columns).map(bind).collect();
            tuples.push(format!("({})", markers.join(", ")));
        }
        statement.text = format!("{beginning} VALUES {}", tuples.join(", "));
        statement.encode(target.warehouse)
    })
}

fn text(batch: &RecordBatch, column: usize, row: usize) -> Result<Option<String>, WriterError> {
    let array = batch.column(column);
    if array.is_null(row) {
        return Ok(None);
    }
    readable(array, row).map(Some).map_err(|problem| refused(batch, column, &problem))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{batch, parse};
    use super::*;
    use crate::model::TableInfo;

    fn bodies(types: &[(&str, &str)], rows: &[Value], most_rows: usize) -> Vec<Value> {
        let table = TableInfo::of_types(types);
        let target = Target { table: &table, warehouse: "w" };
        inserts(target, &batch(&table, rows), most_rows).unwrap().iter().map(parse).collect()
    }

    #[test]
    fn values_are_bound_and_never_part_of_the_text() {
        let attack = "'); DROP TABLE a.b.c; --";
        let rows = [json!({"s": attack, "d": "1.50", "t": 1_500_000}), json!({"s": null})];
        let body = bodies(&[("s", "string"), ("d", "decimal(10,2)"), ("t", "timestamp")], &rows, 85).remove(0);
        let text = "INSERT INTO `a`.`b`.`c` (`s`, `d`, `t`) VALUES (:p0, :p1, :p2), (:p3, :p4, :p5)";
        assert_eq!(body["statement"], text);
        assert_eq!(body["parameters"][0], json!({"name": "p0", "value": attack, "type": "STRING"}));
        assert_eq!(body["parameters"][1], json!({"name": "p1", "value": "1.50", "type": "DECIMAL(10,2)"}));
        let time = "1970-01-01T00:00:01.500000Z";
        assert_eq!(body["parameters"][2], json!({"name": "p2", "value": time, "type": "TIMESTAMP"}));
        assert_eq!(body["parameters"][3]["value"], Value::Null);
    }

    #[test]
    fn what_no_parameter_can_be_is_read_from_a_text() {
        let mut table = TableInfo::of_types(&[("b", "binary"), ("v", "variant"), ("l", "array")]);
        table.columns[2].type_json = r#"{"type":"array","elementType":"date","containsNull":true}"#.to_owned();
        let rows = [json!({"b": "AAH/", "v": {"a": 1}, "l": ["1969-12-31", null]}), json!({})];
        let target = Target { table: &table, warehouse: "w" };
        let body = parse(&inserts(target, &batch(&table, &rows), 85).unwrap().remove(0));
        let from_json = |marker| format!("from_json({marker}, 'ARRAY<DATE>', map('mode', 'FAILFAST'))");
        let text = format!(
            "INSERT INTO `a`.`b`.`c` (`b`, `v`, `l`) VALUES (unbase64(:p0), parse_json(:p1), {}), \
             (unbase64(:p3), parse_json(:p4), {})",
            from_json(":p2"),
            from_json(":p5")
        );
        assert_eq!(body["statement"], text);
        let values: Vec<_> = body["parameters"].as_array().unwrap().iter().map(|one| one["value"].clone()).collect();
        let null = Value::Null;
        let list = json!("[\"1969-12-31\",null]");
        assert_eq!(values, [json!("AAH/"), json!("{\"a\":1}"), list, null.clone(), null.clone(), null]);
        assert!(body["parameters"].as_array().unwrap().iter().all(|one| one["type"] == "STRING"));
    }

    #[test]
    fn statements_stay_below_the_limits_of_parameters_and_of_bytes() {
        assert_eq!((most_rows(1), most_rows(9), most_rows(300), most_rows(0)), (255, 28, 1, 255));
        let sizes: Vec<usize> = bodies(&[("s", "string")], &vec![json!({"s": "x"}); 300], most_rows(1))
            .iter()
            .map(|body| body["parameters"].as_array().map(Vec::len).unwrap())
            .collect();
        assert_eq!(sizes, [255, 45]);
        assert_eq!(bodies(&[("s", "string")], &vec![json!({"s": "x"}); 3], 1).len(), 3);
        let large = json!({"s": "x".repeat(400_000)});
        assert_eq!(bodies(&[("s", "string")], &vec![large; 5], 255).len(), 3);
    }
}
