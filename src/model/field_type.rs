//! A column's type as a tree: scalars, and arrays, maps and structs of them in each other.
//!
//! Read from the column's `type_json`, which is Delta's schema JSON ("Schema Serialization Format" of the Delta protocol).
//! What depends on types - validation, samples, records, SQL text, what the page says of a column - goes by this tree.

use serde_json::Value;

use super::table::{Column, ColumnType, decimal_arguments};

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// One value; never [`ColumnType::Other`].
    Scalar(ColumnType),
    /// `ARRAY<item>`
    Array(Box<Part>),
    /// `MAP<key, value>`; a key is never null.
    Map(Box<FieldType>, Box<Part>),
    /// `STRUCT<name: type, ...>`, at least one field.
    Struct(Vec<(String, Part)>),
}

/// A type with whether null is a value of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The type.
    pub kind: FieldType,
    /// Whether null is allowed.
    pub nullable: bool,
}

impl Column {
    /// The column's type as a tree.
    ///
    /// # Errors
    /// The second half of a sentence: why no value of it can be made (INTERVAL, VOID, VARIANT inside of another type), or that
    /// the catalog gives no readable `type_json` where one is needed.
    pub fn field_type(&self) -> Result<FieldType, String> {
        match self.kind() {
            ColumnType::Other => match self.type_name.to_ascii_uppercase().as_str() {
                "ARRAY" | "MAP" | "STRUCT" => self.nested(),
                _ => Err("no writer can fill it".to_owned()),
            },
            ColumnType::Decimal { precision, scale } => decimal(precision, scale).map(FieldType::Scalar),
            kind => Ok(FieldType::Scalar(kind)),
        }
    }

    /// Reads `type_json`: the column's whole Delta field, or its type alone.
    fn nested(&self) -> Result<FieldType, String> {
        let json: Value = serde_json::from_str(&self.type_json)
            .map_err(|error| format!("the catalog gives no readable type_json for it ({error})"))?;
        let is_field = json.get("name").is_some();
        delta_type(if is_field { &json["type"] } else { &json })
    }
}

impl FieldType {
    /// The type for SQL text, names of fields in backticks. VARCHAR and CHAR are STRING: neither parameters nor `from_json`
    /// know their lengths.
    pub fn sql(&self) -> String {
        match self {
            Self::Scalar(kind) => scalar_sql(*kind),
            Self::Array(item) => format!("ARRAY<{}>", item.kind.sql()),
            Self::Map(key, value) => format!("MAP<{}, {}>", key.sql(), value.kind.sql()),
            Self::Struct(fields) => {
                let field = |(name, part): &(String, Part)| format!("{}: {}", quoted(name), part.kind.sql());
                format!("STRUCT<{}>", fields.iter().map(field).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The type for `CREATE TABLE`: [`sql`](Self::sql) with NOT NULL where a field of a struct must have a value.
    pub fn ddl(&self) -> String {
        match self {
            Self::Scalar(kind) => scalar_sql(*kind),
            Self::Array(item) => format!("ARRAY<{}>", item.kind.ddl()),
            Self::Map(key, value) => format!("MAP<{}, {}>", key.ddl(), value.kind.ddl()),
            Self::Struct(fields) => {
                let field = |(name, part): &(String, Part)| {
                    let need = if part.nullable { "" } else { " NOT NULL" };
                    format!("{}: {}{need}", quoted(name), part.kind.ddl())
                };
                format!("STRUCT<{}>", fields.iter().map(field).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Whether it holds other types.
    pub fn is_nested(&self) -> bool {
        !matches!(self, Self::Scalar(_))
    }
}

/// A name for SQL text.
pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn scalar_sql(kind: ColumnType) -> String {
    match kind {
        ColumnType::String => "STRING",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Byte => "TINYINT",
        ColumnType::Short => "SMALLINT",
        ColumnType::Int => "INT",
        ColumnType::Long => "BIGINT",
        ColumnType::Float => "FLOAT",
        ColumnType::Double => "DOUBLE",
        ColumnType::Decimal { precision, scale } => return format!("DECIMAL({precision},{scale})"),
        ColumnType::Date => "DATE",
        ColumnType::Timestamp => "TIMESTAMP",
        ColumnType::TimestampNtz => "TIMESTAMP_NTZ",
        ColumnType::Binary => "BINARY",
        ColumnType::Variant => "VARIANT",
        ColumnType::Other => "VOID",
    }
    .to_owned()
}

fn delta_type(json: &Value) -> Result<FieldType, String> {
    if let Some(name) = json.as_str() {
        return primitive(name).map(FieldType::Scalar);
    }
    let part = |kind: &str, nullable: &str| {
        let nullable = json.get(nullable).and_then(Value::as_bool).unwrap_or(true);
        delta_type(&json[kind]).map(|kind| Box::new(Part { kind, nullable }))
    };
    match json["type"].as_str() {
        Some("array") => Ok(FieldType::Array(part("elementType", "containsNull")?)),
        Some("map") => {
            Ok(FieldType::Map(Box::new(delta_type(&json["keyType"])?), part("valueType", "valueContainsNull")?))
        }
        Some("struct") => {
            let fields = json["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
            if fields.is_empty() {
                return Err("its type_json has a struct without fields".to_owned());
            }
            fields.iter().map(delta_field).collect::<Result<_, _>>().map(FieldType::Struct)
        }
        _ => Err(format!("its type_json has {json} in place of a type")),
    }
}

fn delta_field(json: &Value) -> Result<(String, Part), String> {
    let name = json["name"].as_str().ok_or_else(|| format!("its type_json has a field without a name: {json}"))?;
    let nullable = json.get("nullable").and_then(Value::as_bool).unwrap_or(true);
    Ok((name.to_owned(), Part { kind: delta_type(&json["type"])?, nullable }))
}

fn primitive(name: &str) -> Result<ColumnType, String> {
    Ok(match name {
        "string" => ColumnType::String,
        "boolean" => ColumnType::Boolean,
        "byte" => ColumnType::Byte,
        "short" => ColumnType::Short,
        "integer" => ColumnType::Int,
        "long" => ColumnType::Long,
        "float" => ColumnType::Float,
        "double" => ColumnType::Double,
        "date" => ColumnType::Date,
        "timestamp" => ColumnType::Timestamp,
        "timestamp_ntz" => ColumnType::TimestampNtz,
        "binary" => ColumnType::Binary,
        _ if name.starts_with("varchar(") || name.starts_with("char(") => ColumnType::String,
        _ if name.starts_with("decimal(") => match decimal_arguments(name) {
            Some((precision, scale)) => decimal(precision, scale)?,
            None => return Err(format!("{name} is no type of a table")),
        },
        // VARIANT inside of another type has no form that all ways in agree on.
        _ => return Err(format!("no writer can fill a {name} in it")),
    })
}

fn decimal(precision: u8, scale: u8) -> Result<ColumnType, String> {
    if !(1..=38).contains(&precision) || scale > precision {
        return Err(format!("decimal({precision},{scale}) is no type of a table"));
    }
    Ok(ColumnType::Decimal { precision, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(type_text: &str, type_json: &str) -> Column {
        Column::of("c", type_text).with_json(type_json)
    }

    #[test]
    fn nested_types_are_read_whole_with_what_may_be_null() {
        let json = r#"{"name":"c","type":{"type":"map","keyType":"string","valueType":{"type":"struct","fields":[
            {"name":"a`b","type":{"type":"array","elementType":"decimal(5,2)","containsNull":false},"nullable":false,"metadata":{}},
            {"name":"t","type":"timestamp_ntz","nullable":true,"metadata":{}}]},"valueContainsNull":true},"nullable":true,"metadata":{}}"#;
        let kind = column("map<string,struct<..>>", json).field_type().unwrap();
        assert_eq!(kind.sql(), "MAP<STRING, STRUCT<`a``b`: ARRAY<DECIMAL(5,2)>, `t`: TIMESTAMP_NTZ>>");
        let FieldType::Map(key, value) = kind else { panic!() };
        assert_eq!((*key, value.nullable), (FieldType::Scalar(ColumnType::String), true));
        let FieldType::Struct(fields) = value.kind else { panic!() };
        assert_eq!(fields.iter().map(|(_, part)| part.nullable).collect::<Vec<_>>(), [false, true]);
        let FieldType::Array(item) = &fields[0].1.kind else { panic!() };
        assert!(!item.nullable);
    }

    #[test]
    fn scalars_need_no_json_and_variant_is_one() {
        for (text, sql) in [("varchar(20)", "STRING"), ("decimal(38,18)", "DECIMAL(38,18)"), ("variant", "VARIANT")] {
            assert_eq!(column(text, "").field_type().map(|kind| kind.sql()), Ok(sql.to_owned()));
        }
    }

    #[test]
    fn what_cannot_be_filled_says_why() {
        let variants = r#"{"type":"array","elementType":"variant","containsNull":true}"#;
        for (text, json, problem) in [
            ("interval day", "", "no writer can fill it"),
            ("array<int>", "", "no readable type_json"),
            ("array<int>", r#"{"type":"array"}"#, "null in place of a type"),
            ("array<variant>", variants, "a variant in it"),
            ("struct<>", r#"{"type":"struct","fields":[]}"#, "without fields"),
            ("decimal(39,0)", "", "no type of a table"),
        ] {
            let error = column(text, json).field_type().unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
