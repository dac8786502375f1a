//! Groups from a workspace that counts what it is asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::*;
use crate::workspace::testing::answering;

type Asked = Arc<AtomicUsize>;

async fn me(State(asked): State<Asked>, headers: HeaderMap) -> Response {
    asked.fetch_add(1, Ordering::SeqCst);
    match headers["authorization"].to_str().unwrap() {
        "Bearer of-ann" => Json(json!({ "userName": "ann@x", "groups": [{ "display": "engineers" }] })).into_response(),
        "Bearer of-bob" => Json(json!({ "userName": "bob@x" })).into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// Tells groups of Cy only, as a workspace does whose app is no administrator.
async fn users(State(asked): State<Asked>, Query(query): Query<HashMap<String, String>>) -> Json<serde_json::Value> {
    asked.fetch_add(1, Ordering::SeqCst);
    let users = match query["filter"].as_str() {
        "userName eq \"cy@x\"" => json!([{ "userName": "cy@x", "groups": [{ "display": "analysts" }] }]),
        "userName eq \"ann@x\"" => json!([{ "userName": "ann@x" }]),
        _ => json!([]),
    };
    Json(json!({ "Resources": users }))
}

async fn groups() -> (Groups, Asked) {
    let asked = Asked::default();
    let router = Router::new()
        .route("/oidc/v1/token", post(|| async { Json(json!({ "access_token": "t", "expires_in": 3600 })) }))
        .route("/api/2.0/preview/scim/v2/Me", get(me))
        .route("/api/2.0/preview/scim/v2/Users", get(users))
        .with_state(asked.clone());
    (Groups::new(Arc::new(answering(router).await)), asked)
}

fn token(text: &str) -> SecretString {
    SecretString::from(text)
}

#[tokio::test]
async fn many_requests_of_a_caller_ask_once() {
    let (groups, asked) = groups().await;
    let ann = token("of-ann");
    let answers = futures::future::join_all((0..50).map(|_| groups.of("ann@x", Some(&ann)))).await;
    assert!(answers.iter().all(|known| *known == Ok(vec!["engineers".to_owned()])), "{answers:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(groups.of("bob@x", Some(&token("of-bob"))).await, Ok(Vec::new()), "another caller, in no group");
}

#[tokio::test]
async fn what_is_known_expires() {
    let (mut groups, asked) = groups().await;
    groups.good_for = Duration::ZERO;
    for _ in 0..3 {
        groups.of("ann@x", Some(&token("of-ann"))).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn without_a_token_the_app_asks_and_what_it_is_not_told_is_said() {
    let (groups, _) = groups().await;
    assert_eq!(groups.of("cy@x", None).await, Ok(vec!["analysts".to_owned()]));
    let untold = groups.of("ann@x", None).await.unwrap_err();
    assert!(untold.contains("does not tell this app"), "{untold}");
    let unknown = groups.of("eve\" or userName eq \"ann@x", None).await.unwrap_err();
    assert!(unknown.contains("knows no user"), "{unknown}");
    let refused = groups.of("dan@x", Some(&token("made-up"))).await.unwrap_err();
    assert!(refused.contains("refused"), "{refused}");
}
