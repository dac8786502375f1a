//! Protobuf, byte by byte.

use deltalake::arrow::datatypes::{DataType, Field, SchemaRef};
use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto};

use super::model::{Cell, decode_all, descriptor, float, list_of, map_of, micros, refusal, schema, sorted, text};
use crate::lakehouse::decode::{Decoder, DescriptorError, Encoded, ProtobufDecoder};

fn decoder(table: &SchemaRef) -> Decoder {
    open(&descriptor(table.fields()), table).unwrap()
}

fn open(descriptor: &DescriptorProto, table: &SchemaRef) -> Result<Decoder, DescriptorError> {
    ProtobufDecoder::new(&descriptor.encode_to_vec(), table).map(Decoder::Protobuf)
}

fn single(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    let mut field = FieldDescriptorProto { name: Some(name.into()), number: Some(number), ..Default::default() };
    field.set_type(kind);
    field.set_label(Label::Optional);
    field
}

fn row_of(fields: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some("Row".into()), field: fields, ..Default::default() }
}

/// A table of one column `c` and a decoder whose field 1 it is, of this protobuf type.
fn one(column: DataType, kind: Type) -> (SchemaRef, Decoder) {
    let table = schema(vec![Field::new("c", column, true)]);
    let decoder = open(&row_of(vec![single("c", 1, kind)]), &table).unwrap();
    (table, decoder)
}

fn value(column: DataType, kind: Type, record: &[u8]) -> Cell {
    let (table, mut decoder) = one(column, kind);
    decode_all(&mut decoder, &table, &[Encoded::Protobuf(record)]).remove(0).remove(0)
}

fn problem(column: DataType, kind: Type, record: &[u8]) -> String {
    let (table, mut decoder) = one(column, kind);
    refusal(&mut decoder, &table, Encoded::Protobuf(record)).to_string()
}

fn length_delimited(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

#[test]
fn each_type_is_read_as_it_is_written() {
    let minus_one = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert_eq!(value(DataType::Utf8, Type::String, b"\x0a\x03\xe2\x82\xac"), text("€"));
    assert_eq!(value(DataType::Binary, Type::Bytes, b"\x0a\x02\xff\x00"), Cell::Bytes(vec![0xff, 0]));
    assert_eq!(value(DataType::Boolean, Type::Bool, b"\x08\x01"), Cell::Bool(true));
    assert_eq!(value(DataType::Int8, Type::Int32, &minus_one), Cell::Int(-1));
    assert_eq!(value(DataType::Int16, Type::Sint32, b"\x08\x03"), Cell::Int(-2));
    assert_eq!(value(DataType::Int32, Type::Sfixed32, b"\x0d\xfe\xff\xff\xff"), Cell::Int(-2));
    assert_eq!(value(DataType::Date32, Type::Int32, b"\x08\x0a"), Cell::Int(10));
    assert_eq!(value(DataType::Int64, Type::Int64, &minus_one), Cell::Int(-1));
    assert_eq!(value(DataType::Int64, Type::Int32, &minus_one), Cell::Int(-1));
    let largest = b"\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_eq!(value(DataType::Int64, Type::Sint64, largest), Cell::Int(i64::MAX));
    assert_eq!(value(micros(None), Type::Sfixed64, b"\x09\x01\0\0\0\0\0\0\x80"), Cell::Int(i64::MIN + 1));
    assert_eq!(value(micros(Some("UTC")), Type::Int64, b"\x08\x07"), Cell::Int(7));
    assert_eq!(value(DataType::Float32, Type::Float, b"\x0d\0\0\xc0\x3f"), float(1.5));
    assert_eq!(value(DataType::Float64, Type::Float, b"\x0d\0\0\xc0\x3f"), float(1.5));
    assert_eq!(value(DataType::Float64, Type::Double, b"\x09\0\0\0\0\0\0\xf0\xff"), float(f64::NEG_INFINITY));
    assert_eq!(value(DataType::Decimal128(5, 2), Type::String, b"\x0a\x05-12.5"), Cell::Decimal(-1250));
    assert_eq!(value(DataType::Utf8, Type::String, b""), Cell::Null);
    assert_eq!(value(DataType::Utf8, Type::String, b"\x0a\x00"), text(""));
}

#[test]
fn what_does_not_fit_is_refused_and_names_the_field() {
    let out_of_range = |number: i64| format!("field 'c': {number} is out of range");
    assert_eq!(problem(DataType::Int8, Type::Int32, b"\x08\x80\x01"), out_of_range(128));
    assert_eq!(problem(DataType::Int16, Type::Int32, b"\x08\x80\x80\x02"), out_of_range(32768));
    // Protobuf would cut these to 32 bits.
    assert_eq!(problem(DataType::Int32, Type::Int32, b"\x08\xff\xff\xff\xff\x0f"), out_of_range(4_294_967_295));
    assert_eq!(problem(DataType::Int32, Type::Sint32, b"\x08\x80\x80\x80\x80\x10"), out_of_range(2_147_483_648));
    assert_eq!(problem(DataType::Boolean, Type::Bool, b"\x08\x02"), "field 'c': 2 is neither true nor false");
    assert_eq!(problem(DataType::Utf8, Type::String, b"\x0a\x01\xff"), "field 'c': the text is not UTF-8");
    for bad in ["1.234", "1234", "1e1", "", "x"] {
        let record = length_delimited(1, bad.as_bytes());
        let expected = format!("field 'c': \"{bad}\" does not fit DECIMAL(5,2) without rounding");
        assert_eq!(problem(DataType::Decimal128(5, 2), Type::String, &record), expected);
    }
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    let refused = |record: &[u8]| problem(DataType::Utf8, Type::String, record);
    assert_eq!(refused(b"\x10\x01"), "the descriptor has no field number 2");
    assert_eq!(refused(b"\xfa\xff\xff\xff\x0f\x00"), "the descriptor has no field number 536870911");
    assert_eq!(refused(b"\x08\x01"), "field 'c': a varint came where the descriptor says a length-delimited value");
    assert_eq!(refused(b"\x0a\x02a"), "field 'c': the message ends in the middle of a value");
    assert_eq!(refused(b"\x0a"), "field 'c': the message ends in the middle of a value");
    assert_eq!(refused(b"\x8a"), "the message ends in the middle of a value");
    assert_eq!(refused(b"\x0b\x0c"), "groups are not taken; use a nested message");
    assert_eq!(refused(b"\x00"), "a tag has no valid field number or wire type");
    // A length of 2^62: were room made for it, this process would end here.
    let huge = [0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, b'x'];
    assert_eq!(refused(&huge), "field 'c': the message ends in the middle of a value");
    assert_eq!(
        problem(DataType::Float64, Type::Double, b"\x09\0\0\0"),
        "field 'c': the message ends in the middle of a value"
    );
}

#[test]
fn the_last_of_several_values_counts() {
    assert_eq!(value(DataType::Utf8, Type::String, b"\x0a\x04long\x0a\x01x"), text("x"));
    assert_eq!(value(DataType::Utf8, Type::String, b"\x0a\x01x\x0a\x04long"), text("long"));
    assert_eq!(value(DataType::Int32, Type::Int32, b"\x08\x01\x08\x02"), Cell::Int(2));
}

#[test]
fn lists_come_packed_or_not_and_are_never_missing() {
    let column = list_of(DataType::Int32, false);
    let table = schema(vec![Field::new("c", column, false), Field::new("d", list_of(DataType::Utf8, true), true)]);
    let repeated = |mut field: FieldDescriptorProto| {
        field.set_label(Label::Repeated);
        field
    };
    let fields = vec![repeated(single("c", 1, Type::Int32)), repeated(single("d", 9999, Type::String))];
    let mut decoder = open(&row_of(fields), &table).unwrap();
    let record = b"\x08\x01\x0a\x02\x02\x03\xfa\xf0\x04\x01a\x08\x04\x0a\x00\xfa\xf0\x04\x00";
    let list = |items: &[i64]| Cell::List(items.iter().copied().map(Cell::Int).collect());
    let rows = decode_all(&mut decoder, &table, &[Encoded::Protobuf(record), Encoded::Protobuf(b"")]);
    assert_eq!(rows[0], [list(&[1, 2, 3, 4]), Cell::List(vec![text("a"), text("")])]);
    assert_eq!(rows[1], [list(&[]), Cell::List(vec![])]);
    let truncated = refusal(&mut decoder, &table, Encoded::Protobuf(b"\x08\x01\x0a\x02\x02\x80"));
    assert_eq!(truncated.to_string(), "field 'c[2]': the message ends in the middle of a value");
    let wrong = refusal(&mut decoder, &table, Encoded::Protobuf(b"\x0d\0\0\0\0"));
    assert_eq!(wrong.to_string(), "field 'c': a 32-bit value came where the descriptor says a length-delimited value");
}

#[test]
fn pieces_of_a_message_are_merged() {
    let inner = vec![
        Field::new("a", DataType::Int32, false),
        Field::new("b", DataType::Utf8, true),
        Field::new("l", list_of(DataType::Utf8, false), true),
    ];
    let table = schema(vec![Field::new("s", DataType::Struct(inner.into()), true)]);
    let mut decoder = decoder(&table);
    let first = length_delimited(1, b"\x12\x03old\x1a\x01x");
    let second = length_delimited(1, b"\x08\x05\x12\x03new\x1a\x01y");
    let rows = decode_all(
        &mut decoder,
        &table,
        &[
            Encoded::Protobuf(&[first.clone(), second.clone()].concat()),
            Encoded::Protobuf(b""),
            Encoded::Protobuf(&second),
        ],
    );
    let list = |items: &[&str]| Cell::List(items.iter().copied().map(text).collect());
    assert_eq!(rows[0], [Cell::Struct(vec![Cell::Int(5), text("new"), list(&["x", "y"])])]);
    assert_eq!(rows[1], [Cell::Null]);
    assert_eq!(rows[2], [Cell::Struct(vec![Cell::Int(5), text("new"), list(&["y"])])]);
    let error = refusal(&mut decoder, &table, Encoded::Protobuf(&first));
    assert_eq!(error.to_string(), "field 's.a': the column must have a value");
}

#[test]
fn map_entries_have_defaults_and_the_last_of_a_key_counts() {
    let value = DataType::Struct(vec![Field::new("x", DataType::Int32, true)].into());
    let table = schema(vec![
        Field::new("m", map_of(DataType::Utf8, DataType::Boolean, true), true),
        Field::new("s", map_of(DataType::Int32, value, true), false),
        Field::new("d", map_of(DataType::Utf8, DataType::Decimal128(5, 2), true), true),
    ]);
    let mut decoder = decoder(&table);
    let entry = |number, entry: &[u8]| length_delimited(number, entry);
    let record = [
        entry(1, b"\x0a\x01k\x10\x01"),
        entry(1, b""),
        entry(2, b""),
        entry(1, b"\x10\x00\x0a\x01k"),
        entry(2, b"\x08\x02\x12\x02\x08\x07"),
    ];
    let rows = decode_all(&mut decoder, &table, &[Encoded::Protobuf(&record.concat()), Encoded::Protobuf(b"")]);
    let flags = sorted(vec![(text(""), Cell::Bool(false)), (text("k"), Cell::Bool(false))]);
    // The second column writes its keys zigzag.
    let structs =
        sorted(vec![(Cell::Int(0), Cell::Struct(vec![Cell::Null])), (Cell::Int(1), Cell::Struct(vec![Cell::Int(7)]))]);
    assert_eq!(rows[0], [flags, structs, Cell::Map(vec![])]);
    assert_eq!(rows[1], [Cell::Map(vec![]), Cell::Map(vec![]), Cell::Map(vec![])]);
    let refused = |record: &[u8]| refusal(&mut self::decoder(&table), &table, Encoded::Protobuf(record)).to_string();
    assert_eq!(refused(&entry(1, b"\x18\x01")), "field 'm[0]': the descriptor has no field number 3");
    assert_eq!(refused(&entry(3, b"")), "field 'd[0].value': \"\" does not fit DECIMAL(5,2) without rounding");
    let second_bad = [entry(1, b""), entry(1, b"\x10\x02")].concat();
    assert_eq!(refused(&second_bad), "field 'm[1].value': 2 is neither true nor false");
}

#[test]
fn required_means_there() {
    let inner = DataType::Struct(vec![Field::new("x", DataType::Int32, false)].into());
    let table = schema(vec![
        Field::new("a", DataType::Utf8, false),
        Field::new("b", DataType::Utf8, true),
        Field::new("l", list_of(inner, false), true),
    ]);
    let mut fields = descriptor(table.fields());
    fields.field[1].set_label(Label::Required);
    let mut decoder = open(&fields, &table).unwrap();
    let mut refused = |record: &[u8]| refusal(&mut decoder, &table, Encoded::Protobuf(record)).to_string();
    assert_eq!(refused(b"\x12\x01b"), "field 'a': the column must have a value");
    assert_eq!(refused(b"\x0a\x01a"), "field 'b': the descriptor says required and the message lacks it");
    assert_eq!(refused(b"\x0a\x01a\x12\x01b\x1a\x02\x08\x01\x1a\x00"), "field 'l[1].x': the column must have a value");
}

#[test]
fn a_record_has_one_field_of_a_oneof() {
    let table = schema(vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Utf8, true)]);
    let mut message = row_of(vec![single("a", 1, Type::Int32), single("b", 2, Type::String)]);
    message.oneof_decl.push(prost_types::OneofDescriptorProto { name: Some("choice".into()), options: None });
    message.field.iter_mut().for_each(|field| field.oneof_index = Some(0));
    let mut decoder = open(&message, &table).unwrap();
    let rows = decode_all(&mut decoder, &table, &[Encoded::Protobuf(b"\x08\x01"), Encoded::Protobuf(b"\x12\x01x")]);
    assert_eq!(rows, [[Cell::Int(1), Cell::Null], [Cell::Null, text("x")]]);
    let error = refusal(&mut decoder, &table, Encoded::Protobuf(b"\x08\x01\x12\x01x"));
    assert_eq!(error.to_string(), "field 'choice': a record may have one of its fields, this one has more");
}

#[test]
fn a_descriptor_that_does_not_fit_the_table_opens_no_stream() {
    let table = schema(vec![Field::new("c", DataType::Int32, true), Field::new("d", DataType::Utf8, false)]);
    let refused = |fields: Vec<FieldDescriptorProto>| open(&row_of(fields), &table).err().unwrap().to_string();
    let d = || single("d", 2, Type::String);
    assert_eq!(refused(vec![single("e", 1, Type::Int32), d()]), "field 'e': the table has no such column");
    assert_eq!(refused(vec![]), "field 'd': the column must have a value and the message lacks it");
    let mut list = single("c", 1, Type::Int32);
    list.set_label(Label::Repeated);
    assert_eq!(refused(vec![list, d()]), "field 'c': a repeated field does not fit a column of type INT");
    for kind in [Type::Int64, Type::Uint32, Type::Fixed32, Type::String, Type::Bool] {
        let problem = refused(vec![single("c", 1, kind), d()]);
        assert!(
            problem.starts_with("field 'c': ") && problem.ends_with("does not fit a column of type INT"),
            "{problem}"
        );
    }
    assert!(matches!(ProtobufDecoder::new(b"\xff", &table), Err(DescriptorError::Damaged(_))));
    let mut foreign = single("c", 1, Type::Message);
    foreign.type_name = Some(".google.protobuf.Timestamp".into());
    let outcome = open(&row_of(vec![foreign, d()]), &table);
    assert!(matches!(outcome, Err(DescriptorError::NotSelfContained(_))));
}

#[test]
fn enums_groups_and_deep_types_open_no_stream() {
    let table = schema(vec![Field::new("c", DataType::Int32, true)]);
    let mut kind = single("c", 1, Type::Enum);
    kind.type_name = Some(".shop.Row.Colour".into());
    let mut message = row_of(vec![kind]);
    let red = EnumValueDescriptorProto { name: Some("RED".into()), number: Some(0), options: None };
    message.enum_type =
        vec![EnumDescriptorProto { name: Some("Colour".into()), value: vec![red], ..Default::default() }];
    let error = open(&message, &table).err().unwrap().to_string();
    assert_eq!(error, "field 'c': enum Colour does not fit a column of type INT");

    let inner = DataType::Struct(vec![Field::new("x", DataType::Int32, true)].into());
    let table = schema(vec![Field::new("c", inner.clone(), true)]);
    let mut group = descriptor(table.fields());
    group.field[0].set_type(Type::Group);
    let error = open(&group, &table).err().unwrap().to_string();
    assert_eq!(error, "field 'c': groups are not taken; use a nested message");

    let deep = (0..40).fold(inner, |kind, _| DataType::Struct(vec![Field::new("x", kind, true)].into()));
    let table = schema(vec![Field::new("c", deep, true)]);
    let error = open(&descriptor(table.fields()), &table).err().unwrap().to_string();
    assert!(error.ends_with("nested more than 32 levels deep"), "{error}");
}

#[test]
fn nested_names_are_found_whatever_the_package_was() {
    let inner = DataType::Struct(vec![Field::new("x", DataType::Int32, true)].into());
    let table = schema(vec![Field::new("c", inner, true)]);
    for package in ["", ".shop", ".shop.v1", ".Row", ".Row.cType"] {
        let mut message = descriptor(table.fields());
        message.field[0].type_name = Some(format!("{package}.Row.cType"));
        let mut decoder = open(&message, &table).unwrap();
        let rows = decode_all(&mut decoder, &table, &[Encoded::Protobuf(b"\x0a\x02\x08\x01")]);
        assert_eq!(rows, [[Cell::Struct(vec![Cell::Int(1)])]], "{package}");
    }
}
