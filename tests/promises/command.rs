//! `direct-write run` and `compare`: what they print, what they write, and the exit code that scripts rely on.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};

use direct_write::engine::History;
use direct_write::model::HistoryQuery;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::program;

const PLAN: &str = r#"
name = "two ways"
table = "main.direct_write.telemetry"
[source]
kind = "telemetry"
seed = 7
records = 400
[[writer]]
kind = "zerobus"
batch = 100
[[writer]]
kind = "sql"
mode = "json-parameter"
batch = 100
[check]
every = "100ms"
[thresholds]
errors = "== 0"
missing = "== 0"
"#;

struct Place {
    folder: TempDir,
}

impl Place {
    fn with_plan(plan: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plan.toml"), plan).unwrap();
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn run(&self, more: &[&str]) -> Output {
        let (plan, out, html) = (self.file("plan.toml"), self.file("report.json"), self.file("report.html"));
        let arguments = [&["run", &plan, "--out", &out, "--html", &html], more].concat();
        let output = program(&self.data(), &arguments).stderr(Stdio::piped()).output().unwrap();
        assert_ne!(output.status.code(), Some(101), "{}", text(&output.stderr));
        output
    }

    fn report(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.file("report.json")).unwrap()).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn assert_conserved(run: &Value) {
    let count = |name: &str| run["records"][name].as_u64().unwrap();
    assert_eq!(count("sent"), count("durable") + count("failed"), "{run}");
    assert_eq!(count("missing"), 0, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_runs_on_the_local_lakehouse_and_everything_is_written() {
    let place = Place::with_plan(PLAN);
    let output = place.run(&[]);
    let (said, progress) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}\n{progress}");
    for part in ["two ways", "Local lakehouse", "Verdict", "zerobus", "sql json-parameter", "✓ held"] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    assert!(!progress.contains('\u{1b}'), "no terminal, no control sequences: {progress}");
    let report = place.report();
    assert_eq!(report["schema"], "direct-write/report/v1");
    for run in report["runs"].as_array().unwrap() {
        assert_eq!(run["state"], "completed", "{run}");
        assert_eq!(run["records"]["durable"], 400, "{run}");
        assert_eq!(run["records"]["visible"], 400, "{run}");
        assert_conserved(run);
    }
    assert!(std::fs::read_to_string(place.file("report.html")).unwrap().contains("two ways"));

    let history = History::open(&place.data()).await;
    let page = history.list(HistoryQuery::default()).await.unwrap();
    assert_eq!((page.total, page.entries[0].id.as_str()), (1, report["id"].as_str().unwrap()));

    // The same again through one writer, and side by side with the first.
    let (first, second) = (place.file("first.json"), place.file("report.json"));
    std::fs::rename(&second, &first).unwrap();
    assert_eq!(place.run(&["--writer", "sql"]).status.code(), Some(0));
    assert_eq!(place.report()["runs"].as_array().unwrap().len(), 1);
    let html = place.file("compared.html");
    let output = program(&place.data(), &["compare", &first, &second, "--html", &html]).output().unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("zerobus is missing in 'two ways'."), "{said}");
    assert!(Path::new(&html).exists());
}

#[test]
fn a_threshold_that_does_not_hold_is_exit_code_1() {
    let place = Place::with_plan(&PLAN.replace("errors = \"== 0\"", "durable = \"> 400\""));
    let output = place.run(&["--writer", "zerobus"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("✗ did not hold"), "{said}");
    assert_eq!(place.report()["thresholds"][0]["held"], false);
}

#[test]
fn what_cannot_start_is_exit_code_2_with_every_reason() {
    let place = Place::with_plan(&PLAN.replace("records = 400", "records = 0\nbad = 7.0"));
    let output = place.run(&[]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("source.records") && said.contains("source.bad"), "{said}");
    assert!(!place.data().exists(), "nothing was started");

    let place = Place::with_plan(&PLAN.replace("main.direct_write.telemetry", "main.direct_write.nothing"));
    let output = place.run(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("main.direct_write.nothing"), "{}", text(&output.stderr));

    let (newer, plan) = (place.file("newer.json"), place.file("plan.toml"));
    std::fs::write(&newer, r#"{"schema": "direct-write/report/v2"}"#).unwrap();
    let mut compare = program(&place.data(), &["compare", &newer, &plan]);
    let output = compare.stderr(Stdio::piped()).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("direct-write/report/v2") && said.contains("plan.toml: this is not JSON"), "{said}");
}

#[test]
fn ctrl_c_stops_the_run_and_the_report_is_written() {
    let place = Place::with_plan(&PLAN.replace("records = 400", "duration = \"10m\"\nrate = 200"));
    let (plan, out) = (place.file("plan.toml"), place.file("report.json"));
    let mut command = program(&place.data(), &["run", &plan, "--out", &out, "--writer", "zerobus"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut said = Vec::new();
    for line in lines {
        // Ten seconds into the run there is a line about how it goes.
        if line.contains("rows/s") && !said.iter().any(|line: &String| line.contains("rows/s")) {
            let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
            assert!(sent.success());
        }
        said.push(line);
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{said:?}");
    assert!(said.iter().any(|line| line.starts_with("Stopping")), "{said:?}");
    let report = place.report();
    let run = &report["runs"][0];
    assert_eq!(run["state"], "stopped", "{run}");
    assert!(run["records"]["durable"].as_u64().unwrap() > 0, "{run}");
    assert_conserved(run);
}
