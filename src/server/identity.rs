//! Finds out who asks, before anything else is done.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;

use super::router::AppState;
use crate::api::caller::{Caller, Identity};

/// Headers that the platform's proxy sets. From anybody else they are claims.
fn is_forwarded(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("x-forwarded-") || matches!(name, "forwarded" | "x-real-ip" | "x-request-id")
}

/// Takes the forwarded headers off every request, unless the platform's proxy stands before this port.
pub(super) async fn trust_the_platform_only(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    if !state.edge.inside_apps {
        forget_forwarded(request.headers_mut());
    }
    next.run(request).await
}

fn forget_forwarded(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| is_forwarded(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Puts the [`Caller`] where handlers, pages and server functions find them.
pub(super) async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let identity = Identity::of(request.headers());
    request.extensions_mut().insert(Caller::new(identity, state.edge.roles.clone()));
    next.run(request).await
}
