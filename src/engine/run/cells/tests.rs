use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::*;

fn nested() -> SchemaRef {
    let field = |name: &str, data_type, nullable| Arc::new(Field::new(name, data_type, nullable));
    let pair = DataType::Struct(vec![field("a", DataType::Int32, false), field("b", DataType::Utf8, true)].into());
    let entries =
        DataType::Struct(vec![field("key", DataType::Utf8, false), field("value", DataType::Float64, true)].into());
    Arc::new(Schema::new(vec![
        Field::new("list", DataType::List(field("element", pair, true)), true),
        Field::new("map", DataType::Map(field("key_value", entries, false), false), true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("price", DataType::Decimal128(12, 2), true),
    ]))
}

/// A row with two items and one entry, and a row of nulls.
fn fill(cells: &mut [Cells]) {
    let [list, map, at, price] = cells else { panic!("four columns") };
    let Values::List(_, items) = &mut list.values else { panic!("a list") };
    let Values::Struct(children) = &mut items.values else { panic!("of structs") };
    children[0].push_integer(-7);
    children[1].push_bytes(|bytes| bytes.extend_from_slice("ä".as_bytes()));
    items.filled();
    items.push_null();
    list.end_items();
    let Values::Map(_, entries) = &mut map.values else { panic!("a map") };
    entries.0.push_bytes(|bytes| bytes.push(b'k'));
    entries.1.push_double(-0.25);
    map.end_items();
    at.push_integer(1_767_225_600_000_000);
    let Values::Decimal(values) = &mut price.values else { panic!("a decimal") };
    values.push(-1250);
    price.filled();
    cells.iter_mut().for_each(Cells::push_null);
}

#[test]
fn nested_rows_and_nulls_become_arrays_and_the_cells_can_be_used_again() {
    let schema = nested();
    let mut cells = cells_of(&schema).unwrap();
    for _twice in 0..2 {
        fill(&mut cells);
        let batch = finish_batch(&schema, &mut cells, 2).unwrap();
        assert_eq!((batch.num_rows(), cells[0].len()), (2, 0));
        assert!(batch.columns().iter().all(|column| column.is_valid(0) && column.is_null(1)));
        let items = batch.column(0).as_list::<i32>().value(0);
        assert_eq!((items.len(), items.null_count()), (2, 1));
        let texts = items.as_struct().column(1).as_string::<i32>();
        assert_eq!((texts.value(0), texts.is_null(1)), ("ä", true));
        assert_eq!(batch.column(1).as_map().value_length(0), 1);
        assert_eq!(batch.column(3).as_primitive::<Decimal128Type>().value(0), -1250);
    }
}

#[test]
fn the_size_is_that_of_the_json_text() {
    let schema = nested();
    let mut cells = cells_of(&schema).unwrap();
    let size = |cells: &[Cells]| json_frame(cells) + cells.iter().map(Cells::last_json_len).sum::<usize>();
    fill(&mut cells);
    assert_eq!(size(&cells), r#"{"list":null,"map":null,"at":null,"price":null}"#.len());
    let mut cells = cells_of(&schema).unwrap();
    fill(&mut cells);
    let row = r#"{"list":[{"a":-7,"b":"ä"},null],"map":{"k":-0.25},"at":1767225600000000,"price":"-12.50"}"#;
    let first: usize = cells.iter().map(|cells| cells.json_len(0)).sum();
    assert_eq!(json_frame(&cells) + first, row.len());
}

#[test]
fn columns_that_are_short_of_a_row_make_no_batch() {
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8, true)]));
    let mut cells = cells_of(&schema).unwrap();
    cells[0].push_double(1.0);
    assert!(finish_batch(&schema, &mut cells, 1).is_err());
}

#[test]
fn nulls_where_none_may_be_make_no_batch() {
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8, false)]));
    let mut cells = cells_of(&schema).unwrap();
    cells[0].push_null();
    assert!(finish_batch(&schema, &mut cells, 1).is_err());
}
