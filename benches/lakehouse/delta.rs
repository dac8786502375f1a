//! Rows landed in Delta per second of processor time, against delta-rs appending the same rows from memory.

use crate::client::{Format, Pool, Shape, Target, load};
use crate::process::Process;
use crate::{ROUNDS, grouped, median};

const SHAPE: Shape = Shape { name: "", format: Format::Protobuf, bytes: 1000, batch: 500, streams: 2, rows: 1_500_000 };

pub async fn run() {
    println!("\nRows of 1 KB landed in Delta per second of processor time, from gRPC to the committed file");
    let data = tempfile::tempdir().unwrap();
    let server = Process::lakehouse(data.path(), &[]);
    let target = Target::lakehouse(&server, data.path()).await;
    let pool = Pool::new(&SHAPE);
    landed(&server, &target, &Shape { rows: SHAPE.rows / 10, ..SHAPE }, &pool).await;
    let (mut ours, mut write, mut writer) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(landed(&server, &target, &SHAPE, &pool).await);
        write.push(peer("write"));
        writer.push(peer("writer"));
    }
    println!("  {:<44} {:>10}", "lakehouse", grouped(median(ours.clone())));
    for (name, peer) in [("delta-rs, table.write of 64 MiB", write), ("delta-rs, RecordBatchWriter of 64 MiB", writer)]
    {
        let ratios = ours.iter().zip(&peer).map(|(ours, peer)| ours / peer).collect();
        println!("  {name:<44} {:>10}   ratio {:.2}", grouped(median(peer.clone())), median(ratios));
    }
}

/// Sends the rows and waits until they are in Delta: rows per second of the server's processor time.
async fn landed(server: &Process, target: &Target<'_>, shape: &Shape, pool: &Pool) -> f64 {
    let (before, cpu) = (server.metric("rows_durable_total").await, server.cpu_seconds());
    load(target, shape, pool).await;
    server.visible(before + shape.rows as f64).await;
    shape.rows as f64 / (server.cpu_seconds() - cpu)
}

/// Rows per second of processor time of [`crate::delta_append`].
fn peer(way: &str) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let printed =
        crate::process::peer(&["delta-append", &folder.path().display().to_string(), way, &SHAPE.rows.to_string()]);
    printed.trim().parse().unwrap()
}
