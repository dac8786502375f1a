//! The forms in the list of runs: another name, or away with it; then back to the list as it was.

use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::show;
use crate::api::caller::Caller;
use crate::api::http::status_of;
use crate::model::EdgeError;
use crate::server::router::AppState;
use crate::ui::runs_page::NotChanged;

#[derive(Deserialize)]
pub(super) struct Change {
    id: String,
    #[serde(default)]
    name: String,
    /// The list to come back to.
    #[serde(default)]
    back: String,
}

/// `POST /runs/rename`
pub(super) async fn rename(State(state): State<AppState>, caller: Caller, Form(change): Form<Change>) -> Response {
    let done = state.engine.rename_comparison(&change.id, &change.name).await;
    after(&state, &caller, done, &change.back, "renamed").await
}

/// `POST /runs/delete`
pub(super) async fn delete(State(state): State<AppState>, caller: Caller, Form(change): Form<Change>) -> Response {
    let done = state.engine.forget_comparison(&change.id).await;
    after(&state, &caller, done, &change.back, "deleted").await
}

async fn after(state: &AppState, caller: &Caller, done: Result<(), EdgeError>, back: &str, word: &str) -> Response {
    match done {
        Ok(()) => Redirect::to(&list_of(back, word)).into_response(),
        Err(error) => {
            let status = status_of(&error);
            show(state, caller, "/runs", NotChanged(error), status).await
        }
    }
}

/// The list that `back` asks for, if it is one of this site, with what was done.
fn list_of(back: &str, done: &str) -> String {
    let is_list = back == "/runs" || back.starts_with("/runs?");
    let is_plain = back.bytes().all(|byte| byte.is_ascii_graphic());
    let list = if is_list && is_plain { back } else { "/runs" };
    let mark = if list.contains('?') { '&' } else { '?' };
    format!("{list}{mark}done={done}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        assert_eq!(list_of("/runs?text=a&page=2", "deleted"), "/runs?text=a&page=2&done=deleted");
        for other in ["", "/", "//elsewhere", "https://elsewhere", "/runs/../x", "/runs?a\r\nSet-Cookie: b", "/runsx"] {
            assert_eq!(list_of(other, "renamed"), "/runs?done=renamed", "{other}");
        }
    }
}
