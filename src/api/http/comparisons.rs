//! Comparisons for machines: start, follow, stop, and what became of them.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::Stream;
use serde::Deserialize;
use serde_json::{Value, json};

use super::event_stream;
use crate::api::caller::Caller;
use crate::api::page::page_plan;
use crate::engine::{export, plan_file};
use crate::model::cost::read_prices;
use crate::model::{Delivered, EdgeError, HistoryPage, HistoryQuery, LiveComparison, Plan, Report};
use crate::server::router::AppState;

/// The routes under `/api/v1/comparisons`.
pub fn routes() -> axum::Router<AppState> {
    axum::Router::new()
        .route("/api/v1/comparisons", get(list).post(start))
        .route("/api/v1/comparisons/{id}", get(snapshot).patch(rename).delete(forget))
        .route("/api/v1/comparisons/{id}/events", get(events))
        .route("/api/v1/comparisons/{id}/stop", post(stop))
        .route("/api/v1/comparisons/{id}/report.json", get(report_json))
        .route("/api/v1/comparisons/{id}/report.csv", get(report_csv))
        .route("/api/v1/comparisons/{id}/series.csv", get(series_csv))
        .route("/api/v1/comparisons/{id}/report.html", get(report_html))
        .route("/api/v1/comparisons/{id}/plan.toml", get(plan_toml))
        .route("/api/v1/comparisons/{id}/delivered", get(delivered))
}

/// A plan as JSON, or as TOML when the content type says so.
async fn start(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: String,
) -> Result<Response, EdgeError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let plan: Plan = if kind.contains("toml") {
        plan_file::from_toml(&body)?
    } else {
        let mut reader = serde_json::Deserializer::from_str(&body);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let message =
                format!("The plan cannot be read: {error}. Nothing was started. Correct it and send it again.");
            EdgeError::new("MALFORMED_REQUEST", message)
        })?
    };
    let id = state.engine.start_comparison(page_plan(plan)?, caller.actor()).await?;
    let location = format!("/api/v1/comparisons/{id}");
    let body = Json(json!({ "id": id, "page": format!("/runs/{id}") }));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

async fn list(
    State(state): State<AppState>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<HistoryPage>, EdgeError> {
    state.engine.past_comparisons(query).await.map(Json)
}

async fn snapshot(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<LiveComparison>, EdgeError> {
    Ok(Json(state.engine.follow_comparison(&id)?.borrow().clone()))
}

/// The snapshot now, then each that replaces it, until it is finished. Every event is a whole snapshot with its sequence as id,
/// so a reader that comes back has missed nothing it needs.
async fn events(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, EdgeError> {
    let snapshots = state.engine.follow_comparison(&id)?;
    Ok(event_stream(snapshots, &state, |snapshot| (snapshot.sequence, snapshot.finished)))
}

async fn stop(State(state): State<AppState>, Path(id): Path<String>) -> Result<StatusCode, EdgeError> {
    state.engine.stop_comparison(&id).map(|()| StatusCode::ACCEPTED)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    name: String,
}

async fn rename(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Json(change): Json<Rename>,
) -> Result<Json<Value>, EdgeError> {
    state.engine.rename_comparison(&id, &change.name).await?;
    Ok(Json(json!({ "id": id, "name": change.name.trim() })))
}

async fn forget(State(state): State<AppState>, Path(id): Path<String>) -> Result<StatusCode, EdgeError> {
    state.engine.forget_comparison(&id).await.map(|()| StatusCode::NO_CONTENT)
}

async fn report_json(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, EdgeError> {
    let report = state.engine.report(&id).await?;
    let text = export::json(&report).map_err(|error| unwritable(&error))?;
    Ok(file(&report, "json", "application/json", text))
}

/// What the workspace's own records say that Zerobus took meanwhile.
async fn delivered(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Delivered>, EdgeError> {
    state.engine.delivered(&id).await.map(Json)
}

async fn report_csv(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, EdgeError> {
    let report = state.engine.report(&id).await?;
    let text = export::runs_csv(&report).map_err(|error| unwritable(&error))?;
    Ok(file(&report, "csv", "text/csv; charset=utf-8", text))
}

async fn series_csv(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, EdgeError> {
    let report = state.engine.report(&id).await?;
    let text = export::series_csv(&report).map_err(|error| unwritable(&error))?;
    Ok(file(&report, "series.csv", "text/csv; charset=utf-8", text))
}

/// With the prices that the address names.
async fn report_html(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(typed): Query<Vec<(String, String)>>,
) -> Result<Response, EdgeError> {
    let (prices, errors) = read_prices(&typed);
    if !errors.is_empty() {
        return Err(EdgeError::invalid(errors));
    }
    let report = state.engine.report(&id).await?;
    let text = export::report_html(&report, &prices);
    let policy = [(header::CONTENT_SECURITY_POLICY, export::REPORT_POLICY)];
    Ok((policy, file(&report, "html", "text/html; charset=utf-8", text)).into_response())
}

async fn plan_toml(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, EdgeError> {
    let plan = match state.engine.follow_comparison(&id) {
        Ok(live) => live.borrow().plan.clone(),
        Err(_ended) => state.engine.report(&id).await?.plan,
    };
    let text = plan_file::to_toml(&plan)?;
    let disposition = format!("attachment; filename=\"direct-write-{id}.toml\"");
    Ok(([(header::CONTENT_TYPE, "application/toml".to_owned()), (header::CONTENT_DISPOSITION, disposition)], text)
        .into_response())
}

/// A download named after the comparison.
fn file(report: &Report, extension: &str, kind: &'static str, text: String) -> Response {
    let disposition = format!("attachment; filename=\"direct-write-{}.{extension}\"", report.id);
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], text).into_response()
}

fn unwritable(error: &dyn std::error::Error) -> EdgeError {
    EdgeError::new("INTERNAL", format!("The report cannot be written out ({error}). It is kept. Try another format."))
}
