//! Answers a request that takes too long while there is still somebody to hear it.
//!
//! The platform's proxy cuts a request without a word. What takes long here is a run with an id, which goes on by itself; an event
//! stream has begun to answer at once, so this is not about its length.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::guard::only_reads;
use super::refusal::refuse;
use super::router::AppState;
use crate::model::EdgeError;

pub(super) async fn answer_in_time(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let patience = state.edge.patience;
    let path = request.uri().path().to_owned();
    let reads = only_reads(request.method());
    match tokio::time::timeout(patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::warn!(path, "a request was given up: it took too long");
            let kept = if reads {
                "Nothing was changed. Try again; a cold warehouse takes a minute to start."
            } else {
                "What it asked for may have begun: look at the runs and at the table before you send it again."
            };
            let message =
                format!("There was no answer within {} s, so it was given up. {kept}", patience.as_secs_f64());
            refuse(&path, EdgeError::new("DEADLINE_EXCEEDED", message))
        }
    }
}
