//! The page's server functions. The browser asks them through [`super::ask`].

mod comparisons;

use axum::http::{HeaderValue, header};
use leptos::prelude::*;
use leptos::server_fn::codec::{Json, JsonEncoding};
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};

pub(crate) use comparisons::page_plan;
pub use comparisons::*;

use super::caller::Caller;
use super::http;
use crate::model::{EdgeError, RowsPage, Submission, SubmissionSnapshot, TableName, WorkbenchInfo};

impl FromServerFnError for EdgeError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self::new("INTERNAL", format!("{error}. Nothing is known to be written. Reload the page."))
    }
}

/// What the workbench needs to begin, asked anew (after the workspace came back, for example).
///
/// # Errors
/// Only when the server of the page cannot be reached; a silent workspace is said inside the answer.
#[server(name = AskWorkbench, prefix = "/api/page", endpoint = "workbench", input = Json)]
pub async fn workbench_info() -> Result<WorkbenchInfo, EdgeError> {
    Ok(engine()?.workbench_info().await)
}

/// Begins a submission and answers with its first snapshot; the rest comes by server-sent events.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` with every broken rule, `NOT_FOUND` for the table, `UNAVAILABLE` for the writer,
/// `RESOURCE_EXHAUSTED` when too many are under way. Nothing was written in any of these cases.
#[server(name = AskSubmit, prefix = "/api/page", endpoint = "submit", input = Json)]
pub async fn submit(submission: Submission) -> Result<SubmissionSnapshot, EdgeError> {
    with_status(engine()?.submit(submission, crate::engine::Origin::Page, Caller::current().actor()).await)
}

/// The latest rows of a table, by SELECT through the workspace.
///
/// # Errors
/// What the workspace answers.
#[server(name = AskRows, prefix = "/api/page", endpoint = "rows", input = Json)]
pub async fn latest_rows(table: TableName, limit: u32) -> Result<RowsPage, EdgeError> {
    with_status(engine()?.latest_rows(&table, limit.clamp(1, 200), Caller::current().actor()).await)
}

fn engine() -> Result<std::sync::Arc<crate::engine::Engine>, EdgeError> {
    use_context().ok_or_else(|| EdgeError::new("INTERNAL", "The engine is not running. Restart the server."))
}

/// Says that the page that is being answered must not be kept; with an address, that its reader should come there in a second,
/// which also browsers do that run no script.
pub(crate) fn fresh(next: Option<&str>) {
    let Some(options) = use_context::<leptos_axum::ResponseOptions>() else { return };
    options.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(refresh) = next.and_then(|next| HeaderValue::from_str(&format!("1; url={next}")).ok()) {
        options.insert_header(header::REFRESH, refresh);
    }
}

/// Gives the answer the status its error code stands for; server functions answer 500 otherwise.
fn with_status<T>(result: Result<T, EdgeError>) -> Result<T, EdgeError> {
    if let (Err(error), Some(options)) = (&result, use_context::<leptos_axum::ResponseOptions>()) {
        options.set_status(http::status_of(error));
    }
    result
}
