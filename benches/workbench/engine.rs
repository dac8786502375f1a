//! The engine alone: records of about 100 bytes are generated, paced, encoded as protobuf, handed to a session that acknowledges
//! at once, and measured. Per second of processor time, so that it does not matter how many cores it takes.

use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use direct_write::engine::run::run_through;
use direct_write::model::{Plan, RunReport};
use direct_write::writer::encode::protobuf::{ProtobufEncoder, table_descriptor};
use direct_write::writer::{
    Acknowledged, BatchProgress, Encoded, Payload, Session, WriteFailure, WriterError, arrow_schema,
};
use tokio::time::Instant;

use super::{TELEMETRY, telemetry};
use crate::process::{cpu_seconds, resident_mb};
use crate::{ROUNDS, grouped, median};

/// What is asked for: records per second and core.
const WANTED: f64 = 1e6;

/// Encodes as the writer `zerobus` does, and has nobody to send it to.
struct AcknowledgesAtOnce {
    encoder: ProtobufEncoder,
}

#[async_trait]
impl Session for AcknowledgesAtOnce {
    fn encode(&self, records: &RecordBatch) -> Result<Encoded, WriterError> {
        let messages = self.encoder.encode(records)?;
        let bytes = messages.iter().map(|message| message.len() as u64).sum();
        Ok(Encoded { records: records.num_rows() as u64, bytes, payload: Payload::Protobuf(messages) })
    }

    async fn write(&self, batch: Encoded, progress: Arc<dyn BatchProgress>) -> Result<Acknowledged, WriteFailure> {
        progress.sent(Instant::now());
        Ok(Acknowledged { records: batch.records, at: Instant::now(), calls: 1 })
    }

    async fn close(&self) {}
}

pub async fn run() {
    println!("\nThe engine alone: generated, encoded as protobuf, acknowledged at once, measured");
    let mut rates = Vec::new();
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let before = cpu_seconds(std::process::id());
        let report = through(5_000_000, 0.0).await;
        rates.push(report.records.durable as f64 / (cpu_seconds(std::process::id()) - before));
        bytes = report.usage.bytes / report.records.durable;
    }
    let rate = median(rates);
    println!(
        "  records of {bytes} bytes per second and core {:>12}   ratio to {} {:.2}",
        grouped(rate),
        grouped(WANTED),
        rate / WANTED
    );
    let short = resident_mb(std::process::id());
    through(50_000_000, 0.0).await;
    println!(
        "  memory of this process after runs of 5 000 000: {short:.0} MB; after ten times as many: {:.0} MB",
        resident_mb(std::process::id())
    );
    let report = through(10_000, 1000.0).await;
    let durable = report.latency_ms.durable;
    println!(
        "  at 1 000 records/s, from the intended moment until acknowledged: p50 {:.3} ms   p99 {:.3} ms   max {:.3} ms",
        durable.p50, durable.p99, durable.max
    );
}

async fn through(records: u64, rate: f64) -> RunReport {
    let table = telemetry();
    let batch = if rate > 0.0 { 1 } else { 500 };
    let plan: Plan = serde_json::from_value(serde_json::json!({
        "table": TELEMETRY,
        "source": { "kind": "telemetry", "records": records, "rate": rate },
        "writer": [{ "kind": "zerobus", "batch": batch, "in_flight": 64 }],
    }))
    .unwrap();
    let spec = plan.check().unwrap();
    let descriptor = table_descriptor(&table).unwrap();
    let encoder = ProtobufEncoder::new(&descriptor, arrow_schema(&table).unwrap()).unwrap();
    run_through(Arc::new(AcknowledgesAtOnce { encoder }), &spec.source, &table, spec.writers[0].1).await.unwrap()
}
