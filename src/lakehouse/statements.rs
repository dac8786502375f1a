//! The SQL Statement Execution API over DataFusion: submit, poll, cancel, fetch.
//!
//! A statement runs in its own task whether or not somebody waits for it. A failed statement is an answer with state
//! FAILED, not an HTTP error; an HTTP error means that the request itself was wrong. Results are kept for polling until
//! newer statements push them out ([`registry`]).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Extension, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::error::{ApiError, LakehouseError};
use super::files::Volumes;
use super::grants::Grants;
use super::oidc::{Oidc, TokenInfo, require_bearer};
use super::store::Store;

mod answer;
mod array_only;
mod cells;
mod copy;
mod ddl;
pub(crate) mod dialect;
mod explode;
mod failure;
mod from_json;
mod functions;
mod grants;
mod insert;
mod json;
mod labels;
mod names;
mod output;
mod parameters;
mod registry;
mod run;
mod scalars;
mod session;
mod show;
mod values;

use answer::answer;
use copy::Copies;
use parameters::Parameter;
use registry::{Registry, StatementState, Submitted};
use run::{Job, PARSED_AT_ONCE, Runner};

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
    pub fn new(store: Store, volumes: Volumes, grants: Grants) -> Result<Self, LakehouseError> {
        let engine = session::Engine::new(store.clone())?;
        let parsing = Arc::new(Semaphore::new(PARSED_AT_ONCE));
        let runner = Runner { store, volumes, grants, engine, copies: Copies::default(), parsing };
        Ok(Self { registry: Registry::new(runner) })
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
    byte_limit: Option<u64>,
    /// Taken and not used: there is no query history here.
    #[serde(default, rename = "query_tags")]
    _query_tags: Vec<QueryTag>,
}

#[derive(Deserialize)]
struct QueryTag {
    #[serde(rename = "key")]
    _key: String,
    #[serde(rename = "value")]
    _value: Option<String>,
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
    // Who does not wait has no timeout either.
    if at_timeout == AtTimeout::Cancel && !wait.is_zero() && !state.is_final() {
        submitted.cancel();
        // Ends at once, unless rows are already on their way to the disk: then with what came of them.
        state = submitted.wait(Duration::from_secs(60)).await;
    }
    Ok(Json(answer(&submitted.id, &submitted.hand_out(state))))
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
    parameters::check_limits(&submission.parameters).map_err(ApiError::invalid)?;
    let limit = |name: &str, limit: Option<u64>| match limit {
        Some(0) => Err(ApiError::invalid(format!("{name} starts at 1"))),
        Some(limit) => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
        None => Ok(usize::MAX),
    };
    let job = Job {
        statement,
        parameters: submission.parameters,
        catalog: submission.catalog.unwrap_or_else(|| "main".to_owned()).to_ascii_lowercase(),
        schema: submission.schema.unwrap_or_else(|| "default".to_owned()).to_ascii_lowercase(),
        row_limit: limit("row_limit", submission.row_limit)?,
        byte_limit: limit("byte_limit", submission.byte_limit)?,
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
    let submitted = find(&statements, &id, &client)?;
    Ok(Json(answer(&id, &submitted.hand_out(submitted.state()))))
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
    Path((id, index)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let submitted = find(&statements, &id, &client)?;
    let closed = || ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "The statement is closed: its result is gone");
    let state = submitted.state();
    let chunk = match &state {
        StatementState::Succeeded(output, _) => {
            let chunk = index.parse().ok().and_then(|index| answer::chunk(&id, output, index));
            // Before anything is handed out: who asks for a chunk that is not there takes no result away.
            chunk.ok_or_else(|| ApiError::invalid(format!("There is no chunk {index}; the manifest lists them")))?
        }
        StatementState::Closed => return Err(closed()),
        _ => return Err(ApiError::invalid("The statement has no result: it has not succeeded")),
    };
    match submitted.hand_out(state) {
        StatementState::Succeeded(..) => Ok(Json(chunk)),
        _ => Err(closed()),
    }
}

fn find(statements: &Statements, id: &str, client: &TokenInfo) -> Result<Submitted, ApiError> {
    statements.registry.find(id, &client.client_id).ok_or_else(|| {
        let message =
            format!("The statement {id} was not found. Results are kept until newer statements need the room.");
        ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    })
}

#[cfg(test)]
#[path = "statements/tests.rs"]
pub(crate) mod tests;
