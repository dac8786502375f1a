//! Which columns of a data file get a dictionary.
//!
//! Parquet's writer begins a dictionary for every column and gives it up when it has grown to a megabyte. For ids, times and
//! measurements that is a hash of each value for nothing: their values hardly repeat. A sample of the rows tells.

use std::collections::HashSet;

use deltalake::arrow::array::{Array, ArrayRef, RecordBatch};
use deltalake::arrow::error::ArrowError;
use deltalake::arrow::row::{RowConverter, SortField};
use deltalake::parquet::basic::Compression;
use deltalake::parquet::file::properties::WriterProperties;
use deltalake::parquet::schema::types::ColumnPath;

/// Rows that are looked at.
const SAMPLE: usize = 2048;

/// As delta-rs writes its files, but without dictionaries that would be made for nothing.
pub(super) fn properties(batches: &[RecordBatch]) -> WriterProperties {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let Some(largest) = batches.iter().max_by_key(|batch| batch.num_rows()) else { return properties.build() };
    let schema = largest.schema();
    let columns = schema.fields().iter().zip(largest.columns());
    let flat = columns.filter(|(field, _)| !field.data_type().is_nested());
    flat.fold(properties, |properties, (field, values)| {
        if repeats(values, rows).unwrap_or(true) {
            return properties;
        }
        properties.set_column_dictionary_enabled(ColumnPath::from(field.name().as_str()), false)
    })
    .build()
}

/// Whether each of a column's values is likely to come twice or more in a file of `rows` rows. Among `n` values of a column with `c`
/// different ones about `n²/2c` are there already.
fn repeats(values: &ArrayRef, rows: usize) -> Result<bool, ArrowError> {
    let sample = values.slice(0, values.len().min(SAMPLE));
    let there = sample.len() - sample.logical_null_count();
    // Too few to tell, and too few to matter.
    if there < SAMPLE / 2 {
        return Ok(true);
    }
    let converter = RowConverter::new(vec![SortField::new(sample.data_type().clone())])?;
    let encoded = converter.convert_columns(std::slice::from_ref(&sample))?;
    let valid = (0..sample.len()).filter(|row| sample.is_valid(*row));
    let different = valid.map(|row| encoded.row(row)).collect::<HashSet<_>>().len();
    let again = there - different;
    Ok(again > 0 && there * there / (2 * again) < rows / 2)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use deltalake::arrow::array::{Int64Array, StringArray};

    use super::*;

    #[test]
    fn values_that_hardly_repeat_get_no_dictionary() {
        let rows = 4096;
        let text =
            |of: fn(usize) -> Option<String>| -> ArrayRef { Arc::new((0..rows).map(of).collect::<StringArray>()) };
        let batch = RecordBatch::try_from_iter([
            ("id", text(|row| Some(format!("{row:x}")))),
            ("device", text(|row| Some(format!("device-{}", row % 500)))),
            ("note", text(|row| (row % 100 == 0).then(|| row.to_string()))),
            ("sequence", Arc::new(Int64Array::from_iter_values(0..rows as i64)) as ArrayRef),
        ])
        .expect("batch");
        let properties = properties(&[batch.slice(0, 10), batch]);
        let has = |name: &str| properties.dictionary_enabled(&ColumnPath::from(name));
        assert_eq!([has("id"), has("device"), has("note"), has("sequence")], [false, true, true, false]);
    }

    #[test]
    fn a_few_rows_are_written_as_ever() {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        assert!(repeats(&values, 100).expect("sample"));
        assert!(properties(&[]).dictionary_enabled(&ColumnPath::from("any")));
    }
}
