//! Names and statements, ready to paste.

use crate::model::TableName;

/// Columns of a table for products (the same as the form's), and for telemetry.
const PRODUCTS: &str = "  record_id STRING,\n  product_id STRING,\n  product_name STRING,\n  product_price DOUBLE,\n  \
                        category STRING,\n  sale_start_date STRING,\n  sale_stop_date STRING,\n  processed_at STRING,\n  \
                        batch_id STRING,\n  source STRING\n";
const TELEMETRY: &str = "  device_id STRING,\n  site STRING,\n  metric STRING,\n  value DOUBLE,\n  unit STRING,\n  \
                         event_time TIMESTAMP,\n  record_id STRING,\n  run_id STRING,\n  sequence BIGINT\n";
/// What Zerobus refused when the app that this one replaces was made.
pub(super) const REFUSED_FEATURES: [(&str, &str); 3] = [
    ("delta.enableRowTracking", "row tracking"),
    ("delta.enableDeletionVectors", "deletion vectors"),
    ("delta.enableChangeDataFeed", "change data feed"),
];

/// One part of a name for SQL text, in backticks where it needs them.
pub(super) fn part(name: &str) -> String {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.starts_with(|first: char| !first.is_ascii_digit());
    if plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

/// `catalog.schema.table` for SQL text.
pub(super) fn full(name: &TableName) -> String {
    [name.catalog(), name.schema(), name.table()].map(part).join(".")
}

/// `catalog.schema` for SQL text.
pub(super) fn schema(name: &TableName) -> String {
    [name.catalog(), name.schema()].map(part).join(".")
}

/// `GRANT MODIFY, SELECT ON TABLE main.s.t TO ...;`
pub(super) fn grant(privileges: &str, kind: &str, on: &str, principal: &str) -> String {
    format!("GRANT {privileges} ON {kind} {on} TO `{principal}`;")
}

/// Everything that writing to a table through Zerobus takes.
pub(super) fn all_grants(table: &TableName, principal: &str) -> String {
    [
        grant("USE CATALOG", "CATALOG", &part(table.catalog()), principal),
        grant("USE SCHEMA", "SCHEMA", &schema(table), principal),
        grant("MODIFY, SELECT", "TABLE", &full(table), principal),
    ]
    .join("\n")
}

/// The statement that makes a table as Zerobus takes it; `columns` are lines, the last without a comma.
pub(super) fn create_table(table: &TableName, columns: &str) -> String {
    let features = REFUSED_FEATURES.map(|(key, _)| format!("'{key}' = 'false'")).join(", ");
    format!("CREATE TABLE {} (\n{columns}) USING DELTA\nTBLPROPERTIES ({features});", full(table))
}

/// Columns for a table of that name that is not there yet.
pub(super) fn usual_columns(table: &TableName) -> &'static str {
    if table.table().contains("telemetry") { TELEMETRY } else { PRODUCTS }
}

/// A column's name in ASCII letters.
pub(super) fn ascii(name: &str) -> String {
    let mut plain = String::new();
    for letter in name.chars() {
        match letter {
            'ä' => plain.push_str("ae"),
            'ö' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'à' | 'á' | 'â' | 'ã' | 'å' => plain.push('a'),
            'è' | 'é' | 'ê' | 'ë' => plain.push('e'),
            'ì' | 'í' | 'î' | 'ï' => plain.push('i'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ø' => plain.push('o'),
            'ù' | 'ú' | 'û' => plain.push('u'),
            'ñ' => plain.push('n'),
            'ç' => plain.push('c'),
            letter if letter.is_ascii() => plain.push(letter),
            _ => plain.push('_'),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_have_real_names_and_quotes_where_needed() {
        let table = TableName::parse("main.direct-write.2products").unwrap();
        assert_eq!(full(&table), "main.`direct-write`.`2products`");
        let table = TableName::parse("main.direct_write.products").unwrap();
        assert_eq!(
            grant("MODIFY, SELECT", "TABLE", &full(&table), "me"),
            "GRANT MODIFY, SELECT ON TABLE main.direct_write.products TO `me`;"
        );
        assert!(create_table(&table, usual_columns(&table)).contains("'delta.enableDeletionVectors' = 'false'"));
        assert_eq!((ascii("größe"), ascii("prix_été"), ascii("値")), ("groesse".into(), "prix_ete".into(), "_".into()));
    }
}
