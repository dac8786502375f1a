//! `INSERT ... VALUES` whose values are bound as named parameters and never part of the text: many rows in a statement, or
//! one, as the original app did.

use arrow_array::RecordBatch;

use super::cell::{Cell, cell};
use super::inserts::{Insert, MOST_PARAMETERS, MOST_VALUE_BYTES, Target, grouped, sql_type};
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
    let types: Vec<String> = target.table.columns.iter().map(sql_type).collect();
    let beginning = target.insert_into();
    let rows = (0..batch.num_rows()).map(|row| {
        let values = (0..batch.num_columns()).map(|column| Ok(text(cell(batch, column, row)?)));
        let values = values.collect::<Result<Vec<Option<String>>, WriterError>>()?;
        let size = values.iter().flatten().map(String::len).sum();
        Ok((values, size))
    });
    grouped(rows, most_rows, MOST_VALUE_BYTES, |rows| {
        let mut statement = Statement::default();
        let mut tuples = Vec::with_capacity(rows.len());
        for values in rows {
            let bind = |(value, kind): (Option<String>, &String)| statement.bind(value, kind);
            let markers: Vec<String> = values.into_iter().zip(&types).map(bind).collect();
            tuples.push(format!("({})", markers.join(", ")));
        }
        statement.text = format!("{beginning} VALUES {}", tuples.join(", "));
        statement.encode(target.warehouse)
    })
}

fn text(cell: Cell<'_>) -> Option<String> {
    if cell == Cell::Null {
        return None;
    }
    let mut text = String::new();
    cell.write_text(&mut text);
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{batch, parse, table};
    use super::*;

    fn bodies(types: &[(&str, &str)], rows: &[Value], most_rows: usize) -> Vec<Value> {
        let table = table(types);
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
