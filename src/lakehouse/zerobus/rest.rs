//! The REST door: `POST /zerobus/v1/tables/{name}/insert` with a JSON array of records, answered when they are durable.
//!
//! A request is written whole or not at all.

use std::sync::Arc;

use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::json;
use serde_json::value::RawValue;
use tonic::{Code, Status};

use super::ingest::Ingest;
use super::opening::{Caller, table};
use super::wire::{Call, Records};
use super::{LARGEST_MESSAGE, Shared, TABLE_HEADER, status_of};
use crate::lakehouse::decode::{Decoder, JsonDecoder};
use crate::lakehouse::error::ApiError;
use crate::lakehouse::table::Table;
use crate::lakehouse::weather;

/// The door's route.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/zerobus/v1/tables/{name}/insert", post(insert))
        .layer(DefaultBodyLimit::max(LARGEST_MESSAGE))
        .with_state(shared)
}

async fn insert(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let body = body.map_err(|error| ApiError::new(error.status(), "INVALID_PARAMETER_VALUE", error.body_text()))?;
    if shared.config.store.weather().at(name.to_ascii_lowercase()).closes_rest_door() {
        let message = "Zerobus Ingest has no REST door here: closed by the weather. Use streams.";
        return Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", message));
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let token = shared.config.oidc.check_bearer(text(header::AUTHORIZATION.as_str()));
    let token = token.map_err(|error| ApiError::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", error.to_string()))?;
    let caller = Caller { token, table_header: text(TABLE_HEADER).map(str::to_owned) };
    let table = table(&shared, &caller, &name).await.map_err(refusal)?;
    if let Some(refused) = weather::refusal(table.faults()) {
        return Ok(refused);
    }
    write(&table, &body).await.map_err(refusal)?;
    if let Some(latency) = table.faults().latency() {
        tokio::time::sleep(latency).await;
    }
    Ok(Json(json!({})).into_response())
}

async fn write(table: &Arc<Table>, body: &[u8]) -> Result<(), Status> {
    let records: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| {
        Status::invalid_argument(format!("The body must be a JSON array of records; nothing was written: {error}."))
    })?;
    let records: Vec<String> = records.into_iter().map(|record| record.get().to_owned()).collect();
    if records.is_empty() {
        return Err(Status::invalid_argument("The array is empty; nothing was written."));
    }
    let decoder = Decoder::Json(JsonDecoder::new(&table.arrow_schema()));
    let mut ingest = Ingest::new(Arc::clone(table), decoder, None, 0)?;
    ingest.decode(Call { offset: Some(0), records: Records::Json(records) })?;
    let Some(decoded) = ingest.take()? else { return Ok(()) };
    let pending = table.append(decoded.entry).await.map_err(|error| status_of(&error))?;
    pending.durable().await.map_err(|error| status_of(&error))
}

/// A stream's status in the words of the REST API.
fn refusal(status: Status) -> ApiError {
    let (http, code) = match status.code() {
        Code::InvalidArgument => (StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE"),
        Code::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED"),
        Code::PermissionDenied => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
        Code::ResourceExhausted => (StatusCode::INSUFFICIENT_STORAGE, "RESOURCE_EXHAUSTED"),
        Code::Unavailable | Code::Aborted => (StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
    };
    ApiError::new(http, code, status.message())
}
