//! The official Rust SDK as a load: the same code towards the lakehouse and towards its peer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use databricks_zerobus_ingest_sdk::{AckCallback, HeadersProvider, ZerobusResult, ZerobusSdk, ZerobusStream};
use direct_write::lakehouse::Credentials;
use prost::Message;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::process::{Process, http};
use crate::records::{DDL, Event, POOL_BYTES, TABLE, descriptor};

/// Calls on their way: enough to keep a server busy, and less memory than the SDK's default of a million.
const IN_FLIGHT: usize = 64;

#[derive(Clone, Copy, PartialEq)]
pub enum Format {
    Protobuf,
    Json,
}

/// What is sent.
#[derive(Clone, Copy)]
pub struct Shape {
    pub name: &'static str,
    pub format: Format,
    /// Of a row as protobuf.
    pub bytes: usize,
    /// Rows in a call.
    pub batch: usize,
    pub streams: usize,
    /// In all.
    pub rows: usize,
}

/// A server and how to get in.
pub struct Target<'a> {
    pub server: &'a Process,
    sdk: ZerobusSdk,
    credentials: Option<Credentials>,
}

impl<'a> Target<'a> {
    pub fn null(server: &'a Process) -> Self {
        Self { server, sdk: sdk(server), credentials: None }
    }

    /// Makes the table as well.
    pub async fn lakehouse(server: &'a Process, data: &Path) -> Self {
        let credentials = Credentials::read(data).unwrap();
        let target = Self { server, sdk: sdk(server), credentials: Some(credentials) };
        target.sql(DDL).await;
        let id = &target.credentials.as_ref().unwrap().client_id;
        target.sql(&format!("GRANT SELECT, MODIFY ON TABLE {TABLE} TO `{id}`")).await;
        target
    }

    async fn sql(&self, statement: &str) {
        let credentials = self.credentials.as_ref().unwrap();
        let token = http().post(format!("{}/oidc/v1/token", self.server.url));
        let token = token.basic_auth(&credentials.client_id, Some(credentials.client_secret.expose_secret()));
        let token = token.form(&[("grant_type", "client_credentials"), ("scope", "all-apis")]).send().await.unwrap();
        let token: serde_json::Value = token.json().await.unwrap();
        let body = json!({ "statement": statement, "warehouse_id": "local", "wait_timeout": "50s" });
        let request = http().post(format!("{}/api/2.0/sql/statements", self.server.url)).json(&body);
        let answer = request.bearer_auth(token["access_token"].as_str().unwrap()).send().await.unwrap();
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(answer["status"]["state"], "SUCCEEDED", "{statement}: {answer}");
    }

    pub async fn stream(&self, format: Format, callback: Option<Arc<dyn AckCallback>>) -> ZerobusStream {
        let stream = self.sdk.stream_builder().table(TABLE).max_inflight_requests(IN_FLIGHT).recovery(false);
        let stream = match callback {
            Some(callback) => stream.ack_callback(callback),
            None => stream,
        };
        let stream = match &self.credentials {
            Some(credentials) => stream.oauth(&credentials.client_id, credentials.client_secret.expose_secret()),
            None => stream.headers_provider(Arc::new(Nobody)),
        };
        match format {
            Format::Protobuf => stream.compiled_proto(descriptor()).build().await.unwrap(),
            Format::Json => stream.json().build().await.unwrap(),
        }
    }
}

/// The null server asks for no credentials.
struct Nobody;

#[async_trait]
impl HeadersProvider for Nobody {
    async fn get_headers(&self) -> ZerobusResult<HashMap<&'static str, String>> {
        Ok(HashMap::new())
    }
}

fn sdk(server: &Process) -> ZerobusSdk {
    let sdk = ZerobusSdk::builder().endpoint(&server.url).unity_catalog_url(&server.url);
    sdk.connector_factory(Arc::new(|_| None)).build().unwrap()
}

/// What a load came to.
#[derive(Clone, Copy)]
pub struct Load {
    pub rows_per_second: f64,
    /// Of the server, in microseconds.
    pub cpu_per_row: f64,
}

/// Rows ready to be sent, in calls.
#[derive(Clone)]
pub enum Pool {
    Protobuf(Arc<Vec<Vec<Vec<u8>>>>),
    Json(Arc<Vec<Vec<String>>>),
}

impl Pool {
    pub fn new(shape: &Shape) -> Self {
        let calls = (POOL_BYTES / (shape.bytes * shape.batch)).max(2) as u64;
        let batch = shape.batch as u64;
        let events = |call: u64| (call * batch..(call + 1) * batch).map(|number| Event::new(number, shape.bytes));
        match shape.format {
            Format::Protobuf => {
                let call = |call| events(call).map(|event| event.encode_to_vec()).collect();
                Self::Protobuf(Arc::new((0..calls).map(call).collect()))
            }
            Format::Json => {
                let call = |call| events(call).map(|event| serde_json::to_string(&event).unwrap()).collect();
                Self::Json(Arc::new((0..calls).map(call).collect()))
            }
        }
    }

    /// Sends the call of that number.
    pub async fn send(&self, stream: &ZerobusStream, call: usize) {
        let sent = match self {
            Self::Protobuf(calls) => stream.ingest_records_offset(calls[call % calls.len()].clone()).await,
            Self::Json(calls) => stream.ingest_records_offset(calls[call % calls.len()].clone()).await,
        };
        sent.unwrap();
    }
}

/// Sends rows as fast as they are taken, and returns when all are acknowledged. Opening streams is not part of it.
pub async fn load(target: &Target<'_>, shape: &Shape, pool: &Pool) -> Load {
    let mut streams = Vec::new();
    for _ in 0..shape.streams {
        streams.push(target.stream(shape.format, None).await);
    }
    let calls = shape.rows / shape.batch / shape.streams;
    let (began, cpu) = (Instant::now(), target.server.cpu_seconds());
    let sending = streams.into_iter().enumerate().map(|(number, mut stream)| {
        let pool = pool.clone();
        tokio::spawn(async move {
            for call in 0..calls {
                pool.send(&stream, call + number).await;
            }
            stream.flush().await.unwrap();
            let flushed = Instant::now();
            stream.close().await.unwrap();
            flushed
        })
    });
    let mut last = began;
    for sent in futures::future::join_all(sending).await {
        last = last.max(sent.unwrap());
    }
    let rows = (calls * shape.batch * shape.streams) as f64;
    let cpu = target.server.cpu_seconds() - cpu;
    Load { rows_per_second: rows / (last - began).as_secs_f64(), cpu_per_row: cpu * 1e6 / rows }
}
