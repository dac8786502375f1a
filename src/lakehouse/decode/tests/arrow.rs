//! Arrow batches of clients.

use std::sync::Arc;

use deltalake::arrow::array::*;
use deltalake::arrow::buffer::{NullBuffer, OffsetBuffer};
use deltalake::arrow::datatypes::*;
use deltalake::arrow::record_batch::RecordBatch;

use super::model::{Cell, list_of, map_of, micros, rows_of, schema, text};
use crate::lakehouse::decode::DecodeError;
use crate::lakehouse::decode::arrow::{SchemaCause, check_schema};

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(schema(fields), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

fn fit(table: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, DecodeError> {
    check_schema(&batch.schema(), table).unwrap_or_else(|problems| panic!("{problems:?}")).fit(batch)
}

/// A client's column to a table's column, as plain values.
fn fitted(array: impl Array + 'static, column: DataType) -> Vec<Cell> {
    let table = schema(vec![Field::new("c", column, true)]);
    let fitted = fit(&table, &batch(vec![("c", Arc::new(array))])).unwrap();
    assert_eq!(fitted.schema(), table);
    rows_of(&fitted).into_iter().flatten().collect()
}

fn refused(array: impl Array + 'static, column: DataType, nullable: bool) -> String {
    let table = schema(vec![Field::new("c", column, nullable)]);
    fit(&table, &batch(vec![("c", Arc::new(array))])).unwrap_err().to_string()
}

fn problems(incoming: Vec<Field>, table: Vec<Field>) -> Vec<(String, SchemaCause)> {
    let problems = check_schema(&Schema::new(incoming), &schema(table)).unwrap_err();
    problems.into_iter().map(|problem| (problem.field, problem.cause)).collect()
}

#[test]
fn each_way_to_hold_a_type_becomes_the_tables() {
    let texts = [text("a"), Cell::Null, text("")];
    assert_eq!(fitted(StringArray::from(vec![Some("a"), None, Some("")]), DataType::Utf8), texts);
    assert_eq!(fitted(LargeStringArray::from(vec![Some("a"), None, Some("")]), DataType::Utf8), texts);
    let dictionary: DictionaryArray<Int8Type> = vec![Some("a"), None, Some("")].into_iter().collect();
    assert_eq!(fitted(dictionary, DataType::Utf8), texts);
    let no_texts: ArrayRef = Arc::new(StringArray::from(Vec::<&str>::new()));
    let empty = DictionaryArray::new(Int32Array::from(vec![None, None]), no_texts);
    assert_eq!(fitted(empty, DataType::Utf8), [Cell::Null, Cell::Null]);

    let bytes = [Cell::Bytes(vec![1]), Cell::Null];
    assert_eq!(fitted(BinaryArray::from(vec![Some(&[1u8][..]), None]), DataType::Binary), bytes);
    assert_eq!(fitted(LargeBinaryArray::from(vec![Some(&[1u8][..]), None]), DataType::Binary), bytes);

    let numbers = [Cell::Int(-7), Cell::Null];
    assert_eq!(fitted(Int8Array::from(vec![Some(-7), None]), DataType::Int8), numbers);
    assert_eq!(fitted(Int32Array::from(vec![Some(-7), None]), DataType::Int8), numbers);
    assert_eq!(fitted(Int16Array::from(vec![Some(-7), None]), DataType::Int16), numbers);
    assert_eq!(fitted(Int32Array::from(vec![Some(-7), None]), DataType::Int16), numbers);
    assert_eq!(fitted(Int32Array::from(vec![Some(-7), None]), DataType::Int32), numbers);
    assert_eq!(fitted(Int64Array::from(vec![Some(-7), None]), DataType::Int64), numbers);
    assert_eq!(fitted(Date32Array::from(vec![Some(-7), None]), DataType::Date32), numbers);
    for zone in [None, Some("UTC"), Some("+00:00")] {
        for column in [None, Some("UTC")] {
            let array = TimestampMicrosecondArray::from(vec![Some(-7), None]).with_timezone_opt(zone);
            assert_eq!(fitted(array, micros(column)), numbers);
        }
    }
    assert_eq!(fitted(BooleanArray::from(vec![true]), DataType::Boolean), [Cell::Bool(true)]);
    assert_eq!(fitted(Float32Array::from(vec![1.5]), DataType::Float32), [super::model::float(1.5)]);
    assert_eq!(fitted(Float64Array::from(vec![1.5]), DataType::Float64), [super::model::float(1.5)]);

    let decimals = [Cell::Decimal(-1250), Cell::Null];
    let column = DataType::Decimal128(5, 2);
    assert_eq!(fitted(StringArray::from(vec![Some("-12.5"), None]), column.clone()), decimals);
    assert_eq!(fitted(LargeStringArray::from(vec![Some("-12.500"), None]), column.clone()), decimals);
    let array = Decimal128Array::from(vec![Some(-1250), None]).with_precision_and_scale(5, 2).unwrap();
    assert_eq!(fitted(array, column), decimals);
}

#[test]
fn columns_come_in_any_order_and_missing_ones_are_null() {
    let table = schema(vec![
        Field::new("a", DataType::Int32, false),
        Field::new("b", DataType::Utf8, true),
        Field::new(
            "s",
            DataType::Struct(vec![Field::new("x", DataType::Int8, true), Field::new("y", DataType::Utf8, true)].into()),
            true,
        ),
    ]);
    let inner = StructArray::from(vec![(
        Arc::new(Field::new("y", DataType::LargeUtf8, true)),
        Arc::new(LargeStringArray::from(vec!["in", "out"])) as ArrayRef,
    )]);
    let incoming = batch(vec![("s", Arc::new(inner)), ("a", Arc::new(Int32Array::from(vec![1, 2])))]);
    let fitted = fit(&table, &incoming).unwrap();
    let row = |a, y| vec![Cell::Int(a), Cell::Null, Cell::Struct(vec![Cell::Null, text(y)])];
    assert_eq!((fitted.schema(), rows_of(&fitted)), (table, vec![row(1, "in"), row(2, "out")]));
}

#[test]
fn lists_and_maps_are_converted_inside() {
    let items: ArrayRef = Arc::new(LargeStringArray::from(vec![Some("skipped"), Some("a"), None, Some("b")]));
    let item = Arc::new(Field::new("item", DataType::LargeUtf8, true));
    let nulls = Some(NullBuffer::from(vec![true, false, true, true]));
    let large = LargeListArray::new(item.clone(), OffsetBuffer::new(vec![1, 3, 3, 3, 4].into()), items.clone(), nulls);
    let expected =
        [Cell::List(vec![text("a"), Cell::Null]), Cell::Null, Cell::List(vec![]), Cell::List(vec![text("b")])];
    assert_eq!(fitted(large.clone(), list_of(DataType::Utf8, true)), expected);
    assert_eq!(fitted(large.slice(2, 2), list_of(DataType::Utf8, true)), expected[2..]);
    let small = ListArray::new(item.clone(), OffsetBuffer::new(vec![1, 3, 4].into()), items.clone(), None);
    assert_eq!(fitted(small, list_of(DataType::Utf8, true)), [expected[0].clone(), expected[3].clone()]);
    // A null list may refer to items all the same; they do not count, not even where items must have a value.
    let nulls = Some(NullBuffer::from(vec![true, false, true]));
    let masked = ListArray::new(item, OffsetBuffer::new(vec![0, 2, 3, 4].into()), items, nulls);
    let expected = [Cell::List(vec![text("skipped"), text("a")]), Cell::Null, Cell::List(vec![text("b")])];
    assert_eq!(fitted(masked, list_of(DataType::Utf8, false)), expected);

    let mut builder = MapBuilder::new(None, LargeStringBuilder::new(), Int32Builder::new());
    builder.keys().append_value("k");
    builder.values().append_value(5);
    builder.append(true).unwrap();
    builder.append(false).unwrap();
    let map = builder.finish();
    let expected = [Cell::Map(vec![(text("k"), Cell::Int(5))]), Cell::Null];
    assert_eq!(fitted(map.clone(), map_of(DataType::Utf8, DataType::Int8, true)), expected);
    assert_eq!(fitted(map.slice(1, 1), map_of(DataType::Utf8, DataType::Int8, true)), expected[1..]);
}

#[test]
fn what_does_not_fit_names_column_and_row() {
    let column = DataType::Decimal128(5, 2);
    let error = refused(StringArray::from(vec![Some("1"), None, Some("1.234")]), column.clone(), true);
    assert_eq!(error, "field 'c': row 2: \"1.234\" does not fit DECIMAL(5,2) without rounding");
    let long = Decimal128Array::from(vec![1, 100_000]).with_precision_and_scale(5, 2).unwrap();
    assert_eq!(refused(long, column, true), "field 'c': row 1: the value has more digits than DECIMAL(5,2)");
    let error = refused(Int32Array::from(vec![1, 128]), DataType::Int8, true);
    assert_eq!(error, "field 'c': row 1: 128 does not fit a column of type TINYINT");
    let error = refused(Int64Array::from(vec![Some(1), None]), DataType::Int64, false);
    assert_eq!(error, "field 'c': row 1: the column must have a value");

    let item = Arc::new(Field::new("item", DataType::Int32, true));
    let items: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), Some(2), Some(300), None]));
    let lists = ListArray::new(item, OffsetBuffer::new(vec![0, 0, 1, 4].into()), items, None);
    let error = refused(lists.clone(), list_of(DataType::Int16, false), true);
    assert_eq!(error, "field 'c[2]': row 2: the column must have a value");
    let error = refused(lists, list_of(DataType::Int8, true), true);
    assert_eq!(error, "field 'c[1]': row 2: 300 does not fit a column of type TINYINT");

    let mut builder = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    builder.append(true).unwrap();
    for (key, value) in [("k", 1), ("j", 2), ("k", 3)] {
        builder.keys().append_value(key);
        builder.values().append_value(value);
    }
    builder.append(true).unwrap();
    let error = refused(builder.finish(), map_of(DataType::Utf8, DataType::Int32, true), true);
    assert_eq!(error, "field 'c': row 1: a key is there twice");
}

#[test]
fn below_a_null_nothing_is_required() {
    let children = vec![Field::new("x", DataType::Int8, false)];
    let table = schema(vec![Field::new("s", DataType::Struct(children.into()), true)]);
    let incoming = |nulls: Vec<bool>| {
        let field = Arc::new(Field::new("x", DataType::Int32, true));
        let values: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(1000)]));
        let array = StructArray::new(vec![field].into(), vec![values], Some(NullBuffer::from(nulls)));
        batch(vec![("s", Arc::new(array))])
    };
    let fitted = fit(&table, &incoming(vec![true, false, false])).unwrap();
    assert_eq!(rows_of(&fitted), [[Cell::Struct(vec![Cell::Int(1)])], [Cell::Null], [Cell::Null]]);
    let error = fit(&table, &incoming(vec![true, true, false])).unwrap_err();
    assert_eq!(error.to_string(), "field 's.x': row 1: the column must have a value");
    let error = fit(&table, &incoming(vec![true, false, true])).unwrap_err();
    assert_eq!(error.to_string(), "field 's.x': row 2: 1000 does not fit a column of type TINYINT");
}

#[test]
fn a_schema_that_does_not_fit_tells_everything_at_once() {
    let inner = |kind| DataType::Struct(vec![Field::new("x", kind, true)].into());
    let table = vec![
        Field::new("a", DataType::Int32, false),
        Field::new("b", DataType::Utf8, true),
        Field::new("l", list_of(inner(DataType::Int32), true), true),
        Field::new("m", map_of(DataType::Utf8, DataType::Int32, true), true),
    ];
    let incoming = vec![
        Field::new("b", DataType::Int32, true),
        Field::new("e", DataType::Int32, true),
        Field::new("l", list_of(inner(DataType::Int64), true), true),
        Field::new("m", map_of(DataType::Utf8, DataType::Utf8, true), true),
    ];
    let expected = [
        ("e", SchemaCause::FieldNotInTable),
        ("a", SchemaCause::MissingRequiredColumn),
        ("b", SchemaCause::TypeIncompatible),
        ("l[].x", SchemaCause::TypeIncompatible),
        ("m[].value", SchemaCause::TypeIncompatible),
    ];
    assert_eq!(problems(incoming, table), expected.map(|(field, cause)| (field.to_owned(), cause)));
    let a = || Field::new("a", DataType::Int32, true);
    assert_eq!(problems(vec![a(), a()], vec![a()]), [("a".to_owned(), SchemaCause::FieldCountMismatch)]);
    assert_eq!(problems(vec![], vec![a()]), [(String::new(), SchemaCause::FieldCountMismatch)]);
    for (incoming, column) in [
        (DataType::Int64, DataType::Int32),
        (DataType::Int32, DataType::Int64),
        (DataType::UInt32, DataType::Int64),
        (DataType::Float32, DataType::Float64),
        (DataType::Utf8, DataType::Date32),
        (DataType::Utf8View, DataType::Utf8),
        (DataType::Binary, DataType::Utf8),
        (DataType::Decimal128(5, 1), DataType::Decimal128(5, 2)),
        (DataType::Timestamp(TimeUnit::Nanosecond, None), micros(None)),
        (micros(Some("Europe/Berlin")), micros(Some("UTC"))),
        (DataType::Null, DataType::Utf8),
    ] {
        let found = problems(vec![Field::new("c", incoming.clone(), true)], vec![Field::new("c", column, true)]);
        assert_eq!(found, [("c".to_owned(), SchemaCause::TypeIncompatible)], "{incoming}");
    }
}

#[test]
fn few_bytes_do_not_become_many() {
    let long = "x".repeat(1 << 20);
    let keys = Int8Array::from(vec![0i8; 300]);
    let dictionary = DictionaryArray::new(keys, Arc::new(StringArray::from(vec![long.as_str()])));
    let error = refused(dictionary, DataType::Utf8, true);
    assert!(error.starts_with("field 'c': row 0: the dictionary stands for 314572800 bytes"), "{error}");

    let wide: Vec<Field> = (0..1000).map(|index| Field::new(format!("c{index}"), DataType::Int64, true)).collect();
    let incoming = batch(vec![("c0", Arc::new(Int64Array::from(vec![0; 20_000])))]);
    let error = fit(&schema(wide), &incoming).unwrap_err().to_string();
    assert!(error.contains("send smaller batches"), "{error}");
}

#[test]
fn a_batch_of_another_schema_than_the_checked_one_is_refused() {
    let table = schema(vec![Field::new("c", DataType::Utf8, true)]);
    let plan = check_schema(&table, &table).unwrap();
    let other = batch(vec![("c", Arc::new(LargeStringArray::from(vec!["x"])))]);
    assert!(plan.fit(&other).is_err());
    let good = batch(vec![("c", Arc::new(StringArray::from(vec!["x"])))]);
    assert_eq!(plan.fit(&good).unwrap(), good);
}
