//! A workspace to deploy to, and a folder that the platform has unpacked.

use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Running, program};
use crate::support::caller::Caller;

/// The folder that `make package` made.
pub fn package() -> PathBuf {
    let named =
        std::env::var("DIRECT_WRITE_PACKAGE").expect("DIRECT_WRITE_PACKAGE names no package: run make package-check");
    PathBuf::from(named)
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

pub fn secret_of(principal: &Caller) -> &str {
    principal.client_secret.expose_secret()
}

/// The local lakehouse as a workspace, a process of its own.
pub struct StandIn {
    pub url: String,
    pub admin: Caller,
    _data: TempDir,
    _lakehouse: Running,
}

impl StandIn {
    pub async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let lakehouse = Running::start(program(data.path(), &["lakehouse", "--weather"]));
        let credentials = std::fs::read_to_string(data.path().join("credentials.json")).unwrap();
        let credentials: Value = serde_json::from_str(&credentials).unwrap();
        let text = |key: &str| credentials[key].as_str().unwrap().to_owned();
        let url = lakehouse.page.clone();
        let admin = Caller::new(&url, &text("client_id"), text("client_secret").into()).await;
        Self { url, admin, _data: data, _lakehouse: lakehouse }
    }

    /// Acknowledgements take longer from now on.
    pub async fn slow(&self, by: Duration) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let weather = json!({ "latency_ms": by.as_millis() as u64 }).to_string();
        let asked = http.put(format!("{}/weather/main.direct_write.products", self.url));
        let answer = asked.header("content-type", "application/json").body(weather).send().await.unwrap();
        assert_eq!(answer.status(), 204);
    }

    /// The rows of a query, once there are any: what was acknowledged becomes visible a little later.
    pub async fn rows_when_there(&self, query: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let rows = self.admin.rows(query).await;
            if rows.as_array().is_some_and(|rows| !rows.is_empty()) || Instant::now() > deadline {
                return rows;
            }
        }
    }
}

/// A package where the platform has put it.
pub struct Place {
    root: TempDir,
    pub folder: PathBuf,
}

impl Place {
    /// Copies the package and takes the permissions away that an upload may lose.
    pub fn unpack() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("source_code");
        let package = package();
        for path in files(&package) {
            let target = folder.join(path.strip_prefix(&package).unwrap());
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(&path, &target).unwrap();
            std::fs::set_permissions(&target, Permissions::from_mode(0o644)).unwrap();
        }
        // The platform has the name `python` on its PATH; other machines may know only `python3`.
        let bin = root.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let ask = ["-c", "import sys; print(sys.executable)"];
        let python = Command::new("python3").args(ask).output().unwrap();
        symlink(String::from_utf8(python.stdout).unwrap().trim(), bin.join("python")).unwrap();
        Self { root, folder }
    }

    /// Starts what `command` says with the environment that the platform gives, and nothing of ours.
    pub fn start(
        &self,
        command: &[String],
        settings: &BTreeMap<String, String>,
        host: &str,
        principal: &Caller,
    ) -> Deployed {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = format!("{}:/usr/bin:/bin", self.root.path().join("bin").display());
        let mut starting = Command::new("/usr/bin/env");
        starting
            .args(command)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.root.path())
            .env("DATABRICKS_APP_NAME", "direct-write")
            .env("DATABRICKS_APP_PORT", port.to_string())
            .env("DATABRICKS_WORKSPACE_ID", "42")
            .env("DATABRICKS_HOST", host)
            .env("DATABRICKS_CLIENT_ID", &principal.client_id)
            .env("DATABRICKS_CLIENT_SECRET", secret_of(principal))
            .envs(settings)
            .stdin(Stdio::null())
            .stderr(File::create(self.log_file()).unwrap());
        let running = Running::start_until(starting, "Workspace");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Deployed { running, url: format!("http://127.0.0.1:{port}"), http }
    }

    fn log_file(&self) -> PathBuf {
        self.root.path().join("log")
    }

    /// What it wrote to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap()
    }
}

/// The app, running.
pub struct Deployed {
    running: Running,
    pub url: String,
    http: reqwest::Client,
}

impl Deployed {
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// As somebody who is signed in.
    pub fn post(&self, path: &str, body: Value) -> impl Future<Output = (u16, Value)> + Send + use<> {
        let asked = self.http.post(format!("{}{path}", self.url)).header("x-forwarded-email", "you@example.com");
        let asked = asked.header("content-type", "application/json").body(body.to_string());
        async move {
            let answer = asked.send().await.unwrap();
            (answer.status().as_u16(), answer.json().await.unwrap())
        }
    }

    /// Waits until the app counts this.
    pub async fn until_metric(&self, line: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let text = self.http.get(format!("{}/metrics", self.url)).send().await.unwrap().text().await.unwrap();
            if text.contains(line) {
                return;
            }
            assert!(Instant::now() < deadline, "{line} did not come: {text}");
        }
    }

    /// SIGTERM, and what the platform does when the patience is over.
    pub async fn terminate(mut self, patience: Duration) -> ExitStatus {
        self.running.terminate(patience).await
    }
}
