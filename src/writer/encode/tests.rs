//! Every type by example, read back by other code than ours. That any table's rows come back from the local lakehouse's
//! decoders is tested there.

use std::collections::HashMap;

use arrow_array::builder::{Int32Builder, ListBuilder, MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType;
use databricks_zerobus_ingest_sdk::{DynamicMessage, Value as Proto, message_descriptor};
use serde_json::json;

use super::arrow::{ArrowEncoder, size};
use super::column::put_decimal;
use super::json::JsonEncoder;
use super::protobuf::{ProtobufEncoder, table_descriptor};
use super::*;
use crate::model::{Column as TableColumn, TableInfo, TableName};
use crate::writer::arrow_schema;

const ARRAY: &str = r#"{"type":"array","elementType":"integer","containsNull":true}"#;
const MAP: &str = r#"{"type":"map","keyType":"string","valueType":"integer","valueContainsNull":true}"#;
const STRUCT: &str = r#"{"type":"struct","fields":[{"name":"a","type":"string","nullable":true,"metadata":{}},
    {"name":"b","type":"decimal(5,2)","nullable":true,"metadata":{}}]}"#;

fn table(columns: &[(&str, &str, &str)]) -> TableInfo {
    let columns = columns.iter().map(|(name, text, json)| TableColumn::of(name, text).with_json(json));
    TableInfo { name: TableName::parse("a.b.my-table").unwrap(), ..TableInfo::of(columns) }
}

fn list() -> ListBuilder<Int32Builder> {
    let element = arrow_schema::Field::new("element", DataType::Int32, true);
    ListBuilder::new(Int32Builder::new()).with_field(element)
}

fn map() -> MapBuilder<StringBuilder, Int32Builder> {
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    MapBuilder::new(Some(names), StringBuilder::new(), Int32Builder::new())
}

fn batch(table: &TableInfo, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(arrow_schema(table).unwrap(), columns).unwrap()
}

/// A column of each type; the second row is all null.
fn every_type() -> (TableInfo, RecordBatch) {
    let table = table(&[
        ("s", "string", ""),
        ("flag", "boolean", ""),
        ("tiny", "tinyint", ""),
        ("small", "smallint", ""),
        ("i", "int", ""),
        ("big", "bigint", ""),
        ("f", "float", ""),
        ("d", "double", ""),
        ("price", "decimal(10,2)", ""),
        ("day", "date", ""),
        ("at", "timestamp", ""),
        ("local", "timestamp_ntz", ""),
        ("bytes", "binary", ""),
        ("list", "array<int>", ARRAY),
        ("map", "map<string,int>", MAP),
        ("struct", "struct<a:string,b:decimal(5,2)>", STRUCT),
    ]);
    let (mut list, mut map) = (list(), map());
    list.append_value([Some(1), Some(-2)]);
    list.append_null();
    map.keys().append_value("k\"");
    map.values().append_value(7);
    map.append(true).unwrap();
    map.append(false).unwrap();
    let DataType::Struct(fields) = arrow_schema(&table).unwrap().field(15).data_type().clone() else {
        panic!("no struct")
    };
    let price = |values: Vec<Option<i128>>, precision| {
        Decimal128Array::from(values).with_precision_and_scale(precision, 2).unwrap()
    };
    let parts: Vec<ArrayRef> =
        vec![Arc::new(StringArray::from(vec![Some("x"), None])), Arc::new(price(vec![Some(-5), None], 5))];
    let nulls = arrow_buffer::NullBuffer::from(vec![true, false]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("ü\n"), None])),
        Arc::new(BooleanArray::from(vec![Some(true), None])),
        Arc::new(Int8Array::from(vec![Some(-128), None])),
        Arc::new(Int16Array::from(vec![Some(300), None])),
        Arc::new(Int32Array::from(vec![Some(-1), None])),
        Arc::new(Int64Array::from(vec![Some(i64::MAX), None])),
        Arc::new(Float32Array::from(vec![Some(0.1), None])),
        Arc::new(Float64Array::from(vec![Some(-1.5e300), None])),
        Arc::new(price(vec![Some(-1250), None], 10)),
        Arc::new(Date32Array::from(vec![Some(-1), None])),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(1_500_000), None]).with_timezone("UTC")),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(-7), None])),
        Arc::new(BinaryArray::from(vec![Some(&[0, 255, 7][..]), None])),
        Arc::new(list.finish()),
        Arc::new(map.finish()),
        Arc::new(StructArray::new(fields, parts, Some(nulls))),
    ];
    let batch = batch(&table, columns);
    (table, batch)
}

fn protobuf(table: &TableInfo, batch: &RecordBatch) -> Result<Vec<Vec<u8>>, WriterError> {
    ProtobufEncoder::new(&table_descriptor(table)?, arrow_schema(table)?)?.encode(batch)
}

#[test]
fn every_type_is_its_field_of_a_message() {
    let (table, batch) = every_type();
    let messages = protobuf(&table, &batch).unwrap();
    assert!(messages[1].is_empty(), "what is null is not set");
    let descriptor = message_descriptor(&table_descriptor(&table).unwrap()).unwrap();
    let message = DynamicMessage::decode(descriptor, messages[0].as_slice()).unwrap();
    let expected = [
        ("s", Proto::String("ü\n".to_owned())),
        ("flag", Proto::Bool(true)),
        ("tiny", Proto::I32(-128)),
        ("small", Proto::I32(300)),
        ("i", Proto::I32(-1)),
        ("big", Proto::I64(i64::MAX)),
        ("f", Proto::F32(0.1)),
        ("d", Proto::F64(-1.5e300)),
        ("price", Proto::String("-12.50".to_owned())),
        ("day", Proto::I32(-1)),
        ("at", Proto::I64(1_500_000)),
        ("local", Proto::I64(-7)),
        ("bytes", Proto::Bytes(vec![0, 255, 7].into())),
        ("list", Proto::List(vec![Proto::I32(1), Proto::I32(-2)])),
    ];
    for (name, value) in expected {
        assert_eq!(*message.get_field_by_name(name).unwrap(), value, "{name}");
    }
    let map = message.get_field_by_name("map").unwrap().as_map().unwrap().clone();
    let map: HashMap<String, Proto> =
        map.into_iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), value)).collect();
    assert_eq!(map, HashMap::from([("k\"".to_owned(), Proto::I32(7))]));
    let part = message.get_field_by_name("struct").unwrap().as_message().unwrap().clone();
    assert_eq!(*part.get_field_by_name("b").unwrap(), Proto::String("-0.05".to_owned()));
    assert_eq!(message.unknown_fields().count(), 0);
}

#[test]
fn field_numbers_are_positions_and_columns_may_be_missing() {
    let mut table = table(&[("a", "int", ""), ("gone", "int", ""), ("c", "string", "")]);
    let descriptor = table_descriptor(&table).unwrap();
    table.columns.remove(1);
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int32Array::from(vec![5])), Arc::new(StringArray::from(vec!["x".repeat(200)]))];
    let batch = batch(&table, columns);
    let messages = ProtobufEncoder::new(&descriptor, batch.schema()).unwrap().encode(&batch).unwrap();
    assert_eq!(messages[0][..5], [0x08, 5, 0x1a, 0xc8, 0x01]);

    let stray = arrow_schema(&self::table(&[("z", "int", "")])).unwrap();
    let error = ProtobufEncoder::new(&descriptor, stray).err().unwrap();
    assert_eq!(error.to_string(), "protobuf cannot carry column z: the message has no such field");
    let other = arrow_schema(&self::table(&[("c", "int", "")])).unwrap();
    let error = ProtobufEncoder::new(&descriptor, other).err().unwrap();
    assert!(error.to_string().ends_with("c: a field of LABEL_OPTIONAL TYPE_STRING does not take Int32"), "{error}");
}

#[test]
fn nulls_inside_arrays_and_maps_are_refused_by_protobuf_and_kept_by_json() {
    let table = table(&[("list", "array<int>", ARRAY), ("map", "map<string,int>", MAP)]);
    let (mut list, mut map) = (list(), map());
    list.append_value([Some(1), None]);
    map.keys().append_value("k");
    map.values().append_null();
    map.append(true).unwrap();
    let (list, map): (ArrayRef, ArrayRef) = (Arc::new(list.finish()), Arc::new(map.finish()));
    let both = batch(&table, vec![list.clone(), map]);
    let error = protobuf(&table, &both).unwrap_err();
    assert_eq!(error.to_string(), "row 0, column list: an array cannot carry null in protobuf");
    let objects = JsonEncoder::new(both.schema()).encode(&both).unwrap();
    assert_eq!(objects, [r#"{"list":[1,null],"map":{"k":null}}"#]);
}

#[test]
fn every_type_is_json() {
    let (_, batch) = every_type();
    let objects = JsonEncoder::new(batch.schema()).encode(&batch).unwrap();
    let expected = json!({
        "s": "ü\n", "flag": true, "tiny": -128, "small": 300, "i": -1, "big": i64::MAX, "f": 0.1, "d": -1.5e300,
        "price": "-12.50", "day": -1, "at": 1_500_000, "local": -7, "bytes": "AP8H", "list": [1, -2],
        "map": {"k\"": 7}, "struct": {"a": "x", "b": "-0.05"},
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&objects[0]).unwrap(), expected);
    assert!(objects[0].starts_with(r#"{"s":"ü\n","flag":true,"tiny":-128,"#), "{}", objects[0]);
    assert_eq!(objects[1], "{}");
}

#[test]
fn numbers_that_are_not_finite_are_no_json() {
    let table = table(&[("d", "double", "")]);
    let batch = batch(&table, vec![Arc::new(Float64Array::from(vec![1.0, f64::NAN]))]);
    let error = JsonEncoder::new(batch.schema()).encode(&batch).unwrap_err();
    assert_eq!(error.to_string(), "row 1, column d: JSON has no numbers that are not finite");
    assert!(protobuf(&table, &batch).is_ok());
}

#[test]
fn every_type_becomes_the_one_that_zerobus_takes() {
    let (table, batch) = every_type();
    let encoder = ArrowEncoder::new(&table).unwrap();
    let encoded = encoder.encode(&batch).unwrap();
    assert_eq!(encoded.schema(), *encoder.schema());
    assert_eq!(encoded.column(0).as_string::<i64>().value(0), "ü\n");
    assert_eq!(encoded.column(8).as_string::<i64>().value(0), "-12.50");
    assert_eq!(encoded.column(12).as_binary::<i64>().value(0), [0, 255, 7]);
    assert_eq!(encoded.column(15).as_struct().column(1).as_string::<i64>().value(0), "-0.05");
    let nulls: Vec<bool> = encoded.columns().iter().map(|column| column.is_null(1)).collect();
    assert_eq!(nulls, [true; 16]);
    assert!(size(&encoded).unwrap() > size(&batch.slice(0, 1)).unwrap());
}

#[test]
fn a_batch_of_another_table_is_refused() {
    let (_, batch) = every_type();
    let other = table(&[("s", "string", "")]);
    assert!(protobuf(&other, &batch).is_err());
    assert!(JsonEncoder::new(arrow_schema(&other).unwrap()).encode(&batch).is_err());
    assert!(ArrowEncoder::new(&other).unwrap().encode(&batch).is_err());
}

#[test]
fn decimals_are_written_with_all_their_places() {
    let cases = [
        (0, 0, "0"),
        (0, 3, "0.000"),
        (-5, 2, "-0.05"),
        (1250, 2, "12.50"),
        (i128::MAX, 0, "170141183460469231731687303715884105727"),
        (-i128::MAX, 38, "-1.70141183460469231731687303715884105727"),
    ];
    for (unscaled, scale, expected) in cases {
        let mut text = Vec::new();
        put_decimal(&mut text, unscaled, scale);
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
