//! The tables on disk: real Delta tables under `<data>/tables/<catalog>/<schema>/<table>`.
//!
//! A catalog and a schema are folders; a table exists as soon as its first log entry does, and is gone as soon as its
//! folder was renamed away, so a crash at any moment leaves either the whole table or none. The data folder belongs to
//! one process at a time (an advisory lock on `lakehouse.lock`).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use deltalake::kernel::StructField;
use deltalake::logstore::LogStoreRef;
use deltalake::operations::create::CreateBuilder;
use deltalake::{DeltaResult, DeltaTable, DeltaTableBuilder, DeltaTableError, ensure_table_uri};
use tokio::sync::{Mutex, OnceCell};

use super::disk::{DurableFiles, create_folders, sync_folder};
use super::error::LakehouseError;
use super::log;
use super::metrics::Metrics;
use super::table::{Shared, StoreOptions, Table};
use super::weather::Weather;
use crate::model::TableName;

/// Properties a new table gets unless it is created with others. A table written every second has 3600 log entries and
/// files in an hour: older log entries go once a checkpoint covers them, and replaced files with the next VACUUM.
const RETENTION: [(&str, &str); 2] =
    [("delta.logRetentionDuration", "interval 1 hours"), ("delta.deletedFileRetentionDuration", "interval 1 hours")];
/// How long closing waits for the logs to get into Delta; the rest is committed at the next start.
const DRAIN: Duration = Duration::from_secs(4);
/// Dropped tables wait here for their removal. No catalog can have this name: names have no dots.
const TRASH: &str = ".dropped";

/// All tables of one data folder. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("root", &self.inner.root).finish_non_exhaustive()
    }
}

struct Inner {
    root: PathBuf,
    /// One cell for each table that was asked for and exists; the cell makes two callers open it once.
    open: std::sync::Mutex<HashMap<TableName, Arc<OnceCell<Arc<Table>>>>>,
    /// Creating and dropping happen one at a time.
    changes: Mutex<()>,
    shared: Shared,
}

/// What a new table is to have besides its columns.
#[derive(Clone, Debug, Default)]
pub struct TableOptions {
    /// Its comment.
    pub comment: Option<String>,
    /// `TBLPROPERTIES`.
    pub properties: BTreeMap<String, String>,
    /// `CLUSTER BY`; checked, and of no effect here: files are laid out as they come.
    pub clustered_by: Vec<String>,
    /// Whether an existing table of that name is left as it is without an error.
    pub if_not_exists: bool,
}

impl Store {
    /// Opens the data folder, creating it when it is not there.
    ///
    /// # Errors
    /// [`LakehouseError::Io`] when the folder cannot be written, [`LakehouseError::Busy`] when another process has it.
    pub fn open(data: &Path, options: StoreOptions, weather: Weather) -> Result<Self, LakehouseError> {
        let root = data.join("tables");
        create_folders(&root).map_err(LakehouseError::io(&root, "Creating the folder"))?;
        let root = root.canonicalize().map_err(LakehouseError::io(&root, "Opening the folder"))?;
        let lock = lock_folder(data)?;
        empty_trash(&root.join(TRASH));
        let inner = Inner {
            root,
            open: std::sync::Mutex::default(),
            changes: Mutex::default(),
            shared: Shared::new(options, weather, lock),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The weather over it.
    pub(crate) fn weather(&self) -> &Weather {
        self.inner.shared.weather()
    }

    /// What it counts.
    pub(crate) fn metrics(&self) -> &Metrics {
        self.inner.shared.metrics()
    }

    /// The text of `GET /metrics`.
    pub(crate) fn metrics_text(&self) -> String {
        self.inner.shared.metrics_text()
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        self.inner.root.parent().unwrap_or(&self.inner.root)
    }

    /// The table of that name, opened at its first use. Never creates one.
    ///
    /// # Errors
    /// [`LakehouseError::NotFound`], or what kept the table from opening.
    pub async fn table(&self, name: &TableName) -> Result<Arc<Table>, LakehouseError> {
        if let Some(table) = self.open_cells().get(name).and_then(|cell| cell.get().cloned()) {
            return Ok(table);
        }
        if !self.exists(name) {
            return Err(LakehouseError::NotFound(name.clone()));
        }
        let cell = self.cell(name);
        match cell.get_or_try_init(|| self.open_table(name)).await {
            Ok(table) => Ok(Arc::clone(table)),
            // It was dropped in the meantime.
            Err(_) if !self.exists(name) => {
                self.open_cells().remove(name);
                Err(LakehouseError::NotFound(name.clone()))
            }
            Err(error) => Err(error),
        }
    }

    /// The names of all tables, sorted.
    ///
    /// # Errors
    /// [`LakehouseError::Io`] when a folder cannot be listed.
    pub fn tables(&self) -> Result<Vec<TableName>, LakehouseError> {
        let mut names = Vec::new();
        for catalog in self.catalogs()? {
            for schema in self.schemas(&catalog)? {
                for table in folders(&self.inner.root.join(&catalog).join(&schema))? {
                    let name = TableName::parse(&format!("{catalog}.{schema}.{table}"));
                    names.extend(name.ok().filter(|name| self.exists(name)));
                }
            }
        }
        Ok(names)
    }

    /// The catalogs, sorted.
    ///
    /// # Errors
    /// [`LakehouseError::Io`] when the folder cannot be listed.
    pub fn catalogs(&self) -> Result<Vec<String>, LakehouseError> {
        folders(&self.inner.root)
    }

    /// The schemas of a catalog, sorted.
    ///
    /// # Errors
    /// [`LakehouseError::CatalogNotFound`], [`LakehouseError::Io`].
    pub fn schemas(&self, catalog: &str) -> Result<Vec<String>, LakehouseError> {
        if !self.has_catalog(catalog) {
            return Err(LakehouseError::CatalogNotFound(catalog.to_owned()));
        }
        folders(&self.inner.root.join(catalog))
    }

    /// Whether there is such a catalog.
    pub fn has_catalog(&self, catalog: &str) -> bool {
        good_part(catalog) && self.inner.root.join(catalog).is_dir()
    }

    /// Whether there is such a schema.
    pub fn has_schema(&self, catalog: &str, schema: &str) -> bool {
        good_part(catalog) && good_part(schema) && self.inner.root.join(catalog).join(schema).is_dir()
    }

    /// Whether there is such a table.
    pub fn has_table(&self, name: &TableName) -> bool {
        self.exists(name)
    }

    /// Creates a catalog unless it is there.
    ///
    /// # Errors
    /// [`LakehouseError::InvalidArgument`] for a name that is none, [`LakehouseError::Io`].
    pub fn create_catalog(&self, catalog: &str) -> Result<(), LakehouseError> {
        self.create_folder(&[catalog])
    }

    /// Creates a schema in an existing catalog unless it is there.
    ///
    /// # Errors
    /// [`LakehouseError::CatalogNotFound`], [`LakehouseError::InvalidArgument`] for a bad name, [`LakehouseError::Io`].
    pub fn create_schema(&self, catalog: &str, schema: &str) -> Result<(), LakehouseError> {
        if !self.has_catalog(catalog) {
            return Err(LakehouseError::CatalogNotFound(catalog.to_owned()));
        }
        self.create_folder(&[catalog, schema])
    }

    /// Creates a table. Returns whether it is new.
    ///
    /// # Errors
    /// [`LakehouseError::AlreadyExists`] (unless `if_not_exists`), [`LakehouseError::SchemaNotFound`],
    /// [`LakehouseError::InvalidArgument`] for columns or properties that Delta refuses.
    pub async fn create_table(
        &self,
        name: &TableName,
        fields: Vec<StructField>,
        options: TableOptions,
    ) -> Result<bool, LakehouseError> {
        let _one_at_a_time = self.inner.changes.lock().await;
        if !self.has_schema(name.catalog(), name.schema()) {
            return Err(LakehouseError::SchemaNotFound(format!("{}.{}", name.catalog(), name.schema())));
        }
        if self.exists(name) {
            return if options.if_not_exists { Ok(false) } else { Err(LakehouseError::AlreadyExists(name.clone())) };
        }
        let folder = self.folder(name);
        create_folders(&folder).map_err(LakehouseError::io(&folder, "Creating the folder"))?;
        let log_store = self.log_store(&folder).map_err(LakehouseError::table(name, "Creating"))?;
        let mut properties = options.properties;
        for (key, value) in RETENTION {
            properties.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
        let mut create = CreateBuilder::new()
            .with_log_store(log_store)
            .with_table_name(name.table())
            .with_columns(fields)
            .with_raise_if_key_not_exists(false)
            .with_configuration(properties.into_iter().map(|(key, value)| (key, Some(value))));
        if let Some(comment) = options.comment {
            create = create.with_comment(comment);
        }
        match create.await {
            Ok(_) => Ok(true),
            Err(error @ (DeltaTableError::Io { .. } | DeltaTableError::ObjectStore { .. })) => {
                Err(LakehouseError::table(name, "Creating")(error))
            }
            Err(error) => {
                // Nothing was committed: the empty folder goes if it can, and does no harm if it cannot.
                let _ = std::fs::remove_dir(&folder);
                Err(LakehouseError::InvalidArgument(format!("Table '{name}' was not created: {error}")))
            }
        }
    }

    /// Drops a table with its rows, after writing what is queued for it. Returns whether it was there.
    ///
    /// # Errors
    /// [`LakehouseError::NotFound`] (unless `if_exists`), [`LakehouseError::Io`].
    pub async fn drop_table(&self, name: &TableName, if_exists: bool) -> Result<bool, LakehouseError> {
        let _one_at_a_time = self.inner.changes.lock().await;
        if !self.exists(name) {
            return if if_exists { Ok(false) } else { Err(LakehouseError::NotFound(name.clone())) };
        }
        let folder = self.folder(name);
        let trash = self.inner.root.join(TRASH);
        let grave = trash.join(uuid::Uuid::new_v4().to_string());
        let rename = || {
            create_folders(&trash)?;
            std::fs::rename(&folder, &grave)?;
            sync_folder(&trash)?;
            folder.parent().map_or(Ok(()), sync_folder)
        };
        // Opening it first means that nobody can be opening it while its folder goes away. A table that cannot be opened
        // can still be dropped.
        if let Ok(table) = self.cell(name).get_or_try_init(|| self.open_table(name)).await {
            table.abandon().await;
        }
        let renamed = rename().map_err(LakehouseError::io(&folder, "Dropping the table in"));
        self.open_cells().remove(name);
        renamed?;
        tokio::task::spawn_blocking(move || empty_trash(&trash));
        Ok(true)
    }

    /// Gives a table properties, after writing what is queued for it. Streams into it have to be opened anew.
    ///
    /// # Errors
    /// [`LakehouseError::NotFound`], [`LakehouseError::InvalidArgument`] for properties that Delta refuses.
    pub async fn set_properties(
        &self,
        name: &TableName,
        properties: BTreeMap<String, String>,
    ) -> Result<(), LakehouseError> {
        let _one_at_a_time = self.inner.changes.lock().await;
        // What it commits by itself must not meet the change: it ends, and is opened again when it is next used.
        self.table(name).await?.close(tokio::time::Instant::now() + DRAIN).await;
        self.open_cells().remove(name);
        let log_store = self.log_store(&self.folder(name)).map_err(LakehouseError::table(name, "Changing"))?;
        let mut delta = DeltaTable::new(log_store);
        delta.load().await.map_err(LakehouseError::table(name, "Changing"))?;
        let changed = delta
            .set_tbl_properties()
            .with_properties(properties.into_iter().collect())
            .with_raise_if_not_exists(false)
            .await;
        changed
            .map(|_changed| ())
            .map_err(|error| LakehouseError::InvalidArgument(format!("Table '{name}' was not changed: {error}")))
    }

    /// Opens the tables whose logs hold rows that are not in Delta yet, so that they get there.
    pub async fn recover(&self) {
        let names = match self.tables() {
            Ok(names) => names,
            Err(error) => {
                tracing::error!(%error, "the tables could not be listed; their logs are read when they are first used");
                return;
            }
        };
        for name in names.iter().filter(|name| log::folder(&self.folder(name)).is_dir_with_entries()) {
            if let Err(error) = self.table(name).await {
                tracing::error!(table = %name, %error, "the table's log could not be recovered; its rows stay in the log");
            }
        }
    }

    /// Takes no further rows, gets the logs into Delta as far as time allows, and ends.
    pub async fn close(&self) {
        let cells: Vec<_> = self.open_cells().values().cloned().collect();
        let deadline = tokio::time::Instant::now() + DRAIN;
        futures::future::join_all(cells.iter().filter_map(|cell| cell.get()).map(|table| table.close(deadline))).await;
    }

    fn exists(&self, name: &TableName) -> bool {
        self.folder(name).join("_delta_log").is_dir_with_entries()
    }

    fn folder(&self, name: &TableName) -> PathBuf {
        self.inner.root.join(name.catalog()).join(name.schema()).join(name.table())
    }

    fn open_cells(&self) -> MutexGuard<'_, HashMap<TableName, Arc<OnceCell<Arc<Table>>>>> {
        self.inner.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cell(&self, name: &TableName) -> Arc<OnceCell<Arc<Table>>> {
        Arc::clone(self.open_cells().entry(name.clone()).or_default())
    }

    async fn open_table(&self, name: &TableName) -> Result<Arc<Table>, LakehouseError> {
        let folder = self.folder(name);
        let log_store = self.log_store(&folder).map_err(LakehouseError::table(name, "Opening"))?;
        Table::open(name.clone(), folder, DeltaTable::new(log_store), &self.inner.shared).await.map(Arc::new)
    }

    fn log_store(&self, folder: &Path) -> DeltaResult<LogStoreRef> {
        let url = ensure_table_uri(folder.to_string_lossy())?;
        let files = Arc::new(DurableFiles::new(self.inner.shared.precedence()));
        DeltaTableBuilder::from_url(url.clone())?.with_storage_backend(files, url).build_storage()
    }

    fn create_folder(&self, parts: &[&str]) -> Result<(), LakehouseError> {
        if let Some(bad) = parts.iter().find(|part| !good_part(part)) {
            return Err(LakehouseError::InvalidArgument(format!(
                "'{bad}' is not a name: use lower case letters, digits, '_' and '-'"
            )));
        }
        let folder = parts.iter().fold(self.inner.root.clone(), |folder, part| folder.join(part));
        create_folders(&folder).map_err(LakehouseError::io(&folder, "Creating the folder"))
    }
}

trait IsDirWithEntries {
    fn is_dir_with_entries(&self) -> bool;
}

impl IsDirWithEntries for Path {
    /// A log folder with nothing but leftovers of a failed write is no table.
    fn is_dir_with_entries(&self) -> bool {
        self.read_dir().is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| !entry.file_name().to_string_lossy().starts_with('.')))
        })
    }
}

fn good_part(part: &str) -> bool {
    TableName::parse(&format!("{part}.s.t")).is_ok_and(|name| name.catalog() == part)
}

fn folders(parent: &Path) -> Result<Vec<String>, LakehouseError> {
    let listing = || {
        let mut names = Vec::new();
        for entry in parent.read_dir()? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if good_part(&name) && entry.file_type()?.is_dir() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    };
    listing().map_err(LakehouseError::io(parent, "Listing"))
}

fn lock_folder(data: &Path) -> Result<File, LakehouseError> {
    let path = data.join("lakehouse.lock");
    let open = File::options().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(LakehouseError::io(&path, "Creating"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LakehouseError::Busy(data.to_owned())),
        Err(TryLockError::Error(cause)) => Err(LakehouseError::io(&path, "Locking")(cause)),
    }
}

/// Removes dropped tables; what cannot be removed now is tried again at the next start.
fn empty_trash(trash: &Path) {
    for entry in trash.read_dir().into_iter().flatten().flatten() {
        if let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "a dropped table's files were not removed");
        }
    }
}

#[cfg(test)]
#[path = "store/tests.rs"]
mod tests;
