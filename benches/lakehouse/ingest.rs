//! Rows per second until acknowledged as durable, against a server that only acknowledges.

use crate::client::{Format, Pool, Shape, Target, load};
use crate::process::Process;
use crate::{ROUNDS, grouped, median};

const SHAPES: [Shape; 4] = [
    Shape {
        name: "1 stream, 1 KB protobuf",
        format: Format::Protobuf,
        bytes: 1000,
        batch: 500,
        streams: 1,
        rows: 600_000,
    },
    Shape {
        name: "1 stream, 100 B protobuf",
        format: Format::Protobuf,
        bytes: 100,
        batch: 2000,
        streams: 1,
        rows: 3_000_000,
    },
    Shape { name: "1 stream, 1 KB JSON", format: Format::Json, bytes: 1000, batch: 500, streams: 1, rows: 400_000 },
    Shape {
        name: "8 streams, 1 KB protobuf",
        format: Format::Protobuf,
        bytes: 1000,
        batch: 500,
        streams: 8,
        rows: 800_000,
    },
];

pub async fn run() {
    println!("\nZerobus gRPC, official Rust SDK: rows/s until durable, against a server that only acknowledges");
    println!("  {:<26} {:>12} {:>12} {:>7}   server CPU per row", "", "lakehouse", "null server", "ratio");
    for shape in SHAPES {
        let data = tempfile::tempdir().unwrap();
        let (lakehouse, null) = (Process::lakehouse(data.path(), &[]), Process::null_server());
        let (ours, peer) = (Target::lakehouse(&lakehouse, data.path()).await, Target::null(&null));
        let pool = Pool::new(&shape);
        let warm_up = Shape { rows: shape.rows / 10, ..shape };
        load(&peer, &warm_up, &pool).await;
        load(&ours, &warm_up, &pool).await;
        let (mut ratios, mut our_rates, mut peer_rates, mut our_cpu, mut peer_cpu) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            // What the round before left to be committed is not this round's work.
            lakehouse.visible(lakehouse.metric("rows_durable_total").await).await;
            let (peer, ours) = (load(&peer, &shape, &pool).await, load(&ours, &shape, &pool).await);
            ratios.push(ours.rows_per_second / peer.rows_per_second);
            our_rates.push(ours.rows_per_second);
            peer_rates.push(peer.rows_per_second);
            our_cpu.push(ours.cpu_per_row);
            peer_cpu.push(peer.cpu_per_row);
        }
        println!(
            "  {:<26} {:>12} {:>12} {:>7.2}   {:.2} µs against {:.2} µs",
            shape.name,
            grouped(median(our_rates)),
            grouped(median(peer_rates)),
            median(ratios),
            median(our_cpu),
            median(peer_cpu)
        );
    }
}
