//! A running app to test against, and readers that are not ours.

pub mod caller;
pub mod collector;
pub mod front;
pub mod person;
pub mod proxy;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use direct_write::engine::{Engine, History, UploadLimits, Uploads};
use direct_write::lakehouse::{Lakehouse, LakehouseOptions};
use direct_write::model::TableName;
use direct_write::server;
use direct_write::server::edge::EdgeSettings;
use direct_write::workspace::{Credentials, Workspace, WorkspaceConfig};
use direct_write::writer::{BatchProgress, WriterError};
use leptos::config::LeptosOptions;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A local lakehouse on a free port over a folder.
pub struct RunningLakehouse {
    pub url: String,
    pub addr: std::net::SocketAddr,
    pub client_id: String,
    pub client_secret: secrecy::SecretString,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl RunningLakehouse {
    pub async fn start(data: &Path, addr: &str) -> Self {
        Self::start_with(data, addr, LakehouseOptions::default()).await
    }

    /// Starts one that is not as it comes.
    pub async fn start_with(data: &Path, addr: &str, options: LakehouseOptions) -> Self {
        let listener = TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let lakehouse = Lakehouse::open(data, options).await.unwrap();
        let client_id = lakehouse.credentials().client_id.clone();
        let client_secret = lakehouse.credentials().client_secret.clone();
        let stop = CancellationToken::new();
        let serving = lakehouse.serve(listener, stop.clone());
        let task = tokio::spawn(async move { serving.await.unwrap() });
        Self { url: format!("http://{addr}"), addr, client_id, client_secret, stop, task }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Counts what a session tells of its batches.
#[derive(Default)]
pub struct Heard {
    sent: AtomicU64,
    retried: AtomicU64,
}

impl Heard {
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub fn retried(&self) -> u64 {
        self.retried.load(Ordering::Relaxed)
    }
}

impl BatchProgress for Heard {
    fn sent(&self, _: tokio::time::Instant) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    fn retried(&self, _: &WriterError) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }
}

/// How a lakehouse is reached as a workspace.
pub fn workspace_of(lakehouse: &RunningLakehouse) -> WorkspaceConfig {
    WorkspaceConfig {
        url: lakehouse.url.clone(),
        local: true,
        zerobus_endpoint: Some(lakehouse.url.clone()),
        warehouse_id: Some("local".to_owned()),
        credentials: Some(Credentials {
            client_id: lakehouse.client_id.clone(),
            client_secret: lakehouse.client_secret.clone(),
        }),
        default_table: TableName::parse("main.direct_write.products").unwrap(),
        write_volume: TableName::parse("main.direct_write.landing").ok(),
    }
}

/// The whole app: lakehouse, engine, server.
pub struct TestApp {
    pub url: String,
    pub data: TempDir,
    pub lakehouse: RunningLakehouse,
    pub http: reqwest::Client,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl TestApp {
    /// As it comes on one's own machine.
    pub async fn start() -> Self {
        Self::start_at(EdgeSettings::default()).await
    }

    /// At a port that behaves like that.
    pub async fn start_at(edge: EdgeSettings) -> Self {
        // Fails only when another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let lakehouse = RunningLakehouse::start(data.path(), "127.0.0.1:0").await;
        let workspace = workspace_of(&lakehouse);
        let history = History::open(data.path()).await;
        let uploads = Uploads::open(data.path(), UploadLimits::default()).await;
        let engine = Engine::new(Arc::new(Workspace::new(workspace).unwrap()));
        let engine = Arc::new(engine.with_history(history).with_uploads(uploads));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let site = LeptosOptions::builder().output_name("direct-write").site_addr(addr).build();
        let stop = CancellationToken::new();
        let serving = server::run(listener, engine, site, edge, stop.clone());
        let task = tokio::spawn(async move { serving.await.unwrap() });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url: format!("http://{addr}"), data, lakehouse, http, stop, task }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
        self.lakehouse.stop().await;
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).header("content-type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn process(&self, body: &Value) -> (u16, Value) {
        self.post("/api/v1/process-structured", body.to_string()).await
    }

    /// Rows of a table as an independent Delta reader sees them on disk, once there are so many.
    pub async fn rows_on_disk(&self, table: &str, count: usize) -> Vec<Value> {
        rows_on_disk(self.data.path(), table, count).await
    }
}

/// Rows of a table under a data folder, by Python's deltalake, once there are at least so many: what was acknowledged is
/// in the lakehouse's log at first. Less than that after half a minute are returned as they are.
pub async fn rows_on_disk(data: &Path, table: &str, count: usize) -> Vec<Value> {
    let folder = table.split('.').fold(data.join("tables"), |path, part| path.join(part));
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let output = python("read_delta.py", &[&folder.to_string_lossy()]).await;
        let rows: Vec<Value> = serde_json::from_str(&output).unwrap();
        if rows.len() >= count || Instant::now() > deadline {
            return rows;
        }
    }
}

/// Runs one of the scripts beside this file with the clients of `tests/requirements.txt`; returns what it printed.
pub async fn python(script: &str, arguments: &[&str]) -> String {
    python_of("python", script, arguments, &[]).await
}

/// The same in one of the Python environments that `scripts/setup.sh` makes, with more environment variables.
pub async fn python_of(environment: &str, script: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let cache = std::env::var("DIRECT_WRITE_CACHE")
        .expect("DIRECT_WRITE_CACHE is not set: run the tests with `make test`, which installs the Python clients");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(script);
    let mut command = Command::new(PathBuf::from(cache).join(environment).join("bin/python"));
    command.arg(script).args(arguments).envs(variables.iter().copied()).stdin(Stdio::null());
    // The clients would send requests to this machine through a proxy as well.
    command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    said
}

/// The product of the tutorial.
pub fn smart_watch() -> Value {
    json!({"product_id": "PROD005", "product_name": "Smart Watch", "product_price": 499.99, "category": "electronics",
        "sale_start_date": "2025-01-01", "sale_stop_date": "2025-12-31"})
}

/// A request of the original app.
pub fn structured(writer: &str, items: &[Value]) -> Value {
    json!({"schema_type": "products", "writer_type": writer, "items": items})
}
