//! A table is typed into the page, its statements are printed, and they run after a press, for who may.

use std::sync::Arc;

use direct_write::api::caller::{Roles, Whom};
use direct_write::server::edge::EdgeSettings;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::TestApp;
use crate::support::caller::Caller;

const COLUMNS: &str = "id BIGINT NOT NULL\nplace STRUCT<city: STRING, tags: ARRAY<STRING>>";

async fn post(app: &TestApp, fields: &[(&str, &str)]) -> (StatusCode, String) {
    let answer = app.http.post(format!("{}/tables/create", app.url)).form(fields).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

async fn get(app: &TestApp, path: &str) -> (StatusCode, String) {
    let answer = app.http.get(format!("{}{path}", app.url)).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

/// The statements that a page has printed, as its form sends them back.
fn printed(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"printed\" value=\"").expect("statements");
    let (value, _) = rest.split_once('"').unwrap();
    value.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_printed_is_run_with_the_catalog_and_the_schema_that_are_missing() {
    let app = TestApp::start().await;
    let draft = [("name", "fresh.sales.orders"), ("columns", COLUMNS), ("action", "print")];
    let (status, page) = post(&app, &draft).await;
    assert_eq!(status, StatusCode::OK);
    let statements = printed(&page);
    for text in [
        "CREATE CATALOG IF NOT EXISTS `fresh`;",
        "CREATE SCHEMA IF NOT EXISTS `fresh`.`sales`;",
        "GRANT SELECT, MODIFY ON TABLE",
    ] {
        assert!(statements.contains(text), "{statements}");
    }
    let caller = Caller::administrator(&app.lakehouse).await;
    assert_eq!(caller.rows("SHOW CATALOGS").await, json!([["main"]]), "printing makes nothing");

    let run = |columns: &'static str, printed: String| {
        let app = &app;
        async move {
            let fields =
                [("name", "fresh.sales.orders"), ("columns", columns), ("action", "run"), ("printed", &printed)];
            post(app, &fields).await
        }
    };
    let (_, page) = run("id BIGINT", statements.clone()).await;
    assert!(page.contains("has changed since the statements were printed"), "what was not seen is not run");
    assert_eq!(caller.rows("SHOW CATALOGS").await, json!([["main"]]));
    let (status, page) = run(COLUMNS, statements.clone()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("data-created=\"true\"") && page.contains("/?table=fresh.sales.orders"), "{page}");
    let described = caller.rows("DESCRIBE fresh.sales.orders").await;
    assert_eq!(described[1][1], "struct<city:string,tags:array<string>>");

    let (status, page) = get(&app, "/tables?catalog=fresh&schema=sales&table=orders").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("Zerobus takes this table") && page.contains("message { string city; repeated string tags }"),
        "{page}"
    );
    let (_, page) = get(&app, "/?table=fresh.sales.orders").await;
    assert!(page.contains("fresh.sales.orders"), "the workbench has it");

    // Once more: the table is there already.
    let (_, page) = post(&app, &draft).await;
    let (_, page) = run(COLUMNS, printed(&page)).await;
    assert!(page.contains("data-created=\"false\"") && page.contains("Nothing was changed"), "{page}");
    assert!(page.contains("TABLE_OR_VIEW_ALREADY_EXISTS") && page.contains("Not run"), "{page}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_shown_at_once_and_columns_are_read_from_a_sample() {
    let app = TestApp::start().await;
    let (status, page) = post(&app, &[("name", "orders"), ("columns", "id BLOB"), ("action", "print")]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.contains("2 errors") && page.contains("is no column type") && page.contains("is not a table name"),
        "{page}"
    );
    let sample = r#"{"id": 7, "tags": ["a"], "at": "2026-01-31T12:00:00Z"}"#;
    let (status, page) = post(&app, &[("name", "main.default.t"), ("sample", sample), ("action", "infer")]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("tags ARRAY&lt;STRING&gt;") && page.contains("at TIMESTAMP"), "{page}");
    let (status, page) = post(&app, &[("sample", "{"), ("action", "infer")]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("The sample is not JSON"), "{page}");
    for (path, status) in [
        ("/tables", StatusCode::OK),
        ("/tables/new?catalog=main", StatusCode::OK),
        ("/tables?catalog=nowhere", StatusCode::NOT_FOUND),
        ("/tables?name=main.direct_write.nothing", StatusCode::NOT_FOUND),
        ("/tables?name=orders", StatusCode::BAD_REQUEST),
        ("/?table=main.direct_write.nothing", StatusCode::OK),
    ] {
        let (found, page) = get(&app, path).await;
        assert_eq!(found, status, "{path}");
        assert!(page.contains("<h1>"), "{path}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_administer_runs_statements() {
    let roles = Roles::new(false, None, Some(Whom::Listed(Vec::new())));
    let app = TestApp::start_at(EdgeSettings { roles: Arc::new(roles), ..EdgeSettings::default() }).await;
    let draft = [("name", "main.default.mine"), ("columns", COLUMNS), ("action", "print")];
    let (status, page) = post(&app, &draft).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("CREATE TABLE") && page.contains("may-not-run") && !page.contains("Run the statements"),
        "{page}"
    );
    let fields = [("name", "main.default.mine"), ("columns", COLUMNS), ("action", "run"), ("printed", "whatever")];
    let (status, page) = post(&app, &fields).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(page.contains("ROLE_REQUIRED"), "{page}");
    let answer =
        app.http.post(format!("{}/tables/create", app.url)).header("sec-fetch-site", "cross-site").form(&fields);
    assert_eq!(answer.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let caller = Caller::administrator(&app.lakehouse).await;
    assert_eq!(caller.rows("SHOW TABLES IN main.default").await, json!([]));
    app.stop().await;
}
