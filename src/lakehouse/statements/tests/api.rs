//! A lakehouse over its routes, for the tests of its APIs.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::lakehouse::statements::registry::Submitted;
use crate::lakehouse::{Credentials, Lakehouse, LakehouseOptions};

/// A lakehouse in a temporary folder, and a token for it.
pub(crate) struct Api {
    pub(crate) lakehouse: Lakehouse,
    pub(crate) bearer: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Api {
    pub(crate) async fn new() -> Self {
        Self::open(tempfile::tempdir().expect("temporary folder")).await
    }

    /// The same data in another process's place.
    pub(crate) async fn restart(self) -> Self {
        let Self { lakehouse, folder, .. } = self;
        // Also the tasks of finished statements, which hold the store a moment longer than their answer takes.
        lakehouse.statements.close().await;
        lakehouse.store().close().await;
        drop(lakehouse);
        Self::open(folder).await
    }

    async fn open(folder: tempfile::TempDir) -> Self {
        let lakehouse = Lakehouse::open(folder.path(), LakehouseOptions::default()).await.expect("open");
        let Credentials { client_id, client_secret } = lakehouse.oidc().credentials().clone();
        let secret = secrecy::ExposeSecret::expose_secret(&client_secret).to_owned();
        let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
        let request = Request::post("/oidc/v1/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .expect("request");
        let (_, token) = send(&lakehouse, request).await;
        let bearer = format!("Bearer {}", token["access_token"].as_str().expect("token"));
        Self { lakehouse, bearer, folder }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, &self.bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .expect("request");
        send(&self.lakehouse, request).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).header(header::AUTHORIZATION, &self.bearer).body(Body::empty());
        send(&self.lakehouse, request.expect("request")).await
    }

    /// A statement of this client that was taken.
    pub(in crate::lakehouse::statements) fn submitted(&self, id: &str) -> Submitted {
        let client = self.lakehouse.oidc().check_bearer(Some(&self.bearer)).expect("good");
        crate::lakehouse::statements::find(&self.lakehouse.statements, id, &client).expect("kept")
    }

    /// Runs a statement with parameters and more fields of the body.
    pub(crate) async fn run(&self, statement: &str, more: Value) -> Value {
        let mut body = json!({ "statement": statement, "warehouse_id": "local", "wait_timeout": "50s" });
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let (status, answer) = self.post("/api/2.0/sql/statements", &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// The rows of a statement that must succeed.
    pub(crate) async fn rows(&self, statement: &str) -> Value {
        let answer = self.run(statement, json!({})).await;
        assert_eq!(answer["status"]["state"], "SUCCEEDED", "{statement}: {answer}");
        answer["result"]["data_array"].clone()
    }

    pub(crate) async fn bound(&self, statement: &str, parameters: Value) -> Value {
        let answer = self.run(statement, json!({ "parameters": parameters })).await;
        assert_eq!(answer["status"]["state"], "SUCCEEDED", "{statement}: {answer}");
        answer["result"]["data_array"].clone()
    }

    /// The message of a statement that must fail.
    pub(crate) async fn failure(&self, statement: &str, more: Value) -> String {
        let answer = self.run(statement, more).await;
        assert_eq!(answer["status"]["state"], "FAILED", "{statement}: {answer}");
        assert_eq!(answer["status"]["error"]["error_code"], "BAD_REQUEST", "{statement}: {answer}");
        answer["status"]["error"]["message"].as_str().expect("message").to_owned()
    }
}

pub(crate) async fn send(lakehouse: &Lakehouse, request: Request<Body>) -> (StatusCode, Value) {
    let response = lakehouse.router().oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 64 << 20).await.expect("body");
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into()))
}
