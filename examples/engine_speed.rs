use arrow_array::RecordBatch;
use direct_write::model::*;
use direct_write::writer::*;
use std::sync::Arc;
struct Now {
    encode: bool,
}
#[async_trait::async_trait]
impl Session for Now {
    fn encode(&self, records: &RecordBatch) -> Result<Encoded, WriterError> {
        let rows = records.num_rows() as u64;
        let _ = self.encode;
        Ok(Encoded { records: rows, bytes: rows * 100, payload: Payload::Arrow(records.clone()) })
    }
    async fn write(&self, batch: Encoded, progress: Arc<dyn BatchProgress>) -> Result<Acknowledged, WriteFailure> {
        progress.sent(tokio::time::Instant::now());
        Ok(Acknowledged { records: batch.records, at: tokio::time::Instant::now(), calls: 1 })
    }
    async fn close(&self) {}
}
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let rest: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (rest[11].parse::<f64>().unwrap() + rest[12].parse::<f64>().unwrap()) / 100.0
}
#[tokio::main]
async fn main() {
    let columns = [
        ("device_id", "STRING"),
        ("site", "STRING"),
        ("metric", "STRING"),
        ("value", "DOUBLE"),
        ("unit", "STRING"),
        ("event_time", "TIMESTAMP"),
        ("record_id", "STRING"),
        ("run_id", "STRING"),
        ("sequence", "LONG"),
    ];
    let table = TableInfo {
        name: TableName::parse("main.direct_write.telemetry").unwrap(),
        columns: columns
            .iter()
            .enumerate()
            .map(|(i, (n, t))| Column {
                name: n.to_string(),
                type_name: t.to_string(),
                type_text: t.to_lowercase(),
                type_json: String::new(),
                nullable: true,
                position: i as i32,
            })
            .collect(),
    };
    for (rate, records, batch) in [
        ("0", 10_000_000u64, 500),
        ("0", 10_000_000, 5000),
        ("0", 300_000, 1),
        ("1000", 5000, 500),
        ("100000", 500_000, 500),
        ("1000000", 5_000_000, 500),
    ] {
        let plan: Plan = serde_json::from_value(serde_json::json!({"table":"main.direct_write.telemetry","source":{"kind":"telemetry","records":records,"rate":rate.parse::<f64>().unwrap()},"writer":[{"kind":"zerobus","batch":batch,"in_flight":64}]})).unwrap();
        let spec = plan.check().unwrap();
        let before = cpu();
        let report = direct_write::engine::run::run_through(
            Arc::new(Now { encode: true }),
            &spec.source,
            &table,
            spec.writers[0].1,
        )
        .await
        .unwrap();
        let used = cpu() - before;
        println!(
            "rate {rate} batch {batch}: {:?} {:.0} rows/s, {:.2} s cpu = {:.0} rows/cpu-s, durable p50 {:.3} p99 {:.3} max {:.3} ms, sent {}",
            report.state,
            report.throughput.rows_per_s,
            used,
            records as f64 / used,
            report.latency_ms.durable.p50,
            report.latency_ms.durable.p99,
            report.latency_ms.durable.max,
            report.records.sent
        );
    }
}
