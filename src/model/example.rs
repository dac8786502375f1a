//! A report and a table made by hand, for the tests of everything that reads them.

use super::{
    CheckPlan, Encoding, Latencies, Machine, Order, Percentiles, Plan, REPORT_SCHEMA, RatePlan, Reconciliation,
    RecordCounts, Report, RunReport, RunState, SeriesPoint, SourceKind, SourcePlan, SqlMode, TableInfo, TableName,
    ThresholdResult, Throughput, Usage, WorkspaceBadge, WriterKind, WriterOptions, WriterPlan,
};

/// The generator's table.
pub(crate) fn telemetry() -> TableInfo {
    let columns = [
        ("device_id", "string"),
        ("site", "string"),
        ("metric", "string"),
        ("value", "double"),
        ("unit", "string"),
        ("event_time", "timestamp"),
        ("record_id", "string"),
        ("run_id", "string"),
        ("sequence", "bigint"),
    ];
    TableInfo { name: TableName::parse("main.direct_write.telemetry").unwrap(), ..TableInfo::of_types(&columns) }
}

/// How one example run went: 20,000 rows of 300 bytes at a speed, with medians of durable and visible in milliseconds.
struct Course {
    kind: WriterKind,
    mode: Option<SqlMode>,
    encoding: Option<Encoding>,
    rows_per_s: f64,
    durable_ms: f64,
    visible_ms: f64,
    warehouse_ms: f64,
}

/// Four runs that all completed; `zerobus` is fastest to durable, `sql json-parameter` fastest to visible.
pub(crate) fn report() -> Report {
    let course = |kind, mode, encoding, rows_per_s, durable_ms, visible_ms, warehouse_ms| Course {
        kind,
        mode,
        encoding,
        rows_per_s,
        durable_ms,
        visible_ms,
        warehouse_ms,
    };
    let runs = [
        course(WriterKind::Zerobus, None, Some(Encoding::Protobuf), 16_400.0, 12.4, 1_040.0, 0.0),
        course(WriterKind::ZerobusRest, None, None, 6_200.0, 21.7, 1_120.0, 0.0),
        course(WriterKind::Sql, Some(SqlMode::JsonParameter), None, 3_100.0, 310.0, 310.5, 6_300.0),
        course(WriterKind::CopyInto, None, Some(Encoding::Parquet), 4_800.0, 720.0, 722.0, 4_100.0),
    ];
    let runs: Vec<RunReport> = runs.iter().map(run).collect();
    let writer = |run: &RunReport| WriterPlan {
        kind: run.options.kind,
        mode: run.options.mode,
        encoding: run.options.encoding,
        streams: None,
        batch: Some(500),
        in_flight: None,
    };
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        id: "0190f3a2-0000-7000-8000-000000000001".to_owned(),
        name: "Telemetry, four ways".to_owned(),
        started_at: "2026-11-24T09:30:00.000Z".to_owned(),
        started_by: "ada@example.com".to_owned(),
        sql_as: String::new(),
        workspace: WorkspaceBadge {
            name: "dbc-1.cloud.example.com".to_owned(),
            local: false,
            url: "https://dbc-1.cloud.example.com".to_owned(),
            principal: "8a7b".to_owned(),
        },
        table: table(),
        plan: Plan {
            name: Some("Telemetry, four ways".to_owned()),
            table: table(),
            order: Order::Sequential,
            source: source(),
            writers: runs.iter().map(writer).collect(),
            check: CheckPlan::default(),
            thresholds: [("missing".to_owned(), "== 0".to_owned()), ("durable.p99".to_owned(), "< 500ms".to_owned())]
                .into(),
        },
        machine: Machine { version: "0.1.0".to_owned(), cpus: 2, platform: "linux x86_64".to_owned(), optimized: true },
        thresholds: runs.iter().flat_map(thresholds).collect(),
        runs,
    }
}

fn table() -> TableName {
    TableName::parse("main.direct_write.telemetry").unwrap()
}

fn source() -> SourcePlan {
    SourcePlan {
        kind: SourceKind::Telemetry,
        seed: 7,
        records: Some(20_000),
        duration: None,
        rate: RatePlan::default(),
        record_bytes: None,
        keys: None,
        key_skew: 0.0,
        bad: 0.0,
        duplicates: 0.0,
        path: None,
        upload: None,
        map: [].into(),
    }
}

fn thresholds(run: &RunReport) -> [ThresholdResult; 2] {
    let one =
        |name: &str, held, value| ThresholdResult { name: name.to_owned(), writer: run.writer.clone(), held, value };
    let p99 = run.latency_ms.durable.p99;
    [one("missing == 0", true, Some(0.0)), one("durable.p99 < 500ms", p99 < 500.0, Some(p99))]
}

fn run(course: &Course) -> RunReport {
    let records = 20_000;
    let writer = match course.mode {
        Some(SqlMode::JsonParameter) => format!("{} json-parameter", course.kind),
        _ => course.kind.to_string(),
    };
    let elapsed_ms = rounded(records as f64 / course.rows_per_s * 1e3);
    RunReport {
        run_id: format!("0190f3a2-0000-7000-8000-00000000010{}", course.kind as usize),
        writer,
        options: WriterOptions {
            kind: course.kind,
            mode: course.mode,
            encoding: course.encoding,
            streams: 1,
            batch: 500,
            in_flight: 16,
        },
        state: RunState::Completed,
        reason: None,
        started_at: "2026-11-24T09:30:00.100Z".to_owned(),
        records: RecordCounts { sent: records, durable: records, visible: records, ..RecordCounts::default() },
        elapsed_ms,
        connect_ms: 85.0,
        throughput: Throughput { rows_per_s: course.rows_per_s, bytes_per_s: course.rows_per_s * 300.0 },
        latency_ms: Latencies {
            encode: percentiles(40, 0.8, 2.1),
            send: percentiles(records, course.durable_ms * 0.3, course.durable_ms * 0.9),
            durable: percentiles(records, course.durable_ms, course.durable_ms * 3.2),
            visible: percentiles(records, course.visible_ms, (course.visible_ms * 1.8).max(course.durable_ms * 3.3)),
        },
        most_in_flight: 16,
        retries: 0,
        errors: Vec::new(),
        reconciliation: Reconciliation { done: true, ..Reconciliation::default() },
        series: series(course, elapsed_ms),
        usage: Usage { bytes: records * 300, calls: 40, warehouse_ms: course.warehouse_ms },
    }
}

/// To three decimals, as meters measure; with more, the last digits would not survive JSON.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// A distribution between its median and its 99th percentile.
pub(crate) fn percentiles(count: u64, p50: f64, p99: f64) -> Percentiles {
    let between = |share: f64| rounded(p50 + (p99 - p50) * share);
    Percentiles {
        count,
        min: rounded(p50 * 0.4),
        mean: between(0.1),
        p50: rounded(p50),
        p90: between(0.3),
        p95: between(0.5),
        p99: rounded(p99),
        p99_9: between(1.3),
        max: between(1.8),
    }
}

/// A course of 60 points that warms up, wavers, and says nothing for a while.
fn series(course: &Course, elapsed_ms: f64) -> Vec<SeriesPoint> {
    const POINTS: u32 = 60;
    let point = |index: u32| {
        let waver = 1.0 + 0.18 * (f64::from(index) * 1.7).sin() + 0.07 * (f64::from(index) * 0.6).cos();
        let warm = (f64::from(index) / 6.0).min(1.0);
        let silent = (34..38).contains(&index);
        let rows_per_s = if silent { 0.0 } else { rounded(course.rows_per_s * warm * waver * 1.15) };
        let latency = |value: f64| (!silent).then_some(rounded(value));
        SeriesPoint {
            at_ms: rounded(elapsed_ms * f64::from(index + 1) / f64::from(POINTS)),
            rows_per_s,
            bytes_per_s: rounded(rows_per_s * 300.0),
            durable_p50_ms: latency(course.durable_ms * (2.0 - waver)),
            durable_p99_ms: latency(course.durable_ms * 3.0 * waver),
            visible_p50_ms: latency(course.visible_ms * waver),
            visible_p99_ms: latency((course.visible_ms * 1.7).max(course.durable_ms * 3.1) * waver),
            in_flight: 16,
            errors: 0,
        }
    };
    (0..POINTS).map(point).collect()
}
