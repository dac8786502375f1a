//! What the pages' plain forms send: read it, do it, and lead to the next page or show the same one again.
//!
//! Here and not in [`crate::api`], because a page that is shown again is a page: this room knows the app.

mod composer;
mod doctor;
mod run;
mod runs;
mod tables;
mod uploads;

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use leptos::prelude::provide_context;

use super::router::AppState;
use crate::api::PLAN_PREVIEW_PATH;
use crate::api::caller::Caller;
use crate::app::shell;
use crate::ui::composer::{RUN, UPLOAD};
use crate::ui::doctor_page::EXAMINE;
use crate::ui::runs_page::{DELETE, RENAME};
use crate::ui::sources::Source;
use crate::ui::tables_page::create::{CREATE, NEW};

/// The routes of forms. Who asks for one as a page is led to where the form stands.
pub fn routes() -> axum::Router<AppState> {
    let to = |address: &'static str| get(move || async move { Redirect::to(address) });
    axum::Router::new()
        .route(RUN, to(Source::Generator.address()).post(composer::run))
        .route(PLAN_PREVIEW_PATH, post(composer::preview))
        .route(UPLOAD, to(Source::Upload.address()).merge(uploads::route()))
        .route(RENAME, to("/runs").post(runs::rename))
        .route(DELETE, to("/runs").post(runs::delete))
        .route(CREATE, to(NEW).post(tables::create))
        .route(EXAMINE, to("/doctor").post(doctor::examine))
        .merge(run::routes())
}

/// The page at an address, with something more to show, as `caller` sees it.
async fn show<Shown: Clone + Send + Sync + 'static>(
    state: &AppState,
    caller: &Caller,
    address: &'static str,
    shown: Shown,
    status: StatusCode,
) -> Response {
    let (engine, site, caller) = (state.engine.clone(), state.site.clone(), caller.clone());
    let context = move || {
        provide_context(engine.clone());
        provide_context(caller.clone());
        provide_context(shown.clone());
    };
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = axum::http::Uri::from_static(address);
    let render = leptos_axum::render_app_async_with_context(context, move || shell(site.clone()));
    let mut response = render(request).await.into_response();
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
