//! Rows landed in Delta per second of processor time, against delta-rs appending the same rows from memory.

use std::process::Command;

use super::client::{Format, Pool, Shape, Target, load};
use super::grouped;
use super::process::Process;

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

/// Rows per second of processor time of [`super::delta_append`].
fn peer(way: &str) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["peer", "delta-append"]).arg(folder.path()).args([way, &SHAPE.rows.to_string()]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}
