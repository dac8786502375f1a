//! SQL statements through a warehouse: the Statement Execution API.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument;

use super::auth::Scope;
use super::http::OnSent;
use super::{Workspace, WorkspaceError};

/// How long one request waits for a statement; the rest is polling.
const WAIT: &str = "30s";
/// After this the caller is told that it still runs; it is canceled so that nothing happens behind their back.
const LONGEST: Duration = Duration::from_secs(120);
/// How long it is watched after that: it may have ended before the cancellation reached it.
const AFTER_CANCEL: Duration = Duration::from_secs(10);
/// How long a statement is waited for that must not take long; the API takes no less.
const AT_ONCE: Duration = Duration::from_secs(5);
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
        self.encode_waiting(warehouse_id, WAIT, "CONTINUE")
    }

    fn encode_waiting(&self, warehouse_id: &str, wait_timeout: &str, on_wait_timeout: &str) -> Bytes {
        let body = Submission {
            statement: &self.text,
            warehouse_id,
            parameters: &self.parameters,
            wait_timeout,
            on_wait_timeout,
            disposition: "INLINE",
            format: "JSON_ARRAY",
            query_tags: &TAGS,
        };
        // Text, numbers and lists of them: there is nothing in it that has no JSON.
        Bytes::from(serde_json::to_vec(&body).unwrap_or_default())
    }
}

#[derive(Serialize)]
struct Submission<'a> {
    statement: &'a str,
    warehouse_id: &'a str,
    parameters: &'a [Parameter],
    wait_timeout: &'a str,
    on_wait_timeout: &'a str,
    disposition: &'static str,
    format: &'static str,
    query_tags: &'static [QueryTag],
}

/// What a workspace writes into its query history beside a statement, so that its cost can be told from others'.
#[derive(Serialize)]
struct QueryTag {
    key: &'static str,
    value: &'static str,
}

/// Kept in plain text by the workspace: nothing of a record, and nobody's name.
const TAGS: [QueryTag; 2] = [
    QueryTag { key: "application", value: "direct-write" },
    QueryTag { key: "version", value: env!("CARGO_PKG_VERSION") },
];

/// What a statement that succeeded returned.
#[derive(Clone, Debug)]
pub struct StatementResult {
    /// The workspace's id of it.
    pub statement_id: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, text or null: all of them from [`Workspace::execute`], else the first chunk.
    pub rows: Vec<Vec<Option<String>>>,
    /// The number of the chunk behind these rows, if there is one.
    pub next_chunk: Option<u64>,
    /// Whether the statement was CLOSED: it succeeded, and its result is gone.
    pub closed: bool,
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
    error: Option<StatementError>,
}

#[derive(Deserialize)]
struct StatementError {
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
    #[serde(default)]
    next_chunk_index: Option<u64>,
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

    /// Runs a statement to its end and fetches all chunks of its result. When the caller does not wait for that, the
    /// statement is canceled.
    ///
    /// # Errors
    /// [`WorkspaceError::StatementFailed`] with the workspace's words; [`WorkspaceError::Timeout`] after two minutes,
    /// when it was asked to cancel; whatever a chunk is answered with.
    pub async fn execute(&self, statement: &Statement) -> Result<StatementResult, WorkspaceError> {
        let mut result = self.execute_while_wanted(statement.encode(self.warehouse_id()?)).await?;
        if result.closed {
            let message = format!("statement {} succeeded, but its result is gone", result.statement_id);
            return Err(WorkspaceError::Protocol(message));
        }
        while let Some(index) = result.next_chunk {
            let path = format!("/api/2.0/sql/statements/{}/result/chunks/{index}", result.statement_id);
            let chunk: ResultData = self.get_as(Scope::Statements, &path).await?;
            result.rows.extend(chunk.data_array);
            if chunk.next_chunk_index.is_some_and(|next| next <= index) {
                return Err(WorkspaceError::Protocol(format!("chunk {index} of a result points back")));
            }
            result.next_chunk = chunk.next_chunk_index;
        }
        Ok(result)
    }

    /// Like [`Self::execute`] for an encoded statement, of whose result it may be that nothing is left; `on_sent` runs
    /// when its last byte went to the connection.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub async fn execute_encoded(&self, body: Bytes, on_sent: OnSent) -> Result<StatementResult, WorkspaceError> {
        let answer = self.submit(body, on_sent).await?;
        self.follow(answer).await
    }

    async fn submit(&self, body: Bytes, on_sent: OnSent) -> Result<StatementAnswer, WorkspaceError> {
        self.post_as(Scope::Statements, "/api/2.0/sql/statements", body, on_sent).await
    }

    /// Runs a statement in a task of its own, which outlives a caller who gives up: only the answer to the submission
    /// tells the id by which it can be canceled, and that may take as long as [`WAIT`].
    async fn execute_while_wanted(&self, body: Bytes) -> Result<StatementResult, WorkspaceError> {
        let (wanted, given_up) = oneshot::channel::<()>();
        let workspace = self.clone();
        let work = async move {
            let answer = workspace.submit(body, Arc::new(|| ())).await?;
            let statement_id = answer.statement_id.clone();
            tokio::select! {
                biased;
                result = workspace.follow(answer) => result,
                _ = given_up => {
                    workspace.cancel(&statement_id).await;
                    Err(WorkspaceError::Protocol(format!("nobody waited for statement {statement_id}; it was canceled")))
                }
            }
        };
        let result = tokio::spawn(work.in_current_span()).await;
        drop(wanted);
        result.unwrap_or_else(|error| Err(WorkspaceError::Protocol(format!("a statement was not followed: {error}"))))
    }

    /// Asks to cancel a statement; it may have ended before.
    async fn cancel(&self, statement_id: &str) {
        let path = format!("/api/2.0/sql/statements/{statement_id}/cancel");
        let asked = self.post_as(Scope::Statements, &path, Bytes::from_static(b"{}"), Arc::new(|| ())).await;
        if let Err(error) = asked.map(|_: serde_json::Value| ()) {
            tracing::warn!(statement = statement_id, %error, "a statement was not canceled");
        }
    }

    /// Runs a statement that the warehouse itself cancels when it has not ended within [`AT_ONCE`].
    pub(super) async fn execute_at_once(&self, statement: &Statement) -> Result<StatementResult, WorkspaceError> {
        let wait = format!("{}s", AT_ONCE.as_secs());
        let body = statement.encode_waiting(self.warehouse_id()?, &wait, "CANCEL");
        let answer = self.submit(body, Arc::new(|| ())).await?;
        match answer.status.state.as_str() {
            "SUCCEEDED" | "CLOSED" => Ok(result_of(answer)),
            "PENDING" | "RUNNING" | "CANCELED" => Err(WorkspaceError::Timeout { after: AT_ONCE }),
            _ => Err(failure_of(answer)),
        }
    }

    /// Polls a statement that was accepted until it has ended. Asking is harmless, so a question that got no answer is
    /// repeated: what became of the statement is worth the wait.
    async fn follow(&self, mut answer: StatementAnswer) -> Result<StatementResult, WorkspaceError> {
        let path = format!("/api/2.0/sql/statements/{}", answer.statement_id);
        let mut deadline = Instant::now() + LONGEST;
        let mut canceled = false;
        let mut pause = FIRST_POLL;
        loop {
            match answer.status.state.as_str() {
                "SUCCEEDED" | "CLOSED" => return Ok(result_of(answer)),
                "PENDING" | "RUNNING" => {}
                "CANCELED" if canceled => return Err(WorkspaceError::Timeout { after: LONGEST }),
                _ => return Err(failure_of(answer)),
            }
            if Instant::now() >= deadline {
                if canceled {
                    return Err(WorkspaceError::Timeout { after: LONGEST });
                }
                canceled = true;
                deadline += AFTER_CANCEL;
                pause = FIRST_POLL;
                self.cancel(&answer.statement_id).await;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SLOWEST_POLL);
            match self.get_as(Scope::Statements, &path).await {
                Ok(next) => answer = next,
                Err(error) if error.is_retryable() => {
                    tracing::info!(statement = answer.statement_id, %error, "asking for a statement once more");
                }
                Err(error) => {
                    let (statement_id, detail) = (answer.statement_id, error.to_string());
                    return Err(WorkspaceError::FateUnknown { statement_id, detail });
                }
            }
        }
    }
}

fn failure_of(answer: StatementAnswer) -> WorkspaceError {
    let Status { state, error } = answer.status;
    let error = error.unwrap_or_else(|| StatementError {
        message: format!("statement {} ended as {state}", answer.statement_id),
        error_code: state,
    });
    WorkspaceError::StatementFailed { code: error.error_code, message: error.message }
}

fn result_of(answer: StatementAnswer) -> StatementResult {
    let columns = answer.manifest.map(|manifest| manifest.schema.columns).unwrap_or_default();
    StatementResult {
        closed: answer.status.state == "CLOSED",
        statement_id: answer.statement_id,
        columns: columns.into_iter().map(|column| column.name).collect(),
        next_chunk: answer.result.as_ref().and_then(|result| result.next_chunk_index),
        rows: answer.result.map(|result| result.data_array).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
