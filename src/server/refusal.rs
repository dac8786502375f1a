//! An answer of the port itself, before any handler: JSON for programs, a small page for people.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::api::PLAN_PREVIEW_PATH;
use crate::api::http::status_of;
use crate::model::EdgeError;

/// What a request for `path` is answered with.
pub(super) fn refuse(path: &str, error: EdgeError) -> Response {
    let is_for_programs = path.starts_with("/api/") || path.starts_with("/debug/") || path == PLAN_PREVIEW_PATH;
    if is_for_programs {
        return error.into_response();
    }
    let status = status_of(&error);
    let title = if status == StatusCode::FORBIDDEN { "Refused" } else { "Not answered" };
    let words = escape(&error.message);
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · Direct Write</title></head>\
         <body><main><h1>{title}</h1><p>{words}</p><p><a href=\"/\">Go to the workbench</a></p></main></body></html>"
    );
    (status, Html(page)).into_response()
}

/// The same, to be tried again after so many seconds.
pub(super) fn refuse_until(path: &str, error: EdgeError, seconds: u64) -> Response {
    let mut response = refuse(path, error);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn people_get_a_page_and_programs_json() {
        let answer = async |path| {
            let response = refuse(path, EdgeError::new("ROLE_REQUIRED", "<b>Ann</b> may not."));
            let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
            let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
            (kind, String::from_utf8(body.to_vec()).unwrap())
        };
        let (kind, page) = answer("/workbench/run").await;
        assert!(kind.starts_with("text/html") && page.contains("&lt;b&gt;Ann"), "{kind} {page}");
        for path in ["/api/v1/comparisons", "/debug/writers", PLAN_PREVIEW_PATH] {
            assert_eq!(answer(path).await.0, "application/json", "{path}");
        }
    }
}
