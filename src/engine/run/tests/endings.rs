//! Every end of a run is true, and comes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::run::doubles::{Call, Fate, Rig, Scripted, TableDouble, busy, refused};
use crate::engine::run::pacer::Pacer;
use crate::model::{RunReport, RunState};
use crate::writer::{Session, WriteFailure, WriterError};

const A_HUNDRED_PER_SECOND: Pacer = Pacer::Constant { per_second: 100.0 };

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn assert_conserved(report: &RunReport) {
    let records = &report.records;
    assert_eq!(records.sent, records.durable + records.failed, "{records:?}");
    assert!(report.state.is_final());
}

fn denied() -> WriterError {
    WriterError::PermissionDenied("no MODIFY on a.b.c".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_time_may_heal_costs_its_batch_and_nothing_else() {
    let mut rig = Rig::new(Pacer::Unlimited, 10_000);
    (rig.batch, rig.in_flight) = (100, 3);
    let report =
        rig.report(|call: Call| if call.number % 10 == 4 { refused(busy()) } else { Fate::Durable(ms(5)) }).await;
    assert_conserved(&report);
    assert_eq!(report.state, RunState::Completed);
    assert_eq!((report.records.durable, report.records.failed, report.records.in_doubt), (9000, 1000, 0));
    let error = &report.errors[0];
    assert_eq!((error.class.as_str(), error.count, error.retryable), ("temporarily_unavailable", 10, true));
    assert!(report.reconciliation.done);
    assert_eq!((report.records.visible, report.records.missing), (9000, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_waiting_does_not_heal_ends_the_run_after_what_is_in_flight() {
    let mut rig = Rig::new(Pacer::Unlimited, 1_000_000);
    (rig.batch, rig.in_flight) = (100, 4);
    let heard = rig.heard.clone();
    let began = Instant::now();
    let report =
        rig.report(|call: Call| if call.number == 10 { refused(denied()) } else { Fate::Durable(ms(50)) }).await;
    assert_conserved(&report);
    assert_eq!(report.state, RunState::Failed);
    // The eight before it and the three beside it are durable: what is in flight is brought home.
    assert_eq!((report.records.durable, report.records.failed), (1100, 100));
    assert_eq!(report.errors[0].class, "permission_denied");
    let reason = report.reason.unwrap();
    assert!(
        reason.starts_with("Writing through scripted failed: no MODIFY on a.b.c. 1100 of 1200 records"),
        "{reason}"
    );
    assert!(reason.contains("Grant"), "{reason}");
    assert!(began.elapsed() < seconds(1));
    assert!(heard.lines.lock().unwrap().iter().any(|(level, text)| *level == "error" && *text == reason));
}

#[tokio::test(start_paused = true)]
async fn rows_before_the_failure_of_a_batch_stay_durable_and_lost_answers_leave_doubt() {
    let mut rig = Rig::new(Pacer::Unlimited, 1000);
    (rig.batch, rig.in_flight) = (100, 1);
    let fails = |call: Call| {
        if call.number != 3 {
            return Fate::Durable(ms(5));
        }
        // Of 100 rows 40 were acknowledged, 20 were sent and not answered, and of those 15 arrived.
        let error = WriterError::Timeout("no answer within 50 s".to_owned());
        Fate::Fails { after: ms(5), failure: WriteFailure { error, durable: 40, in_doubt: 20 }, landed: 55 }
    };
    let report = rig.report(fails).await;
    assert_conserved(&report);
    assert_eq!((report.records.durable, report.records.failed, report.records.in_doubt), (940, 60, 20));
    assert_eq!((report.records.visible, report.records.missing), (955, 0));
    let note = report.reconciliation.note.unwrap();
    assert_eq!(note, "Of 20 rows in doubt, 15 records are in the table.");
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_dies_in_the_middle_ends_the_run_in_true_words() {
    let mut rig = Rig::new(A_HUNDRED_PER_SECOND, 1_000_000);
    rig.in_flight = 2;
    let began = Instant::now();
    let report = rig
        .report(|call: Call| {
            if call.at < seconds(10) {
                return Fate::Durable(ms(5));
            }
            refused(WriterError::Unreachable("http://w does not answer (connection refused)".to_owned()))
        })
        .await;
    assert_conserved(&report);
    assert_eq!(report.state, RunState::Failed);
    assert_eq!(report.records.durable, 1000);
    assert!(report.reason.unwrap().contains("does not answer"));
    // Ten seconds of life, thirty of nothing but failures.
    assert!((seconds(40)..seconds(42)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_never_answers_does_not_hang_the_run() {
    let mut rig = Rig::new(A_HUNDRED_PER_SECOND, 1000);
    (rig.batch, rig.in_flight) = (10, 2);
    let began = Instant::now();
    let report = rig.report(|_| Fate::Silence).await;
    assert_conserved(&report);
    assert_eq!(report.state, RunState::Failed);
    assert_eq!((report.records.durable, report.records.failed), (0, report.records.in_doubt));
    assert!(report.records.sent <= 20 && report.records.in_doubt > 0);
    assert!(report.reason.unwrap().contains("nothing was acknowledged for 150 s"));
    assert!(began.elapsed() < seconds(300), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_middle_brings_home_what_is_under_way() {
    let mut rig = Rig::new(A_HUNDRED_PER_SECOND, 1000);
    rig.check_every = ms(250);
    let run = rig.start(|_| Fate::Durable(ms(400)));
    tokio::time::sleep(ms(5005)).await;
    let live = run.view.live();
    assert_eq!((live.state, live.in_flight), (RunState::Running, 40));
    run.signals.stop.cancel();
    let report = run.report.await.unwrap();
    assert_conserved(&report);
    assert_eq!(report.state, RunState::Stopped);
    assert_eq!((report.records.sent, report.records.durable), (501, 501));
    assert_eq!((report.records.visible, report.records.missing), (501, 0));
    let reason = report.reason.unwrap();
    assert!(reason.contains("501 of 501 records that were sent are durable"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_no_writer_and_no_table_longer_than_ten_seconds_each() {
    let mut rig = Rig::new(A_HUNDRED_PER_SECOND, 100_000);
    (rig.in_flight, rig.check_every) = (5, ms(250));
    rig.table = Ok(TableDouble::with(|table| table.silent = true));
    let run = rig.start(|call: Call| if call.at < seconds(3) { Fate::Durable(ms(5)) } else { Fate::Silence });
    tokio::time::sleep(seconds(10)).await;
    run.signals.stop.cancel();
    let stopped = Instant::now();
    let report = run.report.await.unwrap();
    assert_conserved(&report);
    assert_eq!(report.state, RunState::Stopped);
    assert_eq!(report.records.durable, 300);
    assert!(report.records.in_doubt > 0 && report.records.in_doubt == report.records.failed);
    assert!(!report.reconciliation.done);
    assert_eq!(report.reconciliation.note.as_deref(), Some("The table did not answer in time."));
    assert!((seconds(19)..=seconds(30)).contains(&stopped.elapsed()), "{:?}", stopped.elapsed());
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_program_a_run_is_over_within_seconds() {
    let mut rig = Rig::new(A_HUNDRED_PER_SECOND, 100_000);
    let shutdown = rig.shutdown.clone();
    rig.table = Ok(TableDouble::with(|table| table.silent = true));
    let run = rig.start(|call: Call| if call.at < seconds(3) { Fate::Durable(ms(5)) } else { Fate::Silence });
    tokio::time::sleep(seconds(5)).await;
    shutdown.cancel();
    let ended = Instant::now();
    let report = run.report.await.unwrap();
    assert_conserved(&report);
    assert_eq!(report.state, RunState::Stopped);
    assert_eq!(report.reconciliation.note.as_deref(), Some("The program ended before the table was asked."));
    assert!(ended.elapsed() < seconds(7), "{:?}", ended.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stop_after_the_last_record_does_not_make_a_whole_run_half() {
    let run = Rig::new(Pacer::Unlimited, 1000).start(|_| Fate::Durable(seconds(5)));
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(run.view.live().state, RunState::Draining);
    run.signals.stop.cancel();
    let report = run.report.await.unwrap();
    assert_eq!((report.state, report.records.durable), (RunState::Completed, 1000));
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_cannot_be_opened_writes_nothing() {
    let run = Rig::new(Pacer::Unlimited, 10).start_with(Box::new(|| Box::pin(async { Err(denied()) })));
    let report = run.report.await.unwrap();
    assert_eq!((report.state, report.records.sent), (RunState::Failed, 0));
    let reason = report.reason.unwrap();
    assert!(reason.starts_with("scripted could not be opened: no MODIFY on a.b.c. Nothing was written."), "{reason}");
    assert_eq!(report.errors[0].class, "permission_denied");
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_opens_for_ever_is_given_up_and_can_be_stopped() {
    let began = Instant::now();
    let given_up = Rig::new(Pacer::Unlimited, 10).start_with(Box::new(|| Box::pin(std::future::pending())));
    let report = given_up.report.await.unwrap();
    assert_eq!(report.state, RunState::Failed);
    assert_eq!(began.elapsed(), seconds(60));

    let stopped = Rig::new(Pacer::Unlimited, 10).start_with(Box::new(|| Box::pin(std::future::pending())));
    tokio::time::sleep(seconds(1)).await;
    stopped.signals.stop.cancel();
    let report = stopped.report.await.unwrap();
    assert_eq!((report.state, report.records.sent), (RunState::Stopped, 0));
    assert!(report.reason.unwrap().contains("Nothing was written."));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_ends_the_run_with_what_was_sent() {
    let mut rig = Rig::new(Pacer::Unlimited, 1000);
    rig.batch = 100;
    rig.source.fails_at = Some(450);
    let report = rig.report(|_| Fate::Durable(ms(5))).await;
    assert_conserved(&report);
    assert_eq!((report.state, report.records.durable), (RunState::Failed, 400));
    assert!(report.reason.unwrap().starts_with("The source failed: line 7 is no JSON. 400 of 400"));
}

#[tokio::test(start_paused = true)]
async fn records_that_the_writer_cannot_carry_end_the_run_before_anything_is_sent() {
    let rig = Rig::new(Pacer::Unlimited, 1000);
    let table = Arc::new(TableDouble::default());
    let mut session = Scripted::new(&table, |_| Fate::Durable(ms(5)));
    session.refuses_to_encode = true;
    let session = Arc::new(session);
    let opened = session.clone() as Arc<dyn Session>;
    let report = rig.start_with(Box::new(|| Box::pin(async { Ok(opened) }))).report.await.unwrap();
    assert_eq!((report.state, report.records.sent, session.calls()), (RunState::Failed, 0, 0));
    assert!(report.reason.unwrap().contains("column n has type VOID. Nothing was written."));
    assert!(session.closed.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_source_with_an_end_ends_the_run() {
    let mut rig = Rig::new(Pacer::Unlimited, 0);
    (rig.extent.records, rig.source.records, rig.batch) = (None, Some(777), 100);
    let report = rig.report(|_| Fate::Durable(ms(5))).await;
    assert_eq!((report.state, report.records.durable), (RunState::Completed, 777));
}

#[tokio::test(start_paused = true)]
async fn a_time_ends_the_run_and_what_was_due_and_not_sent_is_told() {
    let in_time = |rig: &mut Rig| (rig.extent.records, rig.extent.time) = (Some(1000), Some(seconds(10)));
    let mut rig = Rig::new(A_HUNDRED_PER_SECOND, 0);
    in_time(&mut rig);
    let report = rig.report(|_| Fate::Durable(ms(50))).await;
    assert_eq!((report.state, report.records.sent, report.errors.len()), (RunState::Completed, 1000, 0));

    let mut rig = Rig::new(A_HUNDRED_PER_SECOND, 0);
    in_time(&mut rig);
    (rig.batch, rig.in_flight) = (5, 1);
    let report = rig.report(|_| Fate::Durable(ms(100))).await;
    assert_conserved(&report);
    assert!((500..600).contains(&report.records.sent), "a second beyond the time: {:?}", report.records);
    let error = &report.errors[0];
    assert_eq!((error.class.as_str(), error.count), ("not_sent", 1000 - report.records.sent));
}

#[tokio::test(start_paused = true)]
async fn a_time_without_a_rate_ends_the_run_too() {
    let mut rig = Rig::new(Pacer::Unlimited, 0);
    (rig.extent.records, rig.extent.time, rig.in_flight) = (None, Some(seconds(10)), 1);
    let began = Instant::now();
    let report = rig.report(|_| Fate::Durable(ms(100))).await;
    assert_eq!(report.state, RunState::Completed);
    assert!((50_000..53_000).contains(&report.records.durable), "{:?}", report.records);
    assert!(began.elapsed() < seconds(11), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn repeated_attempts_are_counted_and_told_now_and_then() {
    let rig = Rig::new(A_HUNDRED_PER_SECOND, 60);
    let heard = rig.heard.clone();
    let table = Arc::new(TableDouble::default());
    let mut session = Scripted::new(&table, |_| Fate::Durable(ms(5)));
    session.retries = 2;
    let opened = Arc::new(session) as Arc<dyn Session>;
    let report = rig.start_with(Box::new(|| Box::pin(async { Ok(opened) }))).report.await.unwrap();
    assert_eq!((report.retries, report.errors.len()), (120, 0));
    let lines = heard.lines.lock().unwrap();
    let told: Vec<&str> = lines.iter().filter(|(level, _)| *level == "warn").map(|(_, text)| text.as_str()).collect();
    assert_eq!(told.len(), 3, "the first, the tenth, the hundredth: {told:?}");
}
