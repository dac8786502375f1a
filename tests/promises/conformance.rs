//! Every Zerobus client against every case: what the local lakehouse answers to official clients, and to one of ours that
//! says what no official client would.
//!
//! ```text
//! case (what is done, what must come of it)  x  client (Rust SDK, Python SDKs, raw gRPC, raw Flight)  ->  sheet
//! ```
//!
//! The sheet is printed and kept beside the build products as `conformance.txt`; `make conformance` shows it.

#![allow(clippy::print_stdout, reason = "the sheet is what this is for")]

mod case;
mod clients;
mod flight;
mod places;
mod python;
mod raw;
mod shape;
mod sheet;

use std::path::Path;
use std::sync::Arc;

use places::Places;
use sheet::{Cell, Sheet};

/// The columns, in the order in which they are shown.
const CLIENTS: [&str; 13] = [
    "Rust proto",
    "Rust JSON",
    "Rust Arrow",
    "Rust persistent",
    "Rust multiplexed",
    "Python proto",
    "Python JSON",
    "Python Arrow",
    "Python-0.2 proto",
    "Python-0.2 JSON",
    "raw ephemeral",
    "raw persistent",
    "raw Flight",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_client_and_every_case() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let places = Arc::new(Places::start().await);
    let mut cells: Vec<Cell> = Vec::new();
    // Those that wait for the lakehouse go first.
    cells.extend(raw::rotation::cells(&places));
    cells.extend(flight::rotation_cells(&places));
    cells.extend(python::cells(&places));
    cells.extend(clients::cells(&places));
    cells.extend(raw::cells(&places));
    cells.extend(flight::cells(&places));
    let mut sheet = Sheet::of(&CLIENTS, cells).await;
    let places = Arc::into_inner(places).expect("every cell is over");
    places.read_by_others(&mut sheet).await;

    println!("{sheet}");
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("conformance.txt");
    std::fs::write(&kept, sheet.to_string()).unwrap();
    assert!(sheet.is_good(), "some cells failed; see above and in {}", kept.display());
}
