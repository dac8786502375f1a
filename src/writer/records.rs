//! Records of a run as Arrow batches: which columns they have for a table, and which of them tell a run's rows apart.
//!
//! Knows Unity Catalog's column types and Arrow's; nothing of what any way in makes of them.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

use super::WriterError;
use crate::model::{Column, ColumnType, FieldType, Part, TableInfo};

/// The schema of a run's record batches: the table's columns by name, in order, each with the table's nullability.
///
/// STRING is Utf8, TINYINT to BIGINT are Int8 to Int64, DECIMAL is Decimal128, DATE is Date32, TIMESTAMP is microseconds with
/// the zone `UTC`, TIMESTAMP_NTZ microseconds without one, VARIANT the text of its JSON. ARRAY, MAP and STRUCT come from the column's `type_json` and have
/// Delta's names for their parts: `element`, and `key_value` of `key` and `value`.
///
/// # Errors
/// [`WriterError::Rejected`] for a column of a type that no way in can fill (INTERVAL, VOID, VARIANT inside of another), or without a readable
/// `type_json` where one is needed.
pub fn arrow_schema(table: &TableInfo) -> Result<SchemaRef, WriterError> {
    let field = |column: &Column| {
        let kind = column.field_type().map_err(|problem| {
            let Column { name, type_text, .. } = column;
            WriterError::Rejected(format!("column {name} of {} has type {type_text}: {problem}", table.name))
        })?;
        Ok(Field::new(&column.name, arrow_type(&kind), column.nullable))
    };
    let fields = table.columns.iter().map(field).collect::<Result<Vec<_>, WriterError>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

/// The columns by which a run's rows are found again, as indexes into [`TableInfo::columns`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunColumns {
    /// `record_id`, if the table has such a text column.
    pub record_id: Option<usize>,
    /// `run_id`, or `batch_id` where there is no `run_id`, if it is a text column.
    pub run_id: Option<usize>,
}

/// Which columns of `table` carry the record id and the run id.
pub fn run_columns(table: &TableInfo) -> RunColumns {
    let text_column =
        |name| table.columns.iter().position(|column| column.name == name && column.kind() == ColumnType::String);
    RunColumns {
        record_id: text_column("record_id"),
        run_id: text_column("run_id").or_else(|| text_column("batch_id")),
    }
}

fn arrow_type(kind: &FieldType) -> DataType {
    let of = |name: &str, part: &Part| field(name, arrow_type(&part.kind), part.nullable);
    match kind {
        FieldType::Scalar(kind) => scalar(*kind),
        FieldType::Array(item) => DataType::List(of("element", item)),
        FieldType::Map(key, value) => {
            let entries = Fields::from(vec![field("key", arrow_type(key), false), of("value", value)]);
            DataType::Map(field("key_value", DataType::Struct(entries), false), false)
        }
        FieldType::Struct(fields) => DataType::Struct(fields.iter().map(|(name, part)| of(name, part)).collect()),
    }
}

fn scalar(kind: ColumnType) -> DataType {
    match kind {
        // A VARIANT is the text of its JSON.
        ColumnType::String | ColumnType::Variant => DataType::Utf8,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Byte => DataType::Int8,
        ColumnType::Short => DataType::Int16,
        ColumnType::Int => DataType::Int32,
        ColumnType::Long => DataType::Int64,
        ColumnType::Float => DataType::Float32,
        ColumnType::Double => DataType::Float64,
        // At most 38: the reading of the type has seen to it.
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(0)),
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::TimestampNtz => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::Binary => DataType::Binary,
        ColumnType::Other => DataType::Null,
    }
}

fn field(name: &str, data_type: DataType, nullable: bool) -> FieldRef {
    Arc::new(Field::new(name, data_type, nullable))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[(&str, &str, &str)]) -> TableInfo {
        let mut table = TableInfo::of(columns.iter().map(|(name, text, json)| Column::of(name, text).with_json(json)));
        table.columns[0].nullable = false;
        table
    }

    #[test]
    fn plain_columns_have_their_arrow_types() {
        let micros = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        let cases = [
            ("string", DataType::Utf8),
            ("boolean", DataType::Boolean),
            ("tinyint", DataType::Int8),
            ("smallint", DataType::Int16),
            ("int", DataType::Int32),
            ("bigint", DataType::Int64),
            ("float", DataType::Float32),
            ("double", DataType::Float64),
            ("decimal(12,4)", DataType::Decimal128(12, 4)),
            ("date", DataType::Date32),
            ("timestamp", micros(Some("UTC"))),
            ("timestamp_ntz", micros(None)),
            ("binary", DataType::Binary),
            ("variant", DataType::Utf8),
        ];
        for (type_text, expected) in cases {
            let schema = arrow_schema(&table(&[("c", type_text, "")])).unwrap();
            assert_eq!(schema.fields().as_ref(), [field("c", expected, false)], "{type_text}");
        }
    }

    #[test]
    fn nested_columns_come_from_the_delta_schema() {
        let list = r#"{"name":"c","type":{"type":"array","elementType":"decimal(5,2)","containsNull":false},"nullable":true,"metadata":{}}"#;
        let map = r#"{"type":"map","keyType":"string","valueType":{"type":"array","elementType":"timestamp_ntz","containsNull":true},"valueContainsNull":true}"#;
        let record = r#"{"name":"c","type":{"type":"struct","fields":[
            {"name":"a","type":"integer","nullable":false,"metadata":{}},{"name":"b","type":"binary","nullable":true,"metadata":{}}]},"nullable":true,"metadata":{}}"#;
        let columns = [("l", "array<decimal(5,2)>", list), ("m", "map<..>", map), ("s", "struct<..>", record)];
        let schema = arrow_schema(&table(&columns)).unwrap();
        let types: Vec<DataType> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
        let times = DataType::List(field("element", DataType::Timestamp(TimeUnit::Microsecond, None), true));
        let entries = vec![field("key", DataType::Utf8, false), field("value", times, true)];
        let expected = [
            DataType::List(field("element", DataType::Decimal128(5, 2), false)),
            DataType::Map(field("key_value", DataType::Struct(entries.into()), false), false),
            DataType::Struct(vec![field("a", DataType::Int32, false), field("b", DataType::Binary, true)].into()),
        ];
        assert_eq!(types, expected);
    }

    #[test]
    fn columns_that_cannot_be_filled_are_named() {
        let cases = [
            ("interval day", "", "no writer can fill it"),
            ("array<int>", "", "no readable type_json"),
            ("array<int>", r#"{"type":"array"}"#, "null in place of a type"),
            ("array<variant>", r#"{"type":"array","elementType":"variant","containsNull":true}"#, "a variant in it"),
            ("struct<>", r#"{"type":"struct","fields":[]}"#, "without fields"),
            ("decimal(39,0)", "", "no type of a table"),
        ];
        for (type_text, type_json, problem) in cases {
            let error = arrow_schema(&table(&[("c", type_text, type_json)])).unwrap_err();
            assert_eq!(error.code(), "INVALID_ARGUMENT");
            let text = error.to_string();
            assert!(text.starts_with("column c of a.b.c has type ") && text.contains(problem), "{text}");
        }
    }

    #[test]
    fn the_columns_of_a_run_are_text() {
        let found = |columns: &[(&str, &str, &str)]| run_columns(&table(columns));
        let both = [("batch_id", "string", ""), ("record_id", "string", ""), ("run_id", "string", "")];
        assert_eq!(found(&both), RunColumns { record_id: Some(1), run_id: Some(2) });
        assert_eq!(found(&both[..2]), RunColumns { record_id: Some(1), run_id: Some(0) });
        assert_eq!(found(&[("record_id", "bigint", ""), ("run_id", "int", "")]), RunColumns::default());
    }
}
