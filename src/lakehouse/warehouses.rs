//! The SQL warehouses' REST API: there is one, `local`, which runs unless the weather has put it to sleep.
//!
//! The statements' API takes any warehouse id, as there is nothing to choose from; here only the one that exists is found.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde_json::{Value, json};

use super::error::ApiError;
use super::oidc::{Oidc, require_bearer};
use super::weather::{EVERYWHERE, Faults, Weather};

/// The id of the one warehouse.
pub(crate) const WAREHOUSE: &str = "local";

/// The routes; each needs a bearer token.
pub(crate) fn router(weather: Weather, oidc: Oidc) -> Router {
    Router::new()
        .route("/api/2.0/sql/warehouses", get(list))
        .route("/api/2.0/sql/warehouses/{id}", get(one))
        .route("/api/2.0/sql/warehouses/{id}/start", post(start))
        .route_layer(middleware::from_fn_with_state(oidc, require_bearer))
        .with_state(weather.at(EVERYWHERE))
}

async fn list(State(faults): State<Faults>) -> Json<Value> {
    let seen = if faults.denies_warehouse() { Vec::new() } else { vec![shown(&faults)] };
    Json(json!({ "warehouses": seen }))
}

async fn one(State(faults): State<Faults>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    find(&faults, &id)?;
    Ok(Json(shown(&faults)))
}

async fn start(State(faults): State<Faults>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    find(&faults, &id)?;
    faults.start_warehouse();
    Ok(Json(json!({})))
}

fn find(faults: &Faults, id: &str) -> Result<(), ApiError> {
    if id != WAREHOUSE {
        let message = format!("Warehouse '{id}' does not exist; the local lakehouse has one, '{WAREHOUSE}'.");
        return Err(ApiError::new(StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST", message));
    }
    if faults.denies_warehouse() {
        let message = format!("CAN_USE on warehouse '{id}' is required: denied by the weather.");
        return Err(ApiError::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message));
    }
    Ok(())
}

fn shown(faults: &Faults) -> Value {
    let state = if faults.cold_warehouse().is_some() { "STOPPED" } else { "RUNNING" };
    json!({
        "id": WAREHOUSE,
        "name": "Local lakehouse",
        "state": state,
        "warehouse_type": "PRO",
        "enable_serverless_compute": false,
    })
}
