//! Records as they arrive, protobuf, JSON or Arrow, to Arrow columns of the table.
//!
//! Protobuf and JSON go value by value straight into the columns of a [`BatchBuilder`]; a record that does not fit is
//! taken out of them again, so one bad record is told from the good ones before it. Arrow batches are brought into the
//! table's types as wholes by [`arrow`]. The rules (`decode/README.md`) are strict: nothing is coerced, and an error
//! names the field. Nothing here knows streams, tables or storage.

#[allow(dead_code, reason = "for Arrow Flight streams")]
pub mod arrow;
mod batch;
mod column;
mod decimal;
mod json;
mod problem;
mod protobuf;
#[cfg(test)]
mod tests;

pub use batch::BatchBuilder;
pub use json::JsonDecoder;
pub use problem::DecodeError;
pub use protobuf::{DescriptorError, ProtobufDecoder};

/// How the records of a stream are written.
#[derive(Debug)]
pub enum Decoder {
    /// By the descriptor that the client sent.
    Protobuf(ProtobufDecoder),
    /// JSON objects, fields named as the columns.
    Json(JsonDecoder),
}

/// A record as it arrived.
#[derive(Clone, Copy, Debug)]
pub enum Encoded<'a> {
    /// Bytes of a protobuf message.
    Protobuf(&'a [u8]),
    /// Text of a JSON object.
    Json(&'a str),
}

impl Encoded<'_> {
    /// Its bytes as they came.
    pub fn size(&self) -> usize {
        match self {
            Self::Protobuf(bytes) => bytes.len(),
            Self::Json(text) => text.len(),
        }
    }
}

impl Decoder {
    /// Appends one record as a row. On an error nothing of the record has been appended.
    ///
    /// # Errors
    /// [`DecodeError`] for the first field that does not fit, for a record of the other kind, or for a builder of
    /// another table.
    pub fn decode(&mut self, record: Encoded<'_>, rows: &mut BatchBuilder) -> Result<(), DecodeError> {
        match (self, record) {
            (Self::Protobuf(decoder), Encoded::Protobuf(bytes)) => decoder.decode(bytes, rows),
            (Self::Json(decoder), Encoded::Json(text)) => decoder.decode(text, rows),
            _ => Err(DecodeError::new("", "the record is not of the record type the stream was created with")),
        }
    }
}
