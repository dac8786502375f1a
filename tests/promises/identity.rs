//! Who asks, what they may do, and in whose name SQL runs.

use std::time::Duration;

use direct_write::server::edge::EdgeSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::caller::Caller;
use crate::support::person::{Person, inside_apps};
use crate::support::{TestApp, smart_watch, structured};

const PRODUCTS: &str = "main.direct_write.products";
const TELEMETRY: &str = "main.direct_write.telemetry";

fn ann() -> Person {
    Person::new("ann@example.com")
}

fn zerobus() -> Value {
    json!([{ "kind": "zerobus" }])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_word_counts_inside_apps_and_nobodys_elsewhere() {
    for (edge, expected) in [(inside_apps(None, None), "ann@example.com"), (EdgeSettings::default(), "")] {
        let app = TestApp::start_at(edge).await;
        let report = ann().compare(&app, TELEMETRY, zerobus()).await;
        assert_eq!(report["started_by"], expected);
        let (_, list) = ann().text(&app, "/api/v1/comparisons").await;
        let list: Value = serde_json::from_str(&list).unwrap();
        assert_eq!(list["entries"][0]["started_by"], expected, "the history: {list}");
        let id = report["id"].as_str().unwrap();
        for path in ["/", "/runs", &format!("/runs/{id}"), "/?source=generator"] {
            let (status, page) = ann().text(&app, path).await;
            assert_eq!((status, page.contains("data-testid=\"user\"")), (200, !expected.is_empty()), "{path}");
            assert_eq!(page.contains("ann@example.com"), !expected.is_empty(), "{path}");
        }
        let html = ann().text(&app, &format!("/api/v1/comparisons/{id}/report.html")).await.1;
        assert_eq!(html.contains("<dt>Started by</dt><dd>ann@example.com</dd>"), !expected.is_empty());
        let request = ann().request(&app, Method::GET, "/health").header("x-request-id", "claimed");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["x-request-id"] == "claimed", !expected.is_empty());
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_lists_whoever_is_signed_in_may_run_and_nobody_may_administer() {
    let app = TestApp::start_at(inside_apps(None, None)).await;
    let body = structured("zerobus", &[smart_watch()]);
    let (status, answer) = ann().post(&app, "/api/v1/process-structured", &body).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = Person::default().post(&app, "/api/v1/process-structured", &body).await;
    assert_eq!((status, &answer["error_code"]), (403, &json!("ROLE_REQUIRED")), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("Nobody is signed in"), "{answer}");
    for prefix in ["/debug", "/api/v1/debug"] {
        // The tutorial's probe tells no more than a run would.
        assert_eq!(ann().text(&app, &format!("{prefix}/zerobus-availability")).await.0, 200);
        let (status, refusal) = ann().text(&app, &format!("{prefix}/writers")).await;
        assert_eq!(status, 403, "{refusal}");
        assert!(refusal.contains("DIRECT_WRITE_ADMINISTRATORS=ann@example.com"), "{refusal}");
        assert_eq!(Person::default().text(&app, &format!("{prefix}/sql-availability")).await.0, 403);
    }
    assert_eq!(Person::default().text(&app, "/health").await.0, 200, "the platform's own probe");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_listed_may_look_and_is_told_what_to_ask_for() {
    let app = TestApp::start_at(inside_apps(Some("bob@example.com"), Some("cy@example.com"))).await;
    let body = structured("zerobus", &[smart_watch()]);
    let write = async |email| Person::new(email).post(&app, "/api/v1/process-structured", &body).await.0;
    assert_eq!(write("bob@example.com").await, 200);
    assert_eq!(write("BOB@example.com").await, 200);
    assert_eq!(write("cy@example.com").await, 200, "who may administer may run");
    assert_eq!(write("ann@example.com").await, 403);
    assert_eq!(Person::new("cy@example.com").text(&app, "/debug/writers").await.0, 200);
    assert_eq!(Person::new("bob@example.com").text(&app, "/debug/writers").await.0, 403);
    let (status, page) = ann().text(&app, "/").await;
    assert_eq!(status, 200);
    assert!(page.contains("DIRECT_WRITE_RUNNERS=ann@example.com"), "the page says so before anybody tries");
    let form = ann().request(&app, Method::POST, "/workbench/run").form(&[("action", "run")]).send().await.unwrap();
    assert_eq!(form.status(), 403);
    let page = form.text().await.unwrap();
    assert!(page.contains("<h1>Refused</h1>") && page.contains("DIRECT_WRITE_RUNNERS=ann@example.com"), "{page}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_looked_up_in_the_workspace() {
    let app = TestApp::start_at(inside_apps(Some("group:data engineers"), Some("group:platform"))).await;
    let admin = Caller::administrator(&app.lakehouse).await;
    let ann = admin.create("ann@example.com").await;
    admin.create("bob@example.com").await;
    let groups = "/api/2.0/preview/scim/v2/Groups";
    for (name, member) in [("data engineers", "ann@example.com"), ("platform", "bob@example.com")] {
        let group = json!({ "displayName": name, "members": [{ "value": member }] });
        let (status, answer) = admin.send(Method::POST, groups, Some(group)).await;
        assert_eq!(status, 201, "{answer}");
    }
    let refused = json!({ "displayName": "mine", "members": [{ "value": "ann@example.com" }] });
    assert_eq!(ann.send(Method::POST, groups, Some(refused)).await.0, 403, "not everybody makes groups");
    let body = structured("zerobus", &[smart_watch()]);
    let write = async |person: Person| person.post(&app, "/api/v1/process-structured", &body).await.0;
    assert_eq!(write(Person::with_token("ann@example.com", ann.bearer())).await, 200, "asked with her own token");
    assert_eq!(write(Person::new("bob@example.com")).await, 200, "asked as the app");
    let stranger = Person::new("eve@example.com");
    let (status, answer) = stranger.post(&app, "/api/v1/process-structured", &body).await;
    assert_eq!(status, 403);
    assert!(answer["message"].as_str().unwrap().contains("groups could not be looked up"), "{answer}");
    assert_eq!(Person::new("bob@example.com").text(&app, "/debug/writers").await.0, 200);
    assert_eq!(Person::with_token("ann@example.com", ann.bearer()).text(&app, "/debug/writers").await.0, 403);
    app.stop().await;
}

fn on_behalf() -> EdgeSettings {
    EdgeSettings { sql_on_behalf: true, ..inside_apps(None, None) }
}

/// A person of the workspace who may write to one table.
async fn person(admin: &Caller, email: &str, table: &str) -> Person {
    let caller = admin.create(email).await;
    let grants = [
        "GRANT USE CATALOG ON CATALOG main".to_owned(),
        "GRANT USE SCHEMA ON SCHEMA main.direct_write".to_owned(),
        format!("GRANT SELECT, MODIFY ON TABLE {table}"),
        "GRANT READ VOLUME ON VOLUME main.direct_write.landing".to_owned(),
    ];
    for grant in grants {
        admin.rows(&format!("{grant} TO `{}`", caller.client_id)).await;
    }
    Person::with_token(email, caller.bearer())
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_runs_in_the_name_of_who_asks_and_is_never_mixed() {
    let app = TestApp::start_at(on_behalf()).await;
    let admin = Caller::administrator(&app.lakehouse).await;
    let ann = person(&admin, "ann@example.com", PRODUCTS).await;
    let bob = person(&admin, "bob@example.com", TELEMETRY).await;
    let body = structured("direct_delta", &[smart_watch()]);
    let answers = futures::future::join_all((0..40).map(|number| {
        let (app, body, who) = (&app, &body, if number % 2 == 0 { &ann } else { &bob });
        async move { (who.email.clone(), who.post(app, "/api/v1/process-structured", body).await) }
    }))
    .await;
    for (email, (status, answer)) in answers {
        if email == "ann@example.com" {
            assert_eq!((status, &answer["zerobus_integration"]["principal"]), (200, &json!(email)), "{answer}");
        } else {
            assert_eq!(status, 502, "{email}: {answer}");
            assert!(answer["message"].as_str().unwrap().contains("INSUFFICIENT_PERMISSIONS"), "{email}: {answer}");
        }
    }
    assert_eq!(app.rows_on_disk(PRODUCTS, 20).await.len(), 20, "each of hers once and none of his");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_whose_sql_it_was_and_nobody_keeps_the_token() {
    let app = TestApp::start_at(on_behalf()).await;
    let admin = Caller::administrator(&app.lakehouse).await;
    let bob = person(&admin, "bob@example.com", TELEMETRY).await;
    let writers = json!([{ "kind": "sql" }, { "kind": "copy-into" }, { "kind": "zerobus" }]);
    let report = bob.compare(&app, TELEMETRY, writers).await;
    assert_eq!((&report["started_by"], &report["sql_as"]), (&json!("bob@example.com"), &json!("bob@example.com")));
    for run in report["runs"].as_array().unwrap() {
        assert_eq!((&run["state"], &run["records"]["durable"]), (&json!("completed"), &json!(40)), "{run}");
        assert_eq!(run["reconciliation"]["done"], true, "{run}");
    }
    let by_the_app = bob.compare(&app, TELEMETRY, zerobus()).await;
    assert_eq!(by_the_app["sql_as"], Value::Null, "Zerobus writes as the app");

    let token = bob.token.clone().unwrap();
    let id = report["id"].as_str().unwrap();
    let mut seen = report.to_string();
    for path in
        ["/", "/runs", &format!("/runs/{id}"), &format!("/api/v1/comparisons/{id}/report.html"), "/api/v1/comparisons"]
    {
        seen += &bob.text(&app, path).await.1;
    }
    for file in
        std::fs::read_dir(app.data.path()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
    {
        seen += &String::from_utf8_lossy(&std::fs::read(file).unwrap());
    }
    assert!(seen.contains("bob@example.com") && !seen.contains(&token), "the token was kept or shown");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_nothing_is_done_in_the_apps_name_instead() {
    let app = TestApp::start_at(on_behalf()).await;
    let refusals = [
        ann().post(&app, "/api/v1/process-structured", &structured("direct_delta", &[smart_watch()])).await,
        ann().post(&app, "/api/page/rows", &json!({ "table": PRODUCTS, "limit": 5 })).await,
        ann()
            .post(
                &app,
                "/api/v1/comparisons",
                &json!({ "table": TELEMETRY, "source": { "kind": "telemetry", "records": 1 },
                    "writer": [{ "kind": "zerobus" }, { "kind": "copy-into" }] }),
            )
            .await,
    ];
    for (status, answer) in refusals {
        assert_eq!((status, &answer["error_code"]), (403, &json!("USER_TOKEN_REQUIRED")), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains("user authorization"), "{answer}");
    }
    let (status, answer) =
        ann().post(&app, "/api/v1/process-structured", &structured("zerobus", &[smart_watch()])).await;
    assert_eq!((status, answer["status"].as_str()), (200, Some("success")), "what needs no SQL goes on: {answer}");
    let rows = app.rows_on_disk(PRODUCTS, 1).await;
    assert_eq!(rows.len(), 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let edge = EdgeSettings { requests_per_minute: std::num::NonZeroU32::new(5), ..inside_apps(None, None) };
    let app = TestApp::start_at(edge).await;
    let bob = Person::new("bob@example.com");
    for _ in 0..5 {
        assert_eq!(ann().text(&app, "/api/v1/comparisons").await.0, 200);
    }
    let refused = ann().request(&app, Method::GET, "/api/v1/comparisons").send().await.unwrap();
    assert_eq!(refused.status(), 429);
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=12).contains(&seconds), "{seconds}");
    let refusal: Value = refused.json().await.unwrap();
    assert_eq!(refusal["error_code"], "RESOURCE_EXHAUSTED");
    assert_eq!(bob.text(&app, "/api/v1/comparisons").await.0, 200, "another caller");
    for _ in 0..20 {
        assert_eq!(ann().text(&app, "/health").await.0, 200, "health is free");
        assert_eq!(ann().text(&app, "/theme.js").await.0, 404, "files are free; here are none");
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    assert_eq!(ann().text(&app, "/api/v1/comparisons").await.0, 200);
    app.stop().await;
}
