//! The doctor's form: begins an examination and leads to the page that shows it growing.

use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::show;
use crate::api::caller::{Caller, Permission};
use crate::api::http::status_of;
use crate::server::router::AppState;
use crate::ui::doctor_page::NotExamined;

#[derive(Deserialize)]
pub(super) struct Wishes {
    /// There when the box is ticked.
    writes: Option<String>,
}

/// `POST /doctor/run`
pub(super) async fn examine(State(state): State<AppState>, caller: Caller, Form(wishes): Form<Wishes>) -> Response {
    let writes = wishes.writes.is_some();
    let needed = if writes { Permission::Administer } else { Permission::Run };
    if let Err(error) = caller.require(needed) {
        let status = status_of(&error);
        return show(&state, &caller, "/doctor", NotExamined(error), status).await;
    }
    // One that goes on already is as good: its page is where this leads, too.
    state.engine.doctor().begin(caller.may(Permission::Administer), writes);
    Redirect::to("/doctor").into_response()
}
