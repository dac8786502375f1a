//! The modes of the writer `sql` against one row per statement, which the original app did.

use super::{TELEMETRY, only_run, run_plan};
use crate::grouped;
use crate::process::Process;

/// Mode, records and records in a statement.
const MODES: [(&str, u64, u32); 4] = [
    ("single-row", 500, 1),
    ("values-parameters", 10_000, 28),
    ("values-literals", 50_000, 1000),
    ("json-parameter", 200_000, 5000),
];

pub async fn run() {
    println!("\nThe modes of sql on the local lakehouse, rows/s durable; the ratio is to one row per statement");
    let data = tempfile::tempdir().unwrap();
    let server = Process::lakehouse(data.path(), &[]);
    let mut single = None;
    for (mode, rows, batch) in MODES {
        let plan = format!(
            "table = \"{TELEMETRY}\"\n[source]\nkind = \"telemetry\"\nseed = 7\nrecords = {rows}\n\
             [[writer]]\nkind = \"sql\"\nmode = \"{mode}\"\nbatch = {batch}\n[check]\nevery = \"0s\"\n"
        );
        let rate = only_run(run_plan(&server, data.path(), &plan)).throughput.rows_per_s;
        let ratio = rate / *single.get_or_insert(rate);
        println!("  {mode:<20} {batch:>5} rows a statement {:>12}   ratio {ratio:.0}", grouped(rate));
    }
}
