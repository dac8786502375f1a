//! Tables and their columns, as Unity Catalog describes them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A three-part table name, `catalog.schema.table`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TableName {
    catalog: String,
    schema: String,
    table: String,
}

/// Text that is not a three-part table name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a table name; write catalog.schema.table with letters, digits, '_' and '-'")]
pub struct TableNameError(String);

impl TableName {
    /// Reads `catalog.schema.table`. Parts are ASCII letters, digits, `_` and `-` (Zerobus takes ASCII names only),
    /// 1 to 255 characters each, and are folded to lower case as Unity Catalog does.
    ///
    /// # Errors
    /// [`TableNameError`] with the text that came.
    pub fn parse(text: &str) -> Result<Self, TableNameError> {
        let good = |part: &&str| {
            (1..=255).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        };
        let parts: Vec<&str> = text.split('.').filter(good).collect();
        match parts[..] {
            [catalog, schema, table] if text.matches('.').count() == 2 => Ok(Self {
                catalog: catalog.to_ascii_lowercase(),
                schema: schema.to_ascii_lowercase(),
                table: table.to_ascii_lowercase(),
            }),
            _ => Err(TableNameError(text.chars().take(200).collect())),
        }
    }

    /// The catalog, the first part.
    pub fn catalog(&self) -> &str {
        &self.catalog
    }

    /// The schema, the second part.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The table's own name, the third part.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The name for SQL text, each part in backticks.
    pub fn quoted(&self) -> String {
        format!("`{}`.`{}`.`{}`", self.catalog, self.schema, self.table)
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.catalog, self.schema, self.table)
    }
}

impl TryFrom<String> for TableName {
    type Error = TableNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<TableName> for String {
    fn from(name: TableName) -> Self {
        name.to_string()
    }
}

/// A column as `GET /api/2.1/unity-catalog/tables/{name}` gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The type in upper case without its arguments: `STRING`, `DECIMAL`, `ARRAY`, ...
    pub type_name: String,
    /// The type as SQL writes it: `decimal(10,2)`, `array<string>`, ...
    #[serde(default)]
    pub type_text: String,
    /// The type as Delta's schema JSON has it.
    #[serde(default)]
    pub type_json: String,
    /// Whether a row may leave it out.
    #[serde(default = "default_true")]
    pub nullable: bool,
    /// 0 for the first column.
    #[serde(default)]
    pub position: i32,
}

/// What tests make tables of.
#[cfg(test)]
impl Column {
    /// A column of a type as SQL writes it, such as `decimal(5,2)`; ` not null` may stand behind it.
    pub(crate) fn of(name: &str, text: &str) -> Self {
        let (type_text, nullable) = text.strip_suffix(" not null").map_or((text, true), |text| (text, false));
        Self {
            name: name.to_owned(),
            type_name: type_text.split(['(', '<']).next().unwrap_or_default().to_uppercase(),
            type_text: type_text.to_owned(),
            type_json: String::new(),
            nullable,
            position: 0,
        }
    }

    /// The same with its type as Delta's schema JSON has it.
    pub(crate) fn with_json(self, type_json: &str) -> Self {
        Self { type_json: type_json.to_owned(), ..self }
    }
}

#[cfg(test)]
impl TableInfo {
    /// The table `a.b.c` of these columns, in this order.
    pub(crate) fn of(columns: impl IntoIterator<Item = Column>) -> Self {
        let columns = columns.into_iter().zip(0..).map(|(column, position)| Column { position, ..column });
        Self { name: TableName::parse("a.b.c").unwrap(), columns: columns.collect() }
    }

    /// The table `a.b.c` of columns by name and [type](Column::of).
    pub(crate) fn of_types(columns: &[(&str, &str)]) -> Self {
        Self::of(columns.iter().map(|(name, text)| Column::of(name, text)))
    }
}

fn default_true() -> bool {
    true
}

/// The kinds of column types a row can be checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `STRING`
    String,
    /// `BOOLEAN`
    Boolean,
    /// `TINYINT`, 8 bits
    Byte,
    /// `SMALLINT`, 16 bits
    Short,
    /// `INT`, 32 bits
    Int,
    /// `BIGINT`, 64 bits
    Long,
    /// `FLOAT`, 32 bits
    Float,
    /// `DOUBLE`, 64 bits
    Double,
    /// `DECIMAL(precision, scale)`
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `DATE`
    Date,
    /// `TIMESTAMP`, an instant in microseconds
    Timestamp,
    /// `TIMESTAMP_NTZ`, a time of no zone in microseconds
    TimestampNtz,
    /// `BINARY`
    Binary,
    /// `VARIANT`: any JSON, which records carry as its text
    Variant,
    /// `ARRAY`, `MAP`, `STRUCT` and whatever else there is
    Other,
}

impl Column {
    /// The kind of this column's type, from `type_name` and the arguments in `type_text`.
    pub fn kind(&self) -> ColumnType {
        match self.type_name.to_ascii_uppercase().as_str() {
            "STRING" | "VARCHAR" | "CHAR" => ColumnType::String,
            "BOOLEAN" | "BOOL" => ColumnType::Boolean,
            "BYTE" | "TINYINT" => ColumnType::Byte,
            "SHORT" | "SMALLINT" => ColumnType::Short,
            "INT" | "INTEGER" => ColumnType::Int,
            "LONG" | "BIGINT" => ColumnType::Long,
            "FLOAT" | "REAL" => ColumnType::Float,
            "DOUBLE" => ColumnType::Double,
            "DATE" => ColumnType::Date,
            "TIMESTAMP" => ColumnType::Timestamp,
            "TIMESTAMP_NTZ" => ColumnType::TimestampNtz,
            "BINARY" => ColumnType::Binary,
            "VARIANT" => ColumnType::Variant,
            "DECIMAL" => {
                let (precision, scale) = decimal_arguments(&self.type_text).unwrap_or((10, 0));
                ColumnType::Decimal { precision, scale }
            }
            _ => ColumnType::Other,
        }
    }

    /// Whether the server fills it in where a row leaves it out: ids to find rows by, and when and whence they came.
    pub fn is_filled_in(&self) -> bool {
        match self.name.as_str() {
            "record_id" | "run_id" | "batch_id" | "source" => self.kind() == ColumnType::String,
            "processed_at" => {
                matches!(self.kind(), ColumnType::String | ColumnType::Timestamp | ColumnType::TimestampNtz)
            }
            _ => false,
        }
    }

    /// The most characters that a `VARCHAR(n)` or `CHAR(n)` takes, from `type_text`.
    pub fn most_characters(&self) -> Option<usize> {
        let (name, length) = self.type_text.split_once('(')?;
        let is_limited = name.eq_ignore_ascii_case("varchar") || name.eq_ignore_ascii_case("char");
        if is_limited { length.trim_end_matches(')').trim().parse().ok() } else { None }
    }
}

pub(super) fn decimal_arguments(type_text: &str) -> Option<(u8, u8)> {
    let (_, arguments) = type_text.split_once('(')?;
    let (precision, scale) = arguments.trim_end_matches(')').split_once(',')?;
    Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
}

/// A table: its name and columns in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableInfo {
    /// `catalog.schema.table`
    pub name: TableName,
    /// By position.
    pub columns: Vec<Column>,
}

impl TableInfo {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether the product form fits: exactly the ten columns of the product record are there.
    pub fn takes_products(&self) -> bool {
        self.columns.len() == super::PRODUCT_COLUMNS.len()
            && super::PRODUCT_COLUMNS.iter().all(|name| self.column(name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_names_have_three_plain_parts() {
        let name = TableName::parse("Main.Direct_Write.products").map(|name| name.to_string());
        assert_eq!(name.as_deref(), Ok("main.direct_write.products"));
        for bad in ["", "a.b", "a.b.c.d", "a..c", "a.b.c'", "a.b.`c`", "a.b.c;drop", "a.b. c", "../a.b.c", "ä.b.c"] {
            assert!(TableName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn decimal_columns_keep_their_digits() {
        let column = Column::of("price", "decimal(12, 4)");
        assert_eq!(column.kind(), ColumnType::Decimal { precision: 12, scale: 4 });
    }
}
