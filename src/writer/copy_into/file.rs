//! Rows as a file, and what `COPY INTO` calls it.

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::model::Encoding;
use crate::writer::WriterError;
use crate::writer::sql::{Nested, Objects};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A JSON object in each line.
    Json,
    /// Columns with their types, compressed with Zstandard, which every reader of Delta tables knows.
    Parquet,
}

impl Format {
    /// The format of an encoding, JSON when none is named.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for an encoding that is none of a file.
    pub(super) fn of(encoding: Option<Encoding>) -> Result<Self, WriterError> {
        match encoding {
            None | Some(Encoding::Json) => Ok(Self::Json),
            Some(Encoding::Parquet) => Ok(Self::Parquet),
            Some(Encoding::Protobuf | Encoding::Arrow) => {
                Err(WriterError::Rejected("copy-into writes files of json or parquet".to_owned()))
            }
        }
    }

    /// The last part of a file's name.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Parquet => "parquet",
        }
    }

    /// Makes a file.
    ///
    /// # Errors
    /// [`WriterError::Rejected`] for a value that the format cannot carry.
    pub(super) fn encode(self, records: &RecordBatch) -> Result<Bytes, WriterError> {
        match self {
            Self::Json => json_lines(records),
            Self::Parquet => parquet(records).map_err(|error| WriterError::Rejected(error.to_string())),
        }
    }
}

fn json_lines(records: &RecordBatch) -> Result<Bytes, WriterError> {
    let objects = Objects::new(records, Nested::AsText);
    let mut lines = String::with_capacity(64 * records.num_columns() * records.num_rows());
    for row in 0..records.num_rows() {
        objects.push(&mut lines, row)?;
        lines.push('\n');
    }
    Ok(Bytes::from(lines))
}

fn parquet(records: &RecordBatch) -> Result<Bytes, ParquetError> {
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), records.schema(), Some(properties))?;
    writer.write(records)?;
    Ok(Bytes::from(writer.into_inner()?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    use super::*;

    #[test]
    fn a_file_is_lines_of_json_or_parquet() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let records = RecordBatch::try_from_iter_with_nullable([("a", column, true)]).unwrap();
        let file = Format::of(None).unwrap().encode(&records).unwrap();
        assert_eq!(file, &b"{\"a\":1}\n{\"a\":null}\n"[..]);
        let file = Format::of(Some(Encoding::Parquet)).unwrap().encode(&records).unwrap();
        assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"));
        assert!(Format::of(Some(Encoding::Arrow)).is_err());
    }
}
