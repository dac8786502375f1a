//! Somebody who uses the app through the platform's proxy, which says who they are.

use std::sync::Arc;
use std::time::Duration;

use direct_write::api::caller::{Roles, Whom};
use direct_write::server::edge::EdgeSettings;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::TestApp;

/// A port inside Databricks Apps, with lists of who may run and who may administer.
pub fn inside_apps(runners: Option<&str>, administrators: Option<&str>) -> EdgeSettings {
    let list = |text: Option<&str>| text.map(|text| Whom::parse(text).unwrap());
    let roles = Arc::new(Roles::new(true, list(runners), list(administrators)));
    EdgeSettings { inside_apps: true, roles, ..EdgeSettings::default() }
}

/// A person.
#[derive(Clone, Debug, Default)]
pub struct Person {
    pub email: String,
    /// Their own token, when the platform passes it on.
    pub token: Option<String>,
}

impl Person {
    pub fn new(email: &str) -> Self {
        Self { email: email.to_owned(), token: None }
    }

    pub fn with_token(email: &str, token: &str) -> Self {
        Self { email: email.to_owned(), token: Some(token.to_owned()) }
    }

    /// A request as the platform's proxy passes it on.
    pub fn request(&self, app: &TestApp, method: Method, path: &str) -> RequestBuilder {
        let mut request = app.http.request(method, format!("{}{path}", app.url));
        if !self.email.is_empty() {
            request = request.header("x-forwarded-email", &self.email).header("x-forwarded-user", "7@1");
        }
        match &self.token {
            Some(token) => request.header("x-forwarded-access-token", token),
            None => request,
        }
    }

    /// A page or a text, with its status.
    pub async fn text(&self, app: &TestApp, path: &str) -> (u16, String) {
        let answer = self.request(app, Method::GET, path).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn post(&self, app: &TestApp, path: &str, body: &Value) -> (u16, Value) {
        let request = self.request(app, Method::POST, path).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Runs a short plan to its end; the report.
    pub async fn compare(&self, app: &TestApp, table: &str, writers: Value) -> Value {
        let plan = json!({
            "name": "A short one",
            "table": table,
            "source": { "kind": "telemetry", "records": 40, "seed": 7 },
            "writer": writers,
            "check": { "every": "100ms", "patience": "30s" },
        });
        let (status, begun) = self.post(app, "/api/v1/comparisons", &plan).await;
        assert_eq!(status, 201, "{begun}");
        self.report(app, begun["id"].as_str().unwrap()).await
    }

    /// The report, once there is one.
    pub async fn report(&self, app: &TestApp, id: &str) -> Value {
        for _ in 0..600 {
            let (status, text) = self.text(app, &format!("/api/v1/comparisons/{id}/report.json")).await;
            if status == 200 {
                return serde_json::from_str(&text).unwrap();
            }
            assert_eq!(status, 409, "{text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("comparison {id} does not end");
    }
}
