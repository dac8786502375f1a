//! The doctor for machines.

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use crate::api::caller::{Caller, Permission};
use crate::model::EdgeError;
use crate::model::doctor::DoctorReport;
use crate::server::router::AppState;

/// `/api/v1/doctor`: answers when the checks are made, within [`WHOLE_LIMIT`](crate::doctor::WHOLE_LIMIT).
pub fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/doctor", get(look).post(write))
}

#[derive(Deserialize)]
struct Wishes {
    /// Whether a file may be written into the volume and removed again.
    #[serde(default)]
    writes: bool,
}

/// `GET`: the checks that write nothing; a stream is opened only for administrators. Where an examination goes on already, its
/// report is the answer.
async fn look(State(state): State<AppState>, caller: Caller) -> Result<Json<DoctorReport>, EdgeError> {
    caller.require(Permission::Run)?;
    examine(&state, &caller, false).await
}

/// `POST`, with `?writes=true` for the checks that write, which administrators may ask for.
async fn write(
    State(state): State<AppState>,
    caller: Caller,
    Query(wishes): Query<Wishes>,
) -> Result<Json<DoctorReport>, EdgeError> {
    caller.require(if wishes.writes { Permission::Administer } else { Permission::Run })?;
    examine(&state, &caller, wishes.writes).await
}

async fn examine(state: &AppState, caller: &Caller, writes: bool) -> Result<Json<DoctorReport>, EdgeError> {
    let report = state.engine.doctor().examine(caller.may(Permission::Administer), writes).await;
    report.map(Json).ok_or_else(|| {
        EdgeError::new("INTERNAL", "The checks ended without a report. Nothing was written. Run them again.")
    })
}
