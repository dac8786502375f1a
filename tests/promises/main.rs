//! The promises of the first version, each over real sockets, each able to fail.
//!
//! One binary: every test binary would link DataFusion anew.

#[path = "../support/mod.rs"]
mod support;

mod clients;
mod program;
mod structured;
mod submissions;
