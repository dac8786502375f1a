//! JSON, value by value.

use deltalake::arrow::datatypes::{DataType, Field};

use super::model::{Cell, decode_all, float, list_of, map_of, micros, refusal, schema, sorted, text};
use crate::lakehouse::decode::{DecodeError, Decoder, Encoded, JsonDecoder};

fn value(column: DataType, json: &str) -> Cell {
    let table = schema(vec![Field::new("c", column, true)]);
    let record = format!("{{\"c\": {json}}}");
    decode_all(&mut Decoder::Json(JsonDecoder::new(&table)), &table, &[Encoded::Json(&record)]).remove(0).remove(0)
}

fn error(column: DataType, nullable: bool, json: &str) -> DecodeError {
    let table = schema(vec![Field::new("c", column, nullable)]);
    let record = format!("{{\"c\": {json}}}");
    refusal(&mut Decoder::Json(JsonDecoder::new(&table)), &table, Encoded::Json(&record))
}

#[test]
fn each_type_takes_its_own_values() {
    for (column, json, expected) in [
        (DataType::Utf8, r#""x""#, text("x")),
        (DataType::Utf8, r#""a\n\u20ac\ud83d\ude00""#, text("a\n€😀")),
        (DataType::Int8, "-128", Cell::Int(-128)),
        (DataType::Int16, "32767", Cell::Int(32767)),
        (DataType::Int32, "-2147483648", Cell::Int(-2_147_483_648)),
        (DataType::Int64, "9223372036854775807", Cell::Int(i64::MAX)),
        (DataType::Int64, "-9223372036854775808", Cell::Int(i64::MIN)),
        (DataType::Date32, "\"1970-01-02\"", Cell::Int(1)),
        (DataType::Date32, "20000", Cell::Int(20000)),
        (micros(Some("UTC")), "1700000000000000", Cell::Int(1_700_000_000_000_000)),
        (micros(None), "-1", Cell::Int(-1)),
        (DataType::Boolean, "false", Cell::Bool(false)),
        (DataType::Float64, "1", float(1.0)),
        (DataType::Float64, "-0.5e-3", float(-0.0005)),
        // Numbers that a less exact reader gets wrong by one bit.
        (DataType::Float64, "2.2250738585072012e-308", float(2.2250738585072012e-308)),
        (DataType::Float64, "9007199254740993", float(9007199254740992.0)),
        (DataType::Float64, "51.24817837550540", float(51.2481783755054)),
        (DataType::Float32, "16777217", float(16777216.0)),
        (DataType::Float32, "0.1", float(f64::from(0.1f32))),
        (DataType::Decimal128(10, 2), "\"-12.5\"", Cell::Decimal(-1250)),
        (DataType::Decimal128(10, 2), r#""\u0031.5""#, Cell::Decimal(150)),
        (DataType::Decimal128(10, 2), "12.50", Cell::Decimal(1250)),
        (DataType::Decimal128(10, 2), "1.5e3", Cell::Decimal(150_000)),
        (
            DataType::Decimal128(38, 18),
            "12345678901234567890.123456789012345678",
            Cell::Decimal(12_345_678_901_234_567_890_123_456_789_012_345_678),
        ),
        (DataType::Binary, "\"AQI=\"", Cell::Bytes(vec![1, 2])),
        (DataType::Binary, "\"\"", Cell::Bytes(vec![])),
        (DataType::Float64, "null", Cell::Null),
        (DataType::Utf8, "null", Cell::Null),
        (list_of(DataType::Int32, true), "[1, null]", Cell::List(vec![Cell::Int(1), Cell::Null])),
        (list_of(DataType::Int32, true), "[]", Cell::List(vec![])),
        (list_of(DataType::Int32, true), "null", Cell::Null),
        (
            list_of(list_of(DataType::Float64, true), true),
            "[[1.5], []]",
            Cell::List(vec![Cell::List(vec![float(1.5)]), Cell::List(vec![])]),
        ),
    ] {
        assert_eq!(value(column.clone(), json), expected, "{column} {json}");
    }
}

#[test]
fn each_type_refuses_the_values_of_others() {
    for (column, json) in [
        (DataType::Utf8, "1"),
        (DataType::Utf8, "true"),
        (DataType::Utf8, "[]"),
        (DataType::Utf8, "{}"),
        (DataType::Int8, "128"),
        (DataType::Int16, "-32769"),
        (DataType::Int32, "2147483648"),
        (DataType::Int64, "9223372036854775808"),
        (DataType::Int64, "18446744073709551616"),
        (DataType::Int64, "1.0"),
        (DataType::Int64, "1e2"),
        (DataType::Int64, "\"1\""),
        (DataType::Int64, "true"),
        (DataType::Boolean, "0"),
        (DataType::Boolean, "\"true\""),
        (DataType::Float64, "\"1\""),
        (DataType::Float64, "\"NaN\""),
        (DataType::Float64, "1e400"),
        (DataType::Float64, "[1]"),
        (DataType::Float32, "1e39"),
        (DataType::Float64, "false"),
        (DataType::Decimal128(4, 2), "123.4"),
        (DataType::Decimal128(4, 2), "1.234"),
        (DataType::Decimal128(4, 2), "1e2"),
        (DataType::Decimal128(4, 2), "\"1e1\""),
        (DataType::Decimal128(4, 2), "\" 1\""),
        (DataType::Decimal128(4, 2), "true"),
        (DataType::Decimal128(4, 2), "{}"),
        (DataType::Binary, "\"?\""),
        (DataType::Binary, "\"AQI\""),
        (DataType::Binary, "[1]"),
        (DataType::Date32, "\"2026-02-30\""),
        (DataType::Date32, "\"2026-02-03T00:00:00\""),
        (DataType::Date32, "2147483648"),
        (DataType::Date32, "1.5"),
        (micros(Some("UTC")), "\"2026-01-01T00:00:00Z\""),
        (micros(None), "1.5"),
        (list_of(DataType::Int32, true), "1"),
        (list_of(DataType::Int32, true), "{}"),
        (map_of(DataType::Utf8, DataType::Int32, true), "[]"),
        (map_of(DataType::Utf8, DataType::Int32, true), "\"\""),
        (DataType::Struct(vec![Field::new("x", DataType::Int32, true)].into()), "[]"),
    ] {
        assert_eq!(error(column.clone(), true, json).field, "c", "{column} {json}");
    }
    let problem = error(DataType::Int8, true, "300").to_string();
    assert_eq!(problem, "field 'c': 300 does not fit a column of type TINYINT");
}

#[test]
fn null_and_missing_are_the_same() {
    let table = schema(vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Utf8, false)]);
    let mut decoder = Decoder::Json(JsonDecoder::new(&table));
    let records = [r#"{"a": null, "b": "x"}"#, r#" { "b" : "x" } "#].map(Encoded::Json);
    assert_eq!(decode_all(&mut decoder, &table, &records), [[Cell::Null, text("x")], [Cell::Null, text("x")]]);
    for record in [r#"{"a": 1, "b": null}"#, r#"{"a": 1}"#, "{}"] {
        let error = refusal(&mut decoder, &table, Encoded::Json(record));
        assert_eq!(error.to_string(), "field 'b': the column must have a value");
    }
    assert_eq!(error(list_of(DataType::Int32, false), true, "[1, null]").field, "c[1]");
    assert_eq!(error(map_of(DataType::Utf8, DataType::Int32, false), true, r#"{"k": null}"#).field, "c[0].value");
    assert_eq!(error(DataType::Float64, false, "null").problem, "the column must have a value");
}

#[test]
fn names_are_exact_and_come_once() {
    let inner = DataType::Struct(vec![Field::new("x", DataType::Int32, true)].into());
    let table = schema(vec![Field::new("a", DataType::Int32, true), Field::new("s", inner, true)]);
    let mut decoder = Decoder::Json(JsonDecoder::new(&table));
    let mut refused = |record: &str| refusal(&mut decoder, &table, Encoded::Json(record)).to_string();
    assert_eq!(refused(r#"{"A": 1}"#), "field 'A': the table has no such column");
    assert_eq!(refused(r#"{"a": 1, "s": {"y": [[[1]]]}}"#), "field 's.y': the table has no such column");
    assert_eq!(refused(r#"{"a": 1, "s": null, "a": 1}"#), "field 'a': the field is there twice");
    assert_eq!(refused(r#"{"a": null, "a": null}"#), "field 'a': the field is there twice");
    assert_eq!(refused(r#"{"s": {"x": 1, "x": 2}}"#), "field 's.x': the field is there twice");
    assert_eq!(refused(r#"{"s": {}, "s": {}}"#), "field 's': the field is there twice");
    // Fields in any order, names with escapes.
    let records = [Encoded::Json(r#"{"s": {"\u0078": 2}, "a": 1}"#)];
    assert_eq!(decode_all(&mut decoder, &table, &records), [[Cell::Int(1), Cell::Struct(vec![Cell::Int(2)])]]);
}

#[test]
fn what_is_no_json_object_is_refused() {
    let table = schema(vec![Field::new("a", DataType::Float64, true)]);
    let mut decoder = Decoder::Json(JsonDecoder::new(&table));
    for record in ["[]", "1", "null", "\"a\"", "true"] {
        let error = refusal(&mut decoder, &table, Encoded::Json(record));
        assert_eq!(error.to_string(), "the record is not a JSON object", "{record}");
    }
    for record in
        ["", "{", r#"{"a"}"#, r#"{"a": 1} x"#, r#"{"a": 1}{}"#, r#"{"a": 01}"#, r#"{"a": NaN}"#, r#"{"a": 1,}"#]
    {
        let error = refusal(&mut decoder, &table, Encoded::Json(record));
        assert!(error.field.is_empty() && error.problem.starts_with("the record is not JSON: "), "{record}: {error}");
    }
    let deep = format!("{{\"a\": {}", "[".repeat(100_000));
    refusal(&mut decoder, &table, Encoded::Json(&deep));
}

#[test]
fn maps_have_the_keys_of_their_type_once_each() {
    let map = |key, json| value(map_of(key, DataType::Int32, true), json);
    let one = |key| sorted(vec![(key, Cell::Int(1))]);
    assert_eq!(map(DataType::Utf8, r#"{"k": 1}"#), one(text("k")));
    assert_eq!(map(DataType::Int64, r#"{"-7": 1}"#), one(Cell::Int(-7)));
    assert_eq!(map(DataType::Boolean, r#"{"true": 1}"#), one(Cell::Bool(true)));
    assert_eq!(map(DataType::Date32, r#"{"1970-01-02": 1}"#), one(Cell::Int(1)));
    assert_eq!(map(DataType::Decimal128(5, 2), r#"{"1.5": 1}"#), one(Cell::Decimal(150)));
    assert_eq!(map(DataType::Float64, r#"{"1.5": 1}"#), one(float(1.5)));
    assert_eq!(map(DataType::Utf8, "{}"), Cell::Map(vec![]));
    let refused = |key, json: &str| error(map_of(key, DataType::Int32, true), true, json).to_string();
    let twice = "field 'c': a key is there twice";
    assert_eq!(refused(DataType::Utf8, r#"{"k": 1, "j": 2, "k": 3}"#), twice);
    assert_eq!(refused(DataType::Decimal128(5, 2), r#"{"1.5": 1, "1.50": 2}"#), twice);
    for key in ["01", "+1", " 1", "1.0", "x", "", "9223372036854775808"] {
        let problem = refused(DataType::Int64, &format!("{{\"{key}\": 1}}"));
        assert!(problem.starts_with("field 'c[0].key': "), "{problem}");
    }
    assert!(refused(DataType::Utf8, r#"{"a": 1, "b": "x"}"#).starts_with("field 'c[1].value': "));
}

#[test]
fn nested_values_name_their_place() {
    let item = DataType::Struct(vec![Field::new("c", DataType::Int32, true)].into());
    let outer = DataType::Struct(vec![Field::new("b", list_of(item, true), true)].into());
    assert_eq!(error(outer.clone(), true, r#"{"b": [{"c": 1}, {"c": 2}, {"c": "x"}]}"#).field, "c.b[2].c");
    assert_eq!(error(list_of(list_of(DataType::Int32, true), true), true, "[[], [1, true]]").field, "c[1][1]");
    let inner = Cell::Struct(vec![Cell::Int(1)]);
    let list = Cell::List(vec![inner, Cell::Null, Cell::Struct(vec![Cell::Null])]);
    assert_eq!(value(outer, r#"{"b": [{"c": 1}, null, {}]}"#), Cell::Struct(vec![list]));
}
