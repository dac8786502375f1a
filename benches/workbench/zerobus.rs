//! `direct-write run` through zerobus against a bare loop over the same SDK with the same records, towards the same server.

use std::path::Path;

use super::{TELEMETRY, only_run, run_plan};
use crate::process::{Process, peer};
use crate::{ROUNDS, grouped, median};

const ROWS: u64 = 1_500_000;
const PACED_ROWS: u64 = 15_000;
const RATE: u64 = 1000;
/// Records in a call of both, and calls that wait for their acknowledgement.
pub const BATCH: usize = 500;
pub const IN_FLIGHT: usize = 64;

pub async fn run() {
    println!(
        "\nA run through zerobus against a bare loop over the official SDK: one stream, the same records in calls of {BATCH}"
    );
    let data = tempfile::tempdir().unwrap();
    let server = Process::lakehouse(data.path(), &[]);
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        settle(&server).await;
        let bare = bare_loop(&server, data.path(), 0, ROWS)[0];
        settle(&server).await;
        let report = only_run(run_plan(&server, data.path(), &plan(ROWS, 0, BATCH)));
        ratios.push(report.throughput.rows_per_s / bare);
        ours.push(report.throughput.rows_per_s);
        theirs.push(bare);
    }
    println!(
        "  rows/s durable: run {}   bare loop {}   ratio {:.2}",
        grouped(median(ours)),
        grouped(median(theirs)),
        median(ratios)
    );
    settle(&server).await;
    let bare = bare_loop(&server, data.path(), RATE, PACED_ROWS);
    settle(&server).await;
    let report = only_run(run_plan(&server, data.path(), &plan(PACED_ROWS, RATE, 1)));
    let durable = report.latency_ms.durable;
    println!(
        "  at {RATE} rows/s in calls of one, until durable: run p50 {:.2} ms p99 {:.2} ms   bare loop p50 {:.2} ms p99 {:.2} ms   added to p99 {:.2} ms",
        durable.p50,
        durable.p99,
        bare[0],
        bare[1],
        durable.p99 - bare[1]
    );
}

/// What a round has left to be committed is not the next one's work.
async fn settle(server: &Process) {
    server.visible(server.metric("rows_durable_total").await).await;
}

/// Rows per second, or p50 and p99 in milliseconds under a rate.
fn bare_loop(server: &Process, data: &Path, rate: u64, rows: u64) -> Vec<f64> {
    let data = data.display().to_string();
    let printed = peer(&["bare-loop", &server.url, &data, &rate.to_string(), &rows.to_string()]);
    printed.split_whitespace().map(|figure| figure.parse().unwrap()).collect()
}

fn plan(rows: u64, rate: u64, batch: usize) -> String {
    // The table is asked at the end only: what visibility costs is not what a bare loop does.
    format!(
        "table = \"{TELEMETRY}\"\n[source]\nkind = \"telemetry\"\nseed = 7\nrecords = {rows}\nrate = {rate}\n\
         [[writer]]\nkind = \"zerobus\"\nbatch = {batch}\nin_flight = {IN_FLIGHT}\n[check]\nevery = \"0s\"\n"
    )
}
