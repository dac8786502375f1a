//! The `COPY INTO` of a file.
//!
//! Databricks guesses the types of a JSON file's fields from its values and then refuses the file when a guess is not the
//! type of the column. So nothing is left to guess: with `primitivesAsString` every field is a STRING, and the SELECT makes
//! of each what its column is. Nested values are texts of JSON in the file for the same reason. A Parquet file says itself
//! what its columns are.

use super::file::Format;
use crate::model::{Column, ColumnType, TableInfo, quoted};
use crate::workspace::VolumePath;
use crate::writer::sql::{Reading, push_text, sql_type};

/// Loads the file `name` of `folder`.
pub(super) fn copy_into(table: &TableInfo, folder: &VolumePath, name: &str, format: Format) -> String {
    let (target, folder, name) = (table.name.quoted(), literal(&folder.to_string()), literal(name));
    if format == Format::Parquet {
        return format!("COPY INTO {target} FROM {folder} FILEFORMAT = PARQUET FILES = ({name})");
    }
    let columns: Vec<String> = table.columns.iter().map(selected).collect();
    format!(
        "COPY INTO {target} FROM (SELECT {} FROM {folder}) FILEFORMAT = JSON FILES = ({name}) \
         FORMAT_OPTIONS ('primitivesAsString' = 'true', 'mode' = 'FAILFAST', 'ignoreMissingFiles' = 'false')",
        columns.join(", ")
    )
}

fn selected(column: &Column) -> String {
    let name = quoted(&column.name);
    match (column.kind(), Reading::of(column)) {
        (ColumnType::String, _) => name,
        (_, Reading::Plain) => format!("CAST({name} AS {}) AS {name}", sql_type(column)),
        (_, reading) => format!("{} AS {name}", reading.expression(&name)),
    }
}

fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    push_text(&mut literal, text);
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TableName;

    #[test]
    fn every_column_is_made_what_it_is() {
        let types = [
            ("s", "string"),
            ("n`n", "smallint"),
            ("m", "decimal(5,2)"),
            ("t", "timestamp"),
            ("b", "binary"),
            ("l", "array<struct<a: int>>"),
            ("v", "variant"),
        ];
        let table = TableInfo::of_types(&types);
        let folder = VolumePath::of(&TableName::parse("a.b.v").unwrap()).join("it's");
        let expected = "COPY INTO `a`.`b`.`c` FROM (SELECT `s`, CAST(`n``n` AS SMALLINT) AS `n``n`, \
            CAST(`m` AS DECIMAL(5,2)) AS `m`, CAST(`t` AS TIMESTAMP) AS `t`, unbase64(`b`) AS `b`, \
            from_json(`l`, 'array<struct<a: int>>', map('mode', 'FAILFAST')) AS `l`, parse_json(`v`) AS `v` FROM '/Volumes/a/b/v/it\\'s') \
            FILEFORMAT = JSON FILES = ('7.json') \
            FORMAT_OPTIONS ('primitivesAsString' = 'true', 'mode' = 'FAILFAST', 'ignoreMissingFiles' = 'false')";
        assert_eq!(copy_into(&table, &folder, "7.json", Format::Json), expected);
        let expected = "COPY INTO `a`.`b`.`c` FROM '/Volumes/a/b/v/it\\'s' FILEFORMAT = PARQUET FILES = ('7.parquet')";
        assert_eq!(copy_into(&table, &folder, "7.parquet", Format::Parquet), expected);
    }
}
