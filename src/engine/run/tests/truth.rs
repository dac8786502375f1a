//! The meter is checked against truth: writers with known delays must yield the percentiles that theory demands, within the
//! precision of the histogram.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::engine::run::doubles::{Call, Fate, RECORD_BYTES, Rig, TableDouble, busy, refused};
use crate::engine::run::pacer::Pacer;
use crate::model::{Percentiles, RunReport, RunState};

/// Three significant digits.
const PRECISION: f64 = 0.001;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const A_HUNDRED_PER_SECOND: Pacer = Pacer::Constant { per_second: 100.0 };

/// Holds what was measured against the latencies that each single record must have had.
fn assert_percentiles(measured: &Percentiles, mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    let count = latencies.len();
    assert_eq!(measured.count, count as u64);
    // The smallest value that a share `quantile` of all values is not above.
    let at = |quantile: f64| latencies[((count as f64 * quantile).ceil() as usize).clamp(1, count) - 1];
    let mean = latencies.iter().sum::<Duration>() / u32::try_from(count).unwrap();
    for (name, measured, expected) in [
        ("min", measured.min, latencies[0]),
        ("mean", measured.mean, mean),
        ("p50", measured.p50, at(0.50)),
        ("p90", measured.p90, at(0.90)),
        ("p95", measured.p95, at(0.95)),
        ("p99", measured.p99, at(0.99)),
        ("p99.9", measured.p99_9, at(0.999)),
        ("max", measured.max, latencies[count - 1]),
    ] {
        // A latency of nothing is recorded as 1 us.
        let expected = expected.as_secs_f64().max(1e-6) * 1000.0;
        assert!(
            (measured - expected).abs() <= expected * PRECISION + 0.001,
            "{name}: {measured} ms, expected {expected} ms"
        );
    }
}

fn assert_all_durable(report: &RunReport, records: u64) {
    assert_eq!(report.state, RunState::Completed, "{:?}", report.reason);
    assert_eq!((report.records.sent, report.records.durable, report.records.failed), (records, records, 0));
    assert_eq!((report.records.visible, report.records.missing, report.records.duplicates), (records, 0, 0));
    assert!(report.reconciliation.done && report.errors.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_constant_delay_is_every_percentile() {
    let report = Rig::new(A_HUNDRED_PER_SECOND, 2000).report(|_| Fate::Durable(ms(40))).await;
    assert_all_durable(&report, 2000);
    assert_percentiles(&report.latency_ms.durable, vec![ms(40); 2000]);
    assert_percentiles(&report.latency_ms.send, vec![Duration::ZERO; 2000]);
    assert_eq!(report.most_in_flight, 4, "40 ms in flight at one batch every 10 ms");
    assert!((report.elapsed_ms - (19_990.0 + 40.0)).abs() < 0.01, "{}", report.elapsed_ms);
    assert!((report.throughput.bytes_per_s / report.throughput.rows_per_s - RECORD_BYTES as f64).abs() < 1e-6);
}

#[tokio::test(start_paused = true)]
async fn of_two_delays_each_has_its_share() {
    let slow = |number: u64| number % 10 == 9;
    let delay = move |number| if slow(number) { ms(200) } else { ms(5) };
    let report = Rig::new(A_HUNDRED_PER_SECOND, 5000).report(move |call: Call| Fate::Durable(delay(call.number))).await;
    assert_all_durable(&report, 5000);
    assert_percentiles(&report.latency_ms.durable, (0..5000).map(delay).collect());
    assert!(report.latency_ms.durable.p90 < 6.0 && report.latency_ms.durable.p95 > 199.0);
}

/// The one that naive meters get wrong. The writer answers at once, but for ten seconds from the 20th on: whatever is asked of it
/// then is answered when they are over. It takes one batch at a time, so the stall is seen by a single call; a meter that counts
/// from that call would report one slow call of thousands. But a thousand records were due meanwhile, and each was late.
#[tokio::test(start_paused = true)]
async fn a_stall_is_felt_by_every_record_that_was_due_in_it() {
    const STALL: Range<Duration> = Duration::from_secs(20)..Duration::from_secs(30);
    let calls_in_stall = Arc::new(AtomicU64::new(0));
    let counted = calls_in_stall.clone();
    let mut rig = Rig::new(A_HUNDRED_PER_SECOND, 6000);
    rig.in_flight = 1;
    let report = rig
        .report(move |call: Call| {
            if STALL.contains(&call.at) {
                counted.fetch_add(1, Ordering::Relaxed);
                return Fate::Durable(STALL.end - call.at);
            }
            Fate::Durable(Duration::ZERO)
        })
        .await;
    assert_all_durable(&report, 6000);
    assert_eq!(calls_in_stall.load(Ordering::Relaxed), 1);

    let due = |ordinal: u64| ms(10 * ordinal);
    let latency = |ordinal| if STALL.contains(&due(ordinal)) { STALL.end - due(ordinal) } else { Duration::ZERO };
    assert_percentiles(&report.latency_ms.durable, (0..6000).map(latency).collect());
    // In plain numbers: of 6,000 records the slowest 60 waited longer than 9.4 s, the slowest 300 longer than 7 s.
    assert!((report.latency_ms.durable.p99 / 9410.0 - 1.0).abs() < 0.002, "{}", report.latency_ms.durable.p99);
    assert!((report.latency_ms.durable.p95 / 7010.0 - 1.0).abs() < 0.002, "{}", report.latency_ms.durable.p95);
    // Handing over was late, too: the records waited in front of the writer, not in it.
    assert!(report.latency_ms.send.p99 > 9000.0);
}

#[tokio::test(start_paused = true)]
async fn the_records_of_a_burst_wait_for_each_other() {
    let mut rig = Rig::new(Pacer::Burst { records: 40, every: Duration::from_secs(5) }, 200);
    (rig.batch, rig.in_flight) = (10, 1);
    let report = rig.report(|_| Fate::Durable(ms(3))).await;
    assert_all_durable(&report, 200);
    // Four batches of ten, one behind the other, in each of five bursts.
    let latencies = (0..200).map(|ordinal| ms(3 * (ordinal % 40 / 10 + 1)));
    assert_percentiles(&report.latency_ms.durable, latencies.collect());
}

#[tokio::test(start_paused = true)]
async fn records_that_share_a_batch_have_their_own_latencies() {
    // 1,000 per second leave every 2 ms: one has waited 1 ms for the other. The very first leaves alone.
    let report = Rig::new(Pacer::Constant { per_second: 1000.0 }, 4001).report(|_| Fate::Durable(ms(20))).await;
    assert_all_durable(&report, 4001);
    let latency = |ordinal: u64| if ordinal % 2 == 1 { ms(21) } else { ms(20) };
    assert_percentiles(&report.latency_ms.durable, (0..4001).map(latency).collect());
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_is_too_slow_for_the_rate_makes_records_later_and_later() {
    // 100 per second come, one batch of 5 every 100 ms goes: after 10 s half of them wait.
    let mut rig = Rig::new(A_HUNDRED_PER_SECOND, 1000);
    (rig.batch, rig.in_flight) = (5, 1);
    let report = rig.report(|_| Fate::Durable(ms(100))).await;
    assert_all_durable(&report, 1000);
    // 200 batches, and a few that left before they were full.
    let last = report.latency_ms.durable.max;
    assert!(
        (10_000.0..10_300.0).contains(&last),
        "the last record was due at 9.99 s and durable at about 20 s: {last}"
    );
    let median = report.latency_ms.durable.p50;
    assert!((5_000.0..5_300.0).contains(&median), "{median}");
}

#[tokio::test(start_paused = true)]
async fn without_a_rate_a_batch_counts_from_its_own_beginning() {
    let mut rig = Rig::new(Pacer::Unlimited, 10_000);
    (rig.batch, rig.in_flight) = (100, 4);
    let report = rig.report(|_| Fate::Durable(ms(50))).await;
    assert_all_durable(&report, 10_000);
    assert_percentiles(&report.latency_ms.durable, vec![ms(50); 10_000]);
    assert_eq!(report.most_in_flight, 4);
    // 100 batches, four at a time, 50 ms each: 1.25 s.
    assert!((report.elapsed_ms - 1250.0).abs() < 0.01, "{}", report.elapsed_ms);
    assert!((report.throughput.rows_per_s - 8000.0).abs() < 0.1);
    assert!((report.usage.warehouse_ms - 1250.0).abs() < 0.01 && report.usage.calls == 100);
}

#[tokio::test(start_paused = true)]
async fn the_course_shows_the_stall_where_it_was() {
    let mut rig = Rig::new(A_HUNDRED_PER_SECOND, 1000);
    rig.in_flight = 1;
    let stall = ms(4000)..ms(6000);
    let report = rig
        .report(move |call: Call| Fate::Durable(if stall.contains(&call.at) { stall.end - call.at } else { ms(1) }))
        .await;
    let during = |point: &&crate::model::SeriesPoint| point.at_ms > 4300.0 && point.at_ms < 5900.0;
    assert!(report.series.iter().filter(during).all(|point| point.rows_per_s == 0.0 && point.durable_p99_ms.is_none()));
    assert!(report.series.iter().filter(during).count() >= 6);
    let behind = report.series.iter().find(|point| point.at_ms > 6000.0).unwrap();
    assert!(behind.durable_p99_ms.unwrap() > 1900.0 && behind.rows_per_s > 400.0, "{behind:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_repeats_exactly() {
    let run = || async {
        // Times that never meet, so that nothing depends on which of two things at the same moment comes first.
        let mut rig = Rig::new(Pacer::Burst { records: 3, every: ms(23) }, 600);
        (rig.source.bad_every, rig.source.repeat_every) = (Some(17), Some(11));
        rig.check_every = ms(97);
        rig.table = Ok(TableDouble::with(|table| table.lag = ms(301)));
        let script = |call: Call| match call.number % 13 {
            7 => refused(busy()),
            step => Fate::Durable(ms(5 + step)),
        };
        RunReport { started_at: String::new(), ..rig.report(script).await }
    };
    let first = run().await;
    assert!(first.records.failed > 0 && first.records.duplicates > 0 && first.latency_ms.visible.count > 0);
    for _ in 0..5 {
        assert_eq!(run().await, first);
    }
}
