//! A workspace that answers as it is told, over a real socket, for the tests of what writers make of lost and odd answers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{BatchProgress, WriterError};
use crate::model::TableName;
use crate::workspace::testing::{serve, settings};
use crate::workspace::{Workspace, WorkspaceConfig};

/// What it says to a request about statements or files.
#[derive(Clone, Copy, Debug)]
pub(super) enum Said {
    /// SUCCEEDED, with so many rows inserted.
    Inserted(u64),
    /// SUCCEEDED, and the result is gone.
    Closed,
    Running,
    /// FAILED with that code and message.
    Failed(&'static str, &'static str),
    Status(u16),
    /// 503 with `Retry-After: 0`.
    Busy,
    /// It begins an answer and is gone.
    Gone,
    /// 204.
    Done,
}

/// What it says next, and what it was asked.
#[derive(Default)]
pub(super) struct Script {
    pub(super) says: Mutex<VecDeque<Said>>,
    /// `POST INSERT ...` for statements, `GET <id>` for questions, method and path for files.
    pub(super) came: Mutex<Vec<String>>,
}

impl Script {
    fn answer(&self, came: String) -> Response {
        self.came.lock().unwrap().push(came);
        let said = self.says.lock().unwrap().pop_front().unwrap_or(Said::Done);
        let statement = |status: Value, rows: Option<u64>| {
            let columns = json!([{ "name": "num_affected_rows" }, { "name": "num_inserted_rows" }]);
            let counts = rows.map(|rows| json!({ "data_array": [[rows.to_string(), rows.to_string()]] }));
            let manifest = json!({ "schema": { "columns": columns } });
            Json(json!({ "statement_id": "s1", "status": status, "manifest": manifest, "result": counts }))
                .into_response()
        };
        match said {
            Said::Inserted(rows) => statement(json!({ "state": "SUCCEEDED" }), Some(rows)),
            Said::Closed => statement(json!({ "state": "CLOSED" }), None),
            Said::Running => statement(json!({ "state": "RUNNING" }), None),
            Said::Failed(code, message) => {
                let error = json!({ "error_code": code, "message": message });
                statement(json!({ "state": "FAILED", "error": error }), None)
            }
            Said::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
            Said::Busy => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")], "busy").into_response(),
            Said::Gone => {
                let gone = std::io::Error::other("gone");
                Body::from_stream(futures::stream::iter([Err::<Bytes, _>(gone)])).into_response()
            }
            Said::Done => StatusCode::NO_CONTENT.into_response(),
        }
    }

    /// What came, each by its first two words.
    pub(super) fn heads(&self) -> Vec<String> {
        let came = self.came.lock().unwrap();
        came.iter().map(|text| text.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }
}

/// Starts one that says these things in turn and then 204.
pub(super) async fn workspace(says: &[Said]) -> (Arc<Script>, Arc<Workspace>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let script = Arc::new(Script { says: Mutex::new(says.iter().copied().collect()), ..Script::default() });
    let statement = |State(script): State<Arc<Script>>, Json(body): Json<Value>| async move {
        script.answer(format!("POST {}", body["statement"].as_str().unwrap()))
    };
    let question =
        |State(script): State<Arc<Script>>, Path(id): Path<String>| async move { script.answer(format!("GET {id}")) };
    let file = |State(script): State<Arc<Script>>, method: Method, uri: Uri| async move {
        let path = uri.path();
        let kind = if path.starts_with("/api/2.0/fs/directories/") { "folder" } else { "file" };
        script.answer(format!("{method} {kind} {path}"))
    };
    let token = || async { Json(json!({ "access_token": "t", "expires_in": 3600 })) };
    let router = Router::new()
        .route("/oidc/v1/token", post(token))
        .route("/api/2.0/sql/statements", post(statement))
        .route("/api/2.0/sql/statements/{id}", get(question))
        .route("/api/2.0/fs/{*path}", any(file))
        .with_state(script.clone());
    let config = WorkspaceConfig { write_volume: TableName::parse("a.b.v").ok(), ..settings(serve(router).await) };
    (script, Arc::new(Workspace::new(config).unwrap()))
}

/// Counts what it hears.
#[derive(Default)]
pub(super) struct Heard {
    sent: AtomicU64,
    retried: AtomicU64,
}

impl Heard {
    /// How often rows were sent, and how often an attempt was repeated.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.retried.load(Ordering::Relaxed))
    }
}

impl BatchProgress for Heard {
    fn sent(&self, _: Instant) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    fn retried(&self, _: &WriterError) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }
}
