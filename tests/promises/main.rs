//! The promises of the first version, each over real sockets, each able to fail.
//!
//! One binary: every test binary would link DataFusion anew.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
mod support;

mod any_table;
mod beside;
mod bundle;
mod clients;
mod command;
mod conformance;
mod crash;
mod doctor;
mod grants;
mod identity;
mod observability;
mod program;
mod proxy;
mod rehearsal;
mod secrets;
mod security;
mod sessions;
mod sql_modes;
mod storms;
mod structured;
mod submissions;
mod zerobus;
