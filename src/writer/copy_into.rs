//! One file for each batch into a volume, then `COPY INTO` through a warehouse.
//!
//! A file has a name of its own and is loaded once however often its `COPY INTO` is repeated, so everything here may be
//! sent again when an answer was lost.

mod file;
mod session;
mod statement;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

use super::form::FormProgress;
use super::registry::{Unavailable, WriterFactory};
use super::{Batch, Progress, Receipt, Session, WriteFailure, Writer, WriterError, sql};
use crate::model::{TableInfo, TableName, WriterKind, WriterOptions};
use crate::workspace::{VolumePath, Workspace};
use file::Format;
use session::{CopySession, volume_error};

/// The folder in the volume that all files go to.
const FOLDER: &str = "direct-write";

/// Makes [`CopyWriter`].
pub(super) struct Factory;

impl WriterFactory for Factory {
    fn kind(&self) -> WriterKind {
        WriterKind::CopyInto
    }

    fn build(&self, workspace: &Arc<Workspace>) -> Result<Arc<dyn Writer>, Unavailable> {
        sql::check_warehouse(workspace)?;
        let Some(volume) = workspace.config().write_volume.clone() else {
            return Err(Unavailable {
                reason:
                    "DIRECT_WRITE_VOLUME is not set; it says which volume files are put into before they are loaded."
                        .to_owned(),
                remedy:
                    "Set DIRECT_WRITE_VOLUME to catalog.schema.volume, grant READ VOLUME and WRITE VOLUME on it to the \
                         principal, and start again."
                        .to_owned(),
            });
        };
        Ok(Arc::new(CopyWriter { workspace: workspace.clone(), volume }))
    }
}

/// The writer `copy-into`.
struct CopyWriter {
    workspace: Arc<Workspace>,
    volume: TableName,
}

impl CopyWriter {
    fn folder(&self) -> VolumePath {
        VolumePath::of(&self.volume).join(FOLDER)
    }

    /// A session with a folder of its own.
    fn session(&self, table: TableInfo, format: Format, retries: bool) -> Result<CopySession, WriterError> {
        let folder = self.folder().join(&Uuid::now_v7().to_string());
        CopySession::new(self.workspace.clone(), table, folder, format, retries)
    }
}

#[async_trait]
impl Writer for CopyWriter {
    fn kind(&self) -> WriterKind {
        WriterKind::CopyInto
    }

    async fn write(&self, batch: Arc<Batch>, progress: Arc<dyn Progress>) -> Result<Receipt, WriteFailure> {
        let (table, records) = batch.records().map_err(WriteFailure::nothing_sent)?;
        let session = self.session(table, Format::Json, false).map_err(WriteFailure::nothing_sent)?;
        let file = session.file(&records).map_err(WriteFailure::nothing_sent)?;
        progress.encoded(file.len() as u64);
        let durable = records.num_rows() as u64;
        let loaded = session.load(durable, file, &FormProgress::hear(progress)).await;
        session.close().await;
        let loaded = loaded?;
        let proof = json!({ "file": loaded.file.to_string(), "statement_id": loaded.statement_id });
        Ok(Receipt { durable, proof })
    }

    async fn open(&self, table: &TableInfo, options: &WriterOptions) -> Result<Arc<dyn Session>, WriterError> {
        Ok(Arc::new(self.session(table.clone(), Format::of(options.encoding)?, true)?))
    }

    /// Puts an empty file into the volume and removes it, then lets the warehouse look at the table.
    async fn rehearse(&self, table: &TableInfo) -> Result<String, WriterError> {
        let file = self.folder().join(&format!("rehearsal-{}.json", Uuid::now_v7()));
        let put = self.workspace.put_file(&file, Bytes::new(), Arc::new(|| ())).await;
        put.map_err(|error| volume_error(error, &file))?;
        self.workspace.delete_file(&file).await.map_err(|error| volume_error(error, &file))?;
        let warehouse = sql::rehearse(&self.workspace, table).await?;
        Ok(format!("the volume {} took a file, and {warehouse}", self.volume))
    }

    async fn close(&self) {}
}
