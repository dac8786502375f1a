//! What a run holds in memory does not grow with its length, and a fast writer is not held up.

use std::time::Duration;

use crate::engine::run::doubles::{Call, Fate, Rig, busy, refused};
use crate::engine::run::pacer::Pacer;
use crate::model::RunState;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn nothing_grows_with_the_length_of_a_run() {
    // Half an hour of 500 records a second, answered out of order; every 50th batch fails.
    let mut rig = Rig::new(Pacer::Unlimited, u64::MAX);
    (rig.extent.records, rig.extent.time) = (None, Some(Duration::from_secs(1800)));
    (rig.batch, rig.in_flight) = (50, 8);
    rig.table = Err("it is not asked".to_owned());
    let run = rig.start(|call: Call| match call.number % 50 {
        49 => refused(busy()),
        step => Fate::Durable(ms(780 + step)),
    });
    tokio::time::sleep(Duration::from_secs(300)).await;
    let early = run.view.memory();
    tokio::time::sleep(Duration::from_secs(1400)).await;
    let late = run.view.memory();
    assert_eq!(run.view.live().state, RunState::Running);
    assert!(late.0 < 240 * 100, "values of the series: {early:?}, {late:?}");
    // Of every 2,500 records 50 failed: every block has holes, 512 bytes in each of two sets.
    let blocks = run.view.live().records.sent / 4096;
    assert!((late.1 as u64) < blocks * 2 * 600, "bytes of the ledger: {late:?} for {blocks} blocks");
    let report = run.report.await.unwrap();
    assert_eq!(report.state, RunState::Completed);
    assert!(report.series.len() <= 240);
}

#[tokio::test(start_paused = true)]
async fn without_holes_a_long_run_takes_up_a_few_bytes() {
    let mut rig = Rig::new(Pacer::Unlimited, 1_000_000);
    (rig.batch, rig.in_flight) = (100, 8);
    rig.table = Err("it is not asked".to_owned());
    let run = rig.start(|call: Call| Fate::Durable(ms(20 + call.number % 7)));
    let mut most = 0;
    while !run.report.is_finished() {
        most = most.max(run.view.memory().1);
        tokio::time::sleep(ms(500)).await;
    }
    assert_eq!(run.report.await.unwrap().records.durable, 1_000_000);
    assert!(most < 20_000, "{most} bytes");
}

#[tokio::test(start_paused = true)]
async fn no_more_is_taken_from_the_source_than_the_queue_and_the_writer_hold() {
    let mut rig = Rig::new(Pacer::Unlimited, 1_000_000);
    (rig.batch, rig.in_flight) = (100, 3);
    let run = rig.start(|_| Fate::Durable(Duration::from_secs(60)));
    tokio::time::sleep(Duration::from_secs(30)).await;
    let live = run.view.live();
    assert_eq!((live.in_flight, live.records.sent), (3, 300));
    // Four batches in the queue; taking the next one waits for a place there.
    assert_eq!(run.view.taken(), Some(700));
    run.signals.stop.cancel();
    let report = run.report.await.unwrap();
    assert_eq!((report.records.sent, report.records.in_doubt), (300, 300), "what was not handed over was not sent");
}
