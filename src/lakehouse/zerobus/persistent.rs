//! Which persistent streams there are: a small file for each, so that they outlive the process.
//!
//! How far a stream has got is not here: that is written together with its rows, in the log and in Delta.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::lakehouse::disk::{sync_folder, write_file};
use crate::lakehouse::error::LakehouseError;
use crate::lakehouse::table::Table;
use crate::model::TableName;

/// The table that a stream writes to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StreamTable {
    pub(super) name: TableName,
    /// A table that was dropped and made again is another one.
    pub(super) table_id: String,
}

pub(super) struct PersistentStreams {
    folder: PathBuf,
    /// The connection that each stream is written by.
    open: Mutex<HashMap<Uuid, Connection>>,
}

struct Connection {
    /// Cancelled when it is to end.
    replaced: CancellationToken,
    /// Cancelled when it has ended.
    ended: CancellationToken,
}

impl Connection {
    /// Ends it; when this returns it takes nothing more.
    async fn end(self) {
        self.replaced.cancel();
        self.ended.cancelled().await;
    }
}

/// A connection's right to write to a stream. It counts as ended when this is dropped.
pub(super) struct Lease {
    /// Cancelled when the right is gone.
    pub(super) replaced: CancellationToken,
    _ended: DropGuard,
}

impl PersistentStreams {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, open: Mutex::default() }
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// Makes a stream; it exists when this returns.
    pub(super) async fn create(&self, table: &Table) -> Result<Uuid, LakehouseError> {
        let id = Uuid::new_v4();
        let path = self.path(id);
        let content = StreamTable { name: table.name().clone(), table_id: table.details().id };
        let content = serde_json::to_vec(&content).unwrap_or_default();
        blocking(move || write_file(&path, &content).map_err(LakehouseError::io(&path, "Writing"))).await?;
        Ok(id)
    }

    /// The table of a stream, if there is such a stream.
    pub(super) async fn table(&self, id: Uuid) -> Result<Option<StreamTable>, LakehouseError> {
        let path = self.path(id);
        let read = move || match std::fs::read(&path) {
            Ok(bytes) => {
                let damaged = |error: serde_json::Error| std::io::Error::new(std::io::ErrorKind::InvalidData, error);
                serde_json::from_slice(&bytes)
                    .map(Some)
                    .map_err(|error| LakehouseError::io(&path, "Reading")(damaged(error)))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LakehouseError::io(&path, "Reading")(error)),
        };
        blocking(read).await
    }

    /// Gives the stream to a new connection, and returns when the one that had it has ended.
    pub(super) async fn take_over(&self, id: Uuid) -> Lease {
        let (replaced, ended) = (CancellationToken::new(), CancellationToken::new());
        let lease = Lease { replaced: replaced.clone(), _ended: ended.clone().drop_guard() };
        let before = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|_, connection| !connection.ended.is_cancelled());
            open.insert(id, Connection { replaced, ended })
        };
        if let Some(before) = before {
            before.end().await;
        }
        lease
    }

    /// Ends a stream for good, and the connection that has it.
    pub(super) async fn retire(&self, id: Uuid) -> Result<(), LakehouseError> {
        let (path, folder) = (self.path(id), self.folder.clone());
        let remove = move || {
            let removed = std::fs::remove_file(&path).and_then(|()| sync_folder(&folder));
            removed.map_err(LakehouseError::io(&path, "Removing"))
        };
        blocking(remove).await?;
        let connection = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(connection) = connection {
            connection.end().await;
        }
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LakehouseError> + Send + 'static,
) -> Result<T, LakehouseError> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.map_err(|error| LakehouseError::InvalidArgument(format!("A file could not be handled: {error}")))?
}
