//! Behind the platform's proxy: HTTP/2 in clear text, nothing that takes too long, events that are cut and come back, and asking
//! when they do not come at all.

use std::time::Duration;

use direct_write::engine::Engine;
use direct_write::server;
use direct_write::server::edge::EdgeSettings;
use direct_write::workspace::{Credentials, Workspace, WorkspaceConfig};
use leptos::config::LeptosOptions;
use reqwest::{Method, Version};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::person::{Person, inside_apps};
use crate::support::proxy::{Manner, Proxy};
use crate::support::{TestApp, smart_watch, structured};

const TELEMETRY: &str = "main.direct_write.telemetry";

#[tokio::test(flavor = "multi_thread")]
async fn the_port_speaks_http_2_without_tls() {
    let app = TestApp::start().await;
    let http = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    for path in ["/health", "/", "/api/v1/comparisons"] {
        let answer = http.get(format!("{}{path}", app.url)).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2), "{path}");
    }
    let write = http.post(format!("{}/api/v1/process-structured", app.url)).header("origin", &app.url);
    let answer = write.body(structured("zerobus", &[smart_watch()]).to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "the site's own pages write over HTTP/2, too");
    app.stop().await;
}

/// The app before a workspace that takes connections and says nothing.
async fn app_before_silence(edge: EdgeSettings) -> (String, CancellationToken, TcpListener) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let workspace = WorkspaceConfig {
        zerobus_endpoint: Some(url.clone()),
        url,
        local: true,
        warehouse_id: Some("w".to_owned()),
        credentials: Some(Credentials { client_id: "c".to_owned(), client_secret: "s".to_owned().into() }),
        default_table: direct_write::model::TableName::parse(TELEMETRY).unwrap(),
        write_volume: None,
    };
    let engine = Engine::new(std::sync::Arc::new(Workspace::new(workspace).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let site = LeptosOptions::builder().output_name("direct-write").site_addr(addr).build();
    let stop = CancellationToken::new();
    tokio::spawn(server::run(listener, engine.into(), site, edge, stop.clone()));
    (format!("http://{addr}"), stop, silent)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_answered_in_time_when_the_workspace_says_nothing() {
    let edge = EdgeSettings { patience: Duration::from_millis(500), ..EdgeSettings::default() };
    let (url, stop, _silent) = app_before_silence(edge).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let plan =
        json!({ "table": TELEMETRY, "source": { "kind": "telemetry", "records": 1 }, "writer": [{ "kind": "sql" }] });
    let requests = [
        (Method::GET, "/", Value::Null),
        (Method::GET, "/?source=generator", Value::Null),
        (Method::GET, "/debug/zerobus-availability", Value::Null),
        (Method::GET, "/api/v1/debug/sql-availability", Value::Null),
        (Method::POST, "/api/v1/process-structured", structured("zerobus", &[smart_watch()])),
        (Method::POST, "/api/v1/comparisons", plan),
        (Method::POST, "/api/page/workbench", json!({})),
        (Method::POST, "/api/page/rows", json!({ "table": TELEMETRY, "limit": 5 })),
    ];
    for (method, path, body) in requests {
        let request = http.request(method.clone(), format!("{url}{path}")).header("content-type", "application/json");
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        // Far above the patience; what is not answered by then is not bounded.
        let answer = tokio::time::timeout(Duration::from_secs(30), request.send()).await;
        let answer = answer.unwrap_or_else(|_| panic!("{method} {path} is not bounded")).unwrap();
        let (status, said) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 504, "{method} {path}: {said}");
        assert!(said.contains("There was no answer within 0.5 s"), "{method} {path}: {said}");
        let kept = if method == Method::GET { "Nothing was changed" } else { "may have begun" };
        assert!(said.contains(kept), "{method} {path}: {said}");
    }
    stop.cancel();
}

/// Starts a comparison that takes about `seconds`.
async fn start(app: &TestApp, seconds: u64) -> String {
    let plan = json!({
        "table": TELEMETRY,
        "source": { "kind": "telemetry", "records": seconds * 100, "rate": 100, "seed": 7 },
        "writer": [{ "kind": "zerobus" }],
        "check": { "every": "100ms", "patience": "30s" },
    });
    let (status, begun) = Person::new("ann@example.com").post(app, "/api/v1/comparisons", &plan).await;
    assert_eq!(status, 201, "{begun}");
    begun["id"].as_str().unwrap().to_owned()
}

/// One server-sent event.
struct Event {
    id: u64,
    snapshot: Value,
}

/// Reads a stream of events until it ends, well or not.
async fn read_events(url: &str, after: Option<u64>) -> Vec<Event> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.get(url);
    if let Some(after) = after {
        request = request.header("last-event-id", after.to_string());
    }
    let mut text = String::new();
    if let Ok(mut answer) = request.send().await {
        while let Ok(Some(piece)) = answer.chunk().await {
            text.push_str(&String::from_utf8_lossy(&piece));
        }
    }
    let whole = text.split("\n\n").filter(|event| event.contains("\ndata:") || event.starts_with("data:"));
    let field = |event: &str, name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim));
        line.unwrap_or_default().to_owned()
    };
    whole
        .filter_map(|event| {
            // The last one may have been cut.
            let snapshot = serde_json::from_str(&field(event, "data")).ok()?;
            Some(Event { id: field(event, "id").parse().ok()?, snapshot })
        })
        .collect()
}

/// Follows events as a browser does: comes back with the last id until the end has come. Returns the ids and the connections it took.
async fn follow(url: &str) -> (Vec<u64>, Value, u32) {
    let (mut ids, mut connections) = (Vec::new(), 0);
    loop {
        assert!(connections < 500, "the end does not come: {ids:?}");
        connections += 1;
        let events = read_events(url, ids.last().copied()).await;
        ids.extend(events.iter().map(|event| event.id));
        if let Some(last) = events.last().filter(|event| event.snapshot["finished"] == true) {
            return (ids, last.snapshot.clone(), connections);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_cut_and_dropped_come_back_where_they_were() {
    let app = TestApp::start_at(inside_apps(None, None)).await;
    let manner =
        Manner { cuts_after: Some(Duration::from_millis(700)), email: Some("ann@example.com"), ..Manner::default() };
    let proxy = Proxy::before(&app.url, manner).await;
    let id = start(&app, 4).await;
    proxy.drop_next(2);
    let (ids, last, connections) = follow(&format!("{}/api/v1/comparisons/{id}/events", proxy.url)).await;
    assert!(ids.is_sorted(), "never back in time: {ids:?}");
    assert_eq!(last["runs"][0]["records"]["durable"], 400, "{last}");
    assert!(proxy.cuts() >= 2 && connections >= 5, "{} cuts, {connections} connections", proxy.cuts());
    let resumed = proxy.resumed();
    assert!(resumed.iter().skip(1).any(Option::is_some), "came back with the last id: {resumed:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_a_stream_before_a_proxy_would() {
    let edge = EdgeSettings { longest_event_stream: Duration::from_millis(500), ..inside_apps(None, None) };
    let app = TestApp::start_at(edge).await;
    let manner =
        Manner { cuts_after: Some(Duration::from_secs(20)), email: Some("ann@example.com"), ..Manner::default() };
    let proxy = Proxy::before(&app.url, manner).await;
    let id = start(&app, 3).await;
    let (ids, last, connections) = follow(&format!("{}/api/v1/comparisons/{id}/events", proxy.url)).await;
    assert!(ids.is_sorted(), "{ids:?}");
    assert_eq!(last["runs"][0]["records"]["durable"], 300, "{last}");
    assert!(connections > 1, "one stream did not take it all");
    assert_eq!(proxy.cuts(), 0, "the proxy had nothing to cut");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gets_no_events_can_ask_instead() {
    let app = TestApp::start_at(inside_apps(None, None)).await;
    // Holds everything back that is not over in time, as a proxy that buffers does with events.
    let manner =
        Manner { holds_back: usize::MAX, cuts_after: Some(Duration::from_secs(2)), email: Some("ann@example.com") };
    let proxy = Proxy::before(&app.url, manner).await;
    let id = start(&app, 5).await;
    let events = read_events(&format!("{}/api/v1/comparisons/{id}/events", proxy.url), None).await;
    assert!(events.is_empty() && proxy.cuts() == 1, "no event comes through");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut sequences = Vec::new();
    let last = loop {
        let answer = http.get(format!("{}/api/v1/comparisons/{id}", proxy.url)).send().await.unwrap();
        let snapshot: Value = answer.json().await.unwrap();
        sequences.push(snapshot["sequence"].as_u64().unwrap());
        if snapshot["finished"] == true {
            break snapshot;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(sequences.is_sorted(), "{sequences:?}");
    assert_eq!(last["runs"][0]["records"]["durable"], 500, "{last}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leads_away_from_the_address_that_the_reader_sees() {
    let app = TestApp::start_at(inside_apps(None, None)).await;
    let proxy = Proxy::before(&app.url, Manner { email: Some("ann@example.com"), ..Manner::default() }).await;
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let inside = app.url.trim_start_matches("http://");
    let own = |request: reqwest::RequestBuilder| {
        request.header("origin", &proxy.url).header("host", proxy.url.trim_start_matches("http://"))
    };
    for path in ["/runs/1/stop", "/runs/1/again", "/runs/1/rename", "/runs/1/delete"] {
        let answer = own(http.post(format!("{}{path}", proxy.url))).form(&[("name", "a")]).send().await.unwrap();
        assert_eq!(answer.status(), 303, "{path}");
        let to = answer.headers()["location"].to_str().unwrap();
        assert!(to.starts_with('/') && !to.starts_with("//"), "{path}: {to}");
    }
    for path in ["/workbench/run", "/workbench/upload", "/runs/rename"] {
        let answer = http.get(format!("{}{path}", proxy.url)).send().await.unwrap();
        let to = answer.headers()["location"].to_str().unwrap();
        assert!(to.starts_with('/') && !to.starts_with("//"), "{path}: {to}");
    }
    let plan = json!({ "table": TELEMETRY, "source": { "kind": "telemetry", "records": 1 }, "writer": [{ "kind": "zerobus" }] });
    let begun = own(http.post(format!("{}/api/v1/comparisons", proxy.url))).json(&plan).send().await.unwrap();
    assert_eq!(begun.status(), 201);
    assert!(begun.headers()["location"].to_str().unwrap().starts_with("/api/v1/comparisons/"));
    for path in ["/", "/runs", "/?source=generator"] {
        let page = http.get(format!("{}{path}", proxy.url)).send().await.unwrap().text().await.unwrap();
        assert!(!page.contains(inside), "{path} names the address behind the proxy");
    }
    app.stop().await;
}
