//! `INSERT ... VALUES` with typed literals in the text: as many rows as a statement may be long.
//!
//! The only mode whose text has values in it, so everything that could end a literal is escaped here.

use arrow_array::{Array, RecordBatch};
use bytes::Bytes;

use super::cell::{Cell, cell, refused};
use super::inserts::{Insert, MOST_STATEMENT_BYTES, Reading, Target, grouped, sql_type};
use super::json::readable;
use crate::model::{Column, ColumnType};
use crate::workspace::Statement;
use crate::writer::WriterError;

/// Makes INSERTs that are as long as statements may be.
///
/// # Errors
/// [`WriterError::Rejected`] for a value that has no literal.
pub(super) fn inserts(target: Target<'_>, batch: &RecordBatch) -> Result<Vec<Insert>, WriterError> {
    let kinds: Vec<Kind> = target.table.columns.iter().map(Kind::of).collect();
    let beginning = target.insert_into();
    let rows = (0..batch.num_rows()).map(|row| {
        let mut tuple = String::with_capacity(32 * kinds.len());
        for (column, kind) in kinds.iter().enumerate() {
            tuple.push_str(if column == 0 { "(" } else { ", " });
            match kind {
                Kind::Read(reading) => push_read(&mut tuple, batch, column, row, reading)?,
                kind => push_literal(&mut tuple, cell(batch, column, row)?, kind),
            }
        }
        tuple.push(')');
        let size = length_in_json(&tuple) + ", ".len();
        Ok((tuple, size))
    });
    grouped(rows, usize::MAX, MOST_STATEMENT_BYTES, |tuples: Vec<String>| -> Bytes {
        Statement::new(format!("{beginning} VALUES {}", tuples.join(", "))).encode(target.warehouse)
    })
}

/// How values of a column say their type.
enum Kind {
    /// Plain literals do.
    Plain,
    /// `CAST(... AS <type>)` does.
    Cast(String),
    /// A function that reads a text does.
    Read(Reading),
}

impl Kind {
    fn of(column: &Column) -> Self {
        match column.kind() {
            // A plain number is an INT, a BIGINT or a DOUBLE, and one with a point is not the same everywhere.
            ColumnType::Byte | ColumnType::Short | ColumnType::Decimal { .. } => Self::Cast(sql_type(column)),
            ColumnType::Variant | ColumnType::Other => Self::Read(Reading::of(column)),
            _ => Self::Plain,
        }
    }
}

fn push_read(
    out: &mut String,
    batch: &RecordBatch,
    column: usize,
    row: usize,
    reading: &Reading,
) -> Result<(), WriterError> {
    let array = batch.column(column);
    if array.is_null(row) {
        out.push_str("NULL");
        return Ok(());
    }
    let text = readable(array, row).map_err(|problem| refused(batch, column, &problem))?;
    let mut literal = String::with_capacity(text.len() + 2);
    push_text(&mut literal, &text);
    out.push_str(&reading.expression(&literal));
    Ok(())
}

fn push_literal(out: &mut String, cell: Cell<'_>, kind: &Kind) {
    let wrapped = |out: &mut String, before: &str, after: &str| {
        out.push_str(before);
        cell.write_text(out);
        out.push_str(after);
    };
    match cell {
        Cell::Null => out.push_str("NULL"),
        Cell::Text(text) => push_text(out, text),
        Cell::Bytes(bytes) => push_bytes(out, bytes),
        Cell::Date(_) => wrapped(out, "DATE'", "'"),
        Cell::Timestamp(_) => wrapped(out, "TIMESTAMP'", "'"),
        Cell::LocalTime(_) => wrapped(out, "TIMESTAMP_NTZ'", "'"),
        Cell::Float(value) if !value.is_finite() => wrapped(out, "CAST('", "' AS FLOAT)"),
        Cell::Double(value) if !value.is_finite() => wrapped(out, "CAST('", "' AS DOUBLE)"),
        // The literal is a DOUBLE: the FLOAT's exact value in it becomes the same FLOAT again.
        Cell::Float(value) => Cell::Double(value.into()).write_text(out),
        Cell::Bool(_) | Cell::Int(_) | Cell::Double(_) | Cell::Decimal(..) => match kind {
            Kind::Plain => cell.write_text(out),
            Kind::Read(_) => cell.write_text(out),
            // As a text, so that no digit goes through a DOUBLE.
            Kind::Cast(sql_type) => wrapped(out, "CAST('", &format!("' AS {sql_type})")),
        },
    }
}

/// A STRING literal of Databricks SQL, in which a backslash escapes; a doubled quote would end it there, as two literals
/// next to each other are one. `${...}` is a variable of Spark's even inside of a literal (`spark.sql.variable.substitute`),
/// so it is written with an escape in it that means nothing else.
pub(in crate::writer) fn push_text(out: &mut String, text: &str) {
    out.push('\'');
    let mut after_dollar = false;
    for letter in text.chars() {
        if matches!(letter, '\'' | '\\') || (letter == '{' && after_dollar) {
            out.push('\\');
        }
        out.push(letter);
        after_dollar = letter == '$';
    }
    out.push('\'');
}

fn push_bytes(out: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    out.push_str("X'");
    for byte in bytes {
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    out.push('\'');
}

/// Bytes of a text inside of a JSON string: at least as many as it has itself, so that neither the statement nor the
/// request is longer than the limit.
fn length_in_json(text: &str) -> usize {
    let escapes = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x8 | 0xc => 1,
        0..=0x1f => 5,
        _ => 0,
    };
    text.len() + text.bytes().map(escapes).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{batch, parse};
    use super::*;
    use crate::model::TableInfo;

    fn statements(types: &[(&str, &str)], rows: &[Value]) -> Vec<String> {
        let table = TableInfo::of_types(types);
        let target = Target { table: &table, warehouse: "w" };
        let inserts = inserts(target, &batch(&table, rows)).unwrap();
        inserts.iter().map(|insert| parse(insert)["statement"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_type_has_its_literal() {
        let types = [
            ("s", "string"),
            ("b", "boolean"),
            ("i1", "tinyint"),
            ("i8", "bigint"),
            ("f", "float"),
            ("d", "double"),
            ("m", "decimal(38,2)"),
            ("day", "date"),
            ("t", "timestamp"),
            ("n", "timestamp_ntz"),
        ];
        let row = json!({"s": "a", "b": true, "i1": -5, "i8": i64::MIN, "f": 0.1, "d": 1e300, "m": "-12.30",
            "day": "2025-01-31", "t": -1, "n": 0});
        let expected = "INSERT INTO `a`.`b`.`c` (`s`, `b`, `i1`, `i8`, `f`, `d`, `m`, `day`, `t`, `n`) VALUES \
            ('a', true, CAST('-5' AS TINYINT), -9223372036854775808, 1.0000000149011612e-1, 1e300, \
            CAST('-12.30' AS DECIMAL(38,2)), DATE'2025-01-31', TIMESTAMP'1969-12-31T23:59:59.999999Z', \
            TIMESTAMP_NTZ'1970-01-01T00:00:00.000000'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)";
        assert_eq!(statements(&types, &[row, json!({})]), [expected]);
        let mut out = String::new();
        push_literal(&mut out, Cell::Bytes(&[0, 0xaf, 0xff]), &Kind::Plain);
        push_literal(&mut out, Cell::Double(f64::NEG_INFINITY), &Kind::Plain);
        assert_eq!(out, "X'00AFFF'CAST('-Infinity' AS DOUBLE)");
    }

    #[test]
    fn what_has_no_literal_is_read_from_a_text() {
        let mut table = TableInfo::of_types(&[("v", "variant"), ("l", "array")]);
        table.columns[1].type_json = r#"{"type":"array","elementType":"string","containsNull":true}"#.to_owned();
        let rows = [json!({"v": "{\"a\": 1}", "l": ["it's", null]}), json!({})];
        let target = Target { table: &table, warehouse: "w" };
        let text = "INSERT INTO `a`.`b`.`c` (`v`, `l`) VALUES (parse_json('{\"a\": 1}'), \
            from_json('[\"it\\'s\",null]', 'ARRAY<STRING>', map('mode', 'FAILFAST'))), (NULL, NULL)";
        assert_eq!(parse(&inserts(target, &batch(&table, &rows)).unwrap()[0])["statement"], text);
    }

    #[test]
    fn nothing_in_a_text_ends_its_literal() {
        let cases = [
            ("'); DROP TABLE t; --", r"'\'); DROP TABLE t; --'"),
            (r"\", r"'\\'"),
            (r"\'", r"'\\\''"),
            ("''", r"'\'\''"),
            ("${spark.sql.ansi.enabled} $ {", r"'$\{spark.sql.ansi.enabled} $ {'"),
            ("$${x}", r"'$$\{x}'"),
            ("\n\0ü😀\u{2028}", "'\n\0ü😀\u{2028}'"),
            ("", "''"),
        ];
        for (text, literal) in cases {
            let mut out = String::new();
            push_text(&mut out, text);
            assert_eq!(out, literal);
        }
    }

    #[test]
    fn neither_a_statement_nor_its_body_is_longer_than_the_limit() {
        let rows = vec![json!({"s": "\\\"\n\u{1}".repeat(500_000)}); 7];
        let table = TableInfo::of_types(&[("s", "string")]);
        let inserts = inserts(Target { table: &table, warehouse: "w" }, &batch(&table, &rows)).unwrap();
        assert_eq!(inserts.iter().map(|insert| insert.rows).sum::<u64>(), 7);
        assert!(inserts.len() > 1);
        assert!(inserts.iter().all(|insert| insert.body.len() <= 16 << 20 && insert.rows >= 1));
    }
}
