//! Finds out who asks, before anything else is done.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;

use super::router::AppState;
use super::statics::is_static;
use crate::api::caller::{Caller, Identity, TOKEN};

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
    } else if let Some(token) = request.headers_mut().get_mut(TOKEN) {
        // Whoever prints the headers prints none of it.
        token.set_sensitive(true);
    }
    next.run(request).await
}

fn forget_forwarded(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| is_forwarded(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Puts the [`Caller`] where handlers, pages and server functions find them. Behind this the user's token is nowhere else.
pub(super) async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let mut identity = Identity::of(request.headers());
    request.headers_mut().remove(TOKEN);
    let asks_for_more = !is_static(request.uri().path()) && !request.uri().path().ends_with("/health");
    if asks_for_more && identity.is_known() && state.edge.roles.name_groups() {
        match state.groups.of(identity.name(), identity.token.as_ref()).await {
            Ok(groups) => identity.groups = groups,
            Err(problem) => identity.groups_problem = Some(problem),
        }
    }
    request.extensions_mut().insert(Caller::new(identity, state.edge.clone()));
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_platform_may_say_is_taken_off() {
        let names = ["x-forwarded-email", "x-forwarded-access-token", "forwarded", "x-real-ip", "x-request-id", "host"];
        let value = axum::http::HeaderValue::from_static("a");
        let mut headers: HeaderMap =
            names.map(|name| (HeaderName::from_static(name), value.clone())).into_iter().collect();
        forget_forwarded(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["host"]);
    }
}
