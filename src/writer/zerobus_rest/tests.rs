//! Against a door that answers as it is told, over a real socket.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use arrow_array::{Int64Array, StringArray};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;

use super::*;
use crate::workspace::WorkspaceConfig;
use crate::workspace::testing::{serve, settings};

const TABLE: &str = "main.direct_write.readings";

/// What the door says to a request.
enum Said {
    Durable,
    Status(u16, &'static str),
    /// It begins an answer and is gone.
    Gone,
}

#[derive(Default)]
struct Door {
    says: Mutex<VecDeque<Said>>,
    /// Bodies of the requests that came, with the token of each.
    came: Mutex<Vec<(String, Vec<Value>)>>,
    /// Forms of the token requests.
    forms: Mutex<Vec<String>>,
}

async fn token(State(door): State<Arc<Door>>, form: String) -> impl IntoResponse {
    let mut forms = door.forms.lock().unwrap();
    forms.push(form);
    axum::Json(json!({ "access_token": format!("token-{}", forms.len()), "expires_in": 3600 }))
}

async fn insert(State(door): State<Arc<Door>>, Path(table): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(table, TABLE);
    let bearer = headers["authorization"].to_str().unwrap().to_owned();
    door.came.lock().unwrap().push((bearer, serde_json::from_slice(&body).unwrap()));
    match door.says.lock().unwrap().pop_front().unwrap_or(Said::Durable) {
        Said::Durable => axum::Json(json!({})).into_response(),
        Said::Status(status, message) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, axum::Json(json!({ "error_code": "CODE", "message": message }))).into_response()
        }
        Said::Gone => {
            let gone = std::io::Error::other("gone");
            Body::from_stream(futures::stream::iter([Err::<Bytes, _>(gone)])).into_response()
        }
    }
}

struct World {
    door: Arc<Door>,
    writer: ZerobusRestWriter,
    table: TableInfo,
}

async fn world(says: Vec<Said>) -> World {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let door = Arc::new(Door { says: Mutex::new(says.into()), ..Door::default() });
    let router = Router::new()
        .route("/oidc/v1/token", post(token))
        .route("/zerobus/v1/tables/{table}/insert", post(insert))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(door.clone());
    let url = serve(router).await;
    let config = WorkspaceConfig { zerobus_endpoint: Some(url.clone()), ..settings(url) };
    let columns = TableInfo::of_types(&[("record_id", "string"), ("value", "bigint")]);
    let table = TableInfo { name: TableName::parse(TABLE).unwrap(), ..columns };
    World { door, writer: ZerobusRestWriter { workspace: Arc::new(Workspace::new(config).unwrap()) }, table }
}

impl World {
    fn records(&self, texts: &[String]) -> RecordBatch {
        let ids = StringArray::from_iter_values(texts);
        let values = Int64Array::from_iter_values(0..texts.len() as i64);
        let schema = arrow_schema(&self.table).unwrap();
        RecordBatch::try_new(schema, vec![Arc::new(ids), Arc::new(values)]).unwrap()
    }

    async fn session(&self) -> Arc<dyn Session> {
        let options = WriterOptions {
            kind: WriterKind::ZerobusRest,
            mode: None,
            encoding: None,
            streams: 1,
            batch: 1,
            in_flight: 1,
        };
        self.writer.open(&self.table, &options).await.unwrap()
    }

    async fn write(&self, texts: &[String]) -> (Result<Acknowledged, WriteFailure>, Arc<Heard>) {
        let session = self.session().await;
        let encoded = session.encode(&self.records(texts)).unwrap();
        let heard = Arc::new(Heard::default());
        (session.write(encoded, heard.clone()).await, heard)
    }
}

#[derive(Default)]
struct Heard {
    sent: AtomicU64,
    retried: AtomicU64,
}

impl BatchProgress for Heard {
    fn sent(&self, _: Instant) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    fn retried(&self, _: &WriterError) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }
}

fn texts(count: usize, bytes: usize) -> Vec<String> {
    (0..count).map(|index| format!("{index}-{}", "x".repeat(bytes))).collect()
}

#[tokio::test]
async fn a_batch_is_one_array_and_a_large_one_several() {
    let world = world(Vec::new()).await;
    let (small, heard) = world.write(&texts(3, 1)).await;
    assert_eq!(small.map(|done| (done.records, done.calls)).unwrap(), (3, 1));
    assert_eq!(heard.sent.load(Ordering::Relaxed), 1);
    assert_eq!(world.door.came.lock().unwrap().remove(0).1[2], json!({ "record_id": "2-x", "value": 2 }));

    let large = texts(10, 1024 * 1024);
    let session = world.session().await;
    let encoded = session.encode(&world.records(&large)).unwrap();
    let Payload::Requests(requests) = &encoded.payload else { panic!("no requests") };
    assert!(requests.iter().all(|(_, body)| body.len() <= LARGEST_BODY));
    assert_eq!(requests.iter().map(|(rows, _)| *rows).collect::<Vec<_>>(), [3, 3, 3, 1]);
    let with_brackets: u64 = requests.iter().map(|(rows, body)| body.len() as u64 - rows - 1).sum();
    assert_eq!(encoded.bytes, with_brackets, "commas and brackets are no part of the records");
    let heard = Arc::new(Heard::default());
    assert_eq!(session.write(encoded, heard.clone()).await.unwrap().calls, 4);
    assert_eq!(heard.sent.load(Ordering::Relaxed), 1, "sent is when the last of them is");
    let came = world.door.came.lock().unwrap();
    let ids = came.iter().flat_map(|(_, rows)| rows).map(|row| row["record_id"].as_str().unwrap());
    assert!(ids.eq(&large));
}

#[tokio::test]
async fn a_busy_door_and_a_lost_answer_are_asked_again() {
    let world = world(vec![Said::Status(429, "later"), Said::Gone, Said::Status(502, "bad gateway")]).await;
    let (done, heard) = world.write(&texts(2, 5)).await;
    assert_eq!(done.unwrap().calls, 4);
    assert_eq!(heard.retried.load(Ordering::Relaxed), 3);
    let came = world.door.came.lock().unwrap();
    assert!(came.iter().all(|(_, rows)| rows == &came[0].1), "each time the same records");
}

#[tokio::test]
async fn a_refusal_is_final_and_what_was_durable_before_stays_so() {
    let refused = || Said::Status(400, "Field 'value': it does not fit.");
    let first = world(vec![refused()]).await;
    let failure = first.write(&texts(2, 5)).await.0.unwrap_err();
    assert_eq!((failure.error.code(), failure.durable, failure.in_doubt), ("INVALID_ARGUMENT", 0, 0));
    assert!(failure.error.to_string().contains("it does not fit"), "{}", failure.error);

    let second = world(vec![Said::Durable, Said::Gone, refused()]).await;
    let failure = second.write(&texts(5, 1024 * 1024)).await.0.unwrap_err();
    assert_eq!((failure.durable, failure.in_doubt), (3, 2), "the answer to the first attempt at the rest was lost");
}

#[tokio::test]
async fn one_token_serves_all_requests_for_a_table_until_it_is_refused() {
    let world = world(Vec::new()).await;
    let texts = texts(1, 5);
    let together = futures::future::join_all((0..8).map(|_| world.write(&texts))).await;
    assert!(together.iter().all(|(done, _)| done.is_ok()));
    {
        let forms = world.door.forms.lock().unwrap();
        assert_eq!(forms.len(), 1);
        assert!(forms[0].contains("resource=api%3A%2F%2Fdatabricks%2Fworkspaces%2F127%2FzerobusDirectWriteApi"));
        assert!(forms[0].contains("object_full_path%22%3A%22main.direct_write.readings"), "{}", forms[0]);
    }
    world.door.says.lock().unwrap().push_back(Said::Status(401, "revoked"));
    assert!(world.write(&texts).await.0.is_ok());
    assert_eq!(world.door.forms.lock().unwrap().len(), 2);
    let came = world.door.came.lock().unwrap();
    assert_eq!(came.last().map(|(bearer, _)| bearer.as_str()), Some("Bearer token-2"));
}

#[tokio::test]
async fn a_rehearsal_writes_nothing_and_knows_a_closed_door() {
    let answers = vec![Said::Status(400, "The array is empty."), Said::Status(403, "no grant")];
    let world = world(answers).await;
    assert!(world.writer.rehearse(&world.table).await.is_ok());
    let error = world.writer.rehearse(&world.table).await.unwrap_err();
    assert_eq!(error.code(), "PERMISSION_DENIED");
    assert!(world.door.came.lock().unwrap().iter().all(|(_, rows)| rows.is_empty()));
}
