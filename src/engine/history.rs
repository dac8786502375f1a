//! Reports of comparisons that ran, kept in an embedded database (SQLite) in the data folder.
//!
//! A report is there once [`History::save`] has returned, also after the process was killed. Without a usable database the
//! program runs on: every call then says why in one sentence, and so does [`History::problem`]. Nothing is ever repaired or
//! thrown away here: a damaged or newer file stays as it is.

mod list;
mod store;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use store::Store;

use super::{Engine, ReportSink};
use crate::model::{HistoryPage, HistoryQuery, Report};

/// Name of the database in the data folder.
const FILE: &str = "history.sqlite";

/// Why the history could not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// The file is no database, or not one whole.
    #[error(
        "The history at {path} is damaged ({reason}). Runs are not kept until it is repaired, or moved away so that a new one begins."
    )]
    Damaged {
        /// The file.
        path: String,
        /// What SQLite says.
        reason: String,
    },
    /// A newer program wrote it.
    #[error(
        "The history at {path} has schema version {found}, this program knows {known}. Runs are not kept; use the newer program or another data folder."
    )]
    Newer {
        /// The file.
        path: String,
        /// What the file has.
        found: i64,
        /// What this program knows.
        known: i64,
    },
    /// The file cannot be opened or created.
    #[error("The history at {path} cannot be opened ({reason}). Runs are not kept; see to its folder and start again.")]
    Inaccessible {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A report in it cannot be read.
    #[error("The report {id} in the history cannot be read: {reason}")]
    Unreadable {
        /// The comparison.
        id: String,
        /// Why.
        reason: String,
    },
    /// A statement failed: the disk is full, or another process holds the file for too long.
    #[error("The history did not take part: {0}. Nothing in it was changed.")]
    Failed(String),
}

/// The history of one data folder. Cheap to clone.
#[derive(Clone)]
pub struct History {
    store: Result<Arc<Mutex<Store>>, HistoryError>,
}

impl History {
    /// Opens the database in that folder and creates both when they are not there. Never fails: see [`Self::problem`].
    pub async fn open(data_dir: &Path) -> Self {
        let path = data_dir.join(FILE);
        let opened = on_blocking_thread(move || Store::open(&path)).await;
        Self { store: opened.map(|store| Arc::new(Mutex::new(store))) }
    }

    /// Why nothing is kept; `None` when reports are.
    pub fn problem(&self) -> Option<&HistoryError> {
        self.store.as_ref().err()
    }

    /// Keeps a report; one of the same id is replaced.
    ///
    /// # Errors
    /// [`HistoryError`]; nothing was kept then.
    pub async fn save(&self, report: Report) -> Result<(), HistoryError> {
        self.with(move |store| store.save(&report)).await
    }

    /// A report; `None` when there is none of that id.
    ///
    /// # Errors
    /// [`HistoryError`], among others when the report was written by a newer program.
    pub async fn get(&self, id: &str) -> Result<Option<Report>, HistoryError> {
        let id = id.to_owned();
        self.with(move |store| store.get(&id)).await
    }

    /// A page of the list.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub async fn list(&self, query: HistoryQuery) -> Result<HistoryPage, HistoryError> {
        self.with(move |store| store.list(&query)).await
    }

    /// Gives a comparison another name; `false` when there is none of that id.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub async fn rename(&self, id: &str, name: &str) -> Result<bool, HistoryError> {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.with(move |store| store.rename(&id, &name)).await
    }

    /// Forgets a comparison; `false` when there is none of that id. Its rows stay in their table.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub async fn delete(&self, id: &str) -> Result<bool, HistoryError> {
        let id = id.to_owned();
        self.with(move |store| store.delete(&id)).await
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, HistoryError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let store = self.store.clone()?;
        // A panic cannot leave the database half written: SQLite rolls an unfinished transaction back.
        on_blocking_thread(move || work(&mut store.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

#[async_trait]
impl ReportSink for History {
    async fn keep(&self, report: &Report) -> Result<(), String> {
        self.save(report.clone()).await.map_err(|error| error.to_string())
    }
}

impl Engine {
    /// Keeps the reports of all comparisons in `history`.
    #[must_use]
    pub fn with_history(mut self, history: History) -> Self {
        self.history = Some(history.clone());
        self.with_reports_kept_by(Arc::new(history))
    }

    /// The comparisons that ran; `None` when the engine was given no history.
    pub fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }
}

async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HistoryError> + Send + 'static,
) -> Result<T, HistoryError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(HistoryError::Failed(error.to_string())))
}

/// An error of SQLite while that file is used.
fn failure(path: &Path, error: &rusqlite::Error) -> HistoryError {
    use rusqlite::ErrorCode;
    let (path, reason) = (shown(path), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => HistoryError::Damaged { path, reason },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            HistoryError::Inaccessible { path, reason }
        }
        _ => HistoryError::Failed(reason),
    }
}

fn shown(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path)).display().to_string()
}

#[cfg(test)]
mod tests;
