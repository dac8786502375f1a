//! Visible is what a SELECT returns, and the reconciliation tells what the table has.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::run::doubles::{Fate, Rig, TableDouble};
use crate::engine::run::pacer::Pacer;
use crate::model::RunState;
use crate::workspace::WorkspaceError;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn table(change: impl FnOnce(&mut TableDouble)) -> Result<Arc<TableDouble>, String> {
    Ok(TableDouble::with(change))
}

fn unreachable() -> WorkspaceError {
    WorkspaceError::Unreachable { url: "http://w".to_owned(), detail: "refused".to_owned(), connected: false }
}

#[tokio::test(start_paused = true)]
async fn visible_latency_is_the_truth_plus_at_most_one_look() {
    for (rate, records) in [(100.0, 3000), (1000.0, 20_000), (20_000.0, 200_000)] {
        let mut rig = Rig::new(Pacer::Constant { per_second: rate }, records);
        rig.check_every = ms(250);
        rig.table = table(|table| (table.lag, table.answer_takes) = (ms(1000), ms(20)));
        let report = rig.report(|_| Fate::Durable(ms(50))).await;
        assert_eq!((report.records.visible, report.records.missing), (records, 0));
        let visible = report.latency_ms.visible;
        assert_eq!(visible.count, records, "each record is measured");
        // Sent at once or within the 2 ms of a batch, durable 50 ms later, visible 1 s after that; a look every 250 ms that takes
        // 20 ms; and up to 1/64 of the whole for chunks.
        let (least, most) = (1050.0, 1050.0 + 2.0 + 250.0 + 2.0 * 20.0 + 1050.0 / 64.0 + 2.0);
        assert!(visible.min >= least * 0.999, "{visible:?}");
        assert!(visible.max <= most * 1.001, "at {rate} per second: {visible:?}");
        assert!((visible.p50 - (least + 135.0)).abs() < 40.0, "half a look more than the truth: {visible:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_run_is_not_made_slower_by_chunks() {
    let mut rig = Rig::new(Pacer::Constant { per_second: 2.0 }, 60);
    rig.check_every = ms(250);
    rig.table = table(|table| table.lag = ms(1000));
    let report = rig.report(|_| Fate::Durable(ms(50))).await;
    let visible = report.latency_ms.visible;
    assert!(visible.min >= 1049.0 && visible.max <= 1302.0, "{visible:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_and_what_is_there_twice_is_named() {
    let mut rig = Rig::new(Pacer::Unlimited, 20_000);
    rig.source.repeat_every = Some(5000);
    rig.table = table(|table| table.loses = [3, 4095, 4096, 19_999].into());
    rig.patience = Duration::from_secs(5);
    let report = rig.report(|_| Fate::Durable(ms(5))).await;
    assert_eq!(report.state, RunState::Completed);
    let records = &report.records;
    assert_eq!((records.sent, records.durable, records.visible, records.missing), (20_004, 20_004, 19_996, 4));
    // 4999, 9999, 14999 and 19999 were sent twice; the last of them is lost.
    assert_eq!((records.duplicates, records.duplicates_sent), (3, 4));
    let ids = |ordinals: &[u64]| ordinals.iter().map(|one| format!("00000007-{one:012x}")).collect::<Vec<_>>();
    assert!(report.reconciliation.done);
    assert_eq!(report.reconciliation.missing_ids, ids(&[3, 4095, 4096, 19_999]));
    assert_eq!(report.reconciliation.duplicate_ids, ids(&[4999, 9999, 14_999]));
    let note = report.reconciliation.note.unwrap();
    assert!(note.contains("4 durable records are not in the table."), "{note}");
    assert!(note.contains("4 records were sent twice, 3 second rows are in the table."), "{note}");
}

#[tokio::test(start_paused = true)]
async fn bad_records_are_never_expected_in_the_table() {
    let mut rig = Rig::new(Pacer::Unlimited, 10_000);
    rig.source.bad_every = Some(10);
    rig.check_every = ms(250);
    rig.table = table(|table| table.lag = ms(700));
    let report = rig.report(|_| Fate::Durable(ms(5))).await;
    let records = &report.records;
    assert_eq!((records.sent, records.durable, records.failed, records.in_doubt), (10_000, 9000, 1000, 0));
    assert_eq!((records.visible, records.missing), (9000, 0));
    let error = &report.errors[0];
    assert_eq!((error.class.as_str(), error.count, error.retryable), ("invalid_record", 1000, false));
    assert_eq!((error.details.len(), error.details[0].rule.as_str()), (100, "minimum"));
    assert_eq!(report.latency_ms.durable.count, 9000);
    assert!(report.reconciliation.done && report.reconciliation.note.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_slow_to_show_is_waited_for() {
    let mut rig = Rig::new(Pacer::Unlimited, 1000);
    rig.table = table(|table| table.lag = Duration::from_secs(30));
    let report = rig.report(|_| Fate::Durable(ms(5))).await;
    assert_eq!((report.records.visible, report.records.missing), (1000, 0));
}

#[tokio::test(start_paused = true)]
async fn when_patience_is_over_what_is_not_there_is_missing() {
    let mut rig = Rig::new(Pacer::Unlimited, 1000);
    rig.check_every = ms(250);
    rig.patience = Duration::from_secs(10);
    rig.table = table(|table| table.lag = Duration::from_secs(30));
    let began = tokio::time::Instant::now();
    let report = rig.report(|_| Fate::Durable(ms(5))).await;
    assert_eq!((report.records.visible, report.records.missing), (0, 1000));
    assert_eq!(report.reconciliation.missing_ids.len(), 100);
    assert_eq!(report.latency_ms.visible.count, 0);
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_away_for_a_while_is_asked_again() {
    let mut rig = Rig::new(Pacer::Constant { per_second: 100.0 }, 500);
    rig.check_every = ms(250);
    rig.table = table(|table| table.errors = std::sync::Mutex::new(vec![unreachable(); 3]));
    let heard = rig.heard.clone();
    let report = rig.report(|_| Fate::Durable(ms(5))).await;
    assert_eq!((report.records.visible, report.latency_ms.visible.count), (500, 500));
    assert!(report.reconciliation.done);
    let lines = heard.lines.lock().unwrap();
    assert_eq!(lines.iter().filter(|(level, _)| *level == "warn").count(), 1, "told once: {lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_cannot_be_asked_is_told_and_nothing_is_pretended() {
    let mut rig = Rig::new(Pacer::Unlimited, 1000);
    rig.check_every = ms(250);
    rig.table = Err("a.b.c has no text column record_id.".to_owned());
    let report = rig.report(|_| Fate::Durable(ms(5))).await;
    assert_eq!((report.state, report.records.durable), (RunState::Completed, 1000));
    assert!(!report.reconciliation.done);
    assert_eq!(report.reconciliation.note.as_deref(), Some("a.b.c has no text column record_id."));
    assert_eq!((report.records.visible, report.records.missing, report.latency_ms.visible.count), (0, 0, 0));

    let mut rig = Rig::new(Pacer::Unlimited, 1000);
    rig.check_every = ms(250);
    let denied = || WorkspaceError::PermissionDenied("no SELECT".to_owned());
    rig.table = table(|table| table.errors = std::sync::Mutex::new(vec![denied(), denied()]));
    let report = rig.report(|_| Fate::Durable(ms(5))).await;
    assert!(!report.reconciliation.done);
    assert!(report.reconciliation.note.unwrap().contains("no SELECT"));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_asked_at_the_end_only_is_asked_little() {
    let rig = Rig::new(Pacer::Constant { per_second: 100.0 }, 2000);
    let table = rig.table.clone().unwrap();
    let report = rig.report(|_| Fate::Durable(ms(5))).await;
    assert_eq!((table.questions(), report.latency_ms.visible.count), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn records_with_ids_of_their_own_are_not_looked_for() {
    let mut rig = Rig::new(Pacer::Unlimited, 1000);
    (rig.check_every, rig.source.own_ids) = (ms(250), true);
    let table = rig.table.clone().unwrap();
    let report = rig.report(|_| Fate::Durable(ms(5))).await;
    assert_eq!((report.state, report.records.durable, report.records.missing), (RunState::Completed, 1000, 0));
    assert!(!report.reconciliation.done);
    assert!(report.reconciliation.note.unwrap().contains("ids of its own"));
    assert_eq!(table.questions(), 0);
}
