//! The browser's side of the page's server functions: JSON by `fetch` to the same addresses.
//!
//! Leptos would make a client for each of them. Its streams, codecs and header maps cost more than everything here
//! (docs/decisions/0002-wasm-diet.md), and the page needs none of them.

use leptos::prelude::window;
use serde_json::{Map, Value};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};

use super::PLAN_PREVIEW_PATH;
use crate::model::receive::{Receive, object};
use crate::model::{EdgeError, PlanPreview, RowsPage, Submission, SubmissionSnapshot, TableName, WorkbenchInfo};

/// Asks `workbench`.
///
/// # Errors
/// `UNREACHABLE` when the server of the page does not answer.
pub async fn workbench_info() -> Result<WorkbenchInfo, EdgeError> {
    read(ask("workbench", Value::Object(Map::new())).await?)
}

/// Asks `submit`.
///
/// # Errors
/// What the server says, or `UNREACHABLE`.
pub async fn submit(submission: Submission) -> Result<SubmissionSnapshot, EdgeError> {
    read(ask("submit", object(vec![("submission", submission.to_json())])).await?)
}

/// The snapshot at an address under `/api/v1`: for when server-sent events do not come through.
///
/// # Errors
/// What the server says, or `UNREACHABLE`.
pub async fn snapshot_at(path: &str) -> Result<Value, EdgeError> {
    answer(fetch(path, &RequestInit::new()).await)
}

/// Asks `comparisons/stop`.
///
/// # Errors
/// What the server says, or `UNREACHABLE`.
pub async fn stop_comparison(id: String) -> Result<(), EdgeError> {
    ask("comparisons/stop", object(vec![("id", id.into())])).await.map(|_nothing| ())
}

/// Asks `rows`.
///
/// # Errors
/// What the server says, or `UNREACHABLE`.
pub async fn latest_rows(table: TableName, limit: u32) -> Result<RowsPage, EdgeError> {
    read(ask("rows", object(vec![("table", table.to_string().into()), ("limit", limit.into())])).await?)
}

/// Asks what follows from what is typed into the composer.
///
/// # Errors
/// What the server says, or `UNREACHABLE`.
pub async fn plan_preview(typed: String) -> Result<PlanPreview, EdgeError> {
    answer(post(PLAN_PREVIEW_PATH, FORM, &typed).await)
}

/// Posts `body` to a server function and returns what it answers.
async fn ask(endpoint: &'static str, body: Value) -> Result<Value, EdgeError> {
    answer(post(&format!("/api/page/{endpoint}"), JSON, &body.to_string()).await)
}

/// What the server answers, or why not.
fn answer<T: Receive>(came: Result<(bool, String), JsValue>) -> Result<T, EdgeError> {
    let (good, text) = came.map_err(unreachable)?;
    let answer = serde_json::from_str(&text).map_err(|error| not_understood(&error.to_string()))?;
    if good { read(answer) } else { Err(read(answer)?) }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

async fn post(address: &str, kind: &str, body: &str) -> Result<(bool, String), JsValue> {
    let headers = Headers::new()?;
    headers.set("Content-Type", kind)?;
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_headers(&headers);
    request.set_body(&body.into());
    fetch(address, &request).await
}

/// Whether the status is a good one, and the text that came with it.
async fn fetch(address: &str, request: &RequestInit) -> Result<(bool, String), JsValue> {
    let answer = JsFuture::from(window().fetch_with_str_and_init(address, request)).await?;
    let answer: Response = answer.unchecked_into();
    let text = JsFuture::from(answer.text()?).await?;
    Ok((answer.ok(), text.as_string().unwrap_or_default()))
}

fn read<T: Receive>(answer: Value) -> Result<T, EdgeError> {
    T::receive(&answer).ok_or_else(|| not_understood("it has another shape"))
}

fn unreachable(why: JsValue) -> EdgeError {
    let detail = String::from(why.unchecked_into::<js_sys::Error>().message());
    EdgeError::new(
        "UNREACHABLE",
        format!(
            "The server of this page does not answer ({detail}). Nothing is known to be written. Check that it runs, then try again."
        ),
    )
}

fn not_understood(why: &str) -> EdgeError {
    let words =
        format!("The server's answer was not understood: {why}. Nothing is known to be written. Reload the page.");
    EdgeError::new("INTERNAL", words)
}
