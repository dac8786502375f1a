//! The local lakehouse against named peers, in one run on one machine: `make bench`.
//!
//! ```text
//! this process: the official Rust SDK --- gRPC on loopback ---> lakehouse     (a process of its own)
//!                                     `------------------------> null server  (peers/null_server.rs: only acknowledges)
//! lakehouse's rows per second and core in Delta      against    delta-rs appending from memory (peers/delta_append.rs)
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

mod backlog;
mod client;
mod delta;
mod durable;
mod ingest;
mod memory;
mod process;
mod records;

#[path = "../peers/delta_append.rs"]
mod delta_append;
#[path = "../peers/null_server.rs"]
mod null_server;

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["peer", "null-server"] => return null_server::serve().await,
        ["peer", "delta-append", folder, way, rows] => {
            return delta_append::run(folder.as_ref(), way, rows.parse().unwrap()).await;
        }
        _ => {}
    }
    if cfg!(debug_assertions) {
        eprintln!("This is a debug build; its figures say nothing. Use `make bench`.");
    }
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|argument| part.contains(argument.as_str()));
    println!("Local lakehouse, {} processors. Ratios are medians of {} rounds.", processors(), ingest::ROUNDS);
    if wanted("ingest") {
        ingest::run().await;
    }
    if wanted("durable") {
        durable::run().await;
    }
    if wanted("delta") {
        delta::run().await;
    }
    if wanted("memory") {
        memory::run().await;
    }
    if wanted("backlog") {
        backlog::run().await;
    }
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
