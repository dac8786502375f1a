use super::*;
use crate::model::{ErrorCount, Reconciliation, RecordCounts, RunState, Throughput, WriterKind, WriterOptions};

fn report() -> RunReport {
    let percentiles =
        Percentiles { count: 9, min: 1.0, mean: 2.0, p50: 3.0, p90: 4.0, p95: 5.0, p99: 6.0, p99_9: 7.0, max: 8.0 };
    let error = |class: &str, count| ErrorCount {
        class: class.to_owned(),
        message: String::new(),
        count,
        retryable: false,
        details: Vec::new(),
    };
    RunReport {
        run_id: "r".to_owned(),
        writer: "zerobus".to_owned(),
        options: WriterOptions {
            kind: WriterKind::Zerobus,
            mode: None,
            encoding: None,
            streams: 1,
            batch: 1,
            in_flight: 1,
        },
        state: RunState::Completed,
        reason: None,
        started_at: String::new(),
        records: RecordCounts { sent: 100, durable: 97, failed: 3, visible: 97, duplicates: 2, ..Default::default() },
        elapsed_ms: 1500.0,
        connect_ms: 1.0,
        throughput: Throughput { rows_per_s: 64.5, bytes_per_s: 12_000.0 },
        latency_ms: Latencies { durable: percentiles, ..Default::default() },
        most_in_flight: 1,
        retries: 4,
        errors: vec![error("invalid_record", 3), error("unavailable", 2)],
        reconciliation: Reconciliation { done: true, ..Default::default() },
        series: Vec::new(),
        usage: Default::default(),
    }
}

fn judge(metric: &str, condition: &str, run: &RunReport) -> (bool, Option<f64>) {
    let result = Threshold::parse(metric, condition).unwrap().judge(run, "zerobus");
    (result.held, result.value)
}

#[test]
fn every_metric_is_the_reports_number() {
    let run = report();
    let cases = [
        ("errors", "== 5", 5.0),
        ("failed", "<= 3", 3.0),
        ("in_doubt", "== 0", 0.0),
        ("missing", "== 0", 0.0),
        ("duplicates", "!= 0", 2.0),
        ("sent", ">= 100", 100.0),
        ("durable", "> 96", 97.0),
        ("visible", "< 1k", 97.0),
        ("retries", "== 4", 4.0),
        ("rows_per_s", "> 0.05k/s", 64.5),
        ("bytes_per_s", ">= 12kB/s", 12_000.0),
        ("elapsed", "<= 1.5s", 1_500.0),
        ("durable.min", "== 1ms", 1.0),
        ("durable.mean", "== 2ms", 2.0),
        ("durable.p50", "== 3ms", 3.0),
        ("durable.p90", "== 4ms", 4.0),
        ("durable.p95", "== 5ms", 5.0),
        ("durable.p99", "< 5s", 6.0),
        ("durable.p99_9", "== 7ms", 7.0),
        ("durable.max", "<= 8ms", 8.0),
    ];
    for (metric, condition, value) in cases {
        assert_eq!(judge(metric, condition, &run), (true, Some(value)), "{metric} {condition}");
    }
    let result = Threshold::parse("durable.p99", "  <5ms ").unwrap().judge(&run, "sql json-parameter");
    let expected = ("durable.p99 <5ms", "sql json-parameter", false, Some(6.0));
    assert_eq!((result.name.as_str(), result.writer.as_str(), result.held, result.value), expected);
}

#[test]
fn what_was_not_measured_does_not_hold() {
    let mut run = report();
    assert_eq!(judge("visible.p99", "< 1h", &run), (false, None));
    run.reconciliation.done = false;
    for metric in ["missing", "duplicates", "visible"] {
        assert_eq!(judge(metric, ">= 0", &run), (false, None), "{metric}");
    }
    run.records = RecordCounts::default();
    assert_eq!(judge("errors", "== 5", &run), (true, Some(5.0)), "what went wrong counts");
    run.errors.clear();
    for metric in ["errors", "failed", "in_doubt", "retries"] {
        assert_eq!(judge(metric, "== 0", &run), (false, None), "{metric}");
    }
    assert_eq!(judge("rows_per_s", "< 1", &run), (false, None));
    assert_eq!(judge("elapsed", "< 1h", &run), (false, None));
    assert_eq!(judge("durable", "> 0", &run), (false, Some(0.0)));
}

#[test]
fn lines_that_are_no_threshold_are_explained() {
    let cases = [
        ("p99", "< 5s", "no metric of this name"),
        ("durable.p98", "< 5s", "no metric of this name"),
        ("accepted.p99", "< 5s", "no metric of this name"),
        ("durable.p99", "5s", "begins with"),
        ("durable.p99", "= 5s", "begins with"),
        ("durable.p99", "< 5", "a time such as"),
        ("durable.p99", "< -5s", "a time such as"),
        ("errors", "== 0.5", "a whole number"),
        ("errors", "== none", "a whole number"),
        ("bytes_per_s", "> 5m", "bytes per second"),
        ("rows_per_s", "> 5MB", "rows per second"),
    ];
    for (metric, condition, expected) in cases {
        let problem = Threshold::parse(metric, condition).unwrap_err();
        assert!(problem.contains(expected), "{metric} {condition}: {problem}");
    }
}
