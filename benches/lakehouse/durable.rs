//! Time until durable at a fixed rate, beside what an fsync of this disk costs.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use databricks_zerobus_ingest_sdk::AckCallback;
use prost::Message;

use crate::client::{Format, Target};
use crate::process::Process;
use crate::records::Event;

const RATE: u32 = 1000;
const SECONDS: u32 = 15;
const SYNCS: usize = 500;

/// When each record was acknowledged.
struct Acknowledgements(Mutex<Vec<Option<Instant>>>);

impl AckCallback for Acknowledgements {
    fn on_ack(&self, offset: i64) {
        self.0.lock().unwrap()[offset as usize] = Some(Instant::now());
    }

    fn on_error(&self, offset: i64, message: &str) {
        panic!("record {offset} was refused: {message}");
    }
}

pub async fn run() {
    let data = tempfile::tempdir().unwrap();
    let sync = fsync_cost(data.path());
    let server = Process::lakehouse(data.path(), &[]);
    let target = Target::lakehouse(&server, data.path()).await;
    let count = (RATE * SECONDS) as usize;
    let acknowledged = Arc::new(Acknowledgements(Mutex::new(vec![None; count])));
    let mut stream = target.stream(Format::Protobuf, Some(acknowledged.clone())).await;
    let records: Vec<Vec<u8>> = (0..count as u64).map(|number| Event::new(number, 1000).encode_to_vec()).collect();
    let began = Instant::now();
    let mut due = Vec::with_capacity(count);
    for (number, record) in records.into_iter().enumerate() {
        // From the intended moment on, however late it is sent: no coordinated omission.
        let intended = began + Duration::from_secs(1) * number as u32 / RATE;
        tokio::time::sleep_until(intended.into()).await;
        due.push(intended);
        stream.ingest_record_offset(record).await.unwrap();
    }
    stream.flush().await.unwrap();
    stream.close().await.unwrap();
    let acknowledged = acknowledged.0.lock().unwrap().clone();
    let mut latencies: Vec<f64> =
        due.iter().zip(acknowledged).map(|(due, done)| (done.unwrap() - *due).as_secs_f64() * 1000.0).collect();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    let bar = 2.0 * sync + 5.0;
    server.visible(count as f64).await;
    let visible = server.metric("visible_seconds_sum").await / server.metric("visible_seconds_count").await;
    println!("\nTime to durable, one stream, {RATE} rows/s of 1 KB in calls of one, from the intended moment");
    println!("  p50 {:.2} ms   p99 {:.2} ms   max {:.2} ms", at(0.5), at(0.99), at(1.0));
    println!(
        "  an fsync after 1 KB costs {sync:.2} ms here; two of them and 5 ms are {bar:.2} ms: ratio {:.2}",
        at(0.5) / bar
    );
    println!("  visible {visible:.2} s after the first row of a segment was durable, with a commit interval of 1 s");
}

/// Median of appending 1 KB and syncing it, in milliseconds.
fn fsync_cost(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("sync")).unwrap();
    let cost = (0..SYNCS).map(|_| {
        let began = Instant::now();
        file.write_all(&[7; 1024]).unwrap();
        file.sync_data().unwrap();
        began.elapsed().as_secs_f64() * 1000.0
    });
    crate::median(cost.collect())
}
