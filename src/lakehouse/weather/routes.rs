//! The admin routes, and the refusal of other requests.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::{EVERYWHERE, Event, Faults, Forecast, Weather};
use crate::lakehouse::error::ApiError;
use crate::model::TableName;

/// The admin routes; none unless the weather can be changed.
pub(crate) fn router(weather: Weather) -> Router {
    if !weather.exists() {
        return Router::new();
    }
    Router::new()
        .route("/weather", get(forecasts))
        .route("/weather/{table}", put(set).delete(clear))
        .route("/weather/{table}/{event}", post(happen))
        .with_state(weather)
}

async fn forecasts(State(weather): State<Weather>) -> Json<Value> {
    Json(json!(weather.forecasts()))
}

async fn set(
    State(weather): State<Weather>,
    Path(table): Path<String>,
    forecast: Result<Json<Forecast>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let Json(forecast) = forecast.map_err(|error| ApiError::invalid(error.body_text()))?;
    if !matches!(forecast.refusal_status, None | Some(429 | 503)) {
        return Err(ApiError::invalid("refusal_status is 429 or 503"));
    }
    weather.set(&place(&table)?, Some(forecast));
    Ok(StatusCode::NO_CONTENT)
}

async fn clear(State(weather): State<Weather>, Path(table): Path<String>) -> Result<StatusCode, ApiError> {
    weather.set(&place(&table)?, None);
    Ok(StatusCode::NO_CONTENT)
}

async fn happen(
    State(weather): State<Weather>,
    Path((table, event)): Path<(String, Event)>,
) -> Result<StatusCode, ApiError> {
    weather.happen(&place(&table)?, event);
    Ok(StatusCode::NO_CONTENT)
}

fn place(text: &str) -> Result<String, ApiError> {
    if text == EVERYWHERE {
        return Ok(text.to_owned());
    }
    TableName::parse(text).map(|name| name.to_string()).map_err(|error| ApiError::invalid(error.to_string()))
}

/// Middleware of the HTTP APIs: delays and refusals that are in force everywhere.
pub(crate) async fn refuse(State(weather): State<Weather>, request: Request, next: Next) -> Response {
    let faults = weather.at(EVERYWHERE);
    if let Some(latency) = faults.latency() {
        tokio::time::sleep(latency).await;
    }
    let mut response = match refusal(&faults) {
        Some(response) => response,
        None => next.run(request).await,
    };
    let skew = faults.clock_skew();
    if skew != 0 {
        let time = Utc::now() + TimeDelta::seconds(skew);
        if let Ok(date) = HeaderValue::from_str(&time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()) {
            response.headers_mut().insert(header::DATE, date);
        }
    }
    response
}

/// The answer to a request that the weather refuses; counts it.
pub(crate) fn refusal(faults: &Faults) -> Option<Response> {
    let (status, retry_after) = faults.refuses()?;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let code =
        if status == StatusCode::TOO_MANY_REQUESTS { "REQUEST_LIMIT_EXCEEDED" } else { "TEMPORARILY_UNAVAILABLE" };
    let error = ApiError::new(status, code, "Refused by the weather; nothing was done. Try again later.");
    let mut response = error.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
    Some(response)
}
