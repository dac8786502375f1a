//! The whole router in one chain.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::routing::{get, post};
use leptos::config::LeptosOptions;
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, file_and_error_handler, generate_route_list};
use tokio_util::sync::CancellationToken;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

use super::edge::EdgeSettings;
use super::identity::{identify, trust_the_platform_only};
use super::pages;
use super::security::refuse_other_sites;
use crate::api::http;
use crate::app::{App, shell};
use crate::engine::Engine;

/// Largest body any request may have, but for an upload, which counts its own.
pub const LARGEST_BODY: usize = 1024 * 1024;

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    /// Runs submissions.
    pub engine: Arc<Engine>,
    /// Where the page's files are.
    pub site: LeptosOptions,
    /// Who stands before this port, and who may do what.
    pub edge: Arc<EdgeSettings>,
    /// Ends event streams when the server stops.
    pub shutdown: CancellationToken,
}

impl axum::extract::FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.site.clone()
    }
}

/// Page, API, debug pages and files.
pub fn router(engine: Arc<Engine>, site: LeptosOptions, edge: EdgeSettings, shutdown: CancellationToken) -> Router {
    let state = AppState { engine: engine.clone(), site: site.clone(), edge: Arc::new(edge), shutdown };
    let header = |name, value| {
        SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    let page = Router::new()
        .leptos_routes_with_context(
            &state,
            generate_route_list(App),
            move || provide_context(engine.clone()),
            move || shell(site.clone()),
        )
        .fallback(file_and_error_handler::<AppState, _>(shell))
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY));
    Router::new()
        .route("/health", get(http::health))
        .route("/api/v1/health", get(http::health))
        .route("/api/v1/process-structured", post(http::process_structured))
        .route("/api/v1/submissions/{id}", get(http::submission))
        .route("/api/v1/submissions/{id}/events", get(http::submission_events))
        .merge(http::comparison_routes())
        .merge(http::doctor_routes())
        .merge(http::upload_routes())
        .merge(pages::routes())
        .merge(debug("/debug"))
        .merge(debug("/api/v1/debug"))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .merge(page)
        .layer(axum::middleware::from_fn(refuse_other_sites))
        .layer(axum::middleware::from_fn_with_state(state.clone(), identify))
        .layer(compression())
        .layer(header("x-content-type-options", "nosniff"))
        .layer(header("x-frame-options", "DENY"))
        .layer(header("referrer-policy", "same-origin"))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(request_span))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(axum::middleware::from_fn_with_state(state.clone(), trust_the_platform_only))
        .with_state(state)
}

/// Compresses what is made for the request. The wasm is a file: it is compressed once, when it is packaged, and served
/// from `.br` or `.gz` beside it where there is one. Event streams are left alone by the default predicate.
fn compression() -> CompressionLayer<impl Predicate> {
    let predicate = DefaultPredicate::new().and(NotForContentType::const_new("application/wasm"));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(predicate)
}

/// The same pages under two prefixes: callers with a bearer token reach only `/api/` on Databricks Apps.
fn debug(prefix: &str) -> Router<AppState> {
    Router::new()
        .route(&format!("{prefix}/writers"), get(http::debug_writers))
        .route(&format!("{prefix}/zerobus-availability"), get(http::zerobus_availability))
        .route(&format!("{prefix}/sql-availability"), get(http::sql_availability))
}

fn request_span(request: &Request) -> tracing::Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    tracing::info_span!("request", request_id = id, method = %request.method(), path = request.uri().path())
}
