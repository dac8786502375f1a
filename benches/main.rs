//! The local lakehouse and the workbench against named peers, in one run on one machine: `make bench`.
//!
//! ```text
//! this process: the official Rust SDK --- gRPC on loopback ---> lakehouse     (a process of its own)
//!                                     `------------------------> null server  (peers/null_server.rs: only acknowledges)
//! lakehouse's rows per second and core in Delta      against    delta-rs appending from memory (peers/delta_append.rs)
//! `direct-write run` through zerobus                 against    a bare loop over the SDK with the same records (peers/bare_loop.rs)
//! ```
//!
//! Ratios are what counts; absolute figures are context. `make bench ONLY=ingest` runs one part.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark that cannot go on ends, and talks to who started it"
)]

mod client;
mod lakehouse;
mod peers;
mod process;
mod records;
mod workbench;

use peers::{bare_loop, delta_append, null_server};

/// How long the disk is left alone between parts: a commit of ext4's journal (5 s) and a little.
const SETTLING: std::time::Duration = std::time::Duration::from_secs(8);
/// How often what is compared is repeated.
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["peer", "null-server"] => return null_server::serve().await,
        ["peer", "delta-append", folder, way, rows] => {
            return delta_append::run(folder.as_ref(), way, rows.parse().unwrap()).await;
        }
        ["peer", "bare-loop", url, data, rate, rows, encoded] => {
            return bare_loop::run(url, data.as_ref(), rate.parse().unwrap(), rows.parse().unwrap(), encoded).await;
        }
        _ => {}
    }
    if cfg!(debug_assertions) {
        eprintln!("This is a debug build; its figures say nothing. Use `make bench`.");
    }
    let begins = async |part: &str| {
        let wanted = arguments.is_empty() || arguments.iter().any(|argument| part.contains(argument.as_str()));
        if wanted {
            quiet_disk().await;
        }
        wanted
    };
    println!("{} processors. Ratios are medians of {ROUNDS} rounds.", processors());
    if begins("ingest").await {
        lakehouse::ingest::run().await;
    }
    if begins("durable").await {
        lakehouse::durable::run().await;
    }
    if begins("delta").await {
        lakehouse::delta::run().await;
    }
    if begins("memory").await {
        lakehouse::memory::run().await;
    }
    if begins("backlog").await {
        lakehouse::backlog::run().await;
    }
    if begins("engine").await {
        workbench::engine::run().await;
    }
    if begins("zerobus").await {
        workbench::zerobus::run().await;
    }
    if begins("sql").await {
        workbench::sql::run().await;
    }
}

/// Lets the disk finish with what the part before removed: a file system that tells the disk of freed space (`discard`) does so in
/// its journal's commits, which fsync waits for.
async fn quiet_disk() {
    let synced = std::process::Command::new("sync").status();
    assert!(synced.is_ok_and(|status| status.success()), "sync failed");
    tokio::time::sleep(SETTLING).await;
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Thousands apart: `123 456`.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(" ")
}
