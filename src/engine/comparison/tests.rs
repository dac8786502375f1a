//! Comparisons of runs with scripted writers, with a stopped clock.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::*;
use crate::engine::run::Pacer;
use crate::engine::run::doubles::{Call, Fate, Rig};
use crate::model::{LogLine, RunState};
use crate::workspace::Workspace;
use crate::workspace::testing::settings;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// An engine whose workspace is never asked.
fn engine() -> Engine {
    Engine::new(Arc::new(Workspace::new(settings("http://127.0.0.1:1")).unwrap()))
}

fn plan(order: &str, thresholds: serde_json::Value) -> Plan {
    serde_json::from_value(json!({
        "table": "a.b.c",
        "order": order,
        "source": { "kind": "columns", "records": 1000 },
        "writer": [{ "kind": "sql" }],
        "thresholds": thresholds,
    }))
    .unwrap()
}

/// Begins a comparison of scripted writers, each of a thousand records, with labels `w0`, `w1`, ...
fn begin(engine: &Arc<Engine>, plan: Plan, scripts: Vec<Box<dyn Fn(Call) -> Fate + Send + Sync>>) -> String {
    let id = Uuid::now_v7().to_string();
    let spec = plan.check().unwrap();
    let head =
        Head { id, started_at: String::new(), started_by: "somebody".to_owned(), sql_as: String::new(), plan, spec };
    let scoreboard = Arc::new(Scoreboard::new(engine.first_snapshot(&head), engine.metrics.clone()));
    let run = |(index, script): (usize, Box<dyn Fn(Call) -> Fate + Send + Sync>)| {
        let mut rig = Rig::new(Pacer::Unlimited, 1000);
        (rig.batch, rig.in_flight) = (100, 1);
        let label = format!("w{index}");
        let open = rig.opening(script);
        rig.run(&label, open, scoreboard.events_of(&head.id, &label))
    };
    let runs = scripts.into_iter().enumerate().map(run).collect();
    let place = engine.comparison_places.clone().try_acquire_owned().unwrap();
    engine.begin(head, scoreboard, runs, place, None)
}

/// Ten batches of this length each.
fn takes(each: Duration) -> Box<dyn Fn(Call) -> Fate + Send + Sync> {
    Box::new(move |_| Fate::Durable(each))
}

async fn finished(engine: &Engine, id: &str) -> LiveComparison {
    let mut snapshots = engine.follow_comparison(id).unwrap();
    snapshots.wait_for(|snapshot| snapshot.finished).await.unwrap().clone()
}

fn states(snapshot: &LiveComparison) -> Vec<RunState> {
    snapshot.runs.iter().map(|run| run.state).collect()
}

/// Keeps reports, or does not.
#[derive(Default)]
struct Sink {
    kept: Mutex<Vec<Report>>,
    problem: Option<String>,
}

#[async_trait]
impl ReportSink for Sink {
    async fn keep(&self, report: &Report) -> Result<(), String> {
        self.kept.lock().unwrap().push(report.clone());
        self.problem.clone().map_or(Ok(()), Err)
    }
}

#[tokio::test(start_paused = true)]
async fn runs_go_one_after_the_other_and_end_in_a_report() {
    let sink = Arc::new(Sink::default());
    let engine = Arc::new(engine().with_reports_kept_by(sink.clone()));
    let thresholds = json!({ "durable.p99": "< 150ms", "missing": "== 0" });
    let id = begin(&engine, plan("sequential", thresholds), vec![takes(ms(100)), takes(ms(200))]);
    let snapshots = engine.follow_comparison(&id).unwrap();
    assert_eq!(states(&snapshots.borrow()), [RunState::Pending, RunState::Pending]);
    tokio::time::sleep(ms(900)).await;
    assert_eq!(states(&snapshots.borrow()), [RunState::Running, RunState::Pending], "each has everything for itself");
    tokio::time::sleep(ms(600)).await;
    assert_eq!(states(&snapshots.borrow()), [RunState::Completed, RunState::Running]);
    assert!(engine.comparison_report(&id).unwrap().is_none());

    let last = finished(&engine, &id).await;
    assert_eq!(states(&last), [RunState::Completed, RunState::Completed]);
    let report = engine.comparison_report(&id).unwrap().unwrap();
    assert_eq!(sink.kept.lock().unwrap().as_slice(), [(*report).clone()]);
    assert_eq!(
        (report.schema.as_str(), report.id.as_str(), report.started_by.as_str()),
        (REPORT_SCHEMA, &*id, "somebody")
    );
    let writers: Vec<_> = report.runs.iter().map(|run| (run.writer.as_str(), run.records.durable)).collect();
    assert_eq!(writers, [("w0", 1000), ("w1", 1000)]);
    let held: Vec<_> = report.thresholds.iter().map(|one| (one.writer.as_str(), one.name.as_str(), one.held)).collect();
    let expected = [
        ("w0", "durable.p99 < 150ms", true),
        ("w0", "missing == 0", true),
        ("w1", "durable.p99 < 150ms", false),
        ("w1", "missing == 0", true),
    ];
    assert_eq!(held, expected);
    // What the page showed last is what the report says.
    for (run, live) in report.runs.iter().zip(&last.runs) {
        assert_eq!((run.records, run.latency_ms, &run.series), (live.records, live.latency_ms, &live.series));
        assert_eq!((live.progress, live.left_ms), (Some(1.0), None));
    }
    assert_eq!(engine.comparison_places.available_permits(), MOST_RUNNING);
}

#[tokio::test(start_paused = true)]
async fn on_request_all_go_at_once_and_it_is_said() {
    let engine = Arc::new(engine());
    let id = begin(&engine, plan("parallel", json!({})), vec![takes(ms(100)), takes(ms(200))]);
    tokio::time::sleep(ms(900)).await;
    let snapshots = engine.follow_comparison(&id).unwrap();
    assert_eq!(states(&snapshots.borrow()), [RunState::Running, RunState::Running]);
    let last = finished(&engine, &id).await;
    assert!(last.log.iter().any(|line| line.writer.is_none() && line.text.contains("share the machine")));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_run_under_way_and_begins_no_other() {
    let engine = Arc::new(engine());
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let second = Box::new(move |_: Call| {
        counted.fetch_add(1, Ordering::Relaxed);
        Fate::Durable(ms(1))
    });
    let id = begin(&engine, plan("sequential", json!({})), vec![takes(ms(100)), second]);
    tokio::time::sleep(ms(450)).await;
    engine.stop_comparison(&id).unwrap();
    let last = finished(&engine, &id).await;
    assert_eq!(states(&last), [RunState::Stopped, RunState::Stopped]);
    let report = engine.comparison_report(&id).unwrap().unwrap();
    assert_eq!((report.runs[0].records.sent, report.runs[0].records.durable), (500, 500));
    assert_eq!((report.runs[1].records.sent, calls.load(Ordering::Relaxed)), (0, 0));
    engine.stop_comparison(&id).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_or_breaks_off_does_not_take_the_others_with_it() {
    let engine = Arc::new(engine());
    let denied = || crate::writer::WriterError::PermissionDenied("no MODIFY".to_owned());
    let scripts: Vec<Box<dyn Fn(Call) -> Fate + Send + Sync>> = vec![
        Box::new(move |_| crate::engine::run::doubles::refused(denied())),
        Box::new(|_| panic!("a defect")),
        takes(ms(1)),
    ];
    let id = begin(&engine, plan("sequential", json!({})), scripts);
    let last = finished(&engine, &id).await;
    assert_eq!(states(&last), [RunState::Failed, RunState::Failed, RunState::Completed]);
    let report = engine.comparison_report(&id).unwrap().unwrap();
    assert!(report.runs[1].reason.as_deref().is_some_and(|reason| reason.contains("defect of this program")));
}

#[tokio::test(start_paused = true)]
async fn snapshots_come_four_times_a_second_and_at_each_change() {
    let engine = Arc::new(engine());
    let id = begin(&engine, plan("sequential", json!({})), vec![takes(ms(1000))]);
    let mut snapshots = engine.follow_comparison(&id).unwrap();
    let mut seen = 0;
    let mut sequence = snapshots.borrow().sequence;
    while !snapshots.borrow_and_update().finished {
        snapshots.changed().await.unwrap();
        let next = snapshots.borrow().sequence;
        assert!(next > sequence);
        (sequence, seen) = (next, seen + 1);
    }
    // Ten seconds; connecting, running, draining, completed, finished.
    assert!((40..=46).contains(&seen), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_not_kept_is_told() {
    let sink = Arc::new(Sink { problem: Some("The disk is full.".to_owned()), ..Sink::default() });
    let engine = Arc::new(engine().with_reports_kept_by(sink));
    let id = begin(&engine, plan("sequential", json!({})), vec![takes(ms(1))]);
    let last = finished(&engine, &id).await;
    let told = |line: &LogLine| line.level == "error" && line.text == "The report was not kept: The disk is full.";
    assert!(last.log.iter().any(told), "{:?}", last.log);
    assert!(engine.comparison_report(&id).unwrap().is_some(), "here it is known all the same");
}

#[tokio::test(start_paused = true)]
async fn the_latest_finished_ones_are_remembered_and_all_that_run() {
    let engine = Arc::new(engine());
    let running = begin(&engine, plan("sequential", json!({})), vec![takes(Duration::from_secs(600))]);
    let mut ids = Vec::new();
    for _ in 0..MOST_FINISHED + 2 {
        let id = begin(&engine, plan("sequential", json!({})), vec![takes(ms(1))]);
        finished(&engine, &id).await;
        ids.push(id);
    }
    assert_eq!(engine.live_comparisons().len(), MOST_FINISHED + 1);
    assert!(engine.follow_comparison(&running).is_ok());
    assert!(engine.follow_comparison(&ids[2]).is_ok());
    let forgotten = engine.follow_comparison(&ids[1]).unwrap_err();
    assert_eq!(forgotten.error_code, "NOT_FOUND");
}

#[tokio::test(start_paused = true)]
async fn no_more_than_two_run_at_a_time() {
    let engine = Arc::new(engine());
    let _running = engine.comparison_places.clone().try_acquire_many_owned(2).unwrap();
    let refused = engine.start_comparison(plan("sequential", json!({})), "").await.unwrap_err();
    assert_eq!(refused.error_code, "RESOURCE_EXHAUSTED");
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_errors_or_a_writer_that_is_not_configured_begins_nothing() {
    let engine = Arc::new(engine());
    let refused = engine.start_comparison(plan("sequential", json!({ "nothing": "== 0" })), "").await.unwrap_err();
    assert_eq!((refused.error_code.as_str(), refused.details.len()), ("INVALID_PARAMETER_VALUE", 1));
    let mut zerobus = plan("sequential", json!({}));
    zerobus.writers[0].kind = crate::model::WriterKind::Zerobus;
    let refused = engine.start_comparison(zerobus, "").await.unwrap_err();
    assert_eq!(refused.error_code, "NOT_CONFIGURED");
    assert!(engine.live_comparisons().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_program_stops_comparisons_in_time() {
    let sink = Arc::new(Sink::default());
    let engine = Arc::new(engine().with_reports_kept_by(sink.clone()));
    let id = begin(&engine, plan("parallel", json!({})), vec![takes(ms(300)), Box::new(|_| Fate::Silence)]);
    tokio::time::sleep(ms(1000)).await;
    let unfinished = engine.drain(Duration::from_secs(8)).await;
    assert_eq!(unfinished, 0);
    let last = finished(&engine, &id).await;
    assert_eq!(states(&last), [RunState::Stopped, RunState::Stopped]);
    let kept = sink.kept.lock().unwrap();
    assert!(kept[0].runs[0].records.durable >= 300, "what was under way is brought home");
    assert_eq!(kept[0].runs[1].records.in_doubt, 100);
}

#[tokio::test(start_paused = true)]
async fn a_comparison_that_has_ended_holds_nothing() {
    let engine = Arc::new(engine());
    let id = begin(&engine, plan("sequential", json!({})), vec![takes(ms(10)), takes(ms(10))]);
    let mut snapshots = engine.follow_comparison(&id).unwrap();
    assert_eq!(finished(&engine, &id).await.runs.len(), 2);
    // Nobody is left who could tell more: its meters and ledgers are gone.
    let told = async { while snapshots.changed().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("the scoreboard is gone");
}

#[tokio::test(start_paused = true)]
async fn the_log_keeps_its_latest_lines() {
    let engine = engine();
    let plan = plan("sequential", json!({}));
    let spec = plan.check().unwrap();
    let head = Head {
        id: String::new(),
        started_at: String::new(),
        started_by: String::new(),
        sql_as: String::new(),
        plan,
        spec,
    };
    let scoreboard = Arc::new(Scoreboard::new(engine.first_snapshot(&head), engine.metrics.clone()));
    let events = scoreboard.events_of("id", "w0");
    for number in 0..1000 {
        events.log("info", format!("line {number}"));
    }
    scoreboard.publish();
    let log = scoreboard.subscribe().borrow().log.clone();
    assert_eq!((log.len(), log[199].text.as_str(), log[199].writer.as_deref()), (200, "line 999", Some("w0")));
}
