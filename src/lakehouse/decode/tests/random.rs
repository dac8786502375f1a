//! Random tables, rows and bytes.

use databricks_zerobus_ingest_sdk::{DynamicMessage, message_descriptor};
use deltalake::arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use prost::Message;
use prost_reflect::ReflectMessage;

use super::model::{Cell, descriptor, float, json, list_of, map_of, message, micros, rows_of, schema, sorted};
use crate::lakehouse::decode::{BatchBuilder, DecodeError, Decoder, Encoded, JsonDecoder, ProtobufDecoder};

/// What the rows have to be carried by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    Protobuf,
    Json,
}

fn scalar() -> impl Strategy<Value = DataType> {
    select(vec![
        DataType::Utf8,
        DataType::Binary,
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::Date32,
        micros(Some("UTC")),
        micros(None),
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal128(38, 9),
        DataType::Decimal128(5, 2),
    ])
}

/// Columns called `c0`, `c1`, ...
fn fields_of(kinds: Vec<(DataType, bool)>) -> Fields {
    kinds.into_iter().enumerate().map(|(at, (kind, nullable))| Field::new(format!("c{at}"), kind, nullable)).collect()
}

fn structure(child: BoxedStrategy<DataType>) -> impl Strategy<Value = DataType> {
    vec((child, any::<bool>()), 1..4).prop_map(|children| DataType::Struct(fields_of(children)))
}

fn kind(format: Format) -> BoxedStrategy<DataType> {
    let nested = scalar().prop_recursive(3, 16, 3, move |child| {
        // Protobuf has no lists of lists and no nulls in lists and maps.
        let item = match format {
            Format::Protobuf => prop_oneof![scalar(), structure(child.clone())].boxed(),
            Format::Json => child.clone(),
        };
        let nullable = if format == Format::Json { any::<bool>().boxed() } else { Just(false).boxed() };
        let key = select(vec![DataType::Utf8, DataType::Int32, DataType::Int64, DataType::Boolean, DataType::Date32]);
        prop_oneof![
            structure(child),
            (item.clone(), nullable.clone()).prop_map(|(item, nullable)| list_of(item, nullable)),
            (key, item, nullable).prop_map(|(key, value, nullable)| map_of(key, value, nullable)),
        ]
    });
    nested.boxed()
}

fn value(kind: &DataType, nullable: bool, format: Format) -> BoxedStrategy<Cell> {
    let is_list = matches!(kind, DataType::List(_) | DataType::Map(..));
    let there = match kind {
        DataType::Utf8 => any::<String>().prop_map(Cell::Text).boxed(),
        DataType::Binary => vec(any::<u8>(), 0..20).prop_map(Cell::Bytes).boxed(),
        DataType::Boolean => any::<bool>().prop_map(Cell::Bool).boxed(),
        DataType::Int8 => any::<i8>().prop_map(|value| Cell::Int(value.into())).boxed(),
        DataType::Int16 => any::<i16>().prop_map(|value| Cell::Int(value.into())).boxed(),
        DataType::Int32 | DataType::Date32 => any::<i32>().prop_map(|value| Cell::Int(value.into())).boxed(),
        DataType::Int64 | DataType::Timestamp(..) => any::<i64>().prop_map(Cell::Int).boxed(),
        DataType::Float32 => any::<f32>().prop_map(|value| float(value.into())).boxed(),
        DataType::Float64 => any::<f64>().prop_map(float).boxed(),
        DataType::Decimal128(precision, _) => {
            let limit = 10i128.pow((*precision).into());
            (1 - limit..limit).prop_map(Cell::Decimal).boxed()
        }
        DataType::Struct(children) => row(children, format).prop_map(Cell::Struct).boxed(),
        DataType::List(item) => {
            vec(value(item.data_type(), item.is_nullable(), format), 0..4).prop_map(Cell::List).boxed()
        }
        DataType::Map(entry, _) => {
            let DataType::Struct(pair) = entry.data_type() else { panic!("no entries") };
            let key = value(pair[0].data_type(), false, format);
            let entry = (key, value(pair[1].data_type(), pair[1].is_nullable(), format));
            vec(entry, 0..4).prop_map(without_repetition).boxed()
        }
        other => panic!("{other} is no column type"),
    };
    if nullable && !(is_list && format == Format::Protobuf) {
        prop_oneof![1 => Just(Cell::Null), 3 => there].boxed()
    } else {
        there
    }
}

fn without_repetition(entries: Vec<(Cell, Cell)>) -> Cell {
    let mut kept: Vec<(Cell, Cell)> = Vec::new();
    for (key, value) in entries {
        if kept.iter().all(|(other, _)| *other != key) {
            kept.push((key, value));
        }
    }
    sorted(kept)
}

fn row(fields: &Fields, format: Format) -> BoxedStrategy<Vec<Cell>> {
    let cells: Vec<_> = fields.iter().map(|field| value(field.data_type(), field.is_nullable(), format)).collect();
    cells.boxed()
}

pub fn table(format: Format) -> impl Strategy<Value = (SchemaRef, Vec<Vec<Cell>>)> {
    let fields = vec((kind(format), any::<bool>()), 1..6).prop_map(fields_of);
    fields.prop_flat_map(move |fields| {
        let rows = vec(row(&fields, format), 1..4);
        rows.prop_map(move |rows| (schema(fields.iter().map(|field| field.as_ref().clone()).collect()), rows))
    })
}

/// What happens to the bytes of a good record.
#[derive(Clone, Debug)]
enum Damage {
    Replaced(prop::sample::Index, u8),
    Inserted(prop::sample::Index, u8),
    Removed(prop::sample::Index),
    Cut(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let place = || any::<prop::sample::Index>();
    let one = prop_oneof![
        4 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Replaced(at, byte)),
        1 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Inserted(at, byte)),
        1 => place().prop_map(Damage::Removed),
        1 => place().prop_map(Damage::Cut),
    ];
    vec(one, 1..4)
}

fn damaged(mut bytes: Vec<u8>, damage: &[Damage]) -> Vec<u8> {
    for damage in damage {
        if bytes.is_empty() {
            break;
        }
        match damage {
            Damage::Replaced(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Damage::Inserted(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
            Damage::Removed(at) => {
                bytes.remove(at.index(bytes.len()));
            }
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
    bytes
}

pub fn protobuf(table: &SchemaRef) -> Decoder {
    let descriptor = descriptor(table.fields()).encode_to_vec();
    Decoder::Protobuf(ProtobufDecoder::new(&descriptor, table).unwrap())
}

pub fn to_message(table: &SchemaRef, row: &[Cell]) -> DynamicMessage {
    let mut descriptor = descriptor(table.fields());
    relative(&mut descriptor);
    message(&message_descriptor(&descriptor).unwrap(), table.fields(), row)
}

/// The package was for the decoder to cope with.
fn relative(message: &mut prost_types::DescriptorProto) {
    for name in message.field.iter_mut().filter_map(|field| field.type_name.as_mut()) {
        *name = name.replacen(".shop.v1", "", 1);
    }
    message.nested_type.iter_mut().for_each(relative);
}

/// Decodes a good record, one that may be bad, and the good one again: the good ones must come out whatever the other
/// one is. Gives the row in between if there is one.
fn between_good_ones(
    decoder: &mut Decoder,
    table: &SchemaRef,
    good: (Encoded<'_>, &[Cell]),
    other: Encoded<'_>,
) -> Result<Vec<Cell>, DecodeError> {
    let mut rows = BatchBuilder::new(table.clone());
    decoder.decode(good.0, &mut rows).unwrap();
    let bytes = rows.bytes();
    let outcome = decoder.decode(other, &mut rows);
    if outcome.is_err() {
        assert_eq!((rows.rows(), rows.bytes()), (1, bytes));
    }
    decoder.decode(good.0, &mut rows).unwrap();
    let mut decoded = rows_of(&rows.finish().unwrap());
    assert_eq!(decoded.first().map(Vec::as_slice), Some(good.1));
    assert_eq!(decoded.last().map(Vec::as_slice), Some(good.1));
    assert_eq!(decoded.len(), 2 + usize::from(outcome.is_ok()));
    outcome.map(|()| decoded.swap_remove(1))
}

pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn protobuf_rows_come_back((table, rows) in table(Format::Protobuf)) {
        let records: Vec<_> = rows.iter().map(|row| to_message(&table, row).encode_to_vec()).collect();
        let mut builder = BatchBuilder::new(table.clone());
        let mut decoder = protobuf(&table);
        for record in &records {
            decoder.decode(Encoded::Protobuf(record), &mut builder).unwrap();
        }
        prop_assert_eq!(rows_of(&builder.finish().unwrap()), rows);
    }

    #[test]
    fn json_rows_come_back((table, rows) in table(Format::Json)) {
        let records: Vec<_> = rows.iter().map(|row| json(table.fields(), row).to_string()).collect();
        let mut builder = BatchBuilder::new(table.clone());
        let mut decoder = Decoder::Json(JsonDecoder::new(&table));
        for record in &records {
            decoder.decode(Encoded::Json(record), &mut builder).unwrap();
        }
        prop_assert_eq!(rows_of(&builder.finish().unwrap()), rows);
    }

    /// Whatever is taken of a damaged message, another reader of protobuf reads the same from it.
    #[test]
    fn damaged_messages_are_refused_or_read_right((table, rows) in table(Format::Protobuf), damage in damage()) {
        let good = to_message(&table, &rows[0]);
        let bytes = good.encode_to_vec();
        let bad = damaged(bytes.clone(), &damage);
        let good = (Encoded::Protobuf(&bytes), rows[0].as_slice());
        if let Ok(row) = between_good_ones(&mut protobuf(&table), &table, good, Encoded::Protobuf(&bad)) {
            let ours = to_message(&table, &row);
            let theirs = DynamicMessage::decode(ours.descriptor(), bad.as_slice()).unwrap();
            // Decimals and NaN can be written in several ways.
            let text = format!("{theirs:?}");
            prop_assert!(ours == theirs || text.contains("NaN") || has_decimals(table.fields()), "{ours:?} {text}");
        }
    }

    #[test]
    fn no_bytes_harm_the_rows_around_them(
        (table, rows) in table(Format::Protobuf),
        bytes in vec(prop_oneof![any::<u8>(), 0u8..0x3f], 0..60),
    ) {
        let good = to_message(&table, &rows[0]).encode_to_vec();
        let good = (Encoded::Protobuf(&good), rows[0].as_slice());
        let _ = between_good_ones(&mut protobuf(&table), &table, good, Encoded::Protobuf(&bytes));
    }

    #[test]
    fn damaged_json_is_refused_or_read_right((table, rows) in table(Format::Json), damage in damage()) {
        let good = json(table.fields(), &rows[0]).to_string();
        let bad = damaged(good.clone().into_bytes(), &damage);
        let bad = String::from_utf8_lossy(&bad);
        let mut decoder = Decoder::Json(JsonDecoder::new(&table));
        let good = (Encoded::Json(&good), rows[0].as_slice());
        if let Ok(row) = between_good_ones(&mut decoder, &table, good, Encoded::Json(&bad)) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&bad).is_ok());
            let written = json(table.fields(), &row).to_string();
            let again = between_good_ones(&mut decoder, &table, good, Encoded::Json(&written));
            prop_assert_eq!(again, Ok(row));
        }
    }
}

fn has_decimals(fields: &Fields) -> bool {
    format!("{fields:?}").contains("Decimal128")
}
