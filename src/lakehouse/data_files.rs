//! Rows to Parquet files of a table, not yet part of it.

use deltalake::arrow::array::RecordBatch;
use deltalake::kernel::Add;
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use deltalake::{DeltaResult, DeltaTable, DeltaTableError};

use super::background;

mod dictionaries;

/// Writes the rows in a thread of their own: encoding is work for a processor, and would keep acknowledgements waiting.
/// The files are on the disk when it returns; nobody knows of them until they are committed.
///
/// # Errors
/// What delta-rs or the disk says. A file left behind by it is no part of the table.
pub(crate) async fn write(table: DeltaTable, batches: Vec<RecordBatch>) -> DeltaResult<Vec<Add>> {
    let joined = tokio::task::spawn_blocking(writing(table, batches)).await;
    joined.map_err(|error| DeltaTableError::Generic(format!("writing data files: {error}")))?
}

/// The same for rows that are durable already and may wait.
///
/// # Errors
/// As [`write`].
pub(crate) async fn write_in_background(table: DeltaTable, batches: Vec<RecordBatch>) -> DeltaResult<Vec<Add>> {
    let done = background::run(writing(table, batches)).await;
    done.map_err(|error| DeltaTableError::Generic(format!("writing data files: {error}")))?
}

fn writing(table: DeltaTable, batches: Vec<RecordBatch>) -> impl FnOnce() -> DeltaResult<Vec<Add>> + Send + 'static {
    let runtime = tokio::runtime::Handle::current();
    move || {
        runtime.block_on(async {
            let properties = dictionaries::properties(&batches);
            let mut writer = RecordBatchWriter::for_table(&table)?.with_writer_properties(properties);
            for batch in batches {
                writer.write(batch).await?;
            }
            writer.flush().await
        })
    }
}
