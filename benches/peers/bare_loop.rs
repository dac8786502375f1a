//! What somebody would write without this program: a loop over the official SDK, a flush.
//!
//! The records are those of a run with the same seed, in the same calls. They are made before; they are encoded before, too, or
//! in the loop, as a program must that has rows and not messages.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use async_trait::async_trait;
use databricks_zerobus_ingest_sdk::{AckCallback, ZerobusSdk};
use direct_write::engine::run::run_through;
use direct_write::lakehouse::Credentials;
use direct_write::model::Plan;
use direct_write::writer::encode::protobuf::{ProtobufEncoder, table_descriptor};
use direct_write::writer::{
    Acknowledged, BatchProgress, Encoded, Payload, Session, WriteFailure, WriterError, arrow_schema,
};
use secrecy::ExposeSecret;

use crate::workbench::zerobus::{BATCH, IN_FLIGHT};
use crate::workbench::{TELEMETRY, telemetry};

/// Prints rows per second; under a rate the p50 and p99 until durable, in milliseconds from the intended moment.
pub async fn run(url: &str, data: &Path, rate: u32, rows: usize, encoded: &str) {
    let table = telemetry();
    let descriptor = table_descriptor(&table).unwrap();
    let encoder = ProtobufEncoder::new(&descriptor, arrow_schema(&table).unwrap()).unwrap();
    let mut calls = calls(rows, if rate == 0 { BATCH } else { 1 }).await;
    if encoded == "before" {
        calls.iter_mut().for_each(|call| call.encode(&encoder));
    }
    let credentials = Credentials::read(data).unwrap();
    let sdk = ZerobusSdk::builder().endpoint(url).unity_catalog_url(url).connector_factory(Arc::new(|_| None));
    let sdk = sdk.build().unwrap();
    let acknowledged = Arc::new(Acknowledgements(Mutex::new(vec![None; calls.len()])));
    let stream = sdk.stream_builder().table(TELEMETRY).max_inflight_requests(IN_FLIGHT);
    let stream = stream.oauth(&credentials.client_id, credentials.client_secret.expose_secret());
    let stream = if rate > 0 { stream.ack_callback(acknowledged.clone()) } else { stream };
    let mut stream = stream.compiled_proto(descriptor).build().await.unwrap();
    let began = Instant::now();
    let mut due = Vec::with_capacity(calls.len());
    for (number, mut call) in calls.into_iter().enumerate() {
        if rate > 0 {
            let intended = began + Duration::from_secs(1) * number as u32 / rate;
            tokio::time::sleep_until(intended.into()).await;
            due.push(intended);
        }
        call.encode(&encoder);
        stream.ingest_records_offset(call.messages()).await.unwrap();
    }
    stream.flush().await.unwrap();
    let took = began.elapsed();
    stream.close().await.unwrap();
    if rate == 0 {
        println!("{}", rows as f64 / took.as_secs_f64());
        return;
    }
    let done = acknowledged.0.lock().unwrap().clone();
    let latencies = due.iter().zip(done).map(|(due, done)| (done.unwrap() - *due).as_secs_f64() * 1000.0);
    let mut latencies: Vec<f64> = latencies.collect();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    println!("{} {}", at(0.5), at(0.99));
}

struct Acknowledgements(Mutex<Vec<Option<Instant>>>);

impl AckCallback for Acknowledgements {
    fn on_ack(&self, offset: i64) {
        self.0.lock().unwrap()[offset as usize] = Some(Instant::now());
    }

    fn on_error(&self, offset: i64, message: &str) {
        panic!("call {offset} was refused: {message}");
    }
}

/// What goes to the SDK at once.
enum Call {
    Records(RecordBatch),
    Messages(Vec<Vec<u8>>),
}

impl Call {
    fn encode(&mut self, encoder: &ProtobufEncoder) {
        if let Self::Records(records) = self {
            *self = Self::Messages(encoder.encode(records).unwrap());
        }
    }

    fn messages(self) -> Vec<Vec<u8>> {
        match self {
            Self::Records(_) => unreachable!("not encoded"),
            Self::Messages(messages) => messages,
        }
    }
}

/// Keeps the records that a run would encode.
#[derive(Default)]
struct Keeps(Mutex<Vec<Call>>);

#[async_trait]
impl Session for Keeps {
    fn encode(&self, records: &RecordBatch) -> Result<Encoded, WriterError> {
        self.0.lock().unwrap().push(Call::Records(records.clone()));
        Ok(Encoded { records: records.num_rows() as u64, bytes: 0, payload: Payload::Protobuf(Vec::new()) })
    }

    async fn write(&self, batch: Encoded, progress: Arc<dyn BatchProgress>) -> Result<Acknowledged, WriteFailure> {
        let now = tokio::time::Instant::now();
        progress.sent(now);
        Ok(Acknowledged { records: batch.records, at: now, calls: 1 })
    }

    async fn close(&self) {}
}

async fn calls(rows: usize, batch: usize) -> Vec<Call> {
    let plan: Plan = serde_json::from_value(serde_json::json!({
        "table": TELEMETRY,
        "source": { "kind": "telemetry", "seed": 7, "records": rows },
        "writer": [{ "kind": "zerobus", "batch": batch, "in_flight": 1 }],
    }))
    .unwrap();
    let spec = plan.check().unwrap();
    let keeps = Arc::new(Keeps::default());
    run_through(keeps.clone(), &spec.source, &telemetry(), spec.writers[0].1).await.unwrap();
    std::mem::take(&mut keeps.0.lock().unwrap())
}
