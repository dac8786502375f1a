//! The program itself: how it refuses to start, how it stops, what it survives, what it never prints.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{rows_on_disk, smart_watch, structured};

const SETTINGS: [&str; 10] = [
    "DATABRICKS_HOST",
    "DATABRICKS_CLIENT_ID",
    "DATABRICKS_CLIENT_SECRET",
    "DATABRICKS_WAREHOUSE_ID",
    "DATABRICKS_APP_NAME",
    "DATABRICKS_APP_PORT",
    "DIRECT_WRITE_TABLE",
    "DIRECT_WRITE_VOLUME",
    "DIRECT_WRITE_ZEROBUS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

fn log_file(data: &Path) -> PathBuf {
    data.join("program.log")
}

/// What a [`program`] over this folder has logged.
pub fn log_of(data: &Path) -> String {
    std::fs::read_to_string(log_file(data)).unwrap()
}

pub fn program(data: &Path, arguments: &[&str]) -> Command {
    // It goes with the folder; a folder that is not there is the program's to make or to refuse.
    let log = if data.is_dir() { Stdio::from(File::create(log_file(data)).unwrap()) } else { Stdio::null() };
    let mut command = Command::new(env!("CARGO_BIN_EXE_direct-write"));
    for setting in SETTINGS {
        command.env_remove(setting);
    }
    command
        .args(arguments)
        .env("DIRECT_WRITE_ADDR", "127.0.0.1:0")
        .env("DIRECT_WRITE_LAKEHOUSE_ADDR", "127.0.0.1:0")
        .env("DIRECT_WRITE_DATA_DIR", data)
        .stdin(Stdio::null())
        // A pipe that nobody reads would fill up and stop the program.
        .stderr(log);
    command
}

/// A program that runs until it is dropped.
pub struct Running {
    child: Child,
    pub page: String,
    pub said: Vec<String>,
}

impl Running {
    /// Starts it and waits for the addresses it prints.
    pub fn start(command: Command) -> Self {
        Self::start_until(command, "Credentials")
    }

    /// The same for one whose last line has this word: with a workspace elsewhere it prints `Workspace` and no credentials.
    pub fn start_until(mut command: Command, last: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        // The last line of the announcement; a program that ends before it ends the lines too.
        while !said.last().is_some_and(|line: &String| line.contains(last)) {
            said.push(lines.next().expect("the program ended before it was ready").unwrap());
        }
        let page = said.iter().find_map(|line| line.split_whitespace().find(|word| word.starts_with("http://")));
        Self { page: page.unwrap().to_owned(), child, said }
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Like [`Running::signal`], for a program that may have ended by itself.
    pub fn signal_if_running(&mut self, signal: &str) {
        if self.child.try_wait().unwrap().is_none() {
            self.signal(signal);
        }
    }

    /// SIGTERM, and then no more than this until it has ended.
    pub async fn terminate(&mut self, patience: Duration) -> ExitStatus {
        self.signal("-TERM");
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the program did not end within {patience:?} of SIGTERM");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn end(mut self) -> Output {
        let child = std::mem::replace(&mut self.child, Command::new("true").spawn().unwrap());
        child.wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone in most tests.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn refusal(mut command: Command) -> String {
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "one line: {said}");
    said
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn write_one(page: &str) -> Value {
    let body = structured("zerobus", &[smart_watch()]).to_string();
    http().post(format!("{page}/api/v1/process-structured")).body(body).send().await.unwrap().json().await.unwrap()
}

#[test]
fn a_relative_data_folder_that_is_not_there_is_made() {
    let here = tempfile::tempdir().unwrap();
    let mut command = program(Path::new("fresh/data"), &["lakehouse"]);
    command.current_dir(here.path());
    let running = Running::start(command);
    assert!(here.path().join("fresh/data/tables").is_dir(), "{:?}", running.said);
}

#[test]
fn it_refuses_to_start_in_one_sentence() {
    let data = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for setting in ["DIRECT_WRITE_ADDR", "DIRECT_WRITE_LAKEHOUSE_ADDR"] {
        let mut command = program(data.path(), &[]);
        command.env(setting, &taken);
        let said = refusal(command);
        assert!(said.contains(&taken) && said.contains(setting), "{said}");
    }
    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    let said = refusal({
        let mut command = program(data.path(), &["lakehouse"]);
        command.env("DIRECT_WRITE_DATA_DIR", file.join("data"));
        command
    });
    assert!(said.contains("file/data"), "{said}");
    let mut command = program(data.path(), &[]);
    command.env("DATABRICKS_CLIENT_ID", "me");
    let said = refusal(command);
    assert!(said.contains("DATABRICKS_HOST"), "{said}");
}

#[test]
fn two_programs_never_share_a_data_folder() {
    let data = tempfile::tempdir().unwrap();
    let _first = Running::start(program(data.path(), &["lakehouse"]));
    let said = refusal(program(data.path(), &["lakehouse"]));
    assert!(said.contains("another running process"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let running = Running::start(program(data.path(), &[]));
    let answer = write_one(&running.page).await;
    assert_eq!(answer["status"], "success", "{answer}");
    running.signal("-KILL");
    running.end();
    let again = Running::start(program(data.path(), &[]));
    let rows = rows_on_disk(data.path(), "main.direct_write.products", 1).await;
    assert_eq!(rows.iter().filter(|row| row["batch_id"] == answer["batch_id"]).count(), 1);
    let answer = write_one(&again.page).await;
    assert_eq!(answer["status"], "success", "{answer}");
    assert_eq!(rows_on_disk(data.path(), "main.direct_write.products", 2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_drains_and_ends_well_and_the_secret_is_never_printed() {
    let data = tempfile::tempdir().unwrap();
    let mut command = program(data.path(), &[]);
    command.env("RUST_LOG", "debug");
    let running = Running::start(command);
    let credentials = data.path().join("credentials.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&credentials).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let credentials: Value = serde_json::from_str(&std::fs::read_to_string(&credentials).unwrap()).unwrap();
    let secret = credentials["client_secret"].as_str().unwrap().to_owned();

    let answer = write_one(&running.page).await;
    assert_eq!(answer["status"], "success", "{answer}");
    let mut seen = running.said.join("\n");
    for path in ["/", "/debug/writers", "/debug/zerobus-availability", "/debug/sql-availability", "/health"] {
        seen += &http().get(format!("{}{path}", running.page)).send().await.unwrap().text().await.unwrap();
    }
    running.signal("-TERM");
    let output = running.end();
    seen += &log_of(data.path());
    assert_eq!(output.status.code(), Some(0), "{seen}");
    assert!(seen.contains("Local lakehouse"));
    assert!(!seen.contains(&secret), "the secret was shown");
}

#[test]
fn env_prints_what_another_client_needs() {
    let data = tempfile::tempdir().unwrap();
    drop(Running::start(program(data.path(), &["lakehouse"])));
    let output = program(data.path(), &["env"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for name in ["DATABRICKS_HOST", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET", "DIRECT_WRITE_ZEROBUS_ENDPOINT"]
    {
        assert!(said.contains(&format!("export {name}=")), "{said}");
    }
}
