//! What stands before the app on Databricks Apps: signs callers in by their token and says who they are in headers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// The platform's front door, until dropped.
pub struct Front {
    pub url: String,
    task: AbortHandle,
}

struct Door {
    app: String,
    /// Who has which token.
    token: String,
    email: String,
    http: reqwest::Client,
}

impl Front {
    /// Opens before an app for one caller, who has this token.
    pub async fn open(app: &str, token: &str, email: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let door = Door { app: app.to_owned(), token: token.to_owned(), email: email.to_owned(), http };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(Arc::new(door));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }).abort_handle();
        Self { url, task }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Tokens are for paths under `/api/`; whoever comes without one is led to the login.
async fn pass(State(door): State<Arc<Door>>, request: Request) -> Response {
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let known = bearer == Some(&format!("Bearer {}", door.token));
    if !known || !request.uri().path().starts_with("/api/") {
        return (StatusCode::FOUND, [(header::LOCATION, "/login")]).into_response();
    }
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers: HeaderMap = parts.headers.clone();
    for (name, value) in [
        ("x-forwarded-email", door.email.as_str()),
        ("x-forwarded-user", "1234@5678"),
        ("x-forwarded-access-token", door.token.as_str()),
        ("x-forwarded-host", "direct-write-42.cloud.databricksapps.com"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    headers.remove(header::AUTHORIZATION);
    headers.remove(header::HOST);
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let uri: Uri = format!("{}{path}", door.app).parse().unwrap();
    let asked = door.http.request(parts.method, uri.to_string()).headers(headers).body(body);
    let answer = asked.send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != header::TRANSFER_ENCODING {
            response = response.header(name, value);
        }
    }
    response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
}
