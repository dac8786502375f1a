//! The peer of the committer: delta-rs appending rows from memory, 64 MiB at a time.

use std::path::Path;

use deltalake::DeltaTable;
use deltalake::arrow::array::RecordBatch;
use deltalake::kernel::StructType;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::operations::create::CreateBuilder;
use deltalake::writer::{DeltaWriter, RecordBatchWriter};

use crate::process::cpu_seconds;
use crate::records::{Event, arrow};

const ROW_BYTES: usize = 1000;
const BATCH_BYTES: usize = 64 << 20;
/// Rows that are made; the rest are the same again.
const POOL_ROWS: u64 = (crate::records::POOL_BYTES / ROW_BYTES) as u64;

/// Prints the rows per second of processor time.
pub async fn run(folder: &Path, way: &str, rows: u64) {
    let events: Vec<Event> = (0..POOL_ROWS).map(|number| Event::new(number, ROW_BYTES)).collect();
    let pool = arrow(&events);
    drop(events);
    let schema: StructType = pool.schema().as_ref().try_into_kernel().unwrap();
    let table = CreateBuilder::new().with_location(folder.to_string_lossy()).with_columns(schema.fields().cloned());
    let mut table = table.await.unwrap();
    let per_append = BATCH_BYTES / ROW_BYTES;
    let began = cpu_seconds(std::process::id());
    let mut written = 0;
    while written < rows {
        let many = per_append.min((rows - written) as usize);
        append(&mut table, batches(&pool, many), way).await;
        written += many as u64;
    }
    println!("{}", rows as f64 / (cpu_seconds(std::process::id()) - began));
}

/// So many rows out of the pool, without copying them.
fn batches(pool: &RecordBatch, rows: usize) -> Vec<RecordBatch> {
    let mut missing = rows;
    let mut batches = Vec::new();
    while missing > 0 {
        let many = missing.min(pool.num_rows());
        batches.push(pool.slice(0, many));
        missing -= many;
    }
    batches
}

async fn append(table: &mut DeltaTable, batches: Vec<RecordBatch>, way: &str) {
    if way == "write" {
        *table = table.clone().write(batches).await.unwrap();
        return;
    }
    let mut writer = RecordBatchWriter::for_table(table).unwrap();
    for batch in batches {
        writer.write(batch).await.unwrap();
    }
    writer.flush_and_commit(table).await.unwrap();
}
