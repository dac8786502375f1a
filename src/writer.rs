//! Ways into a table. `trait Writer` is what the engine sees; a factory for each kind says whether it is
//! configured; the registry lists them all, the unusable ones with their reason.
//!
//! A writer never replaces another and never says durable before the workspace did.

mod batch;
mod carried;
mod copy_into;
pub mod encode;
mod error;
mod form;
mod records;
mod records_from_json;
mod registry;
mod resilience;
#[cfg(test)]
mod scripted;
mod session;
mod sql;
mod zerobus;
mod zerobus_rest;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

pub use batch::{Batch, Rows};
pub use carried::{Carried, carried};
pub use error::{WriteFailure, WriterError};
pub use records::{RunColumns, arrow_schema, run_columns};
pub(crate) use records_from_json::key_of;
pub use records_from_json::records_from_rows;
pub use registry::{Unavailable, WriterRegistry};
pub use session::{Acknowledged, BatchProgress, CircuitChange, Encoded, Payload, Session};

use crate::model::{TableInfo, WriterKind, WriterOptions};

/// Rust types of `proto/product_record.proto`.
pub mod proto {
    #![allow(missing_docs, clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/direct_write.rs"));

    /// The compiled file of the above, a `FileDescriptorSet`.
    pub const PRODUCT_RECORD_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/product_record.desc"));
}

/// Hears of the stops of a batch on its way, at the moment they are reached.
pub trait Progress: Send + Sync {
    /// The batch became `payload_bytes` bytes of records.
    fn encoded(&self, payload_bytes: u64);
    /// The last of them was handed to the workspace.
    fn sent(&self);
}

/// What the workspace acknowledged.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Rows that are durable: all of the batch.
    pub durable: u64,
    /// What the workspace gave as proof: offsets, statement ids.
    pub proof: Value,
}

/// One way into a table.
#[async_trait]
pub trait Writer: Send + Sync {
    /// Which.
    fn kind(&self) -> WriterKind;

    /// Writes a batch and returns when all of it is durable.
    ///
    /// # Errors
    /// [`WriteFailure`] says why and how many rows are durable all the same.
    async fn write(&self, batch: Arc<Batch>, progress: Arc<dyn Progress>) -> Result<Receipt, WriteFailure>;

    /// Opens a run's own way into the table; `options` are of this writer's kind.
    ///
    /// # Errors
    /// Why nothing can be written: a grant, a setting, columns that this way cannot carry.
    async fn open(&self, table: &TableInfo, options: &WriterOptions) -> Result<Arc<dyn Session>, WriterError>;

    /// Goes the way of a write without writing a row: the last step that a record would take before it is sent.
    ///
    /// # Errors
    /// Why a write would fail now.
    async fn rehearse(&self, table: &TableInfo) -> Result<String, WriterError>;

    /// Waits for what is under way and closes what is open.
    async fn close(&self);
}
