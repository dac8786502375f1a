//! DataFusion for one statement: three-part names over the store, bounded memory, no writes.

use std::sync::Arc;

use async_trait::async_trait;
use deltalake::arrow::array::RecordBatch;
use deltalake::datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemTable, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider, TableProvider,
};
use deltalake::datafusion::common::{DFSchemaRef, DataFusionError};
use deltalake::datafusion::execution::disk_manager::DiskManagerBuilder;
use deltalake::datafusion::execution::memory_pool::GreedyMemoryPool;
use deltalake::datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use deltalake::datafusion::execution::session_state::SessionState;
use deltalake::datafusion::execution::{FunctionRegistry, SessionStateBuilder};
use deltalake::datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use deltalake::datafusion::prelude::{SQLOptions, SessionConfig};
use deltalake::datafusion::sql::parser::Statement as DataFusionStatement;
use deltalake::datafusion::sql::sqlparser::ast::Statement;
use deltalake::delta_datafusion::DeltaSessionConfig;
use deltalake::delta_datafusion::planner::DeltaPlanner;

use super::array_only::array_only;
use super::failure::Failure;
use super::from_json::from_json;
use crate::lakehouse::error::LakehouseError;
use crate::lakehouse::grants::{Grants, Privilege, Securable};
use crate::lakehouse::store::Store;
use crate::model::TableName;

/// What all queries together may hold in memory; a query that needs more spills or fails.
const QUERY_MEMORY: usize = 1 << 30;
/// What all queries together may spill to the temporary folder.
const SPILL_BYTES: u64 = 4 << 30;

/// What the rows of [`Engine::session_over`] are called, and what their catalog and schema are.
pub(super) const SOURCE: &str = "source";

/// The engine that the sessions of all statements share.
#[derive(Clone)]
pub(super) struct Engine {
    base: SessionState,
    store: Store,
}

impl Engine {
    pub(super) fn new(store: Store) -> Result<Self, LakehouseError> {
        let runtime: Arc<RuntimeEnv> = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(QUERY_MEMORY)))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_max_temp_directory_size(SPILL_BYTES))
            .build_arc()
            .map_err(no_engine)?;
        let mut base = SessionStateBuilder::new()
            .with_default_features()
            .with_config(config("main", "default"))
            .with_runtime_env(runtime)
            .with_query_planner(DeltaPlanner::new())
            .build();
        for function in [from_json(), array_only()] {
            base.register_udf(Arc::new(function)).map_err(no_engine)?;
        }
        Ok(Self { base, store })
    }

    /// A session whose short names mean tables of that catalog and schema, and that reads what `user` may read.
    pub(super) fn session(&self, catalog: &str, schema: &str, grants: Grants, user: &str) -> Session {
        let reader = Reader { store: self.store.clone(), grants, user: user.into() };
        self.session_of(catalog, schema, Arc::new(Catalogs { reader }))
    }

    /// A session that sees nothing but these rows, as the table [`SOURCE`].
    pub(super) fn session_over(&self, rows: RecordBatch) -> Result<Session, Failure> {
        let schema = MemorySchemaProvider::new();
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]])?;
        schema.register_table(SOURCE.to_owned(), Arc::new(table))?;
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SOURCE, Arc::new(schema))?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(SOURCE.to_owned(), Arc::new(catalog));
        Ok(self.session_of(SOURCE, SOURCE, Arc::new(catalogs)))
    }

    fn session_of(&self, catalog: &str, schema: &str, catalogs: Arc<dyn CatalogProviderList>) -> Session {
        let builder = SessionStateBuilder::new_from_existing(self.base.clone())
            .with_config(config(catalog, schema))
            .with_catalog_list(catalogs);
        let mut state = builder.build();
        // now() and current_date() are this moment for the whole statement.
        state.mark_start_execution();
        Session { state }
    }
}

fn no_engine(error: DataFusionError) -> LakehouseError {
    LakehouseError::InvalidArgument(format!("The SQL engine did not start: {error}"))
}

fn config(catalog: &str, schema: &str) -> SessionConfig {
    SessionConfig::from(DeltaSessionConfig::default())
        .with_default_catalog_and_schema(catalog, schema)
        .with_create_default_catalog_and_schema(false)
        .with_target_partitions(std::thread::available_parallelism().map_or(1, usize::from))
        .set_bool("datafusion.sql_parser.enable_ident_normalization", true)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
        .set_str("datafusion.execution.time_zone", "UTC")
}

/// One statement's session.
pub(super) struct Session {
    state: SessionState,
}

impl Session {
    /// Plans a query and starts it. Anything that would write or change a session is refused.
    pub(super) async fn query(&self, statement: Statement) -> Result<SendableRecordBatchStream, Failure> {
        let statement = DataFusionStatement::Statement(Box::new(statement));
        let plan = self.state.statement_to_plan(statement).await?;
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)?;
        let plan = self.state.create_physical_plan(&plan).await?;
        Ok(execute_stream(plan, self.state.task_ctx())?)
    }

    /// The columns that a query would have.
    pub(super) async fn columns(&self, query: Statement) -> Result<DFSchemaRef, Failure> {
        let plan = self.state.statement_to_plan(DataFusionStatement::Statement(Box::new(query))).await?;
        Ok(Arc::clone(plan.schema()))
    }
}

/// The store as one principal reads it.
#[derive(Clone, Debug)]
struct Reader {
    store: Store,
    grants: Grants,
    user: Arc<str>,
}

#[derive(Debug)]
struct Catalogs {
    reader: Reader,
}

impl CatalogProviderList for Catalogs {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        self.reader.store.catalogs().unwrap_or_default()
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        let catalog = Catalog { reader: self.reader.clone(), name: name.to_owned() };
        self.reader.store.has_catalog(name).then(|| Arc::new(catalog) as _)
    }
}

#[derive(Debug)]
struct Catalog {
    reader: Reader,
    name: String,
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        self.reader.store.schemas(&self.name).unwrap_or_default()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let schema = SchemaTables { reader: self.reader.clone(), catalog: self.name.clone(), name: name.to_owned() };
        self.reader.store.has_schema(&self.name, name).then(|| Arc::new(schema) as _)
    }
}

#[derive(Debug)]
struct SchemaTables {
    reader: Reader,
    catalog: String,
    name: String,
}

impl SchemaTables {
    fn table_name(&self, table: &str) -> Option<TableName> {
        TableName::parse(&format!("{}.{}.{table}", self.catalog, self.name)).ok()
    }
}

#[async_trait]
impl SchemaProvider for SchemaTables {
    fn table_names(&self) -> Vec<String> {
        let tables = self.reader.store.tables().unwrap_or_default().into_iter();
        let here = tables.filter(|table| table.catalog() == self.catalog && table.schema() == self.name);
        here.map(|table| table.table().to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let Some(name) = self.table_name(name) else { return Ok(None) };
        let external = |error| DataFusionError::External(Box::new(error));
        let Reader { store, grants, user } = &self.reader;
        match grants.check(user, Privilege::Select, &Securable::Table(name.clone())) {
            Ok(()) => {}
            Err(LakehouseError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(external(error)),
        }
        match store.table(&name).await {
            Ok(table) => table.provider().await.map(Some).map_err(external),
            Err(LakehouseError::NotFound(_)) => Ok(None),
            Err(error) => Err(external(error)),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.table_name(name).is_some_and(|name| self.reader.store.has_table(&name))
    }
}
