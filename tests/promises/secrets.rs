//! No secret is shown: what was planted is searched for everywhere that something is written or answered.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::program::{Running, log_of, program};
use crate::support::RunningLakehouse;
use crate::support::caller::Caller;
use crate::support::collector::Collector;
use crate::support::{smart_watch, structured};

/// What a caller sends and nobody may see again.
const FORWARDED_TOKEN: &str = "planted-forwarded-access-token";
const BEARER: &str = "planted-bearer-of-a-caller";
const COOKIE: &str = "planted-session-cookie";
const OTLP_KEY: &str = "planted-key-of-the-collector";

/// Stands before the workspace and writes down the tokens that it hands out.
async fn listening_door(workspace: &str) -> (String, Arc<Mutex<BTreeSet<String>>>) {
    let tokens = Arc::new(Mutex::new(BTreeSet::new()));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let state = (workspace.to_owned(), http, tokens.clone());
    let router = Router::new().fallback(pass).with_state(state);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, tokens)
}

type Door = (String, reqwest::Client, Arc<Mutex<BTreeSet<String>>>);

async fn pass(State((workspace, http, tokens)): State<Door>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let mut headers = parts.headers;
    headers.remove("host");
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let asked = http.request(parts.method, format!("{workspace}{path}")).headers(headers).body(body);
    let answer = asked.send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "transfer-encoding") {
        response = response.header(name, value);
    }
    let bytes = answer.bytes().await.unwrap();
    if path.starts_with("/oidc/") {
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        tokens.lock().unwrap().extend(answer["access_token"].as_str().map(str::to_owned));
    }
    response.body(Body::from(bytes)).unwrap()
}

/// Everything below a folder, as text.
fn on_disk(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(on_disk(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_secrets_are_nowhere() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (workspace_data, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lakehouse = RunningLakehouse::start(workspace_data.path(), "127.0.0.1:0").await;
    let admin = Caller::administrator(&lakehouse).await;
    let principal = admin.create("app").await;
    for grant in [
        "GRANT USE CATALOG ON CATALOG main TO app",
        "GRANT USE SCHEMA ON SCHEMA main.direct_write TO app",
        "GRANT SELECT, MODIFY ON TABLE main.direct_write.products TO app",
    ] {
        admin.rows(grant).await;
    }
    let (host, tokens) = listening_door(&lakehouse.url).await;
    let collector = Collector::start().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let secret = principal.client_secret.expose_secret().to_owned();
    let mut command = program(data.path(), &[]);
    command
        .env("RUST_LOG", "debug")
        .env("DATABRICKS_APP_NAME", "direct-write")
        .env("DATABRICKS_APP_PORT", port.to_string())
        .env("DATABRICKS_HOST", &host)
        .env("DATABRICKS_CLIENT_ID", &principal.client_id)
        .env("DATABRICKS_CLIENT_SECRET", &secret)
        .env("DATABRICKS_WAREHOUSE_ID", "local")
        .env("DIRECT_WRITE_ZEROBUS_ENDPOINT", &lakehouse.url)
        .env("DIRECT_WRITE_ADMINISTRATORS", "you@example.com")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization={OTLP_KEY}"));
    let running = Running::start_until(command, "Workspace");
    let page = format!("http://127.0.0.1:{port}");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut seen: Vec<(String, String)> = Vec::new();
    let signed_in = |request: reqwest::RequestBuilder| {
        request
            .header("x-forwarded-email", "you@example.com")
            .header("x-forwarded-access-token", FORWARDED_TOKEN)
            .header("authorization", format!("Bearer {BEARER}"))
            .header("cookie", format!("session={COOKIE}"))
    };

    // Work, of which one part succeeds and another is refused by the workspace.
    for writer in ["zerobus", "direct_delta"] {
        let body = structured(writer, &[smart_watch()]).to_string();
        let asked = signed_in(http.post(format!("{page}/api/v1/process-structured"))).body(body);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{writer}: {}", answer.text().await.unwrap());
    }
    let mut refused = structured("zerobus", &[smart_watch()]);
    refused["table"] = "main.direct_write.telemetry".into();
    let asked = signed_in(http.post(format!("{page}/api/v1/process-structured"))).body(refused.to_string());
    seen.push(("the refusal".to_owned(), asked.send().await.unwrap().text().await.unwrap()));
    let plan = serde_json::json!({
        "table": "main.direct_write.products",
        "source": { "kind": "products", "seed": 7, "records": 60 },
        "writer": [{ "kind": "zerobus", "batch": 20 }, { "kind": "sql", "batch": 20 }],
    });
    let asked = signed_in(http.post(format!("{page}/api/v1/comparisons"))).body(plan.to_string());
    let started: Value = asked.send().await.unwrap().json().await.unwrap();
    let id = started["id"].as_str().unwrap_or_else(|| panic!("{started}"));
    let comparison = format!("/api/v1/comparisons/{id}");
    let mut paths = vec![format!("{comparison}/events")];
    paths.extend(
        ["report.json", "report.csv", "series.csv", "report.html", "plan.toml", "delivered"]
            .map(|file| format!("{comparison}/{file}")),
    );
    paths.extend([format!("/runs/{id}"), format!("/runs/{id}/delivered"), comparison]);
    paths.extend(
        [
            "/",
            "/?source=generator",
            "/runs",
            "/metrics",
            "/health",
            "/debug/writers",
            "/debug/zerobus-availability",
            "/debug/sql-availability",
            "/api/v1/debug/writers",
            "/doctor",
            "/api/v1/doctor",
            "/tables",
            "/nothing-there",
        ]
        .map(str::to_owned),
    );
    for path in paths {
        let answer = signed_in(http.get(format!("{page}{path}"))).send().await.unwrap();
        let headers = format!("{:?}", answer.headers());
        seen.push((path, headers + &answer.text().await.unwrap()));
    }
    running.signal("-TERM");
    seen.push(("standard output".to_owned(), running.said.join("\n")));
    running.end();

    seen.push(("the log".to_owned(), log_of(data.path())));
    seen.push(("the collector".to_owned(), collector.kept.text()));
    seen.extend(on_disk(data.path()));
    let log = &seen.iter().find(|(name, _)| name == "the log").unwrap().1;
    assert!(log.contains("you@example.com") || log.contains("submission"), "the log was read: {log}");
    let tokens = tokens.lock().unwrap().clone();
    assert!(tokens.len() >= 2, "one for the APIs, one for the table");
    let planted = [secret.as_str(), FORWARDED_TOKEN, BEARER, COOKIE, OTLP_KEY].map(str::to_owned);
    for secret in planted.iter().chain(&tokens) {
        for (place, text) in &seen {
            assert!(!text.contains(secret), "{place} shows a secret that begins with {secret:.12}");
        }
    }
    lakehouse.stop().await;
}
