//! SQL inserts through a warehouse, in four modes: how many rows a statement has, and whether their values are bound
//! parameters, literals in its text, or one JSON text that the warehouse takes apart.

mod cell;
mod inserts;
mod json;
mod json_parameter;
mod literals;
mod parameters;
mod session;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;

use super::form::FormProgress;
use super::registry::{Unavailable, WriterFactory};
use super::{Batch, Progress, Receipt, Session, WriteFailure, Writer, WriterError};
use crate::model::{SqlMode, TableInfo, WriterKind, WriterOptions};
use crate::workspace::{Statement, Workspace};

pub(super) use inserts::{Reading, check_columns, sql_type};
pub(super) use json::{Nested, Objects};
pub(super) use literals::push_text;
pub(super) use session::inserted;
use session::{Requests, SqlSession};

/// Makes [`SqlWriter`].
pub(super) struct Factory;

impl WriterFactory for Factory {
    fn kind(&self) -> WriterKind {
        WriterKind::Sql
    }

    fn build(&self, workspace: &Arc<Workspace>) -> Result<Arc<dyn Writer>, Unavailable> {
        check_warehouse(workspace)?;
        Ok(Arc::new(SqlWriter { workspace: workspace.clone() }))
    }
}

/// Whether statements can be run at all.
pub(super) fn check_warehouse(workspace: &Workspace) -> Result<(), Unavailable> {
    let config = workspace.config();
    if config.credentials.is_none() {
        let setting = "DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET";
        return Err(Unavailable::missing(setting, "runs statements as a service principal"));
    }
    if config.warehouse_id.is_none() {
        return Err(Unavailable::missing("DATABRICKS_WAREHOUSE_ID", "says which SQL warehouse runs the statements"));
    }
    Ok(())
}

/// Lets the warehouse look at a table without reading a row; returns what was found, for people.
pub(super) async fn rehearse(workspace: &Workspace, table: &TableInfo) -> Result<String, WriterError> {
    let statement = Statement::new(format!("SELECT * FROM {} LIMIT 0", table.name.quoted()));
    let result = workspace.execute(&statement).await?;
    Ok(format!("the warehouse ran statement {}", result.statement_id))
}

/// The writer `sql`.
struct SqlWriter {
    workspace: Arc<Workspace>,
}

#[async_trait]
impl Writer for SqlWriter {
    fn kind(&self) -> WriterKind {
        WriterKind::Sql
    }

    /// Forms use bound values in many rows: of the ways that carry every column a form can fill, the one that Databricks
    /// itself shows first.
    async fn write(&self, batch: Arc<Batch>, progress: Arc<dyn Progress>) -> Result<Receipt, WriteFailure> {
        let (table, records) = batch.records().map_err(WriteFailure::nothing_sent)?;
        let session = SqlSession::for_form(self.workspace.clone(), table, SqlMode::ValuesParameters);
        let session = session.map_err(WriteFailure::nothing_sent)?;
        let Requests { bodies, bytes } = session.requests(&records).map_err(WriteFailure::nothing_sent)?;
        progress.encoded(bytes);
        let written = session.send(bodies, &FormProgress::hear(progress)).await?;
        let durable = records.num_rows() as u64;
        Ok(Receipt { durable, proof: json!({ "statement_ids": written.statement_ids }) })
    }

    async fn open(&self, table: &TableInfo, options: &WriterOptions) -> Result<Arc<dyn Session>, WriterError> {
        let mode = options.mode.unwrap_or(SqlMode::JsonParameter);
        Ok(Arc::new(SqlSession::for_run(self.workspace.clone(), table.clone(), mode)?))
    }

    async fn rehearse(&self, table: &TableInfo) -> Result<String, WriterError> {
        rehearse(&self.workspace, table).await
    }

    async fn close(&self) {}
}
