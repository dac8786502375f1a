//! What a column's values are on the way through Zerobus, for people: the field of the protobuf message and the value in JSON.
//!
//! Whether a column can be carried is the SDK's descriptor's word; what is said of it is put together here.

use super::encode::protobuf::table_descriptor;
use crate::model::{Column, ColumnType, FieldType, TableInfo};

/// The forms of a column's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The protobuf field, such as `repeated int64`; or why there is none.
    pub protobuf: Result<String, String>,
    /// The value in JSON, such as `[whole number, ...]`; or why there is none.
    pub json: Result<String, String>,
}

/// How a column of `table` is carried.
pub fn carried(table: &TableInfo, column: &Column) -> Carried {
    let kind = match column.field_type() {
        Ok(kind) => kind,
        Err(problem) => {
            let problem = format!("A column of type {} stays empty: {problem}.", column.type_text);
            return Carried { protobuf: Err(problem.clone()), json: Err(problem) };
        }
    };
    let alone = TableInfo { name: table.name.clone(), columns: vec![column.clone()] };
    let described = || table_descriptor(&alone).map(|_| ()).map_err(|error| format!("{error}."));
    let protobuf = protobuf_field(&kind).and_then(|text| described().map(|()| text));
    Carried { protobuf, json: Ok(json_value(&kind)) }
}

fn protobuf_field(kind: &FieldType) -> Result<String, String> {
    match kind {
        FieldType::Scalar(kind) => Ok(protobuf_scalar(*kind).to_owned()),
        FieldType::Array(item) => match &item.kind {
            FieldType::Array(_) | FieldType::Map(..) => {
                Err("Protobuf has no arrays of arrays or maps. Send JSON records.".to_owned())
            }
            kind => Ok(format!("repeated {}", protobuf_field(kind)?)),
        },
        FieldType::Map(key, value) => match &value.kind {
            FieldType::Array(_) | FieldType::Map(..) => {
                Err("Protobuf has no maps of arrays or maps. Send JSON records.".to_owned())
            }
            kind => Ok(format!("map<{}, {}>", protobuf_field(key)?, protobuf_field(kind)?)),
        },
        FieldType::Struct(fields) => {
            let fields = fields.iter().map(|(name, part)| Ok(format!("{} {name}", protobuf_field(&part.kind)?)));
            Ok(format!("message {{ {} }}", fields.collect::<Result<Vec<_>, String>>()?.join("; ")))
        }
    }
}

fn protobuf_scalar(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::String | ColumnType::Variant | ColumnType::Decimal { .. } => "string",
        ColumnType::Boolean => "bool",
        ColumnType::Byte | ColumnType::Short | ColumnType::Int | ColumnType::Date => "int32",
        ColumnType::Long | ColumnType::Timestamp | ColumnType::TimestampNtz => "int64",
        ColumnType::Float => "float",
        ColumnType::Double => "double",
        ColumnType::Binary => "bytes",
        ColumnType::Other => "nothing",
    }
}

fn json_value(kind: &FieldType) -> String {
    match kind {
        FieldType::Scalar(kind) => json_scalar(*kind).to_owned(),
        FieldType::Array(item) => format!("[{}, ...]", json_value(&item.kind)),
        FieldType::Map(_, value) => format!("{{\"key\": {}, ...}}", json_value(&value.kind)),
        FieldType::Struct(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, part)| format!("\"{name}\": {}", json_value(&part.kind))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

fn json_scalar(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::String => "text",
        ColumnType::Boolean => "true or false",
        ColumnType::Byte | ColumnType::Short | ColumnType::Int | ColumnType::Long => "whole number",
        ColumnType::Float | ColumnType::Double => "number",
        ColumnType::Decimal { .. } => "decimal as text",
        ColumnType::Date => "days since 1970",
        ColumnType::Timestamp | ColumnType::TimestampNtz => "microseconds since 1970",
        ColumnType::Binary => "base64 text",
        ColumnType::Variant => "JSON as text",
        ColumnType::Other => "nothing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(type_text: &str, type_json: &str) -> Carried {
        let table = TableInfo::of([Column::of("c", type_text).with_json(type_json)]);
        carried(&table, &table.columns[0])
    }

    #[test]
    fn every_type_says_what_its_values_become() {
        for (text, protobuf, json) in [
            ("decimal(5,2)", "string", "decimal as text"),
            ("date", "int32", "days since 1970"),
            ("variant", "string", "JSON as text"),
            ("binary", "bytes", "base64 text"),
        ] {
            let carried = of(text, "");
            assert_eq!((carried.protobuf.as_deref(), carried.json.as_deref()), (Ok(protobuf), Ok(json)), "{text}");
        }
        let json = r#"{"name":"c","type":{"type":"array","containsNull":true,"elementType":{"type":"struct","fields":[
            {"name":"a","type":"long","nullable":true,"metadata":{}},
            {"name":"m","type":{"type":"map","keyType":"string","valueType":"float","valueContainsNull":true},"nullable":true,"metadata":{}}
            ]}},"nullable":true,"metadata":{}}"#;
        let carried = of("array<struct<a:bigint,m:map<string,float>>>", json);
        assert_eq!(carried.protobuf.as_deref(), Ok("repeated message { int64 a; map<string, float> m }"));
        assert_eq!(carried.json.as_deref(), Ok("[{\"a\": whole number, \"m\": {\"key\": number, ...}}, ...]"));
    }

    #[test]
    fn what_protobuf_cannot_carry_says_what_can() {
        let json = r#"{"name":"c","type":{"type":"array","containsNull":true,"elementType":{"type":"array","elementType":"long",
            "containsNull":true}},"nullable":true,"metadata":{}}"#;
        let carried = of("array<array<bigint>>", json);
        assert!(carried.protobuf.unwrap_err().contains("Send JSON records"));
        assert_eq!(carried.json.as_deref(), Ok("[[whole number, ...], ...]"));
        assert!(of("interval day", "").json.is_err());
    }
}
