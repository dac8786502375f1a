//! `direct-write run` through zerobus against a bare loop over the same SDK with the same records, towards the same server.

use std::path::Path;

use super::{TELEMETRY, only_run, run_plan};
use crate::process::{Process, peer};
use crate::{ROUNDS, grouped, median};

const ROWS: u64 = 3_000_000;
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
    // First, while the disk is quiet: deleting the logs of what follows would be in the latencies.
    paced(&server, data.path()).await;
    let (mut runs, mut in_the_loop, mut before) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        settle(&server).await;
        in_the_loop.push(bare_loop(&server, data.path(), 0, ROWS, "in the loop")[0]);
        settle(&server).await;
        runs.push(only_run(run_plan(&server, data.path(), &plan(ROWS, 0, BATCH))).throughput.rows_per_s);
        settle(&server).await;
        before.push(bare_loop(&server, data.path(), 0, ROWS, "before")[0]);
    }
    println!("  rows/s durable of a run, which makes its records meanwhile: {}", grouped(median(runs.clone())));
    for (way, bare) in [("encoded in the loop", in_the_loop), ("encoded before", before)] {
        let ratio = median(runs.iter().zip(&bare).map(|(run, bare)| run / bare).collect());
        println!("  a bare loop over records made before, {way:<20} {:>12}   ratio {ratio:.2}", grouped(median(bare)));
    }
}

/// Latencies at a fixed rate.
async fn paced(server: &Process, data: &Path) {
    let (mut run, mut bare) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..ROUNDS {
        settle(server).await;
        let durable = only_run(run_plan(server, data, &plan(PACED_ROWS, RATE, 1))).latency_ms.durable;
        run.iter_mut().zip([durable.p50, durable.p99]).for_each(|(all, one)| all.push(one));
        settle(server).await;
        bare.iter_mut().zip(bare_loop(server, data, RATE, PACED_ROWS, "before")).for_each(|(all, one)| all.push(one));
    }
    let added = median(run[1].iter().zip(&bare[1]).map(|(run, bare)| run - bare).collect());
    let ([run_p50, run_p99], [bare_p50, bare_p99]) = (run.map(median), bare.map(median));
    println!(
        "  at {RATE} rows/s in calls of one, until durable: run p50 {run_p50:.2} ms p99 {run_p99:.2} ms   bare loop p50 {bare_p50:.2} ms \
         p99 {bare_p99:.2} ms   added to p99 {added:.2} ms"
    );
}

/// What a round has left to be committed is not the next one's work.
async fn settle(server: &Process) {
    server.visible(server.metric("rows_durable_total").await).await;
}

/// Rows per second, or p50 and p99 in milliseconds under a rate.
fn bare_loop(server: &Process, data: &Path, rate: u64, rows: u64, encoded: &str) -> Vec<f64> {
    let data = data.display().to_string();
    let printed = peer(&["bare-loop", &server.url, &data, &rate.to_string(), &rows.to_string(), encoded]);
    printed.split_whitespace().map(|figure| figure.parse().unwrap()).collect()
}

fn plan(rows: u64, rate: u64, batch: usize) -> String {
    // The table is asked at the end only: what visibility costs is not what a bare loop does.
    format!(
        "table = \"{TELEMETRY}\"\n[source]\nkind = \"telemetry\"\nseed = 7\nrecords = {rows}\nrate = {rate}\n\
         [[writer]]\nkind = \"zerobus\"\nbatch = {batch}\nin_flight = {IN_FLIGHT}\n[check]\nevery = \"0s\"\n"
    )
}
