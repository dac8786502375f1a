//! The SQL Statement Execution API over DataFusion: submit, poll, cancel, fetch.
//!
//! A statement runs in its own task whether or not somebody waits for it. A failed statement is an answer with state
//! FAILED, not an HTTP error; an HTTP error means that the request itself was wrong. Results are kept for polling until
//! newer statements push them out ([`registry`]).

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Extension, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{ApiError, LakehouseError};
use super::grants::Grants;
use super::oidc::{Oidc, TokenInfo, require_bearer};
use super::store::Store;

mod ddl;
pub(crate) mod dialect;
mod failure;
mod grants;
mod insert;
mod names;
mod parameters;
mod registry;
mod run;
mod session;
mod values;

use failure::Failure;
use parameters::Parameter;
use registry::{Registry, StatementState, Submitted};
use run::{Job, Output, Runner};

/// The longest statement text, as on the real API.
const STATEMENT_BYTES: usize = 16 << 20;
/// The longest body: the text with JSON's escapes, and the parameters.
const BODY_BYTES: usize = 40 << 20;

/// The statements of a lakehouse. Clones share them.
#[derive(Clone)]
pub struct Statements {
    registry: Registry,
}

impl Statements {
    /// # Errors
    /// [`LakehouseError::InvalidArgument`] when DataFusion's runtime cannot be built.
    pub fn new(store: Store, grants: Grants) -> Result<Self, LakehouseError> {
        let engine = session::Engine::new(store.clone())?;
        Ok(Self { registry: Registry::new(Runner { store, grants, engine }) })
    }

    /// Cancels what can be cancelled and waits for what cannot: INSERTs on their way to the disk.
    pub async fn close(&self) {
        self.registry.close().await;
    }
}

/// The API's routes; each needs a bearer token.
pub fn router(statements: Statements, oidc: Oidc) -> Router {
    Router::new()
        .route("/api/2.0/sql/statements", post(submit))
        .route("/api/2.0/sql/statements/", post(submit))
        .route("/api/2.0/sql/statements/{id}", get(fetch))
        .route("/api/2.0/sql/statements/{id}/cancel", post(cancel))
        .route("/api/2.0/sql/statements/{id}/result/chunks/{chunk}", get(chunk))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .route_layer(middleware::from_fn_with_state(oidc, require_bearer))
        .with_state(statements)
}

#[derive(Deserialize)]
struct Submission {
    statement: Option<String>,
    warehouse_id: Option<String>,
    catalog: Option<String>,
    schema: Option<String>,
    #[serde(default)]
    parameters: Vec<Parameter>,
    wait_timeout: Option<String>,
    on_wait_timeout: Option<String>,
    disposition: Option<String>,
    format: Option<String>,
    row_limit: Option<u64>,
}

/// What to do when the wait is over before the statement is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtTimeout {
    Continue,
    Cancel,
}

async fn submit(
    State(statements): State<Statements>,
    Extension(client): Extension<TokenInfo>,
    body: Result<Json<Submission>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(submission) = body.map_err(|error| {
        let code =
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE { "REQUEST_TOO_LARGE" } else { "MALFORMED_REQUEST" };
        ApiError::new(error.status(), code, error.body_text())
    })?;
    let (job, wait, at_timeout) = validate(submission, client.client_id)?;
    let submitted = statements.registry.submit(job).ok_or_else(|| {
        let message = "Too many statements are unfinished; nothing was started. Try again when some have ended.";
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED", message)
    })?;
    let mut state = submitted.wait(wait).await;
    if at_timeout == AtTimeout::Cancel && !state.is_final() {
        submitted.cancel();
        // Ends at once, unless rows are already on their way to the disk: then with what came of them.
        state = submitted.wait(Duration::from_secs(60)).await;
    }
    hand_out(&statements, &submitted.id, &state)?;
    Ok(Json(answer(&submitted.id, &state)))
}

/// Forgets a result that may be handed out only once; refuses when that has happened.
fn hand_out(statements: &Statements, id: &str, state: &StatementState) -> Result<(), ApiError> {
    match state {
        StatementState::Succeeded(output) if output.once && !statements.registry.forget(id) => Err(not_found(id)),
        _ => Ok(()),
    }
}

fn validate(submission: Submission, user: String) -> Result<(Job, Duration, AtTimeout), ApiError> {
    let only = |name: &str, value: Option<String>, allowed: &str| match value {
        Some(value) if value != allowed => {
            Err(ApiError::invalid(format!("{name} '{value}': only {allowed} is supported")))
        }
        _ => Ok(()),
    };
    let statement = submission.statement.filter(|text| !text.trim().is_empty());
    let statement = statement.ok_or_else(|| ApiError::invalid("statement is missing or empty"))?;
    if statement.len() > STATEMENT_BYTES {
        return Err(ApiError::invalid(format!("statement is longer than {STATEMENT_BYTES} bytes; split it")));
    }
    if submission.warehouse_id.is_none_or(|id| id.is_empty()) {
        return Err(ApiError::invalid("warehouse_id is missing; the local lakehouse takes any text"));
    }
    only("disposition", submission.disposition, "INLINE")?;
    only("format", submission.format, "JSON_ARRAY")?;
    let at_timeout = match submission.on_wait_timeout.as_deref() {
        None | Some("CONTINUE") => AtTimeout::Continue,
        Some("CANCEL") => AtTimeout::Cancel,
        Some(other) => {
            return Err(ApiError::invalid(format!("on_wait_timeout '{other}': write CONTINUE or CANCEL")));
        }
    };
    let wait = wait_timeout(submission.wait_timeout.as_deref().unwrap_or("10s"))?;
    if wait.is_zero() && at_timeout == AtTimeout::Cancel {
        return Err(ApiError::invalid("on_wait_timeout CANCEL makes no sense with wait_timeout 0s"));
    }
    if submission.row_limit == Some(0) {
        return Err(ApiError::invalid("row_limit starts at 1"));
    }
    let job = Job {
        statement,
        parameters: submission.parameters,
        catalog: submission.catalog.unwrap_or_else(|| "main".to_owned()).to_ascii_lowercase(),
        schema: submission.schema.unwrap_or_else(|| "default".to_owned()).to_ascii_lowercase(),
        row_limit: submission.row_limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        user,
    };
    Ok((job, wait, at_timeout))
}

/// `0s`, or `5s` to `50s`.
fn wait_timeout(text: &str) -> Result<Duration, ApiError> {
    match text.strip_suffix('s').and_then(|seconds| seconds.parse().ok()) {
        Some(seconds @ (0 | 5..=50)) => Ok(Duration::from_secs(seconds)),
        _ => Err(ApiError::invalid(format!("wait_timeout '{text}': write 0s, or 5s to 50s"))),
    }
}

async fn fetch(
    State(statements): State<Statements>,
    Extension(client): Extension<TokenInfo>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let state = find(&statements, &id, &client)?.state();
    hand_out(&statements, &id, &state)?;
    Ok(Json(answer(&id, &state)))
}

async fn cancel(
    State(statements): State<Statements>,
    Extension(client): Extension<TokenInfo>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    find(&statements, &id, &client)?.cancel();
    Ok(Json(json!({})))
}

async fn chunk(
    State(statements): State<Statements>,
    Extension(client): Extension<TokenInfo>,
    Path((id, chunk)): Path<(String, usize)>,
) -> Result<Json<Value>, ApiError> {
    let state = find(&statements, &id, &client)?.state();
    if chunk == 0 {
        hand_out(&statements, &id, &state)?;
    }
    match state {
        StatementState::Succeeded(output) if chunk == 0 => Ok(Json(result(&output))),
        StatementState::Succeeded(_) => {
            Err(ApiError::invalid(format!("There is no chunk {chunk}: results are one chunk, 0")))
        }
        _ => Err(ApiError::invalid("The statement has no result: it has not succeeded")),
    }
}

fn find(statements: &Statements, id: &str, client: &TokenInfo) -> Result<Submitted, ApiError> {
    statements.registry.find(id, &client.client_id).ok_or_else(|| not_found(id))
}

fn not_found(id: &str) -> ApiError {
    let message = format!("The statement {id} was not found. Results are kept until newer statements need the room.");
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}

fn answer(id: &str, state: &StatementState) -> Value {
    let status = |state: &str| json!({ "statement_id": id, "status": { "state": state } });
    match state {
        StatementState::Pending => status("PENDING"),
        StatementState::Running => status("RUNNING"),
        StatementState::Failed(Failure::Canceled) => status("CANCELED"),
        StatementState::Failed(Failure::Error { code, message }) => json!({
            "statement_id": id,
            "status": { "state": "FAILED", "error": { "error_code": code, "message": message } },
        }),
        StatementState::Succeeded(output) => json!({
            "statement_id": id,
            "status": { "state": "SUCCEEDED" },
            "manifest": manifest(output),
            "result": result(output),
        }),
    }
}

fn manifest(output: &Output) -> Value {
    let columns: Vec<Value> = output
        .columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
            json!({
                "name": column.name,
                "position": position,
                "type_name": column.type_name,
                "type_text": column.type_text,
            })
        })
        .collect();
    let rows = output.rows.len();
    let chunks: Vec<Value> =
        (0..rows.min(1)).map(|chunk| json!({ "chunk_index": chunk, "row_offset": 0, "row_count": rows })).collect();
    json!({
        "format": "JSON_ARRAY",
        "schema": { "column_count": columns.len(), "columns": columns },
        "total_chunk_count": chunks.len(),
        "chunks": chunks,
        "total_row_count": rows,
        "truncated": output.truncated,
    })
}

fn result(output: &Output) -> Value {
    json!({ "chunk_index": 0, "row_offset": 0, "row_count": output.rows.len(), "data_array": output.rows })
}

#[cfg(test)]
#[path = "statements/tests.rs"]
mod tests;
