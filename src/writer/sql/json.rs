//! Rows as the JSON that a SQL warehouse reads: times in ISO 8601, decimals and what is no finite number as text, bytes in
//! base64. Zerobus' JSON is another: it has its times in microseconds.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cell::{Cell, refused, value};
use crate::writer::WriterError;

/// How arrays, maps and structs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::writer) enum Nested {
    /// As the JSON values they are.
    Inline,
    /// As the text of their JSON, for a reader that would otherwise guess their types.
    AsText,
}

/// Writes rows as objects.
pub(in crate::writer) struct Objects<'b> {
    batch: &'b RecordBatch,
    nested: Nested,
    /// For each column, what stands before its value: `{"a":` or `,"b":`.
    keys: Vec<String>,
}

impl<'b> Objects<'b> {
    pub(in crate::writer) fn new(batch: &'b RecordBatch, nested: Nested) -> Self {
        let fields = batch.schema_ref().fields().iter().enumerate();
        let keys = fields.map(|(index, field)| {
            let mut key = String::from(if index == 0 { "{" } else { "," });
            push_text(&mut key, field.name());
            key.push(':');
            key
        });
        Self { batch, nested, keys: keys.collect() }
    }

    /// Adds a row; every column is in it, also when it is null.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a value that SQL has no text for.
    pub(in crate::writer) fn push(&self, out: &mut String, row: usize) -> Result<(), WriterError> {
        for (index, key) in self.keys.iter().enumerate() {
            out.push_str(key);
            let array = self.batch.column(index);
            let pushed = if self.nested == Nested::AsText && array.data_type().is_nested() && array.is_valid(row) {
                let mut inner = String::new();
                push_value(&mut inner, array, row).map(|()| push_text(out, &inner))
            } else {
                push_value(out, array, row)
            };
            pushed.map_err(|problem| refused(self.batch, index, &problem))?;
        }
        out.push_str(if self.keys.is_empty() { "{}" } else { "}" });
        Ok(())
    }
}

/// A value that is not null as text for [`Reading::expression`](super::inserts::Reading::expression): base64 of bytes, JSON of
/// arrays, maps and structs, of all else what CAST reads.
///
/// # Errors
/// As [`value`].
pub(super) fn readable(array: &ArrayRef, row: usize) -> Result<String, String> {
    let mut text = String::new();
    if array.data_type().is_nested() {
        push_value(&mut text, array, row)?;
        return Ok(text);
    }
    match value(array, row)? {
        Cell::Bytes(bytes) => STANDARD.encode_string(bytes, &mut text),
        cell => cell.write_text(&mut text),
    }
    Ok(text)
}

fn push_value(out: &mut String, array: &ArrayRef, row: usize) -> Result<(), String> {
    if array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            push_items(out, ['[', ']'], elements.len(), |out, index| push_value(out, &elements, index))
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            push_items(out, ['{', '}'], columns.len(), |out, index| {
                push_text(out, fields[index].name());
                out.push(':');
                push_value(out, &columns[index], row)
            })
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            push_items(out, ['{', '}'], entries.len(), |out, index| {
                push_key(out, value(keys, index)?);
                out.push(':');
                push_value(out, values, index)
            })
        }
        _ => {
            push_scalar(out, value(array, row)?);
            Ok(())
        }
    }
}

fn push_items(
    out: &mut String,
    [open, close]: [char; 2],
    count: usize,
    push: impl Fn(&mut String, usize) -> Result<(), String>,
) -> Result<(), String> {
    out.push(open);
    for index in 0..count {
        if index > 0 {
            out.push(',');
        }
        push(out, index)?;
    }
    out.push(close);
    Ok(())
}

fn push_scalar(out: &mut String, cell: Cell<'_>) {
    match cell {
        Cell::Null => out.push_str("null"),
        Cell::Text(text) => push_text(out, text),
        Cell::Bool(_) | Cell::Int(_) => cell.write_text(out),
        Cell::Float(value) if value.is_finite() => cell.write_text(out),
        Cell::Double(value) if value.is_finite() => cell.write_text(out),
        _ => push_key(out, cell),
    }
}

/// A value as text, as the keys of objects are and all that JSON has no other form for.
fn push_key(out: &mut String, cell: Cell<'_>) {
    match cell {
        Cell::Text(text) => push_text(out, text),
        Cell::Bytes(bytes) => {
            out.push('"');
            STANDARD.encode_string(bytes, out);
            out.push('"');
        }
        _ => {
            out.push('"');
            cell.write_text(out);
            out.push('"');
        }
    }
}

fn push_text(out: &mut String, text: &str) {
    out.push('"');
    let mut start = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[start..index]);
        start = index + 1;
        match byte {
            b'\n' => out.push_str("\\n"),
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            _ => out.push_str(&format!("\\u{byte:04x}")),
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{Int32Builder, ListBuilder, MapBuilder, StringBuilder};
    use arrow_array::{
        BinaryArray, Date32Array, Decimal128Array, Float64Array, StringArray, StructArray, TimestampMicrosecondArray,
    };
    use arrow_schema::Field;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn object(columns: Vec<(&str, ArrayRef)>, nested: Nested, row: usize) -> String {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut out = String::new();
        Objects::new(&batch, nested).push(&mut out, row).unwrap();
        out
    }

    #[test]
    fn values_have_the_form_that_keeps_them_whole() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("d", Arc::new(Float64Array::from(vec![1.5, f64::NAN, 0.0]))),
            ("m", Arc::new(Decimal128Array::from(vec![123, -1, 0]).with_precision_and_scale(38, 2).unwrap())),
            ("day", Arc::new(Date32Array::from(vec![0, 1, -1]))),
            ("t", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, None]).with_timezone("UTC"))),
            ("b", Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..], b"", b"a"]))),
        ];
        let expected = r#"{"d":1.5e0,"m":"1.23","day":"1970-01-01","t":"1970-01-01T00:00:00.000001Z","b":"AP8="}"#;
        assert_eq!(object(columns.clone(), Nested::Inline, 0), expected);
        let expected = r#"{"d":"NaN","m":"-0.01","day":"1970-01-02","t":null,"b":""}"#;
        assert_eq!(object(columns, Nested::Inline, 1), expected);
    }

    #[test]
    fn nested_values_are_json_or_its_text() {
        let mut lists = ListBuilder::new(Int32Builder::new());
        lists.append_value([Some(1), None]);
        lists.append_null();
        let mut maps = MapBuilder::new(None, Int32Builder::new(), StringBuilder::new());
        maps.keys().append_value(7);
        maps.values().append_value("x\"");
        maps.append(true).unwrap();
        maps.append(true).unwrap();
        let inner: ArrayRef = Arc::new(StringArray::from(vec![Some("é"), None]));
        let records = StructArray::from(vec![(Arc::new(Field::new("a", DataType::Utf8, true)), inner)]);
        let columns: Vec<(&str, ArrayRef)> =
            vec![("l", Arc::new(lists.finish())), ("m", Arc::new(maps.finish())), ("s", Arc::new(records))];
        let expected = r#"{"l":[1,null],"m":{"7":"x\""},"s":{"a":"é"}}"#;
        assert_eq!(object(columns.clone(), Nested::Inline, 0), expected);
        let text: Value = serde_json::from_str(&object(columns.clone(), Nested::AsText, 0)).unwrap();
        assert_eq!(text, json!({"l": "[1,null]", "m": "{\"7\":\"x\\\"\"}", "s": "{\"a\":\"é\"}"}));
        let expected = r#"{"l":null,"m":"{}","s":"{\"a\":null}"}"#;
        assert_eq!(object(columns, Nested::AsText, 1), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was(text in any::<String>(), key in any::<String>()) {
            let columns: Vec<(&str, ArrayRef)> = vec![(&key, Arc::new(StringArray::from(vec![text.as_str()])))];
            let read: Value = serde_json::from_str(&object(columns, Nested::Inline, 0)).unwrap();
            prop_assert_eq!(&read[&key], &Value::from(text));
        }
    }
}
