//! The local lakehouse by itself.

pub mod backlog;
pub mod delta;
pub mod durable;
pub mod ingest;
pub mod memory;
