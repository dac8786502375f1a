//! Records as they arrive, protobuf or JSON, to Arrow columns of the table.
//!
//! Both formats become [`Cell`]s, one row at a time, so that one bad record is told from the good ones before it;
//! the cells of many rows become one [`RecordBatch`]. The rules are strict: nothing is coerced, and an error names the
//! field.

mod columns;
mod json;
mod protobuf;

use deltalake::arrow::datatypes::SchemaRef;
use deltalake::arrow::record_batch::RecordBatch;

pub use protobuf::{DescriptorError, ProtobufDecoder};

/// A value of one row, already known to fit its column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// `BOOLEAN`
    Bool(bool),
    /// Every integer type, `DATE` in days, `TIMESTAMP` in microseconds.
    Int(i64),
    /// `DECIMAL` without its point.
    Decimal(i128),
    /// `FLOAT` and `DOUBLE`
    Float(f64),
    /// `STRING`
    Text(String),
    /// `BINARY`
    Bytes(Vec<u8>),
    /// `ARRAY`
    List(Vec<Cell>),
    /// `STRUCT`, by field
    Struct(Vec<Cell>),
    /// `MAP`
    Map(Vec<(Cell, Cell)>),
}

/// One row.
pub type Row = Vec<Cell>;

/// Why a record does not fit the table; names the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field '{field}': {problem}")]
pub struct DecodeError {
    /// Dotted path of the field; empty for the record as a whole.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl DecodeError {
    fn new(field: &str, problem: impl Into<String>) -> Self {
        Self { field: field.to_owned(), problem: problem.into() }
    }
}

/// How the records of a stream are written.
pub enum Decoder {
    /// By the descriptor that the client sent.
    Protobuf(ProtobufDecoder),
    /// JSON objects, fields named as the columns.
    Json(JsonDecoder),
}
pub struct JsonDecoder(SchemaRef);
impl JsonDecoder {
    pub fn new(schema: &SchemaRef) -> Self {
        Self(schema.clone())
    }
}
pub struct BatchBuilder {
    schema: SchemaRef,
    rows: Vec<Row>,
    bytes: usize,
}
impl BatchBuilder {
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, rows: Vec::new(), bytes: 0 }
    }
    pub fn rows(&self) -> usize {
        self.rows.len()
    }
    pub fn bytes(&self) -> usize {
        self.bytes
    }
    pub fn finish(&mut self) -> Result<RecordBatch, DecodeError> {
        self.bytes = 0;
        to_batch(&std::mem::take(&mut self.rows), &self.schema)
    }
}
impl Encoded<'_> {
    pub fn len(&self) -> usize {
        match self {
            Self::Protobuf(b) => b.len(),
            Self::Json(t) => t.len(),
        }
    }
}

/// A record as it arrived.
#[derive(Clone, Copy, Debug)]
pub enum Encoded<'a> {
    /// Bytes of a protobuf message.
    Protobuf(&'a [u8]),
    /// Text of a JSON object.
    Json(&'a str),
}

impl Decoder {
    /// Decodes one record for a table with these columns.
    ///
    /// # Errors
    /// [`DecodeError`] for the first field that does not fit, or for a record of the other kind.
    pub fn decode(&mut self, record: Encoded<'_>, rows: &mut BatchBuilder) -> Result<(), DecodeError> {
        rows.bytes += record.len();
        let row = match (self, record) {
            (Self::Protobuf(decoder), Encoded::Protobuf(bytes)) => decoder.decode(bytes, &rows.schema),
            (Self::Json(_), Encoded::Json(text)) => json::decode(text, &rows.schema),
            _ => Err(DecodeError::new("", "the record is not of the record type the stream was created with")),
        }?;
        rows.rows.push(row);
        Ok(())
    }
}

/// Rows to the columns of a table.
///
/// # Errors
/// [`DecodeError`] when a cell is not of its column's kind, which the decoders rule out, or a required column is empty.
pub fn to_batch(rows: &[Row], schema: &SchemaRef) -> Result<RecordBatch, DecodeError> {
    columns::to_batch(rows, schema)
}
