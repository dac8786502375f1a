//! The whole router in one chain.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{from_fn, from_fn_with_state};
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
use tower_http::trace::TraceLayer;

use super::deadline::answer_in_time;
use super::edge::EdgeSettings;
use super::groups::Groups;
use super::guard::{for_administrators, for_runners, guard_changes};
use super::headers::secure;
use super::identity::{identify, trust_the_platform_only};
use super::measure::count_answers;
use super::pages;
use super::rate::{self, Rates};
use super::security::refuse_other_sites;
use super::statics::keep_hashed_files;
use super::telemetry;
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
    /// Which groups callers are in.
    pub groups: Arc<Groups>,
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
    let groups = Arc::new(Groups::new(engine.workspace_handle()));
    let state = AppState { engine: engine.clone(), site: site.clone(), edge: Arc::new(edge), groups, shutdown };
    let rates = state.edge.requests_per_minute.map(|per_minute| Arc::new(Rates::new(per_minute)));
    let page = Router::new()
        .leptos_routes_with_context(
            &state,
            generate_route_list(App),
            move || provide_context(engine.clone()),
            move || shell(site.clone()),
        )
        .fallback(file_and_error_handler::<AppState, _>(shell))
        .layer(from_fn_with_state(state.clone(), keep_hashed_files))
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY));
    let router = Router::new()
        .route("/health", get(http::health))
        .route("/api/v1/health", get(http::health))
        .route("/metrics", get(http::metrics))
        .route("/api/v1/metrics", get(http::metrics))
        .route("/api/v1/process-structured", post(http::process_structured))
        .route("/api/v1/submissions/{id}", get(http::submission))
        .route("/api/v1/submissions/{id}/events", get(http::submission_events))
        .merge(http::comparison_routes())
        .merge(http::doctor_routes())
        .merge(http::upload_routes())
        .merge(pages::routes())
        .merge(debug("/debug", &state))
        .merge(debug("/api/v1/debug", &state))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .merge(page)
        .layer(from_fn_with_state(state.clone(), guard_changes))
        .layer(from_fn(refuse_other_sites));
    let router = match rates {
        Some(rates) => router.layer(from_fn_with_state(rates, rate::limit)),
        None => router,
    };
    router
        .layer(from_fn_with_state(state.clone(), identify))
        .layer(from_fn_with_state(state.clone(), answer_in_time))
        .layer(compression())
        .layer(from_fn_with_state(state.clone(), count_answers))
        .layer(from_fn(secure))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(request_span))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(from_fn_with_state(state.clone(), trust_the_platform_only))
        .with_state(state)
}

/// Compresses what is made for the request. The wasm is a file: it is compressed once, when it is packaged, and served
/// from `.br` or `.gz` beside it where there is one. Event streams are left alone by the default predicate.
fn compression() -> CompressionLayer<impl Predicate> {
    let predicate = DefaultPredicate::new().and(NotForContentType::const_new("application/wasm"));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(predicate)
}

/// The same pages under two prefixes: callers with a bearer token reach only `/api/` on Databricks Apps. Probes are for whoever may
/// run, as a run tells the same; what tells how the program is set up is for administrators.
fn debug(prefix: &str, state: &AppState) -> Router<AppState> {
    let probes = Router::new()
        .route(&format!("{prefix}/zerobus-availability"), get(http::zerobus_availability))
        .route(&format!("{prefix}/sql-availability"), get(http::sql_availability))
        .route_layer(from_fn_with_state(state.clone(), for_runners));
    Router::new()
        .route(&format!("{prefix}/writers"), get(http::debug_writers))
        .route_layer(from_fn_with_state(state.clone(), for_administrators))
        .merge(probes)
}

fn request_span(request: &Request) -> tracing::Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    let span = tracing::info_span!("request", request_id = id, method = %request.method(), path = request.uri().path());
    telemetry::join_trace(&span, request.headers());
    span
}
