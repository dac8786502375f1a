//! An open table: its log, the way from the log into Delta, its commits and its upkeep, started together and ended in
//! order.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::{Schema, SchemaRef};
use deltalake::datafusion::catalog::TableProvider;
use deltalake::kernel::StructField;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake::{DeltaResult, DeltaTable};
use tokio::sync::{RwLock, Semaphore, mpsc, watch};
use uuid::Uuid;

use super::columns::uc_column;
use super::commits::{AppVersion, Commits, app_version};
use super::committer::{self, Committer, CommitterConfig};
use super::data_files;
use super::disk::{Precedence, remove_leftovers};
use super::error::LakehouseError;
use super::log::{self, Entry, EntryEncoder, KeepingRoom, Log, LogConfig, LogOptions, Pending, Space};
use super::maintenance::Maintenance;
use super::metrics::{Metrics, TableMetrics};
use super::weather::{Faults, Weather};
use crate::model::{Column, TableName};

/// How the tables of a store are written.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// When rows get from the log into Delta.
    pub log: LogOptions,
    /// Bytes that the logs of all tables may take on the disk; writers wait beyond that.
    pub log_space: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { log: LogOptions::default(), log_space: 4 << 30 }
    }
}

/// What the tables of a store share.
#[derive(Clone)]
pub(crate) struct Shared {
    options: StoreOptions,
    memory: Arc<Semaphore>,
    space: Space,
    keeping: KeepingRoom,
    precedence: Precedence,
    /// Tables whose rows are encoded to Parquet at the same time; the rest of the processor is for those who write.
    encoding: Arc<Semaphore>,
    compacting: Arc<Semaphore>,
    metrics: Metrics,
    weather: Weather,
    lock: Arc<File>,
}

impl Shared {
    pub(crate) fn new(options: StoreOptions, weather: Weather, lock: File) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            options,
            memory: log::queue_budget(),
            space: Space::new(options.log_space),
            keeping: KeepingRoom::new(log::KEPT_BYTES),
            precedence: Precedence::new(),
            encoding: Arc::new(Semaphore::new(processors.div_ceil(2))),
            compacting: Arc::new(Semaphore::new(1)),
            metrics: Metrics::new(),
            weather,
            lock: Arc::new(lock),
        }
    }

    pub(crate) fn weather(&self) -> &Weather {
        &self.weather
    }

    /// Who goes first to the disk.
    pub(crate) fn precedence(&self) -> Precedence {
        self.precedence.clone()
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The text of `GET /metrics`.
    pub(crate) fn metrics_text(&self) -> String {
        self.metrics.text(&self.space)
    }
}

/// An open table.
pub struct Table {
    name: TableName,
    folder: PathBuf,
    fields: Vec<StructField>,
    arrow_schema: SchemaRef,
    log: Log,
    committer: Committer,
    commits: Arc<Commits>,
    pub(super) latest: watch::Receiver<DeltaTable>,
    faults: Faults,
    metrics: TableMetrics,
    /// Whether it may be written; held while data files are, so that a dropped table's folder does not come back.
    open: RwLock<bool>,
}

impl Table {
    /// Loads the table, puts its log in order and starts its tasks.
    ///
    /// # Errors
    /// [`LakehouseError::Table`] when Delta cannot read it, [`LakehouseError::Io`] when its log cannot be read or moved.
    pub(crate) async fn open(
        name: TableName,
        folder: PathBuf,
        mut delta: DeltaTable,
        shared: &Shared,
    ) -> Result<Self, LakehouseError> {
        let opening = || LakehouseError::table(&name, "Opening");
        delta.load().await.map_err(opening())?;
        let (fields, arrow_schema) = schema_of(&delta).map_err(opening())?;
        let committed = app_version(&delta, committer::LOG).await.map_err(opening())?.unwrap_or(0);
        let log_folder = log::folder(&folder);
        let recovered = {
            let (log, schema, space) = (log_folder.clone(), arrow_schema.clone(), shared.space.clone());
            let table = folder.clone();
            let work = move || {
                for folder in [table.join("_delta_log"), table] {
                    remove_leftovers(&folder).map_err(LakehouseError::io(&folder, "Removing what a crash left in"))?;
                }
                log::recover(&log, &schema, committed.unsigned_abs(), &space)
            };
            let joined = tokio::task::spawn_blocking(work).await;
            joined
                .map_err(|error| LakehouseError::InvalidArgument(format!("Reading the log of '{name}': {error}")))??
        };
        shared.metrics.damaged_segments.inc_by(recovered.damage.len() as u64);
        let (faults, metrics) = (shared.weather.at(name.to_string()), shared.metrics.table(&name));
        let maintenance = Maintenance::new(name.clone(), Arc::clone(&shared.compacting), faults.clone());
        let (commits, latest) = Commits::start(name.clone(), delta, maintenance, Arc::clone(&shared.lock));
        let commits = Arc::new(commits);
        let config = CommitterConfig {
            table: name.clone(),
            schema: arrow_schema.clone(),
            log_folder: log_folder.clone(),
            commits: Arc::clone(&commits),
            latest: latest.clone(),
            turns: Arc::clone(&shared.encoding),
            faults: faults.clone(),
            metrics: metrics.clone(),
        };
        let (sender, sealed) = mpsc::unbounded_channel();
        let committer = Committer::start(config, sealed);
        let config = LogConfig {
            table: name.clone(),
            folder: log_folder,
            schema: arrow_schema.clone(),
            options: shared.options.log,
            memory: Arc::clone(&shared.memory),
            space: shared.space.clone(),
            keeping: shared.keeping.clone(),
            precedence: shared.precedence(),
            faults: faults.clone(),
            metrics: metrics.clone(),
        };
        let log = Log::start(config, recovered, sender);
        Ok(Self {
            name,
            folder,
            fields,
            arrow_schema,
            log,
            committer,
            commits,
            latest,
            faults,
            metrics,
            open: RwLock::new(true),
        })
    }

    /// `catalog.schema.table`
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The schema of the record batches that [`Table::append`] takes.
    pub fn arrow_schema(&self) -> SchemaRef {
        Arc::clone(&self.arrow_schema)
    }

    /// Its columns as Delta keeps them.
    pub fn fields(&self) -> &[StructField] {
        &self.fields
    }

    /// Its columns as Unity Catalog shows them.
    pub fn uc_columns(&self) -> Vec<Column> {
        self.fields.iter().enumerate().map(|(position, field)| uc_column(field, position)).collect()
    }

    /// Its id, comment and properties.
    pub fn details(&self) -> TableDetails {
        let latest = self.latest.borrow();
        let Ok(snapshot) = latest.snapshot() else { return TableDetails::default() };
        let metadata = snapshot.metadata();
        TableDetails {
            id: metadata.id().to_owned(),
            comment: metadata.description().map(ToOwned::to_owned),
            properties: metadata.configuration().iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            created_at: metadata.created_time(),
        }
    }

    /// Encodes rows for [`Table::append`].
    ///
    /// # Errors
    /// [`LakehouseError::InvalidArgument`] for a column type that the log does not know.
    pub(crate) fn encoder(&self) -> Result<EntryEncoder, LakehouseError> {
        EntryEncoder::new(&self.arrow_schema)
            .map_err(|error| LakehouseError::InvalidArgument(format!("Table '{}': {error}", self.name)))
    }

    /// Queues rows for the table's log, waiting for room. They are durable when [`Pending::durable`] ends, and visible when
    /// the log has been committed, a moment later.
    ///
    /// # Errors
    /// [`LakehouseError::Closed`].
    pub(crate) async fn append(&self, entry: Entry) -> Result<Pending, LakehouseError> {
        self.log.enqueue(entry).await
    }

    /// Puts rows into the table in one commit, together with the versions; returns when they are durable and visible.
    ///
    /// # Errors
    /// [`LakehouseError::InvalidArgument`] when a batch does not have the table's columns, types and non-null values;
    /// [`LakehouseError::AlreadyApplied`] when the table has one of the versions already, with nothing written; otherwise
    /// as the commit ended.
    pub async fn load(&self, batches: Vec<RecordBatch>, versions: Vec<(String, i64)>) -> Result<(), LakehouseError> {
        let fit = |batch: RecordBatch| {
            RecordBatch::try_new(self.arrow_schema(), batch.columns().to_vec()).map_err(|error| {
                LakehouseError::InvalidArgument(format!("The rows do not fit table '{}': {error}", self.name))
            })
        };
        let batches =
            batches.into_iter().filter(|batch| batch.num_rows() > 0).map(fit).collect::<Result<Vec<_>, _>>()?;
        if batches.is_empty() && versions.is_empty() {
            return Ok(());
        }
        let open = self.open.read().await;
        if !*open {
            return Err(LakehouseError::Closed(self.name.clone()));
        }
        let table = self.latest.borrow().clone();
        let files = data_files::write(table, batches).await.map_err(|error| LakehouseError::NotWritten {
            table: self.name.clone(),
            cause: error.to_string().into(),
        })?;
        let once = |(application, version)| AppVersion { application, version, once: true };
        self.commits.commit(files, versions.into_iter().map(once).collect()).await
    }

    /// The version that an application has in the table, as [`Table::load`] set it.
    ///
    /// # Errors
    /// [`LakehouseError::Table`] when the table's log cannot be read.
    pub async fn version_of(&self, application: &str) -> Result<Option<i64>, LakehouseError> {
        let latest = self.latest.borrow().clone();
        app_version(&latest, application).await.map_err(LakehouseError::table(&self.name, "Reading"))
    }

    /// The last durable offset of a persistent stream, in the log or in Delta, from which it goes on. The connection that
    /// wrote to it before has to have ended; what it had queued counts.
    ///
    /// # Errors
    /// [`LakehouseError::Table`] when Delta's log cannot be read, otherwise as [`Table::append`] and [`Pending::durable`].
    pub(crate) async fn resume_stream(&self, stream: Uuid) -> Result<Option<i64>, LakehouseError> {
        // Entries are written in their order: when this one is durable, it is known what became of those before it.
        let nothing = self.encoder()?.encode(&RecordBatch::new_empty(self.arrow_schema()), None);
        let nothing = nothing.map_err(|error| LakehouseError::InvalidArgument(error.to_string()))?;
        self.append(nothing).await?.durable().await?;
        if let Some(offset) = self.log.offset(&stream) {
            return Ok(Some(offset));
        }
        let committed = self.version_of(&committer::stream_application(&stream)).await?;
        if let Some(offset) = committed {
            self.log.resume(stream, offset);
        }
        Ok(committed)
    }

    /// What is counted of this table.
    pub(crate) fn metrics(&self) -> &TableMetrics {
        &self.metrics
    }

    /// What is wrong with the weather at this table.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops for good, because the table is going away with what is in its log.
    pub(crate) async fn abandon(&self) {
        *self.open.write().await = false;
        self.log.close().await;
        self.committer.abandon().await;
        self.commits.close().await;
    }

    /// Takes no further rows, gets the log into Delta as far as time allows, and ends.
    pub(crate) async fn close(&self, deadline: tokio::time::Instant) {
        *self.open.write().await = false;
        self.log.close().await;
        self.committer.close(deadline).await;
        self.commits.close().await;
    }

    /// The newest state for DataFusion, with what other processes have committed.
    pub(crate) async fn provider(&self) -> Result<Arc<dyn TableProvider>, LakehouseError> {
        let mut delta = self.latest.borrow().clone();
        let provider = async {
            delta.update_state().await?;
            let snapshot = delta.snapshot()?.snapshot().clone();
            Ok(delta.table_provider().with_eager_snapshot(snapshot).await?)
        };
        provider.await.map_err(LakehouseError::table(&self.name, "Reading"))
    }
}

/// What a table carries besides its columns.
#[derive(Clone, Debug, Default)]
pub struct TableDetails {
    /// Delta's id, a UUID.
    pub id: String,
    /// Its comment.
    pub comment: Option<String>,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
    /// Milliseconds since 1970.
    pub created_at: Option<i64>,
}

fn schema_of(table: &DeltaTable) -> DeltaResult<(Vec<StructField>, SchemaRef)> {
    let fields = table.snapshot()?.schema().fields().cloned().collect();
    let schema: Schema = table.snapshot()?.schema().as_ref().try_into_arrow()?;
    Ok((fields, Arc::new(schema)))
}
