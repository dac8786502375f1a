//! Parquet files: columns by name, and a value of another type only when it comes back the same.
//!
//! Numbers of all kinds go into one another, timestamps of all units and zones, and texts however they are kept; each
//! value is cast, cast back and compared, so nothing is rounded, cut off or moved. Anything else, a text for a number for
//! example, is refused. The fields of a struct are those of the table's in the same order.

use std::fs::File;
use std::sync::Arc;

use deltalake::arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use deltalake::arrow::compute::kernels::cmp::distinct;
use deltalake::arrow::compute::{CastOptions, cast_with_options};
use deltalake::arrow::datatypes::{DataType, Field, Fields, Schema};
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Loading, Problem};
use crate::lakehouse::statements::failure::Failure;
use crate::lakehouse::statements::json;

/// Rows that are read together: a dictionary can make each of them as large as the whole file.
const BATCH_ROWS: usize = 1024;

/// Reads a whole file.
pub(super) fn read(file: File, loading: &mut Loading) -> Result<(), Problem> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(not_parquet)?;
    let sources = sources(builder.schema(), &loading.schema)?;
    let schema = Arc::clone(&loading.schema);
    let mut rows = 0;
    for batch in builder.with_batch_size(BATCH_ROWS).build().map_err(not_parquet)? {
        let batch = batch.map_err(not_parquet)?;
        let columns = schema.fields().iter().zip(&sources).map(|(field, source)| match source {
            Some(index) => fit(batch.column(*index), field, rows),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        loading.push(RecordBatch::try_new(Arc::clone(&schema), columns).map_err(Failure::from)?)?;
        rows += batch.num_rows();
    }
    Ok(())
}

fn not_parquet(error: impl std::fmt::Display) -> Problem {
    Problem::Record { place: "as a whole".to_owned(), message: format!("it cannot be read as Parquet: {error}") }
}

fn of_schema(message: String) -> Problem {
    Problem::Record { place: "in its schema".to_owned(), message }
}

/// For each column of the table, the file's column it comes from.
fn sources(file: &Schema, table: &Schema) -> Result<Vec<Option<usize>>, Problem> {
    let mut sources = vec![None; table.fields().len()];
    for (index, field) in file.fields().iter().enumerate() {
        let found = table.fields().iter().position(|column| column.name().eq_ignore_ascii_case(field.name()));
        let target = found.ok_or_else(|| of_schema(format!("the table has no column '{}'", field.name())))?;
        let column = table.field(target);
        if !goes_into(field.data_type(), column.data_type()) {
            let (from, to) = (json::name(field.data_type()), json::name(column.data_type()));
            return Err(of_schema(format!(
                "column '{}' of type {from} does not go into a column of type {to}",
                field.name()
            )));
        }
        if sources[target].replace(index).is_some() {
            return Err(of_schema(format!("the column '{}' is there twice", field.name())));
        }
    }
    let missing =
        table.fields().iter().zip(&sources).find(|(column, source)| !column.is_nullable() && source.is_none());
    match missing {
        Some((column, _)) => Err(of_schema(format!("the required column '{}' is missing", column.name()))),
        None => Ok(sources),
    }
}

/// Whether values of one type may go into a column of the other, if they come back the same.
fn goes_into(from: &DataType, to: &DataType) -> bool {
    let inside = |from: &Field, to: &Field| goes_into(from.data_type(), to.data_type());
    let all = |from: &Fields, to: &Fields, by_name: bool| {
        let same_name = |from: &Field, to: &Field| !by_name || from.name().eq_ignore_ascii_case(to.name());
        from.len() == to.len() && from.iter().zip(to).all(|(from, to)| same_name(from, to) && inside(from, to))
    };
    match (from, to) {
        (DataType::Dictionary(_, from), to) => goes_into(from, to),
        (DataType::LargeUtf8 | DataType::Utf8View, DataType::Utf8)
        | (DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_), DataType::Binary)
        | (DataType::Timestamp(..), DataType::Timestamp(..)) => true,
        (DataType::List(from) | DataType::LargeList(from) | DataType::FixedSizeList(from, _), DataType::List(to)) => {
            inside(from, to)
        }
        (DataType::Struct(from), DataType::Struct(to)) => all(from, to, true),
        (DataType::Map(from, _), DataType::Map(to, _)) => match (from.data_type(), to.data_type()) {
            (DataType::Struct(from), DataType::Struct(to)) => all(from, to, false),
            _ => false,
        },
        (from, to) => from == to || (from.is_numeric() && to.is_numeric()),
    }
}

/// A column of the file as one of the table's; `before` rows of the file came before it.
fn fit(column: &ArrayRef, field: &Field, before: usize) -> Result<ArrayRef, Problem> {
    let at = |row: usize, problem: &str| Problem::Record {
        place: format!("row {}", before + row + 1),
        message: format!("field '{}': {problem}", field.name()),
    };
    let cast = if column.data_type() == field.data_type() {
        Arc::clone(column)
    } else {
        // What does not fit becomes NULL here, and is found because it was not NULL before.
        let options = CastOptions { safe: true, ..Default::default() };
        let cast = cast_with_options(column, field.data_type(), &options).map_err(Failure::from)?;
        if let Some(row) = first_change(column, &cast)? {
            return Err(at(row, &format!("the value does not fit the type {}", json::name(field.data_type()))));
        }
        cast
    };
    match (0..cast.len()).find(|row| !field.is_nullable() && cast.is_null(*row)) {
        Some(row) => Err(at(row, "the column must have a value")),
        None => Ok(cast),
    }
}

/// The first row whose value is another one after the cast.
fn first_change(before: &ArrayRef, after: &ArrayRef) -> Result<Option<usize>, Failure> {
    let options = CastOptions { safe: true, ..Default::default() };
    let back = cast_with_options(after, before.data_type(), &options)?;
    if before.data_type().is_nested() {
        // There is no kernel that compares these.
        return Ok((0..before.len()).find(|row| before.slice(*row, 1) != back.slice(*row, 1)));
    }
    let changed = distinct(before, &back)?;
    Ok((0..changed.len()).find(|row| changed.value(*row)))
}
