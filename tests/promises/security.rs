//! What a stranger's page, a stranger, and a page's own text cannot do.

use std::path::Path;

use direct_write::server::edge::EdgeSettings;
use reqwest::{Method, Response};
use serde_json::json;

use crate::program::{Running, log_of, program};
use crate::support::TestApp;
use crate::support::person::{Person, inside_apps};

/// POST because they are long; they change nothing.
const READS: [&str; 6] = [
    "/workbench/preview",
    "/api/page/workbench",
    "/api/page/rows",
    "/api/page/comparisons/report",
    "/api/page/comparisons/list",
    "/api/page/comparisons/plan",
];

/// Everything that is not just looked at: the routes of the router, and every server function there is.
fn routes() -> Vec<(Method, String)> {
    let post = [
        "/api/v1/process-structured",
        "/api/v1/comparisons",
        "/api/v1/comparisons/1/stop",
        "/api/v1/uploads",
        "/workbench/run",
        "/workbench/preview",
        "/workbench/upload",
        "/runs/rename",
        "/runs/delete",
        "/runs/1/rename",
        "/runs/1/delete",
        "/runs/1/again",
        "/runs/1/stop",
        "/not/there/yet",
    ];
    let mut routes: Vec<(Method, String)> = post.map(|path| (Method::POST, path.to_owned())).to_vec();
    routes.push((Method::PATCH, "/api/v1/comparisons/1".to_owned()));
    routes.push((Method::DELETE, "/api/v1/comparisons/1".to_owned()));
    let functions: Vec<_> = leptos::server_fn::axum::server_fn_paths().collect();
    assert!(functions.len() >= 10, "{functions:?}");
    routes.extend(functions.into_iter().map(|(path, method)| (method, path.to_owned())));
    routes
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_page_changes_nothing() {
    let app = TestApp::start().await;
    for (method, path) in routes() {
        for (name, value) in
            [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
        {
            let request = app.http.request(method.clone(), format!("{}{path}", app.url)).header(name, value);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 403, "{method} {path} {name}");
            let said = answer.text().await.unwrap();
            assert!(said.contains("page of another site"), "{method} {path}: {said}");
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_changes_something_needs_the_role_wherever_it_is() {
    let app = TestApp::start_at(inside_apps(Some("bob@example.com"), None)).await;
    for (method, path) in routes() {
        let answer = Person::new("ann@example.com").request(&app, method.clone(), &path).send().await.unwrap();
        let (status, said) = (answer.status(), answer.text().await.unwrap());
        let refused = status == 403 && said.contains("DIRECT_WRITE_RUNNERS");
        assert_eq!(refused, !READS.contains(&path.as_str()), "{method} {path}: {status} {said}");
    }
    app.stop().await;
}

/// What every answer must bring.
fn check_headers(answer: &Response) {
    let address = answer.url().path();
    let text = |name: &str| {
        let value = answer.headers().get(name).unwrap_or_else(|| panic!("{address} has no {name}"));
        value.to_str().unwrap().to_owned()
    };
    assert_eq!(text("x-content-type-options"), "nosniff", "{address}");
    assert_eq!(text("x-frame-options"), "DENY", "{address}");
    assert_eq!(text("referrer-policy"), "same-origin", "{address}");
    assert_eq!(text("cross-origin-opener-policy"), "same-origin", "{address}");
    assert!(text("permissions-policy").contains("camera=()"), "{address}");
    let policy = text("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{address}: {policy}");
    assert!(policy.contains("base-uri 'none'"), "{address}: {policy}");
    assert!(!policy.contains("'unsafe-eval'") && !policy.contains("script-src 'unsafe"), "{address}: {policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_browsers_what_not_to_do() {
    let app = TestApp::start().await;
    let report = Person::default().compare(&app, "main.direct_write.telemetry", json!([{ "kind": "zerobus" }])).await;
    let id = report["id"].as_str().unwrap();
    let get = async |path: &str| app.http.get(format!("{}{path}", app.url)).send().await.unwrap();
    let paths = [
        "/".to_owned(),
        "/?source=generator".to_owned(),
        "/?source=upload".to_owned(),
        "/runs".to_owned(),
        format!("/runs/{id}"),
        format!("/compare?id={id}&id={id}"),
        "/nowhere".to_owned(),
        "/health".to_owned(),
        "/debug/writers".to_owned(),
        "/api/v1/comparisons".to_owned(),
        "/api/v1/comparisons/nowhere".to_owned(),
        format!("/api/v1/comparisons/{id}/events"),
        format!("/api/v1/comparisons/{id}/report.html"),
    ];
    for path in &paths {
        check_headers(&get(path).await);
    }
    let refused = app.http.post(format!("{}/runs/rename", app.url)).header("sec-fetch-site", "cross-site");
    check_headers(&refused.send().await.unwrap());

    let exported = get(&format!("/api/v1/comparisons/{id}/report.html")).await;
    let policy = exported.headers()["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("script-src"), "nothing runs in it: {policy}");
    assert!(exported.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    app.stop().await;
}

/// The values of an attribute in a page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_runs_only_what_carries_the_nonce_of_its_answer() {
    let app = TestApp::start().await;
    let mut nonces = Vec::new();
    for path in ["/", "/", "/runs", "/?source=generator", "/nowhere"] {
        let answer = app.http.get(format!("{}{path}", app.url)).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
        assert_eq!(answer.headers()["cache-control"], "private, no-cache");
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert!(nonce.len() >= 16, "{nonce}");
        let page = answer.text().await.unwrap();
        for script in page.split("<script").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let is_file = script.contains("src=\"/");
            assert!(is_file || script.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{script}>");
        }
        assert_eq!(attributes(&page, "style"), Vec::<&str>::new(), "{path}: styles are in files");
        assert!(!page.contains("<style"), "{path}");
        for event in ["onclick", "onload", "onerror", "onsubmit", "onchange"] {
            assert_eq!(attributes(&page, event), Vec::<&str>::new(), "{path}");
        }
        nonces.push(nonce);
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 5, "each answer has its own");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_platform_may_say_under_which_host_a_form_was_shown() {
    for (edge, expected) in [(inside_apps(None, None), 303), (EdgeSettings::default(), 403)] {
        let app = TestApp::start_at(edge).await;
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let answer = http
            .post(format!("{}/runs/1/stop", app.url))
            .header("x-forwarded-email", "ann@example.com")
            .header("origin", "https://app.example")
            .header("x-forwarded-host", "app.example")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), expected);
        app.stop().await;
    }
}

/// The program as the platform starts it, with everything logged.
fn as_the_platform(data: &Path) -> Running {
    let mut command = program(data, &[]);
    command
        .env("DATABRICKS_APP_NAME", "direct-write")
        .env("DATABRICKS_APP_PORT", "0")
        .env("DIRECT_WRITE_ADMINISTRATORS", "ann@example.com")
        .env("DIRECT_WRITE_ON_BEHALF_OF", "sql")
        .env("PLANTED_SETTING", "planted-value")
        .env("RUST_LOG", "trace");
    Running::start(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_tokens_nor_the_environment_are_logged_or_listed() {
    let data = tempfile::tempdir().unwrap();
    let running = as_the_platform(data.path());
    let page = running.page.replace("0.0.0.0", "127.0.0.1");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut seen = running.said.join("\n");
    let debug =
        ["/debug/writers", "/debug/zerobus-availability", "/debug/sql-availability", "/debug", "/debug/environment"];
    for path in debug.into_iter().chain(["/", "/runs", "/api/v1/debug/writers"]) {
        let request = http.get(format!("{page}{path}")).header("x-forwarded-email", "ann@example.com");
        let answer = request.header("x-forwarded-access-token", "planted-token").send().await.unwrap();
        seen += &answer.text().await.unwrap();
    }
    let body = crate::support::structured("direct_delta", &[crate::support::smart_watch()]).to_string();
    let request = http.post(format!("{page}/api/v1/process-structured")).header("x-forwarded-email", "ann@example.com");
    let answer = request.header("x-forwarded-access-token", "planted-token").body(body).send().await.unwrap();
    let said = answer.text().await.unwrap();
    assert!(said.contains("UNAUTHENTICATED"), "the workspace was asked with the person's token: {said}");
    seen += &said;
    running.signal("-TERM");
    running.end();
    seen += &log_of(data.path());
    assert!(seen.contains("127.0.0.1"), "something was logged");
    for planted in ["planted-token", "planted-value"] {
        let at = seen.find(planted);
        assert!(at.is_none(), "{:?}", at.map(|at| &seen[at.saturating_sub(300)..at + 20]));
    }
}
