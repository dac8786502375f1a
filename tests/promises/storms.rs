//! Comparisons in bad weather: a lakehouse that dies under them, late acknowledgements, refusals. They end in words that are true,
//! what is missing is found, nothing hangs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use direct_write::engine::Engine;
use direct_write::lakehouse::{Credentials, Forecast};
use direct_write::model::{LiveComparison, Plan, Report, RunReport, RunState, TableName};
use direct_write::workspace::{self, Workspace, WorkspaceConfig};
use serde_json::{Value, json};

use crate::program::{Running, program};

const TELEMETRY: &str = "main.direct_write.telemetry";
/// Far above what any of these takes; what is not over by then hangs.
const PATIENCE: Duration = Duration::from_secs(150);

/// A lakehouse that is a process, and an engine that writes to it.
struct World {
    data: tempfile::TempDir,
    addr: String,
    running: Option<Running>,
    engine: Arc<Engine>,
}

impl World {
    fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let running = Running::start(lakehouse(data.path(), "127.0.0.1:0"));
        let addr = running.page.trim_start_matches("http://").to_owned();
        let credentials = Credentials::read(data.path()).unwrap();
        let config = WorkspaceConfig {
            url: running.page.clone(),
            local: true,
            zerobus_endpoint: Some(running.page.clone()),
            warehouse_id: Some("local".to_owned()),
            credentials: Some(workspace::Credentials {
                client_id: credentials.client_id,
                client_secret: credentials.client_secret,
            }),
            default_table: TableName::parse(TELEMETRY).unwrap(),
            write_volume: TableName::parse("main.direct_write.landing").ok(),
        };
        let engine = Arc::new(Engine::new(Arc::new(Workspace::new(config).unwrap())));
        Self { data, addr, running: Some(running), engine }
    }

    async fn begin(&self, source: Value, writers: Value) -> String {
        let plan = json!({
            "table": TELEMETRY,
            "source": source,
            "writer": writers,
            "order": "parallel",
            "check": { "every": "100ms", "patience": "10s" },
        });
        let plan: Plan = serde_json::from_value(plan).unwrap();
        self.engine.start_comparison(plan, "").await.unwrap()
    }

    /// Waits for a moment of the comparison.
    async fn until(&self, id: &str, reached: impl FnMut(&LiveComparison) -> bool) {
        let mut live = self.engine.follow_comparison(id).unwrap();
        let waiting = live.wait_for(reached);
        tokio::time::timeout(PATIENCE, waiting).await.expect("the comparison hangs").unwrap();
    }

    async fn report(&self, id: &str) -> Report {
        self.until(id, |live| live.finished).await;
        Report::clone(&self.engine.comparison_report(id).unwrap().unwrap())
    }

    fn kill(&self) {
        self.running.as_ref().expect("it is running").signal("-KILL");
    }

    /// Starts the lakehouse again where it was.
    fn start_again(&mut self) {
        self.running.take().expect("it was running").end();
        self.running = Some(Running::start(lakehouse(self.data.path(), &self.addr)));
    }

    async fn weather(&self, forecast: &Forecast) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let put = http.put(format!("http://{}/weather/*", self.addr)).json(forecast);
        assert_eq!(put.send().await.unwrap().status(), 204);
    }
}

fn lakehouse(data: &Path, addr: &str) -> std::process::Command {
    let mut command = program(data, &["lakehouse", "--weather"]);
    command.env("DIRECT_WRITE_LAKEHOUSE_ADDR", addr);
    command
}

fn durable(live: &LiveComparison) -> u64 {
    live.runs[0].records.durable
}

/// What holds of every run, however it ended.
fn assert_true(run: &RunReport) {
    let records = run.records;
    assert_eq!(records.sent, records.durable + records.failed, "{run:?}");
    assert_eq!(run.reason.is_some(), run.state != RunState::Completed, "{run:?}");
    if run.reconciliation.done {
        assert!(records.visible + records.missing >= records.durable, "{run:?}");
        assert!(records.visible <= records.durable + records.in_doubt, "{run:?}");
    } else {
        assert!(run.reconciliation.note.is_some(), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lakehouse_that_dies_and_comes_back_loses_nothing_that_was_durable() {
    let mut world = World::start();
    let source = json!({ "kind": "telemetry", "seed": 3, "records": 30_000, "rate": 6000.0 });
    let id = world.begin(source, json!([{ "kind": "zerobus", "batch": 100 }])).await;
    world.until(&id, |live| durable(live) > 6000).await;
    world.kill();
    world.start_again();
    let report = world.report(&id).await;
    let run = &report.runs[0];
    assert_true(run);
    assert!(run.reconciliation.done, "{:?}", run.reconciliation);
    assert_eq!(run.records.missing, 0, "{:?}", run.reconciliation);
    assert!(run.records.durable > 6000, "{:?}", run.records);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lakehouse_that_stays_dead_ends_every_run_in_true_words() {
    let world = World::start();
    let source = json!({ "kind": "telemetry", "seed": 4, "records": 200_000, "rate": 4000.0 });
    let writers = json!([
        { "kind": "zerobus", "batch": 100 },
        { "kind": "zerobus-rest", "batch": 100 },
        { "kind": "sql", "mode": "json-parameter", "batch": 100 },
        { "kind": "copy-into", "batch": 2000 },
    ]);
    let id = world.begin(source, writers).await;
    world.until(&id, |live| durable(live) > 2000).await;
    world.kill();
    let report = world.report(&id).await;
    assert_eq!(report.state(), RunState::Failed);
    for run in &report.runs {
        assert_true(run);
        assert_eq!(run.state, RunState::Failed, "{run:?}");
        assert!(!run.reconciliation.done, "nobody was there to be asked: {run:?}");
        assert!(!run.errors.is_empty(), "{run:?}");
    }
    let reason = report.runs[0].reason.as_deref().unwrap();
    assert!(
        reason.contains("records that were sent are durable") && reason.contains("Start the workspace"),
        "{reason}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_acknowledgements_and_refusals_cost_time_and_no_record() {
    let world = World::start();
    world.weather(&Forecast { latency_ms: 40, jitter_ms: 60, ..Forecast::default() }).await;
    let source = json!({ "kind": "telemetry", "seed": 5, "records": 4000 });
    let id = world.begin(source.clone(), json!([{ "kind": "zerobus", "batch": 200 }])).await;
    let slow = world.report(&id).await;
    let run = &slow.runs[0];
    assert_true(run);
    assert_eq!((run.state, run.records.durable, run.records.missing), (RunState::Completed, 4000, 0), "{run:?}");
    assert!(run.latency_ms.durable.min >= 40.0, "{:?}", run.latency_ms.durable);

    let refusing = Forecast { refusals: 4, refusal_status: Some(429), retry_after_s: 1, ..Forecast::default() };
    let writers = [
        json!({ "kind": "zerobus-rest", "batch": 200 }),
        json!({ "kind": "sql", "mode": "json-parameter", "batch": 500 }),
    ];
    for writer in writers {
        // Opened in fair weather: what is refused is records, not tokens.
        world.weather(&Forecast::default()).await;
        let source = json!({ "kind": "telemetry", "seed": 6, "records": 8000, "rate": 2000.0 });
        let id = world.begin(source, json!([writer])).await;
        world.until(&id, |live| durable(live) > 500).await;
        world.weather(&refusing).await;
        let report = world.report(&id).await;
        let run = &report.runs[0];
        assert_true(run);
        assert_eq!((run.state, run.records.durable, run.records.missing), (RunState::Completed, 8000, 0), "{run:?}");
        assert!(run.retries > 0, "{run:?}");
    }
}
