//! Counts every answer by method, route and status, with the time until it began.

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::router::AppState;

/// What matches no route: the page's files, and addresses that are not there.
const FILES: &str = "files";

/// Goes around whatever answers.
pub(super) async fn count_answers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    // Callers may invent methods; labels must be few.
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let method = known.into_iter().find(|known| known == request.method());
    let route = request.extensions().get::<MatchedPath>().map_or(FILES, MatchedPath::as_str).to_owned();
    let answer = next.run(request).await;
    let method = method.as_ref().map_or("other", Method::as_str);
    state.engine.metrics().answered(method, &route, answer.status().as_u16(), began.elapsed());
    answer
}
