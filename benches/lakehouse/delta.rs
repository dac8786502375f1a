//! Rows landed in Delta per second of processor time, against delta-rs appending the same rows from memory.

use crate::client::{Format, Pool, Shape, Target, load};
use crate::grouped;
use crate::process::Process;

const SHAPE: Shape = Shape { name: "", format: Format::Protobuf, bytes: 1000, batch: 500, streams: 2, rows: 1_500_000 };

pub async fn run() {
    println!("\nRows of 1 KB landed in Delta per second of processor time, from gRPC to the committed file");
    let data = tempfile::tempdir().unwrap();
    let server = Process::lakehouse(data.path(), &[]);
    let target = Target::lakehouse(&server, data.path()).await;
    let pool = Pool::new(&SHAPE);
    load(&target, &Shape { rows: SHAPE.rows / 10, ..SHAPE }, &pool).await;
    server.visible((SHAPE.rows / 10) as f64).await;
    let cpu = server.cpu_seconds();
    load(&target, &SHAPE, &pool).await;
    server.visible((SHAPE.rows + SHAPE.rows / 10) as f64).await;
    let ours = SHAPE.rows as f64 / (server.cpu_seconds() - cpu);
    println!("  {:<44} {:>10}", "lakehouse", grouped(ours));
    for (way, name) in
        [("write", "delta-rs, table.write of 64 MiB"), ("writer", "delta-rs, RecordBatchWriter of 64 MiB")]
    {
        let peer = peer(way);
        println!("  {name:<44} {:>10}   ratio {:.2}", grouped(peer), ours / peer);
    }
}

/// Rows per second of processor time of [`crate::delta_append`].
fn peer(way: &str) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let printed =
        crate::process::peer(&["delta-append", &folder.path().display().to_string(), way, &SHAPE.rows.to_string()]);
    printed.trim().parse().unwrap()
}
