//! Tokens against a workspace that counts what it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use secrecy::SecretString;
use serde_json::json;

use super::Scope;
use crate::workspace::testing::answering;
use crate::workspace::{OnBehalf, Statement, Workspace, WorkspaceError};

/// What the workspace was asked.
#[derive(Default)]
struct Asked {
    tokens: AtomicUsize,
    /// The tokens that statements came with.
    bearers: std::sync::Mutex<Vec<String>>,
    /// Whether no token is good enough for a statement.
    refuses_all: AtomicBool,
    /// The one token that is not.
    refused: std::sync::Mutex<String>,
}

async fn token(State(asked): State<Arc<Asked>>) -> Json<serde_json::Value> {
    // Long enough for others to come meanwhile.
    tokio::task::yield_now().await;
    let number = asked.tokens.fetch_add(1, Ordering::SeqCst) + 1;
    Json(json!({ "access_token": format!("app-{number}"), "expires_in": 3600 }))
}

async fn statement(State(asked): State<Arc<Asked>>, headers: HeaderMap) -> Response {
    let bearer = headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    let refused = asked.refuses_all.load(Ordering::SeqCst) || *asked.refused.lock().unwrap() == bearer;
    asked.bearers.lock().unwrap().push(bearer);
    if refused {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(json!({ "statement_id": "s", "status": { "state": "SUCCEEDED" } })).into_response()
}

async fn workspace() -> (Workspace, Arc<Asked>) {
    let asked = Arc::new(Asked::default());
    let router = Router::new()
        .route("/oidc/v1/token", post(token))
        .route("/api/2.0/sql/statements", post(statement))
        .with_state(asked.clone());
    (answering(router).await, asked)
}

fn person(name: &str) -> OnBehalf {
    OnBehalf::new(name, SecretString::from(format!("token-of-{name}")))
}

#[tokio::test]
async fn many_callers_wait_for_one_token() {
    let (workspace, asked) = workspace().await;
    let tokens = futures::future::join_all((0..50).map(|_| workspace.token(Scope::Apis))).await;
    assert!(tokens.iter().all(|token| token.as_deref().unwrap() == "app-1"), "{tokens:?}");
    assert_eq!(asked.tokens.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let (workspace, _) = workspace().await;
    assert_eq!(workspace.token(Scope::Apis).await.unwrap(), "app-1");
    let later = async |seconds| {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
        workspace.token(Scope::Apis).await.unwrap()
    };
    assert_eq!(later(3400).await, "app-1");
    assert_eq!(later(100).await, "app-2", "100 s before the first one ends");
}

#[tokio::test]
async fn a_token_that_was_revoked_is_replaced_once() {
    let (workspace, asked) = workspace().await;
    *asked.refused.lock().unwrap() = "app-1".to_owned();
    workspace.execute(&Statement::new("SELECT 1")).await.unwrap();
    assert_eq!(*asked.bearers.lock().unwrap(), ["app-1", "app-2"]);
    asked.refuses_all.store(true, Ordering::SeqCst);
    let refused = workspace.execute(&Statement::new("SELECT 1")).await.unwrap_err();
    assert!(matches!(refused, WorkspaceError::Unauthenticated(_)), "{refused}");
    assert_eq!(asked.bearers.lock().unwrap().len(), 4, "each statement twice and no more");
}

#[tokio::test]
async fn statements_of_a_person_run_with_nothing_but_their_token() {
    let (workspace, asked) = workspace().await;
    let ann = workspace.on_behalf_of(person("ann"));
    ann.execute(&Statement::new("SELECT 1")).await.unwrap();
    assert_eq!(*asked.bearers.lock().unwrap(), ["token-of-ann"]);
    assert_eq!(ann.badge().principal, "ann");
    asked.refuses_all.store(true, Ordering::SeqCst);
    let refused = ann.execute(&Statement::new("SELECT 1")).await.unwrap_err();
    assert!(matches!(refused, WorkspaceError::Unauthenticated(_)), "{refused}");
    assert_eq!(*asked.bearers.lock().unwrap(), ["token-of-ann", "token-of-ann"], "not again, and not as the app");
    assert_eq!(asked.tokens.load(Ordering::SeqCst), 0);
    assert!(!format!("{ann:?} {:?} {refused:?}", person("ann")).contains("token-of-ann"));
}
