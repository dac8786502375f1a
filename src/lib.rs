//! Direct Write: push events straight into Delta tables, compare the ways of doing it, and run the one you chose.
//!
//! # Layout
//!
//! Dependencies point one way only, from top to bottom of this list towards `model`:
//!
//! | room | what it is for |
//! |---|---|
//! | [`model`] | words both sides share, and the one validation; serde only |
//! | [`chart`] | pictures of numbers as SVG text; pure |
//! | `workspace` | client of a workspace: tokens, catalog, SQL statements |
//! | `lakehouse` | the embedded workspace (feature `local`); nobody imports it but `main` |
//! | `writer` | `trait Writer`, its factories and registry; one file for each way into a table |
//! | `doctor` | looks at everything a record needs on its way, and says what to paste where something is missing |
//! | `engine` | a submission on its way: validate, encode, send, durable, visible |
//! | [`api`] | server functions, `/api/v1`, `/debug`, server-sent events; thin |
//! | [`ui`], `app` | the components; the shell and the routes, which only the server has |
//! | `server` | configuration, state, the router, logs, shutdown |
//! | `cli` | the commands `run`, `compare` and `doctor`: plans and reports as files, progress, exit codes |
//!
//! # A record's way
//!
//! ```text
//! form / POST
//!   -> model: validate against the table's columns (the same code in browser and server)
//!   -> engine: add record_id, batch_id, times
//!   -> writer: encode -> sent
//!   -> durable   (Zerobus acknowledgement / statement SUCCEEDED)
//!   -> visible   (SELECT finds the record ids)
//!   -> snapshot on a watch channel -> server-sent events -> page
//! ```

// The types of views nest as deep as the markup does.
#![recursion_limit = "512"]

pub mod api;
pub mod chart;
pub mod model;
pub mod ui;

#[cfg(feature = "ssr")]
pub mod app;
#[cfg(feature = "ssr")]
pub mod cli;
#[cfg(feature = "ssr")]
pub mod doctor;
#[cfg(feature = "ssr")]
pub mod engine;
#[cfg(feature = "local")]
pub mod lakehouse;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
pub mod workspace;
#[cfg(feature = "ssr")]
pub mod writer;

/// Wakes the islands of a page that the server rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
