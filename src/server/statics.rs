//! Which addresses are the page's files: the same for everybody, and free.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::router::AppState;

/// Whether a path is a file of the page. Files have an extension, or are in the folder of the compiled ones.
pub(super) fn is_static(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    path.starts_with("/pkg/") || (!path.starts_with("/api/") && name.contains('.'))
}

/// A file with a hash in its name never changes: browsers need not ask for it again.
pub(super) async fn keep_hashed_files(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let hashed = state.site.hash_files && request.uri().path().starts_with("/pkg/");
    let mut answer = next.run(request).await;
    if hashed && answer.status().is_success() {
        let for_a_year = HeaderValue::from_static("public, max-age=31536000, immutable");
        answer.headers_mut().insert(header::CACHE_CONTROL, for_a_year);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_no_files_of_the_page() {
        assert!(is_static("/pkg/direct-write.wasm") && is_static("/theme.js") && is_static("/favicon.svg"));
        assert!(!is_static("/api/v1/comparisons/1/report.json") && !is_static("/") && !is_static("/runs/0190-ab"));
    }
}
