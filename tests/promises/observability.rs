//! What can be watched from outside: counters, traces, request ids, the tags of statements, and the workspace's own counts.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::program::{Running, log_of, program};
use crate::support::caller::Caller;
use crate::support::collector::{Collector, text};
use crate::support::{TestApp, smart_watch, structured};

/// The trace and the span of who asks, as in the specification's examples (W3C Trace Context).
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn write_one(page: &str, request_id: &str) -> reqwest::Response {
    let body = structured("zerobus", &[smart_watch()]).to_string();
    let asked = http().post(format!("{page}/api/v1/process-structured")).header("x-request-id", request_id);
    let asked = asked.header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    asked.header("x-forwarded-email", "you@example.com").body(body).send().await.unwrap()
}

/// As inside Databricks Apps, where the platform's request ids are trusted.
fn inside_apps(data: &Path) -> Command {
    let mut command = program(data, &[]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    command.env("DATABRICKS_APP_NAME", "direct-write").env("DATABRICKS_APP_PORT", port.to_string());
    command
}

/// Where a program that listens everywhere is reached from here.
fn address(running: &Running) -> String {
    running.page.replace("0.0.0.0", "127.0.0.1")
}

async fn exports_over(protocol: &str) {
    let collector = Collector::start().await;
    let data = tempfile::tempdir().unwrap();
    let mut command = inside_apps(data.path());
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url).env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    let running = Running::start(command);
    let answer = write_one(&address(&running), "request-of-the-platform").await;
    assert_eq!(answer.status(), 200);
    running.signal("-TERM");
    let output = running.end();
    let log = log_of(data.path());
    assert_eq!(output.status.code(), Some(0), "{log}");

    // What had not been sent yet was sent at the end.
    let kept = &collector.kept;
    assert_eq!(kept.resource("service.name").as_deref(), Some("direct-write"), "{log}");
    let requests = kept.spans("request");
    let request = requests.iter().find(|span| {
        span.attributes.iter().any(|one| one.key == "request_id" && text(one) == "request-of-the-platform")
    });
    let submissions = kept.spans("submission");
    let [submission] = submissions.as_slice() else { panic!("one submission: {submissions:?}\n{log}") };
    let request = request.expect("the request's span has its id");
    let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&request.trace_id), TRACE, "the caller's trace goes on");
    assert_eq!(hex(&request.parent_span_id), CALLER);
    assert_eq!(submission.trace_id, request.trace_id, "they are of one trace");
    assert_eq!(submission.parent_span_id, request.span_id);
    assert_eq!(kept.count("direct_write_durable_records", "writer", "zerobus"), Some(1));
    assert_eq!(kept.count("direct_write_http_requests", "route", "/api/v1/process-structured"), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_and_metrics_go_to_the_collector_that_is_named() {
    exports_over("http/protobuf").await;
    exports_over("grpc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_keeps_nobody_from_writing() {
    let data = tempfile::tempdir().unwrap();
    let mut command = program(data.path(), &[]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let running = Running::start(command);
    assert_eq!(write_one(&running.page, "a").await.status(), 200);
    running.signal("-TERM");
    assert_eq!(running.end().status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_request_id_is_in_the_answer_and_in_every_line_of_the_request() {
    let data = tempfile::tempdir().unwrap();
    let running = Running::start(inside_apps(data.path()));
    let answer = write_one(&address(&running), "request-4711").await;
    assert_eq!(answer.headers()["x-request-id"], "request-4711");
    let answer: Value = answer.json().await.unwrap();
    running.signal("-TERM");
    running.end();
    let log = log_of(data.path());
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let durable = lines.iter().find(|line| line["message"] == "durable").expect(&log);
    let spans = durable["spans"].as_array().unwrap();
    assert!(spans.iter().any(|span| span["name"] == "request" && span["request_id"] == "request-4711"), "{durable}");
    assert!(spans.iter().any(|span| span["name"] == "submission" && span["run_id"] == answer["batch_id"]), "{durable}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_counted_by_writer_and_requests_by_route() {
    let app = TestApp::start().await;
    assert_eq!(app.process(&structured("zerobus", &[smart_watch(), smart_watch()])).await.0, 200);
    assert_eq!(app.process(&structured("direct_delta", &[smart_watch()])).await.0, 200);
    assert_eq!(app.process(&structured("zerobus", &[])).await.0, 422);
    let run = comparison(&app, "zerobus", 250).await;
    assert_eq!(run["runs"][0]["records"]["durable"], 250, "{run}");
    for path in ["/metrics", "/api/v1/metrics"] {
        let answer = app.http.get(format!("{}{path}", app.url)).send().await.unwrap();
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
        let said = answer.text().await.unwrap();
        for line in [
            "direct_write_accepted_records_total{writer=\"zerobus\"} 252",
            "direct_write_durable_records_total{writer=\"zerobus\"} 252",
            "direct_write_durable_records_total{writer=\"sql\"} 1",
            "direct_write_durable_latency_seconds_count{writer=\"sql\"} 1",
            "direct_write_started_runs_total{writer=\"zerobus\"} 1",
            "direct_write_ended_runs_total{writer=\"zerobus\",state=\"completed\"} 1",
            "direct_write_http_requests_total{method=\"POST\",route=\"/api/v1/process-structured\",status=\"200\"} 2",
            "direct_write_http_requests_total{method=\"POST\",route=\"/api/v1/process-structured\",status=\"422\"} 1",
            "direct_write_open_event_streams 0",
        ] {
            assert!(said.contains(line), "{line} in\n{said}");
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_tagged_in_the_workspaces_history() {
    let app = TestApp::start().await;
    assert_eq!(app.process(&structured("direct_delta", &[smart_watch()])).await.0, 200);
    // The app writes as the administrator here.
    let admin = Caller::administrator(&app.lakehouse).await;
    let (status, history) = admin.get("/api/2.0/sql/history/queries?max_results=1000").await;
    assert_eq!(status, 200, "{history}");
    let queries = history["res"].as_array().unwrap();
    let insert = queries.iter().find(|query| query["query_text"].as_str().unwrap().contains("INSERT INTO"));
    let insert = insert.unwrap_or_else(|| panic!("{history}"));
    assert_eq!(insert["status"], "FINISHED", "{insert}");
    let version = env!("CARGO_PKG_VERSION");
    let expected = json!([{ "key": "application", "value": "direct-write" }, { "key": "version", "value": version }]);
    for query in queries {
        assert_eq!(query["query_tags"], expected, "{query}");
    }
    // Others do not see them.
    let other = admin.create("other").await;
    assert_eq!(other.get("/api/2.0/sql/history/queries").await.1["res"], json!([]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivered_counts_are_held_against_the_workspaces_own_where_they_can_be_read() {
    let app = TestApp::start().await;
    let report = comparison(&app, "zerobus", 100).await;
    let id = report["id"].as_str().unwrap();
    let (status, delivered) = app.get(&format!("/api/v1/comparisons/{id}/delivered")).await;
    assert_eq!((status, &delivered["durable"]), (200, &json!(100)), "{delivered}");
    assert_eq!(delivered["service"], Value::Null);
    let problem = delivered["problem"].as_str().unwrap();
    assert!(
        problem.starts_with("Not readable") && problem.contains("GRANT SELECT ON SCHEMA system.lakeflow"),
        "{problem}"
    );

    // A workspace has these tables, with these columns; here they are made, and say what the test says.
    let admin = Caller::administrator(&app.lakehouse).await;
    let table = report["table"].as_str().unwrap();
    for statement in [
        "CREATE CATALOG system".to_owned(),
        "CREATE SCHEMA system.lakeflow".to_owned(),
        "CREATE TABLE system.lakeflow.zerobus_ingest (stream_id STRING, table_name STRING, commit_time TIMESTAMP, \
         committed_records BIGINT, committed_bytes BIGINT)"
            .to_owned(),
        "CREATE TABLE system.lakeflow.zerobus_stream (stream_id STRING, table_name STRING, event_time TIMESTAMP, \
         errors ARRAY<STRING>)"
            .to_owned(),
        format!(
            "INSERT INTO system.lakeflow.zerobus_ingest VALUES ('s', '{table}', now(), 60, 600), ('s', '{table}', now(), 40, 400), \
             ('s', '{table}', TIMESTAMP '2001-01-01T00:00:00Z', 7, 70), ('s', 'main.other.table', now(), 9, 90)"
        ),
        format!(
            "INSERT INTO system.lakeflow.zerobus_stream VALUES ('s', '{table}', now(), array('closed')), ('s', '{table}', now(), NULL)"
        ),
    ] {
        admin.rows(&statement).await;
    }
    let (_, delivered) = app.get(&format!("/api/v1/comparisons/{id}/delivered")).await;
    let expected = json!({ "records": 100, "bytes": 1000, "commits": 2, "streams": 1, "stream_errors": 1 });
    assert_eq!(delivered["service"], expected, "{delivered}");

    // The page says the same; the report leads to it. What did not go through Zerobus has neither.
    let page = |path: String| {
        let asked = app.http.get(format!("{}{path}", app.url));
        async move { asked.send().await.unwrap().text().await.unwrap() }
    };
    let said = page(format!("/runs/{id}/delivered")).await;
    assert!(said.contains("Both say 100."), "{said}");
    assert!(page(format!("/runs/{id}")).await.contains(&format!("/runs/{id}/delivered")));
    let other = comparison(&app, "sql", 20).await;
    let id = other["id"].as_str().unwrap();
    assert!(!page(format!("/runs/{id}")).await.contains("/delivered"));
    assert_eq!(app.get(&format!("/api/v1/comparisons/{id}/delivered")).await.0, 400);
    app.stop().await;
}

/// Runs records through a writer to the end; the report.
async fn comparison(app: &TestApp, writer: &str, records: u64) -> Value {
    let plan = json!({
        "table": "main.direct_write.telemetry",
        "source": { "kind": "telemetry", "seed": 7, "records": records },
        "writer": [{ "kind": writer, "batch": 50 }],
    });
    let (status, started) = app.post("/api/v1/comparisons", plan.to_string()).await;
    assert_eq!(status, 201, "{started}");
    let id = started["id"].as_str().unwrap();
    // The events end when the comparison does.
    let events = app.http.get(format!("{}/api/v1/comparisons/{id}/events", app.url));
    events.send().await.unwrap().text().await.unwrap();
    let (status, report) = app.get(&format!("/api/v1/comparisons/{id}/report.json")).await;
    assert_eq!(status, 200, "{report}");
    report
}
