//! `/api/v1/process-structured` and the debug pages, as callers of the original app know them.

use serde_json::{Value, json};

use crate::support::{TestApp, smart_watch, structured};

#[tokio::test(flavor = "multi_thread")]
async fn both_writers_put_the_row_where_an_independent_reader_finds_it() {
    let app = TestApp::start().await;
    for (count, writer_type, writer, source) in
        [(1, "zerobus", "zerobus", "zerobus_structured_payload"), (2, "direct_delta", "sql", "sql_structured_payload")]
    {
        let (status, answer) = app.process(&structured(writer_type, &[smart_watch()])).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["status"], "success");
        assert_eq!(answer["processed_count"], 1);
        let integration = &answer["zerobus_integration"];
        assert_eq!(integration["writer_name"], writer);
        assert_eq!(integration["records_written"], 1);
        assert_eq!(integration["table"], "main.direct_write.products");
        assert_eq!(integration["workspace"], "Local lakehouse");
        let sent = &answer["processed_data"][0];
        let rows = app.rows_on_disk("main.direct_write.products", count).await;
        let found: Vec<&Value> = rows.iter().filter(|row| row["batch_id"] == answer["batch_id"]).collect();
        assert_eq!(found, [sent], "the row on disk is the row that was answered");
        assert_eq!(sent["source"], source);
        assert_eq!(sent["product_price"], 499.99);
        assert_eq!(sent["record_id"].as_str().map(str::len), Some(36));
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_items_go_through_each_writer_once() {
    let app = TestApp::start().await;
    let items: Vec<Value> = (0..100)
        .map(|index| {
            let mut item = smart_watch();
            item["product_id"] = json!(format!("P{index}"));
            item["product_name"] = json!("Robert'); DROP TABLE main.direct_write.products; -- \u{1F600} \\ \" `");
            item
        })
        .collect();
    for (count, writer) in [(100, "zerobus"), (200, "direct_delta")] {
        let (status, answer) = app.process(&structured(writer, &items)).await;
        assert_eq!((status, &answer["processed_count"]), (200, &json!(100)), "{answer}");
        let rows = app.rows_on_disk("main.direct_write.products", count).await;
        let mut ids: Vec<_> = rows.iter().filter(|row| row["batch_id"] == answer["batch_id"]).collect();
        assert_eq!(ids.len(), 100);
        ids.sort_by_key(|row| row["record_id"].to_string());
        ids.dedup_by_key(|row| row["record_id"].to_string());
        assert_eq!(ids.len(), 100, "every record once");
        assert!(ids.iter().all(|row| row["product_name"] == items[0]["product_name"]), "text arrives as it was sent");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_told_apart_and_write_nothing() {
    let app = TestApp::start().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = structured("zerobus", &[smart_watch()]);
        change(&mut body);
        body
    };
    let cases: Vec<(u16, &str, Value)> = vec![
        (400, "INVALID_PARAMETER_VALUE", with(&|body| body["writer_type"] = json!("mock"))),
        (400, "INVALID_PARAMETER_VALUE", with(&|body| body["schema_type"] = json!("users"))),
        (400, "INVALID_PARAMETER_VALUE", with(&|body| body["table"] = json!("a.b; DROP TABLE c"))),
        (400, "INVALID_PARAMETER_VALUE", with(&|body| body["table"] = json!("main.direct_write.telemetry"))),
        (404, "TABLE_DOES_NOT_EXIST", with(&|body| body["table"] = json!("main.direct_write.nowhere"))),
        (422, "INVALID_PARAMETER_VALUE", with(&|body| body["items"] = json!([]))),
        (422, "INVALID_PARAMETER_VALUE", with(&|body| body["items"] = vec![smart_watch(); 101].into())),
        (422, "INVALID_PARAMETER_VALUE", with(&|body| body["items"][0]["product_price"] = json!(-0.01))),
        (422, "INVALID_PARAMETER_VALUE", with(&|body| body["items"][0]["product_name"] = json!("x".repeat(201)))),
        (422, "INVALID_PARAMETER_VALUE", with(&|body| body["items"][0]["sale_stop_date"] = json!("2024-01-01"))),
        (422, "INVALID_PARAMETER_VALUE", with(&|body| body["items"][0]["sale_start_date"] = json!("2025-02-30"))),
    ];
    for (expected, code, body) in cases {
        let (status, answer) = app.process(&body).await;
        assert_eq!((status, answer["error_code"].as_str()), (expected, Some(code)), "{body} -> {answer}");
    }
    let all_at_once = json!({"product_id": 5, "product_name": "", "product_price": "free", "category": "x".repeat(51)});
    let (status, answer) = app.process(&structured("zerobus", &[smart_watch(), all_at_once])).await;
    let paths: Vec<_> = answer["details"].as_array().unwrap().iter().map(|detail| detail["path"].clone()).collect();
    assert_eq!(status, 422);
    assert_eq!(paths, ["items[1].product_id", "items[1].product_name", "items[1].product_price", "items[1].category"]);
    let path = "/api/v1/process-structured";
    assert_eq!(app.post(path, "{\"items\": [").await.0, 400);
    assert_eq!(
        app.post(path, structured("zerobus", &[smart_watch()]).to_string().replace("499.99", "1e999")).await.0,
        422
    );
    let (status, answer) = app.post(path, format!("{{\"items\": \"{}\"}}", "x".repeat(1 << 20))).await;
    assert_eq!((status, answer["error_code"].as_str()), (413, Some("REQUEST_TOO_LARGE")));
    // A row written by one of them would be there at the latest when one written after them is.
    let (_, good) = app.process(&structured("zerobus", &[smart_watch()])).await;
    let rows = app.rows_on_disk("main.direct_write.products", 1).await;
    assert_eq!(rows, good["processed_data"].as_array().unwrap().as_slice());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_tell_what_works_and_what_to_do() {
    let app = TestApp::start().await;
    for prefix in ["/debug", "/api/v1/debug"] {
        let (status, answer) = app.get(&format!("{prefix}/zerobus-availability")).await;
        assert_eq!((status, &answer["zerobus_writer_available"]), (200, &json!(true)), "{answer}");
        let steps: Vec<_> = answer["checks"].as_array().unwrap().iter().map(|check| check["name"].clone()).collect();
        assert_eq!(steps, ["configuration", "host", "token", "table", "grants", "zerobus", "stream"]);
        let (_, answer) = app.get(&format!("{prefix}/sql-availability")).await;
        assert_eq!(answer["sql_writer_available"], true, "{answer}");
        let (_, answer) = app.get(&format!("{prefix}/writers")).await;
        assert_eq!(answer["writers"][0]["state"], "ready", "{answer}");
    }
    let (_, health) = app.get("/health").await;
    assert_eq!(health["status"], "healthy");
    for name in ["timestamp", "app", "version"] {
        assert!(health[name].is_string(), "{health}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_lakehouse_is_a_failure_in_words_and_writing_works_again_when_it_is_back() {
    use crate::support::RunningLakehouse;
    let mut app = TestApp::start().await;
    assert_eq!(app.process(&structured("zerobus", &[smart_watch()])).await.0, 200);
    let addr = app.lakehouse.addr;
    let fresh = TestApp::start().await;
    // Swap in a running lakehouse only to be able to stop the app's own by value.
    let own = std::mem::replace(&mut app.lakehouse, fresh.lakehouse);
    own.stop().await;
    for writer in ["zerobus", "direct_delta"] {
        let (status, answer) = app.process(&structured(writer, &[smart_watch()])).await;
        assert_eq!((status, answer["error_code"].as_str()), (503, Some("UNAVAILABLE")), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains("Nothing was written"), "{answer}");
    }
    let (_, probe) = app.get("/debug/zerobus-availability").await;
    assert_eq!(probe["zerobus_writer_available"], false);
    assert!(probe["reason"].is_string() && probe["remedy"].is_string(), "{probe}");
    let back = RunningLakehouse::start(app.data.path(), &addr.to_string()).await;
    for writer in ["zerobus", "direct_delta"] {
        let (status, answer) = app.process(&structured(writer, &[smart_watch()])).await;
        assert_eq!(status, 200, "{writer}: {answer}");
    }
    assert_eq!(app.rows_on_disk("main.direct_write.products", 3).await.len(), 3);
    app.stop().await;
    back.stop().await;
}
