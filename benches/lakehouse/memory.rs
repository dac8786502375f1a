//! Memory under a load of eight streams that does not end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::client::{Format, Pool, Shape, Target};
use crate::process::Process;
use crate::{grouped, median};

const SECONDS: usize = 60;
const SHAPE: Shape = Shape { name: "", format: Format::Protobuf, bytes: 1000, batch: 500, streams: 8, rows: 0 };

pub async fn run() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::lakehouse(data.path(), &[]);
    let target = Target::lakehouse(&server, data.path()).await;
    let pool = Pool::new(&SHAPE);
    let enough = Arc::new(AtomicBool::new(false));
    let mut streams = Vec::new();
    for number in 0..SHAPE.streams {
        let (mut stream, pool, enough) = (target.stream(SHAPE.format, None).await, pool.clone(), enough.clone());
        streams.push(tokio::spawn(async move {
            let mut call = number;
            while !enough.load(Ordering::Relaxed) {
                pool.send(&stream, call).await;
                call += 1;
            }
            stream.flush().await.unwrap();
            stream.close().await.unwrap();
        }));
    }
    let mut resident = Vec::new();
    for _ in 0..SECONDS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        resident.push(server.resident_mb());
    }
    let backlog = server.metric("log_backlog_bytes").await / 1e6;
    enough.store(true, Ordering::Relaxed);
    for stream in streams {
        stream.await.unwrap();
    }
    let rows = server.metric("rows_durable_total").await;
    let third = SECONDS / 3;
    let part = |from: usize| median(resident[from..from + third].to_vec());
    let most = resident.iter().copied().fold(0.0, f64::max);
    println!("\nMemory of the lakehouse under 8 streams of 1 KB rows for {SECONDS} s ({} rows), in MB", grouped(rows));
    println!("  medians of its thirds: {:.0}, {:.0}, {:.0}   most {most:.0}", part(0), part(third), part(2 * third));
    println!(
        "  last third against the one before: ratio {:.2}   log waiting for Delta {backlog:.0}",
        part(2 * third) / part(third)
    );
}
