//! The forms of a comparison's page: plain posts that work without wasm and answer with the page to look at next.
//!
//! What was refused is said by that page, from the action and the error code in its address; never from text in an address.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Redirect;
use axum::routing::post;
use serde::Deserialize;

use crate::api::caller::Caller;
use crate::api::page::page_plan;
use crate::model::EdgeError;
use crate::server::router::AppState;

/// The routes below `/runs/{id}` that change something.
pub(super) fn routes() -> axum::Router<AppState> {
    axum::Router::new()
        .route("/runs/{id}/rename", post(rename))
        .route("/runs/{id}/delete", post(delete))
        .route("/runs/{id}/again", post(again))
        .route("/runs/{id}/stop", post(stop))
}

#[derive(Deserialize)]
struct NewName {
    name: String,
}

async fn rename(State(state): State<AppState>, Path(id): Path<String>, Form(new): Form<NewName>) -> Redirect {
    let renamed = state.engine.rename_comparison(&id, &new.name).await;
    page_of(&id, "rename", renamed)
}

async fn delete(State(state): State<AppState>, Path(id): Path<String>) -> Redirect {
    match state.engine.forget_comparison(&id).await {
        Ok(()) => Redirect::to("/runs?done=deleted"),
        refused => page_of(&id, "delete", refused),
    }
}

/// The same plan once more.
async fn again(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Redirect {
    let started = async {
        let plan = state.engine.report(&id).await?.plan;
        state.engine.start_comparison(page_plan(plan)?, caller.actor()).await
    };
    match started.await {
        Ok(new) => Redirect::to(&address(&new)),
        Err(refused) => page_of(&id, "again", Err(refused)),
    }
}

async fn stop(State(state): State<AppState>, Path(id): Path<String>) -> Redirect {
    let stopped = state.engine.stop_comparison(&id);
    page_of(&id, "stop", stopped)
}

fn page_of(id: &str, action: &str, done: Result<(), EdgeError>) -> Redirect {
    match done {
        Ok(()) => Redirect::to(&address(id)),
        Err(refused) => Redirect::to(&format!("{}?refused={action}&why={}", address(id), refused.error_code)),
    }
}

/// The page of a comparison. Ids are letters, digits and hyphens; other letters would lead somewhere else.
fn address(id: &str) -> String {
    let id: String = id.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
    format!("/runs/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_lead_elsewhere() {
        assert_eq!(address("0190-ab"), "/runs/0190-ab");
        assert_eq!(address("../?x=//evil.example"), "/runs/xevilexample");
    }
}
