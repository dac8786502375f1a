use std::sync::Arc;

use super::*;

fn row_type() -> DataType {
    DataType::Struct(Fields::from(vec![
        Field::new("id", DataType::Int32, false),
        Field::new("Price", DataType::Decimal128(5, 2), true),
        Field::new("tags", DataType::List(Arc::new(Field::new("element", DataType::Utf8, false))), true),
        Field::new_struct("place", vec![Field::new("zip", DataType::Int32, false)], true),
        Field::new_map(
            "counts",
            "key_value",
            Field::new("key", DataType::Utf8, false),
            Field::new("value", DataType::Int32, true),
            false,
            true,
        ),
    ]))
}

fn strictly(text: &str) -> Result<Cell<'_>, String> {
    let mut rows = Rows::new(text);
    let row = rows.next_row(&row_type()).map_err(|malformed| malformed.to_string())?;
    match row.ok_or("no row")?.1 {
        Converted::Whole(cell) => Ok(cell),
        Converted::Partial(_, misfit) | Converted::Bad(misfit) => Err(misfit.to_string()),
    }
}

#[test]
fn strict_rows_are_whole() {
    let row = strictly(r#"{"price": "1.50", "ID": 7, "tags": ["a"], "place": {"zip": 1}, "counts": {"x": null}}"#);
    assert_eq!(
        row,
        Ok(Cell::Struct(vec![
            Cell::Int(7),
            Cell::Decimal(150),
            Cell::List(vec![Cell::Text("a".into())]),
            Cell::Struct(vec![Cell::Int(1)]),
            Cell::Map(vec![(Cell::Text("x".into()), Cell::Null)]),
        ]))
    );
}

#[test]
fn strict_rows_name_the_field_that_does_not_fit() {
    for (text, message) in [
        (r#"{}"#, "field 'id': the column must have a value"),
        (r#"{"id": null}"#, "field 'id': the column must have a value"),
        (r#"{"id": "1"}"#, "field 'id': \"1\" does not fit the type INT"),
        (r#"{"id": 1, "price": 1.005}"#, "field 'Price': 1.005 does not fit the type DECIMAL(5,2)"),
        (r#"{"id": 1, "other": {"deep": [1]}}"#, "field 'other': there is no such column"),
        (r#"{"id": 1, "ID": 2}"#, "field 'ID': the field is there twice"),
        (r#"{"id": 1, "tags": ["a", 1, {"b": 2}, null]}"#, "field 'tags[]': an element must have a value"),
        (r#"{"id": 1, "tags": "a"}"#, "field 'tags': \"a\" does not fit the type ARRAY<STRING>"),
        (r#"{"id": 1, "place": {}}"#, "field 'place.zip': the column must have a value"),
        (r#"{"id": 1, "place": {"zip": 1, "city": 2}}"#, "field 'place.city': there is no such column"),
        (r#"{"id": 1, "counts": {"a": 1, "a": 2}}"#, "field 'counts.a': the key is there twice"),
        (r#"{"id": 1, "counts": {"a": 1.5}}"#, "field 'counts.a': 1.5 does not fit the type INT"),
        ("5", "field '': 5 does not fit the type STRUCT"),
    ] {
        let error = strictly(text).expect_err(text);
        assert!(error.starts_with(message), "{text}: {error}");
    }
}

#[test]
fn rows_of_one_text_end_with_it() {
    let count = |text: &str| {
        let mut rows = Rows::new(text);
        let mut count = 0;
        while let Some((_, row)) = rows.next_row(&row_type())? {
            assert!(matches!(row, Converted::Whole(_)), "{row:?}");
            count += 1;
        }
        Ok::<_, Malformed>(count)
    };
    for (text, rows) in [("", 0), (" \r", 0), (r#"{"id": 1}"#, 1), ("[]", 0), (r#" [{"id": 1}, {"id": 2}] "#, 2)] {
        assert_eq!(count(text), Ok(rows), "{text}");
    }
    for text in [r#"{"id": 1} {"id": 2}"#, r#"{"id": 1},"#, r#"[{"id": 1}"#, r#"[{"id": 1}]]"#, r#"[{"id": 1},]"#, "{"]
    {
        assert!(count(text).is_err(), "{text}");
    }
}

/// Whatever is read makes columns, by both rules, and nothing panics.
#[test]
fn any_text_becomes_columns_or_a_message() {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    const KEYS: [&str; 8] = ["id", "ID", "price", "Price", "tags", "place", "counts", "other"];
    const VALUES: [&str; 22] = [
        "1",
        "-7",
        "1.5",
        "1e400",
        "99999999999999999999",
        "null",
        "true",
        "\"\"",
        "\"1.25\"",
        "NaN",
        "\"\\u00e9\"",
        "'x'",
        "[]",
        "{}",
        "[\"a\", \"b\"]",
        "[1, null]",
        "{\"zip\": 5}",
        "{\"zip\": \"5\", \"x\": [[]]}",
        "{\"a\": 1, \"b\": null}",
        "{\"a\": 1, \"a\": 2}",
        "[{\"deep\": [{}]}]",
        "0.12",
    ];
    let (row, schema) = (
        row_type(),
        match row_type() {
            DataType::Struct(fields) => Arc::new(deltalake::arrow::datatypes::Schema::new(fields)),
            other => panic!("{other}"),
        },
    );
    let mut random = StdRng::seed_from_u64(17);
    let (mut whole, mut partial) = (0, 0);
    for _ in 0..60_000 {
        let mut text = ["{\"id\": 1", "{\"id\": \"1\"", "[{\"id\": 3", "{"][random.random_range(0..4)].to_owned();
        for _ in 0..random.random_range(0..4) {
            let (key, value) = (KEYS[random.random_range(0..KEYS.len())], VALUES[random.random_range(0..VALUES.len())]);
            text.push_str(&format!(", \"{key}\": {value}"));
        }
        text.push_str(["}", "}]", "} {", ""][random.random_range(0..4)]);
        if random.random_bool(0.1) {
            text.remove(random.random_range(0..text.len()));
        }
        if let Ok(Converted::Partial(cell, _)) = convert(&mut Reader::new(&text), &row, Rules::Lenient) {
            partial += 1;
            // Lenient types can be NULL everywhere; these cannot, so only the tree of cells is looked at.
            assert!(matches!(&cell, Cell::Struct(cells) if cells.len() == 5), "{text}");
        }
        let mut rows = Rows::new(&text);
        while let Ok(Some((at, converted))) = rows.next_row(&row) {
            assert!(at <= text.len());
            if let Converted::Whole(cell @ Cell::Struct(_)) = converted {
                whole += 1;
                let batch = super::super::cells::batch(&schema, &[cell]);
                assert!(batch.is_ok(), "{text}: {batch:?}");
            }
        }
    }
    assert!(whole > 100 && partial > 100, "{whole} whole and {partial} partial rows say little");
}
