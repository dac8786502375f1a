//! What the builder promises whatever the format.

use deltalake::arrow::array::Array;
use deltalake::arrow::datatypes::{DataType, Field, IntervalUnit};

use super::model::{Cell, decode_all, list_of, map_of, micros, refusal, schema, text};
use crate::lakehouse::decode::{BatchBuilder, Decoder, Encoded, JsonDecoder, ProtobufDecoder};

#[test]
fn a_bad_record_leaves_the_rows_before_it_and_the_next_ones_go_on() {
    let inner = DataType::Struct(vec![Field::new("x", DataType::Int32, false)].into());
    let table = schema(vec![
        Field::new("a", DataType::Utf8, true),
        Field::new("l", list_of(inner, true), true),
        Field::new("b", DataType::Boolean, true),
    ]);
    let mut decoder = Decoder::Json(JsonDecoder::new(&table));
    let mut rows = BatchBuilder::new(table.clone());
    let good = r#"{"a": "one", "l": [{"x": 1}, null], "b": true}"#;
    decoder.decode(Encoded::Json(good), &mut rows).unwrap();
    let bytes = rows.bytes();
    for bad in [
        r#"{"a": "two", "l": [{"x": 2}, {"x": 3}, {}], "b": null}"#,
        r#"{"a": null, "l": null, "b": 1}"#,
        r#"{"b": false, "l": [], "a": "two""#,
    ] {
        assert!(decoder.decode(Encoded::Json(bad), &mut rows).is_err());
        assert_eq!((rows.rows(), rows.bytes()), (1, bytes), "{bad}");
    }
    decoder.decode(Encoded::Json("{}"), &mut rows).unwrap();
    let batch = rows.finish().unwrap();
    let item = |x| Cell::Struct(vec![Cell::Int(x)]);
    let first = vec![text("one"), Cell::List(vec![item(1), Cell::Null]), Cell::Bool(true)];
    assert_eq!(super::model::rows_of(&batch), vec![first, vec![Cell::Null; 3]]);
}

#[test]
fn a_refused_record_replaces_no_map_entry_of_another() {
    let table = schema(vec![
        Field::new("m", map_of(DataType::Utf8, DataType::Int32, true), true),
        Field::new("n", DataType::Int8, true),
    ]);
    let descriptor = prost::Message::encode_to_vec(&super::model::descriptor(table.fields()));
    let mut decoder = Decoder::Protobuf(ProtobufDecoder::new(&descriptor, &table).unwrap());
    let entry = |key: u8, value: u8| [0x0a, 5, 0x0a, 1, key, 0x10, value];
    let item = DataType::Struct(vec![Field::new("m", map_of(DataType::Utf8, DataType::Int32, true), true)].into());
    let outer = schema(vec![Field::new("l", list_of(item, false), true), Field::new("n", DataType::Int8, true)]);
    let nested = prost::Message::encode_to_vec(&super::model::descriptor(outer.fields()));
    let mut nested = Decoder::Protobuf(ProtobufDecoder::new(&nested, &outer).unwrap());
    let twice = [entry(b'a', 1), entry(b'b', 2), entry(b'a', 3)].concat();
    let different = [entry(b'a', 4), entry(b'b', 5), entry(b'c', 6)].concat();
    let item = |entries: &[u8]| [&[0x0a, 21], entries].concat();
    let map = |entries: &[(&str, i64)]| {
        Cell::Map(entries.iter().map(|(key, value)| (text(key), Cell::Int(*value))).collect())
    };
    let (first, second) = (map(&[("a", 3), ("b", 2)]), map(&[("a", 4), ("b", 5), ("c", 6)]));

    let mut rows = BatchBuilder::new(outer.clone());
    // The map of the first item is closed before the second item turns out bad.
    let bad = [item(&twice), vec![0x0a, 1, 0x08]].concat();
    assert!(nested.decode(Encoded::Protobuf(&bad), &mut rows).is_err());
    nested.decode(Encoded::Protobuf(&item(&different)), &mut rows).unwrap();
    nested.decode(Encoded::Protobuf(&item(&twice)), &mut rows).unwrap();
    let list = |map: &Cell| vec![Cell::List(vec![Cell::Struct(vec![map.clone()])]), Cell::Null];
    assert_eq!(super::model::rows_of(&rows.finish().unwrap()), [list(&second), list(&first)]);

    let records = [twice.as_slice(), &different, &twice].map(Encoded::Protobuf);
    let rows = decode_all(&mut decoder, &table, &records);
    assert_eq!(rows, [&first, &second, &first].map(|map| vec![map.clone(), Cell::Null]));
}

#[test]
fn a_batch_has_exactly_the_tables_schema_and_a_builder_serves_many_batches() {
    let table = schema(vec![
        Field::new("t", micros(Some("UTC")), true),
        Field::new("n", micros(None), true),
        Field::new("d", DataType::Decimal128(38, 10), false),
    ]);
    let mut decoder = Decoder::Json(JsonDecoder::new(&table));
    let mut rows = BatchBuilder::new(table.clone());
    for count in [3, 0, 1] {
        for _ in 0..count {
            decoder.decode(Encoded::Json(r#"{"t": 1, "d": "0.5"}"#), &mut rows).unwrap();
        }
        let batch = rows.finish().unwrap();
        assert_eq!((batch.num_rows(), batch.schema()), (count, table.clone()));
        assert_eq!(batch.column(1).null_count(), count);
    }
}

#[test]
fn nulls_come_and_go_with_refused_records() {
    let table = schema(vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Int32, false)]);
    let mut decoder = Decoder::Json(JsonDecoder::new(&table));
    let mut rows = BatchBuilder::new(table.clone());
    assert!(decoder.decode(Encoded::Json(r#"{"a": null}"#), &mut rows).is_err());
    decoder.decode(Encoded::Json(r#"{"a": 1, "b": 2}"#), &mut rows).unwrap();
    assert!(decoder.decode(Encoded::Json(r#"{"a": null}"#), &mut rows).is_err());
    decoder.decode(Encoded::Json(r#"{"a": 3, "b": 4}"#), &mut rows).unwrap();
    let batch = rows.finish().unwrap();
    assert_eq!(super::model::rows_of(&batch), [[1, 2], [3, 4]].map(|row| row.map(Cell::Int).to_vec()));
}

#[test]
fn a_decoder_takes_its_own_format_and_table_only() {
    let table = schema(vec![Field::new("a", DataType::Int32, true)]);
    let other = schema(vec![Field::new("b", DataType::Int32, true)]);
    let mut decoder = Decoder::Json(JsonDecoder::new(&table));
    assert!(decoder.decode(Encoded::Json("{}"), &mut BatchBuilder::new(other)).is_err());
    // An equal schema of another origin is the same table's.
    let equal = schema(vec![Field::new("a", DataType::Int32, true)]);
    assert!(decoder.decode(Encoded::Json("{}"), &mut BatchBuilder::new(equal)).is_ok());
    let error = refusal(&mut decoder, &table, Encoded::Protobuf(&[]));
    assert_eq!(error.to_string(), "the record is not of the record type the stream was created with");
}

#[test]
fn columns_of_types_that_records_cannot_carry_stay_null() {
    let table = schema(vec![
        Field::new("a", DataType::Int32, true),
        Field::new("i", DataType::Interval(IntervalUnit::YearMonth), true),
    ]);
    let mut decoder = Decoder::Json(JsonDecoder::new(&table));
    let record = [Encoded::Json(r#"{"a": 1}"#), Encoded::Json(r#"{"a": 2, "i": null}"#)];
    let mut rows = BatchBuilder::new(table.clone());
    record.iter().for_each(|record| decoder.decode(*record, &mut rows).unwrap());
    assert_eq!(rows.finish().unwrap().column(1).null_count(), 2);
    assert_eq!(refusal(&mut decoder, &table, Encoded::Json(r#"{"i": 1}"#)).field, "i");
}

#[test]
fn lists_of_empty_structs_do_not_fill_memory() {
    let wide: Vec<Field> = (0..100).map(|index| Field::new(format!("c{index}"), DataType::Int64, true)).collect();
    let table = schema(vec![Field::new("l", list_of(DataType::Struct(wide.into()), true), true)]);
    let descriptor = super::model::descriptor(table.fields());
    let descriptor = prost::Message::encode_to_vec(&descriptor);
    let mut protobuf = Decoder::Protobuf(ProtobufDecoder::new(&descriptor, &table).unwrap());
    let error = refusal(&mut protobuf, &table, Encoded::Protobuf(&[0x0a, 0x00].repeat(20_000)));
    assert!(error.problem.contains("missing values"), "{error}");
    let mut json = Decoder::Json(JsonDecoder::new(&table));
    let items = vec!["{}"; 20_000].join(",");
    let error = refusal(&mut json, &table, Encoded::Json(&format!("{{\"l\": [{items}]}}")));
    assert!(error.problem.contains("missing values"), "{error}");
    let row = decode_all(&mut protobuf, &table, &[Encoded::Protobuf(&[0x0a, 0x00].repeat(500))]);
    assert!(matches!(row[0].as_slice(), [Cell::List(items)] if items.len() == 500));
}
