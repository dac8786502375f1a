//! HTTP for machines: `/api/v1`, `/health`, `/debug`, and server-sent events.

mod comparisons;
mod doctor;
mod structured;
mod uploads;

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chrono::{SecondsFormat, Utc};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

pub use comparisons::routes as comparison_routes;
pub use doctor::routes as doctor_routes;
pub use structured::process_structured;
pub use uploads::{Received, receive_upload, routes as upload_routes};

use crate::model::{EdgeError, SubmissionSnapshot, WriterKind};
use crate::server::router::AppState;

const HEARTBEAT: Duration = Duration::from_secs(10);
/// A browser waits so long before it comes back.
const COME_BACK: Duration = Duration::from_millis(500);

/// The HTTP status of an error code.
pub fn status_of(error: &EdgeError) -> StatusCode {
    match error.error_code.as_str() {
        "INVALID_PARAMETER_VALUE" if error.details.is_empty() => StatusCode::BAD_REQUEST,
        "INVALID_PARAMETER_VALUE" => StatusCode::UNPROCESSABLE_ENTITY,
        "MALFORMED_REQUEST" => StatusCode::BAD_REQUEST,
        "CROSS_SITE_REQUEST" | "ROLE_REQUIRED" | "USER_TOKEN_REQUIRED" => StatusCode::FORBIDDEN,
        "NOT_FOUND" | "TABLE_DOES_NOT_EXIST" => StatusCode::NOT_FOUND,
        "REQUEST_TOO_LARGE" => StatusCode::PAYLOAD_TOO_LARGE,
        "STILL_RUNNING" => StatusCode::CONFLICT,
        "RESOURCE_EXHAUSTED" => StatusCode::TOO_MANY_REQUESTS,
        "NOT_CONFIGURED" | "UNAVAILABLE" | "TEMPORARILY_UNAVAILABLE" | "HISTORY_UNAVAILABLE" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        "DEADLINE_EXCEEDED" => StatusCode::GATEWAY_TIMEOUT,
        // The workspace refused us, not we the caller.
        "UNAUTHENTICATED" | "PERMISSION_DENIED" | "INVALID_ARGUMENT" | "WRITE_FAILED" | "WORKSPACE_ERROR" => {
            StatusCode::BAD_GATEWAY
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for EdgeError {
    fn into_response(self) -> Response {
        with_status(status_of(&self), Json(self))
    }
}

/// An answer that says when to come back, where coming back helps.
fn with_status(status: StatusCode, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `GET /health`: the process answers; it says nothing about the workspace.
pub async fn health() -> Json<Value> {
    Json(json!({
        "status": "healthy",
        "timestamp": now(),
        "app": "direct-write",
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

/// `GET /metrics`: what the app counts, in Prometheus' text format.
pub async fn metrics(State(state): State<AppState>) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], state.engine.metrics().text()).into_response()
}

/// `GET /debug/writers`: every writer, configured or not.
pub async fn debug_writers(State(state): State<AppState>) -> Json<Value> {
    let badge = state.engine.workspace().badge();
    let writers: Vec<Value> = state
        .engine
        .writer_cards()
        .into_iter()
        .map(|card| {
            let mut shown = json!(card);
            shown["title"] = json!(card.kind.title());
            shown["promise"] = json!(card.kind.promise());
            shown
        })
        .collect();
    Json(json!({ "timestamp": now(), "workspace": badge, "writers": writers }))
}

/// `GET /debug/zerobus-availability`: a live probe, without writing a row.
pub async fn zerobus_availability(State(state): State<AppState>) -> Json<Value> {
    availability(&state, WriterKind::Zerobus, "zerobus_writer_available").await
}

/// `GET /debug/sql-availability`: the same for the SQL writer.
pub async fn sql_availability(State(state): State<AppState>) -> Json<Value> {
    availability(&state, WriterKind::Sql, "sql_writer_available").await
}

async fn availability(state: &AppState, kind: WriterKind, name: &str) -> Json<Value> {
    let report = state.engine.probe(kind).await;
    let mut answer = json!(report);
    answer[name] = json!(report.available);
    answer["timestamp"] = json!(now());
    Json(answer)
}

/// `GET /api/v1/submissions/{id}`: where a submission stands.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn submission(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<SubmissionSnapshot>, EdgeError> {
    state.engine.submission(&id).map(Json)
}

/// `GET /api/v1/submissions/{id}/events`: the snapshot now, then each that replaces it, until it is finished.
///
/// Every event is a whole snapshot with its sequence as id, so a reader that comes back has missed nothing it needs.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn submission_events(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, EdgeError> {
    Ok(event_stream(state.engine.follow(&id)?, &state, |snapshot| (snapshot.sequence, snapshot.finished)))
}

/// The value now, then each that replaces it, until one is finished, the server stops or the stream has lived long enough.
/// `at` says a value's sequence, which is the event's id, and whether it is the last.
fn event_stream<T: Clone + Serialize + Send + Sync + 'static>(
    values: watch::Receiver<T>,
    state: &AppState,
    at: fn(&T) -> (u64, bool),
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<T>> {
    let (shutdown, longest) = (state.shutdown.clone(), state.edge.longest_event_stream);
    let open = state.engine.metrics().open_stream();
    let stop = async move {
        tokio::select! {
            () = shutdown.cancelled() => (),
            () = tokio::time::sleep(longest) => (),
        }
    };
    // Over with the last value: whoever sends them may live longer.
    let until_finished = stream::unfold(Some(WatchStream::new(values)), move |values| async move {
        let mut values = values?;
        let value = values.next().await?;
        let more = (!at(&value).1).then_some(values);
        Some((value, more))
    });
    let events = until_finished.take_until(stop).filter_map(move |value| {
        // Counted until the stream is dropped.
        let _open = &open;
        let event = Event::default().id(at(&value).0.to_string()).retry(COME_BACK).json_data(&value);
        std::future::ready(event.ok().map(Ok))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}
