use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};

use super::*;
use crate::workspace::testing::answering;

/// A client of a workspace that answers statements so.
async fn workspace_of(statements: Router) -> Workspace {
    let token = json!({ "access_token": "t", "expires_in": 3600 });
    answering(statements.route("/oidc/v1/token", post(|| async { Json(token) }))).await
}

/// A workspace whose statements have three chunks of two rows.
async fn workspace_with_chunks() -> Workspace {
    let chunk = |index: u64| {
        let mut chunk = json!({ "chunk_index": index, "data_array": [[(index * 2).to_string()], [null]] });
        if index < 2 {
            chunk["next_chunk_index"] = json!(index + 1);
        }
        chunk
    };
    let answer = json!({
        "statement_id": "s1",
        "status": { "state": "SUCCEEDED" },
        "manifest": { "schema": { "columns": [{ "name": "n" }] } },
        "result": chunk(0),
    });
    let chunks = get(move |Path(index): Path<u64>| async move { Json::<Value>(chunk(index)) });
    let statements = Router::new()
        .route("/api/2.0/sql/statements", post(|| async { Json(answer) }))
        .route("/api/2.0/sql/statements/s1/result/chunks/{index}", chunks);
    workspace_of(statements).await
}

#[tokio::test]
async fn all_chunks_of_a_result_are_fetched() {
    let workspace = workspace_with_chunks().await;
    let rows = workspace.execute(&Statement::new("SELECT n")).await.unwrap().rows;
    let first: Vec<Option<&str>> = rows.iter().map(|row| row[0].as_deref()).collect();
    assert_eq!(first, [Some("0"), None, Some("2"), None, Some("4"), None]);
}

/// A statement that runs forever: what was asked of it, and what its submission's answer waits for.
async fn endless() -> (Workspace, mpsc::UnboundedReceiver<&'static str>, Arc<Notify>) {
    let (said, heard) = mpsc::unbounded_channel();
    let answered = Arc::new(Notify::new());
    let running = || Json(json!({ "statement_id": "s1", "status": { "state": "RUNNING" } }));
    let [submitted, polled, canceled] = [said.clone(), said.clone(), said];
    let until = answered.clone();
    let statements = Router::new()
        .route(
            "/api/2.0/sql/statements",
            post(async move || {
                submitted.send("submitted").unwrap();
                until.notified().await;
                running()
            }),
        )
        .route(
            "/api/2.0/sql/statements/s1",
            get(async move || {
                polled.send("polled").unwrap();
                running()
            }),
        )
        .route(
            "/api/2.0/sql/statements/s1/cancel",
            post(async move || {
                canceled.send("canceled").unwrap();
                Json(json!({}))
            }),
        );
    (workspace_of(statements).await, heard, answered)
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_any_more_is_canceled() {
    let (workspace, mut heard, answered) = endless().await;
    let select = Statement::new("SELECT n");
    answered.notify_one();
    tokio::select! {
        result = workspace.execute(&select) => panic!("it ended: {result:?}"),
        () = async { while heard.recv().await != Some("polled") {} } => {}
    }
    while heard.recv().await.expect("the task goes on") != "canceled" {}
}

#[tokio::test]
async fn it_is_canceled_as_soon_as_its_id_is_known() {
    let (workspace, mut heard, answered) = endless().await;
    let select = Statement::new("SELECT n");
    tokio::select! {
        result = workspace.execute(&select) => panic!("it ended: {result:?}"),
        word = heard.recv() => assert_eq!(word, Some("submitted")),
    }
    answered.notify_one();
    while heard.recv().await.expect("the task goes on") != "canceled" {}
}
