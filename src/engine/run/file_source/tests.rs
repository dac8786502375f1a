use std::io;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int32Type, TimestampMicrosecondType};
use serde_json::json;

use super::*;

fn sales() -> TableInfo {
    TableInfo::of_types(&[
        ("record_id", "string not null"),
        ("item", "string not null"),
        ("amount", "int"),
        ("price", "decimal(8,2)"),
        ("weight", "double"),
        ("day", "date"),
        ("at", "timestamp"),
        ("gift", "boolean"),
        ("batch_id", "string"),
    ])
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(field, column)| ((*field).to_owned(), (*column).to_owned())).collect()
}

fn open(text: &str, pairs: &[(&str, &str)]) -> Result<FileSource, EdgeError> {
    let reader = Box::new(io::Cursor::new(text.to_owned().into_bytes()));
    FileSource::new(reader, None, &map(pairs), &sales(), 7, "run-1")
}

fn texts(records: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let column = records.column_by_name(column).unwrap().as_string::<i32>();
    column.iter().map(|text| text.map(str::to_owned)).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

fn problems(errors: &[FieldError]) -> Vec<(&str, &str)> {
    errors.iter().map(|error| (error.path.as_str(), error.rule.as_str())).collect()
}

const CSV: &str = "\u{feff}item,amount,price,weight,day,at,gift\n\
    \"Tea, green\",2,4.50,0.25,2026-01-31,2026-01-31 12:00:00,true\n\
    Kettle,two,39.99,1e0,2026-02-30,,maybe\n\
    \n\
    \"Two\nlines\",,,,,,\n\
    Short,1\n\
    Cup,-3,1,2,2026-03-01,1767225600000000,0\n";

#[test]
fn csv_becomes_typed_columns_and_bad_rows_are_named_by_line() {
    let mut source = open(CSV, &[]).unwrap();
    let made = source.batch(100).unwrap().unwrap();
    assert_eq!(source.format(), FileFormat::Csv);
    let records = &made.records;
    assert_eq!(texts(records, "item"), some(&["Tea, green", "Two\nlines", "Cup"]));
    assert_eq!(
        texts(records, "record_id"),
        some(&[record_id(7, 0), record_id(7, 2), record_id(7, 4)].each_ref().map(String::as_str))
    );
    assert_eq!(texts(records, "batch_id"), some(&["run-1"; 3]));
    assert_eq!(made.ordinals, [0..1, 2..3, 4..5]);
    assert_eq!(records.column(2).as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), [Some(2), None, Some(-3)]);
    assert_eq!(
        records.column(3).as_primitive::<Decimal128Type>().iter().collect::<Vec<_>>(),
        [Some(450), None, Some(100)]
    );
    assert_eq!(records.column(4).as_primitive::<Float64Type>().value(0), 0.25);
    assert_eq!(records.column(5).as_primitive::<Date32Type>().value(0), 20_484);
    let at = records.column(6).as_primitive::<TimestampMicrosecondType>();
    assert_eq!((at.value(0), at.value(2)), (1_769_860_800_000_000, 1_767_225_600_000_000));
    assert_eq!((records.column(7).as_boolean().value(0), records.column(7).as_boolean().value(2)), (true, false));
    assert_eq!((source.records(), source.bad(), source.brings_ids()), (5, 2, false));
    let expected = [("line 3.amount", "type"), ("line 3.day", "date"), ("line 3.gift", "type"), ("line 7", "fields")];
    assert_eq!(problems(source.errors()), expected);
    assert_eq!(source.errors()[0].came, "\"two\"");
    let bad: Vec<_> = made.bad.iter().map(|(ordinal, _)| *ordinal).collect();
    assert_eq!(bad, [1, 3]);
    assert_eq!(made.bad[0].1["record_id"], json!(record_id(7, 1)));
    assert!(made.bad.iter().all(|(_, record)| validate_row(record, "r", &sales()).is_err()));
    assert!(source.batch(100).unwrap().is_none());
}

const LINES: &str = "{\"item\":\"Tea\",\"amount\":2}\n\n{\"item\":\"Cup\",\"amount\":\"2\"}\r\n[1]\n{\"item\":\n\
    {\"item\":\"Can\",\"colour\":\"red\"}\n{\"amount\":1}\n{\"item\":\"Pot\",\"at\":\"2026-01-01T00:00:00Z\",\"record_id\":\"mine\"}";

#[test]
fn ndjson_is_taken_as_it_is() {
    let mut source = open(LINES, &[]).unwrap();
    let made = source.batch(100).unwrap().unwrap();
    assert_eq!(texts(&made.records, "item"), some(&["Tea", "Pot"]));
    assert_eq!(texts(&made.records, "record_id"), some(&[record_id(7, 0).as_str(), "mine"]));
    assert!(source.brings_ids());
    let expected = [
        ("line 3.amount", "type"),
        ("line 4", "type"),
        ("line 5", "json"),
        ("line 6.colour", "unknown"),
        ("line 7.item", "required"),
    ];
    assert_eq!(problems(source.errors()), expected);
}

const ARRAY: &str =
    "\n[ {\"item\":\"a ] , } \\\" [\"},\n {\"item\":\"b\"} {},\n\n {\"item\":\n\"c\"}\n,, {\"item\":\"d\"} ]\n x";

#[test]
fn a_json_array_is_read_element_by_element() {
    let mut source = open(ARRAY, &[]).unwrap();
    let made = source.batch(100).unwrap().unwrap();
    assert_eq!(texts(&made.records, "item"), some(&["a ] , } \" [", "c", "d"]));
    assert_eq!(problems(source.errors()), [("line 3", "json"), ("line 7", "json"), ("line 8", "json")]);
    assert_eq!(source.records(), 6);
    for (text, records, bad) in
        [("[]", 0, 0), ("[ \n ] ", 0, 0), ("[{\"item\":\"a\"}", 1, 1), ("[{\"item\":\"a\"},]", 2, 1)]
    {
        let mut source = open(text, &[]).unwrap();
        source.batch(10).unwrap();
        assert_eq!((source.records(), source.bad()), (records, bad), "{text}");
    }
}

#[test]
fn all_formats_give_the_same_records_in_batches_of_any_size() {
    let lines: Vec<String> =
        (0..50).map(|n| format!("{{\"item\":\"thing {n}\",\"amount\":{n},\"price\":\"{n}.5\"}}")).collect();
    let csv: String = (0..50).map(|n| format!("thing {n},{n},{n}.5\n")).collect();
    let files = [format!("item,amount,price\n{csv}"), lines.join("\n"), format!("[{}]", lines.join(",\n"))];
    let whole = open(&files[0], &[]).unwrap().batch(50).unwrap().unwrap().records;
    for file in files {
        let mut source = open(&file, &[]).unwrap();
        let mut rows = 0;
        while let Some(made) = source.batch(7).unwrap() {
            assert_eq!(made.records, whole.slice(rows, made.records.num_rows()));
            assert!(made.ordinals.iter().cloned().flatten().eq(rows as u64..rows as u64 + made.taken()));
            rows += made.records.num_rows();
        }
        assert_eq!((rows, source.bad()), (50, 0), "{:?}", source.errors());
    }
}

#[test]
fn fields_go_to_the_columns_they_are_mapped_to() {
    let file = "Thing,Amount,price,secret\nTea,3,1.5,x\n";
    let pairs = [("Thing", "item"), ("Amount", "amount"), ("secret", "")];
    let records = open(file, &pairs).unwrap().batch(9).unwrap().unwrap().records;
    assert_eq!(texts(&records, "item"), some(&["Tea"]));
    assert_eq!(records.column(2).as_primitive::<Int32Type>().value(0), 3);
    let lines = "{\"Thing\":\"Tea\"}\n{\"Thing\":\"Tea\",\"item\":\"Cup\"}\n";
    let mut source = open(lines, &pairs).unwrap();
    assert_eq!(source.batch(9).unwrap().unwrap().records.num_rows(), 1);
    assert_eq!(problems(source.errors()), [("line 2.item", "exclusive")]);
}

#[test]
fn files_that_cannot_be_a_source_are_refused_before_the_first_record() {
    let refused = |text: &str, pairs: &[(&str, &str)]| {
        let error = open(text, pairs).err().unwrap();
        assert_eq!(error.error_code, "INVALID_PARAMETER_VALUE");
        (
            error.message,
            error.details.into_iter().map(|error| format!("{} {}", error.path, error.rule)).collect::<Vec<_>>(),
        )
    };
    assert_eq!(refused("item,colour\n", &[]).1, ["header.colour unknown"]);
    assert_eq!(refused("amount\n1\n", &[]).1, ["table.item required"]);
    assert_eq!(refused("item,x\n", &[("x", "item")]).1, ["header.x exclusive"]);
    assert_eq!(refused("item\n", &[("x", "nothing")]).1, ["source.map.\"x\" unknown"]);
    assert_eq!(refused("item\n", &[("x", "item"), ("y", "item")]).1, ["source.map.\"y\" exclusive"]);
    assert!(refused("item,item\n", &[]).0.contains("has field item twice"));
    assert!(refused("item,,price\n", &[]).0.contains("no name for field 2"));
    assert!(refused(" \n", &[]).0.contains("is empty"));
    let json = Box::new(io::Cursor::new(b"{}".to_vec()));
    let error = FileSource::new(json, Some(FileFormat::JsonArray), &map(&[]), &sales(), 0, "r").err().unwrap();
    assert!(error.message.contains("begins with '['"), "{}", error.message);
    let span = TableInfo::of_types(&[("item", "string"), ("span", "interval day")]);
    let json = Box::new(io::Cursor::new(b"{\"item\":\"a\"}".to_vec()));
    let error = FileSource::new(json, None, &map(&[]), &span, 0, "r").err().unwrap();
    assert!(error.message.contains("column span of a.b.c has type interval day"), "{}", error.message);
    let path = tempfile::tempdir().unwrap().path().join("none.csv");
    assert_eq!(FileSource::open(&path, &map(&[]), &sales(), 0, "r").err().unwrap().error_code, "NOT_FOUND");
}

/// Says `text` over and over, and how often it was asked.
struct Endless {
    text: &'static [u8],
    at: usize,
}

impl io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for byte in buffer.iter_mut() {
            *byte = self.text[self.at % self.text.len()];
            self.at += 1;
        }
        Ok(buffer.len())
    }
}

fn endless(text: &'static [u8]) -> FileSource {
    FileSource::new(Box::new(Endless { text, at: 0 }), None, &map(&[]), &sales(), 0, "r").unwrap()
}

#[test]
fn files_without_an_end_are_read_as_far_as_they_are_wanted() {
    let mut source = endless(b"{\"item\":\"a\"}\n{\"no\":1}\n");
    for batch in 1..=5 {
        assert_eq!(source.batch(1_000).unwrap().unwrap().records.num_rows(), 500);
        assert_eq!((source.records(), source.bad()), (batch * 1_000, batch * 500));
    }
    assert_eq!(source.errors().len(), MOST_ERRORS);
}

#[test]
fn records_without_an_end_are_given_up() {
    let header = io::Cursor::new(b"item\nfirst\n\"".to_vec());
    let never_closed = Box::new(io::Read::chain(header, Endless { text: b"x", at: 0 }));
    let mut source = FileSource::new(never_closed, None, &map(&[]), &sales(), 0, "r").unwrap();
    let before = source.batch(10).unwrap().unwrap();
    assert_eq!(before.records.num_rows(), 1, "what came before is not lost");
    let error = source.batch(10).err().unwrap();
    assert!(error.message.contains("perhaps a quote is never closed"), "{}", error.message);

    let long = format!("{{\"item\":\"{}\"}}", "x".repeat(LONGEST_RECORD));
    for file in [format!("{long}\n{{\"item\":\"next\"}}"), format!("[{long},{{\"item\":\"next\"}}]")] {
        let mut source = open(&file, &[]).unwrap();
        assert_eq!(texts(&source.batch(9).unwrap().unwrap().records, "item"), some(&["next"]));
        assert_eq!(problems(source.errors()), [("line 1", "length")]);
    }
}

#[test]
fn a_preview_shows_fields_a_mapping_rows_and_errors() {
    let file = "Item,AMOUNT,colour,day\nTea,2,red,2026-01-01\nCup,x,blue,2026-01-02\nPot,3,,2026-01-03\n";
    let shown = preview(Box::new(io::Cursor::new(file)), None, &map(&[]), &sales(), 1).unwrap();
    let fields: Vec<_> = shown
        .fields
        .iter()
        .map(|field| (field.field.as_str(), field.column.as_deref(), field.sample.as_str()))
        .collect();
    let expected = [
        ("Item", Some("item"), "Tea"),
        ("AMOUNT", Some("amount"), "2"),
        ("colour", None, "red"),
        ("day", Some("day"), "2026-01-01"),
    ];
    assert_eq!(fields, expected);
    assert_eq!((shown.format, shown.records, shown.bad), (FileFormat::Csv, 3, 1));
    let row = json!({"item": "Tea", "amount": 2, "day": "2026-01-01"});
    assert_eq!(serde_json::to_value(&shown.rows).unwrap(), json!([row]));
    assert_eq!(problems(&shown.errors), [("header.colour", "unknown"), ("line 3.amount", "type")]);
    assert!(shown.missing_columns.is_empty());

    // The mapping it proposes opens the file.
    let mapping: BTreeMap<String, String> =
        shown.fields.into_iter().map(|field| (field.field, field.column.unwrap_or_default())).collect();
    let mut source = FileSource::new(Box::new(io::Cursor::new(file)), None, &mapping, &sales(), 0, "r").unwrap();
    assert_eq!(source.batch(9).unwrap().unwrap().records.num_rows(), 2);

    let lines = "{\"day\":\"2026-01-01\"}\n{\"Day\":1}\n";
    let shown = preview(Box::new(io::Cursor::new(lines)), None, &map(&[]), &sales(), 5).unwrap();
    assert_eq!(shown.missing_columns, ["item"]);
    let columns: Vec<_> = shown.fields.iter().map(|field| field.column.as_deref()).collect();
    assert_eq!(columns, [Some("day"), None], "a column is proposed once");
}

#[test]
fn bytes_and_values_inside_of_others_come_from_json_and_from_csv() {
    let mut table = TableInfo::of_types(&[("item", "string"), ("raw", "binary"), ("tags", "array")]);
    table.columns[2].type_json = r#"{"type":"array","elementType":"string","containsNull":true}"#.to_owned();
    let json = "{\"item\":\"a\",\"raw\":\"AAH/\",\"tags\":[\"x\",null]}\n";
    for file in [json, "item,raw,tags\na,AAH/,\"[\"\"x\"\",null]\"\n"] {
        let mut source = FileSource::new(Box::new(io::Cursor::new(file)), None, &map(&[]), &table, 0, "r").unwrap();
        let records = source.batch(9).unwrap().unwrap().records;
        assert_eq!(records.column(1).as_binary::<i32>().value(0), b"\x00\x01\xff");
        let tags = records.column(2).as_list::<i32>().value(0);
        assert_eq!(tags.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("x"), None]);
    }
}

#[test]
fn lines_of_csv_are_counted_whatever_ends_them() {
    for end in ["\n", "\r\n"] {
        let text = ["item,amount", "Tea,1", "Cup,many", "\"a", "b\",2", "Pot,few", ""].join(end);
        let mut file = open(&text, &[]).unwrap();
        while file.batch(10).unwrap().is_some() {}
        let paths: Vec<_> = problems(file.errors()).into_iter().map(|(path, _)| path.to_owned()).collect();
        assert_eq!(paths, ["line 3.amount", "line 6.amount"], "{end:?}");
    }
}
