//! A principal that calls a workspace's HTTP APIs.

use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::RunningLakehouse;

/// A principal with a token for everything but Zerobus.
pub struct Caller {
    pub url: String,
    pub client_id: String,
    pub client_secret: SecretString,
    bearer: String,
    http: reqwest::Client,
}

impl Caller {
    pub async fn administrator(lakehouse: &RunningLakehouse) -> Self {
        Self::new(&lakehouse.url, &lakehouse.client_id, lakehouse.client_secret.clone()).await
    }

    pub async fn new(url: &str, client_id: &str, client_secret: SecretString) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self::through(http, url, client_id, client_secret).await
    }

    /// Calls with a client that knows more than usual, such as another root certificate.
    pub async fn through(http: reqwest::Client, url: &str, client_id: &str, client_secret: SecretString) -> Self {
        let (url, client_id, bearer) = (url.to_owned(), client_id.to_owned(), String::new());
        let mut caller = Self { url, client_id, client_secret, bearer, http };
        let (status, answer) = caller.token(&[("grant_type", "client_credentials"), ("scope", "all-apis")]).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        caller.bearer = answer["access_token"].as_str().unwrap().to_owned();
        caller
    }

    /// Makes a service principal, which may do nothing yet.
    pub async fn create(&self, name: &str) -> Self {
        let rows = self.rows(&format!("CREATE SERVICE PRINCIPAL `{name}`")).await;
        let (id, secret) = (rows[0][1].as_str().unwrap(), rows[0][2].as_str().unwrap());
        Self::through(self.http.clone(), &self.url, id, secret.to_owned().into()).await
    }

    /// Asks the token endpoint.
    pub async fn token(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let request = self.http.post(format!("{}/oidc/v1/token", self.url));
        let request = request.basic_auth(&self.client_id, Some(self.client_secret.expose_secret()));
        let answer = request.form(form).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Asks for a token to write to a table, as the official clients do.
    pub async fn zerobus_token(&self, table: &str) -> (StatusCode, Value) {
        let parts: Vec<&str> = table.split('.').collect();
        let detail = |object_type: &str, name: String, privileges: &[&str]| {
            json!({ "type": "unity_catalog_privileges", "privileges": privileges, "object_type": object_type,
                "object_full_path": name })
        };
        let details = json!([
            detail("CATALOG", parts[0].to_owned(), &["USE CATALOG"]),
            detail("SCHEMA", parts[..2].join("."), &["USE SCHEMA"]),
            detail("TABLE", table.to_owned(), &["SELECT", "MODIFY"]),
        ]);
        self.token(&[
            ("grant_type", "client_credentials"),
            ("scope", "all-apis"),
            ("resource", "api://databricks/workspaces/127/zerobusDirectWriteApi"),
            ("authorization_details", &details.to_string()),
        ])
        .await
    }

    /// The same request with another token.
    pub fn with_bearer(&self, bearer: &str) -> Self {
        Self {
            url: self.url.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            bearer: bearer.to_owned(),
            http: self.http.clone(),
        }
    }

    /// The same principal at a workspace that moved.
    pub fn at(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    pub fn bearer(&self) -> &str {
        &self.bearer
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.bearer);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::GET, path, None).await
    }

    /// For answers that are not JSON.
    pub async fn status(&self, path: &str) -> StatusCode {
        self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.bearer).send().await.unwrap().status()
    }

    /// Runs a statement; the whole answer.
    pub async fn sql(&self, statement: &str) -> Value {
        let body = json!({ "statement": statement, "warehouse_id": "local", "wait_timeout": "50s" });
        let (status, answer) = self.send(Method::POST, "/api/2.0/sql/statements", Some(body)).await;
        assert_eq!(status, StatusCode::OK, "{statement}: {answer}");
        answer
    }

    /// The rows of a statement that must succeed.
    pub async fn rows(&self, statement: &str) -> Value {
        let answer = self.sql(statement).await;
        assert_eq!(answer["status"]["state"], "SUCCEEDED", "{statement}: {answer}");
        answer["result"]["data_array"].clone()
    }

    /// The message of a statement that must fail.
    pub async fn failure(&self, statement: &str) -> String {
        let answer = self.sql(statement).await;
        assert_eq!(answer["status"]["state"], "FAILED", "{statement}: {answer}");
        answer["status"]["error"]["message"].as_str().unwrap().to_owned()
    }
}
