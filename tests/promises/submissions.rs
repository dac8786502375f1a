//! What the page follows: a submission's snapshots as server-sent events.

use serde_json::{Value, json};

use crate::support::{TestApp, smart_watch};

async fn submit(app: &TestApp, submission: Value) -> (u16, Value) {
    app.post("/api/page/submit", json!({ "submission": submission }).to_string()).await
}

async fn snapshots(app: &TestApp, id: &str) -> Vec<Value> {
    let answer = app.http.get(format!("{}/api/v1/submissions/{id}/events", app.url)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    // The server ends the stream with the last snapshot, so the whole body comes.
    let body = answer.text().await.unwrap();
    body.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_writer_is_followed_from_validated_to_visible() {
    let app = TestApp::start().await;
    for writer in ["zerobus", "sql"] {
        let submission = json!({"writer": writer, "table": "main.direct_write.products", "items": [smart_watch()]});
        let (status, first) = submit(&app, submission).await;
        assert_eq!((status, &first["state"]), (200, &json!("running")), "{first}");
        let snapshots = snapshots(&app, first["id"].as_str().unwrap()).await;
        let sequences: Vec<_> = snapshots.iter().map(|snapshot| snapshot["sequence"].as_u64().unwrap()).collect();
        assert!(sequences.is_sorted(), "{sequences:?}");
        let last = snapshots.last().unwrap();
        assert_eq!((&last["state"], &last["finished"]), (&json!("succeeded"), &json!(true)), "{last}");
        assert_eq!(last["records"], json!({"received": 1, "durable": 1, "failed": 0, "visible": 1}));
        for stage in last["stages"].as_array().unwrap() {
            assert_eq!(stage["state"], "done", "{stage}");
            assert!(stage["took_us"].is_u64(), "{stage}");
        }
        assert!(last["payload_bytes"].as_u64().unwrap() > 50);
        assert_eq!(last["answer"]["batch_id"], last["id"]);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_table_takes_rows_by_its_columns() {
    let app = TestApp::start().await;
    let good = json!({"device_id": "d1", "site": "north", "metric": "temperature", "value": 21.5, "unit": "C",
        "event_time": "2026-01-31T12:00:00.5Z"});
    for (count, writer) in [(1, "zerobus"), (2, "sql")] {
        let submission = json!({"writer": writer, "table": "main.direct_write.telemetry", "items": [good]});
        let (_, first) = submit(&app, submission).await;
        let snapshots = snapshots(&app, first["id"].as_str().unwrap()).await;
        let last = snapshots.last().unwrap();
        assert_eq!(last["state"], "succeeded", "{last}");
        let rows = app.rows_on_disk("main.direct_write.telemetry", count).await;
        let row = rows.iter().find(|row| row["run_id"] == first["id"]).unwrap();
        assert_eq!((&row["value"], &row["event_time"]), (&json!(21.5), &json!("2026-01-31 12:00:00.500000+00:00")));
    }
    let bad = json!({"device_id": 1, "value": "hot", "event_time": "yesterday", "colour": "red"});
    let submission = json!({"writer": "zerobus", "table": "main.direct_write.telemetry", "items": [bad]});
    let (status, error) = submit(&app, submission).await;
    let rules: Vec<_> = error["details"].as_array().unwrap().iter().map(|detail| detail["rule"].clone()).collect();
    assert_eq!((status, rules), (422, vec![json!("type"), json!("type"), json!("timestamp"), json!("unknown")]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_submissions_and_tables_are_not_found() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/api/v1/submissions/nothing").await.0, 404);
    assert_eq!(app.get("/api/v1/submissions/nothing/events").await.0, 404);
    let submission = json!({"writer": "sql", "table": "main.direct_write.nowhere", "items": [smart_watch()]});
    assert_eq!(submit(&app, submission).await.0, 404);
    app.stop().await;
}
