//! SQL statements through a warehouse: the Statement Execution API.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use super::http::OnSent;
use super::{Workspace, WorkspaceError};

/// How long one request waits for a statement; the rest is polling.
const WAIT: &str = "30s";
/// After this the caller is told that it still runs; it is canceled so that nothing happens behind their back.
const LONGEST: Duration = Duration::from_secs(120);
const FIRST_POLL: Duration = Duration::from_millis(200);
const SLOWEST_POLL: Duration = Duration::from_secs(2);

/// A named parameter; its value never becomes part of the statement's text.
#[derive(Clone, Debug, Serialize)]
pub struct Parameter {
    /// Without the colon.
    pub name: String,
    /// As text; `None` is NULL.
    pub value: Option<String>,
    /// SQL type: `STRING`, `DOUBLE`, `DECIMAL(10,2)`, ...
    #[serde(rename = "type")]
    pub type_text: String,
}

/// A statement with its parameters.
#[derive(Clone, Debug, Default)]
pub struct Statement {
    /// SQL text; identifiers quoted, values only as `:name`.
    pub text: String,
    /// Values for the markers.
    pub parameters: Vec<Parameter>,
}

impl Statement {
    /// A statement without parameters.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), parameters: Vec::new() }
    }

    /// Adds a parameter and returns its marker, `:p7`.
    pub fn bind(&mut self, value: Option<String>, type_text: &str) -> String {
        let name = format!("p{}", self.parameters.len());
        let marker = format!(":{name}");
        self.parameters.push(Parameter { name, value, type_text: type_text.to_owned() });
        marker
    }

    /// The request's body for a warehouse.
    pub fn encode(&self, warehouse_id: &str) -> Bytes {
        let body = json!({
            "statement": self.text,
            "warehouse_id": warehouse_id,
            "parameters": self.parameters,
            "wait_timeout": WAIT,
            "on_wait_timeout": "CONTINUE",
            "disposition": "INLINE",
            "format": "JSON_ARRAY",
        });
        Bytes::from(body.to_string())
    }
}

/// What a statement that succeeded returned.
#[derive(Clone, Debug)]
pub struct StatementResult {
    /// The workspace's id of it.
    pub statement_id: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// First chunk of the rows: text or null.
    pub rows: Vec<Vec<Option<String>>>,
}

#[derive(Deserialize)]
struct StatementAnswer {
    statement_id: String,
    status: Status,
    #[serde(default)]
    manifest: Option<Manifest>,
    #[serde(default)]
    result: Option<ResultData>,
}

#[derive(Deserialize)]
struct Status {
    state: String,
    #[serde(default)]
    error: Option<StatusError>,
}

#[derive(Deserialize)]
struct StatusError {
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Manifest {
    schema: Schema,
}

#[derive(Deserialize)]
struct Schema {
    #[serde(default)]
    columns: Vec<SchemaColumn>,
}

#[derive(Deserialize)]
struct SchemaColumn {
    name: String,
}

#[derive(Deserialize)]
struct ResultData {
    #[serde(default)]
    data_array: Vec<Vec<Option<String>>>,
}

impl Workspace {
    /// The configured warehouse.
    ///
    /// # Errors
    /// [`WorkspaceError::NotConfigured`] when there is none.
    pub fn warehouse_id(&self) -> Result<&str, WorkspaceError> {
        let id = self.config.warehouse_id.as_deref();
        id.ok_or(WorkspaceError::NotConfigured { setting: "DATABRICKS_WAREHOUSE_ID" })
    }

    /// Runs a statement to its end.
    ///
    /// # Errors
    /// [`WorkspaceError::StatementFailed`] with the workspace's words; [`WorkspaceError::Timeout`] after two minutes,
    /// when it was asked to cancel.
    pub async fn execute(&self, statement: &Statement) -> Result<StatementResult, WorkspaceError> {
        self.execute_encoded(statement.encode(self.warehouse_id()?), Arc::new(|| ())).await
    }

    /// Like [`Self::execute`] for an encoded statement; `on_sent` runs when its last byte went to the connection.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub async fn execute_encoded(&self, body: Bytes, on_sent: OnSent) -> Result<StatementResult, WorkspaceError> {
        let deadline = Instant::now() + LONGEST;
        let mut pause = FIRST_POLL;
        let mut answer: StatementAnswer = self.post("/api/2.0/sql/statements", body, on_sent).await?;
        loop {
            match answer.status.state.as_str() {
                "SUCCEEDED" => return Ok(result_of(answer)),
                "PENDING" | "RUNNING" if Instant::now() >= deadline => {
                    let path = format!("/api/2.0/sql/statements/{}/cancel", answer.statement_id);
                    let _: serde_json::Value = self.post(&path, Bytes::from_static(b"{}"), Arc::new(|| ())).await?;
                    return Err(WorkspaceError::Timeout { after: LONGEST });
                }
                "PENDING" | "RUNNING" => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(SLOWEST_POLL);
                    answer = self.get(&format!("/api/2.0/sql/statements/{}", answer.statement_id)).await?;
                }
                state => {
                    let error = answer.status.error.unwrap_or(StatusError {
                        error_code: state.to_owned(),
                        message: format!("statement {} ended as {state}", answer.statement_id),
                    });
                    return Err(WorkspaceError::StatementFailed { code: error.error_code, message: error.message });
                }
            }
        }
    }
}

fn result_of(answer: StatementAnswer) -> StatementResult {
    let columns = answer.manifest.map(|manifest| manifest.schema.columns).unwrap_or_default();
    StatementResult {
        statement_id: answer.statement_id,
        columns: columns.into_iter().map(|column| column.name).collect(),
        rows: answer.result.map(|result| result.data_array).unwrap_or_default(),
    }
}
