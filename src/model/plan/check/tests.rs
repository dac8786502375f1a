use serde_json::{Value, json};

use super::*;
use crate::model::{Encoding, SqlMode, WriterOptions};

const UPLOAD: &str = "0190f3a2-0000-7000-8000-000000000001";

fn plan(change: impl FnOnce(&mut Value)) -> Plan {
    let mut plan = json!({
        "table": "main.direct_write.telemetry",
        "source": {"kind": "telemetry", "records": 100},
        "writer": [{"kind": "zerobus"}],
    });
    change(&mut plan);
    serde_json::from_value(plan).unwrap()
}

fn broken(change: impl FnOnce(&mut Value)) -> Vec<(String, String)> {
    let errors = plan(change).check().unwrap_err();
    errors.into_iter().map(|error| (error.path, error.rule)).collect()
}

fn one(path: &str, rule: &str) -> Vec<(String, String)> {
    vec![(path.to_owned(), rule.to_owned())]
}

fn options_of(writer: Value) -> (String, WriterOptions) {
    plan(|plan| plan["writer"] = json!([writer])).check().unwrap().writers.remove(0)
}

#[test]
fn what_is_left_out_has_its_default() {
    let spec = plan(|_| {}).check().unwrap();
    assert_eq!((spec.check_every_ms, spec.patience_ms), (250, 60_000));
    let SourceSpec { seed, amount, rate, record_bytes, keys, bad, .. } = spec.source;
    assert_eq!((seed, amount, rate, record_bytes), (0, Amount::Records(100), RateSpec::Unlimited, None));
    assert_eq!((keys, bad), (1_000, 0.0));
}

#[test]
fn every_writer_has_its_defaults() {
    let shape = |writer: Value| {
        let (label, options) = options_of(writer);
        (label, options.mode, options.encoding, options.streams, options.batch, options.in_flight)
    };
    let label = str::to_owned;
    let (protobuf, json, parquet) = (Some(Encoding::Protobuf), Some(Encoding::Json), Some(Encoding::Parquet));
    assert_eq!(shape(json!({"kind": "zerobus"})), (label("zerobus"), None, protobuf, 1, 500, 64));
    assert_eq!(shape(json!({"kind": "zerobus", "encoding": "json"})), (label("zerobus json"), None, json, 1, 500, 64));
    assert_eq!(shape(json!({"kind": "zerobus-rest"})), (label("zerobus-rest"), None, None, 1, 500, 4));
    let json_parameter = Some(SqlMode::JsonParameter);
    assert_eq!(shape(json!({"kind": "sql"})), (label("sql json-parameter"), json_parameter, None, 1, 500, 1));
    let single = Some(SqlMode::SingleRow);
    assert_eq!(shape(json!({"kind": "sql", "mode": "single-row"})), (label("sql single-row"), single, None, 1, 1, 1));
    assert_eq!(shape(json!({"kind": "copy-into"})), (label("copy-into"), None, json, 1, 10_000, 1));
    let copy_parquet = json!({"kind": "copy-into", "encoding": "parquet", "batch": 5, "in_flight": 2});
    assert_eq!(shape(copy_parquet), (label("copy-into parquet"), None, parquet, 1, 5, 2));
}

#[test]
fn labels_are_unique() {
    let writers = json!([
        {"kind": "zerobus"}, {"kind": "sql"}, {"kind": "zerobus", "streams": 4}, {"kind": "zerobus", "encoding": "arrow"},
        {"kind": "zerobus", "batch": 7}, {"kind": "sql", "mode": "json-parameter"},
    ]);
    let spec = plan(|plan| plan["writer"] = writers).check().unwrap();
    let labels: Vec<_> = spec.writers.iter().map(|(label, _)| label.as_str()).collect();
    let expected =
        ["zerobus", "sql json-parameter", "zerobus #2", "zerobus arrow", "zerobus #3", "sql json-parameter #2"];
    assert_eq!(labels, expected);
}

#[test]
fn options_of_other_writers_are_errors() {
    let cases = [
        (json!({"kind": "zerobus", "mode": "single-row"}), "mode"),
        (json!({"kind": "zerobus", "encoding": "parquet"}), "encoding"),
        (json!({"kind": "zerobus-rest", "encoding": "protobuf"}), "encoding"),
        (json!({"kind": "zerobus-rest", "streams": 2}), "streams"),
        (json!({"kind": "sql", "encoding": "json"}), "encoding"),
        (json!({"kind": "sql", "streams": 1}), "streams"),
        (json!({"kind": "copy-into", "encoding": "arrow"}), "encoding"),
        (json!({"kind": "copy-into", "mode": "values-literals"}), "mode"),
    ];
    for (writer, option) in cases {
        let found = broken(|plan| plan["writer"] = json!([{"kind": "sql"}, writer]));
        assert_eq!(found, one(&format!("writer[1].{option}"), "not_an_option"), "{writer}");
    }
    let (label, options) = options_of(json!({"kind": "zerobus-rest", "encoding": "json"}));
    assert_eq!((label.as_str(), options.encoding), ("zerobus-rest", None), "what it does anyway may be said");
}

#[test]
fn numbers_have_limits() {
    let writer = |key: &str, value: u32| {
        let key = key.to_owned();
        move |plan: &mut Value| plan["writer"][0][key.as_str()] = json!(value)
    };
    for (key, most) in [("streams", 64), ("batch", 100_000), ("in_flight", 10_000)] {
        for bad in [0, most + 1] {
            assert_eq!(broken(writer(key, bad)), one(&format!("writer[0].{key}"), "range"), "{bad}");
        }
        for good in [1, most] {
            assert!(plan(writer(key, good)).check().is_ok(), "{key} {good}");
        }
    }
    let together = json!({"kind": "zerobus", "batch": 100_000, "in_flight": 10_000});
    assert_eq!(broken(|plan| plan["writer"][0] = together), one("writer[0].in_flight", "range"));
    let rows = json!({"kind": "sql", "mode": "single-row", "batch": 2});
    assert_eq!(broken(|plan| plan["writer"][0] = rows), one("writer[0].batch", "range"));
    let large = json!({"kind": "telemetry", "records": 1, "record_bytes": 1_000_000});
    assert_eq!(broken(|plan| plan["source"] = large), one("writer[0].batch", "range"), "500 MB in a batch");
    assert_eq!(broken(|plan| plan["writer"] = json!([])), one("writer", "count"));
    let many = vec![json!({"kind": "sql"}); 17];
    assert_eq!(broken(|plan| plan["writer"] = many.into()), one("writer", "count"));
}

#[test]
fn a_source_says_how_much_and_what_makes_sense() {
    let cases = [
        (json!({"kind": "telemetry"}), "source.records", "required"),
        (json!({"kind": "telemetry", "records": 1, "duration": "1s"}), "source.duration", "exclusive"),
        (json!({"kind": "telemetry", "records": 0}), "source.records", "range"),
        (json!({"kind": "telemetry", "records": 10_000_000_001_u64}), "source.records", "range"),
        (json!({"kind": "telemetry", "duration": "25h"}), "source.duration", "range"),
        (json!({"kind": "telemetry", "duration": "0s"}), "source.duration", "range"),
        (json!({"kind": "telemetry", "duration": "soon"}), "source.duration", "duration"),
        (json!({"kind": "telemetry", "records": 1, "rate": -1}), "source.rate", "range"),
        (
            json!({"kind": "telemetry", "records": 1, "rate": {"from": 1, "to": 0, "over": "1s"}}),
            "source.rate.to",
            "range",
        ),
        (json!({"kind": "telemetry", "records": 1, "rate": {"burst": 0, "every": "1s"}}), "source.rate.burst", "range"),
        (json!({"kind": "telemetry", "records": 1, "rate": {"burst": 1, "every": "0s"}}), "source.rate.every", "range"),
        (json!({"kind": "telemetry", "records": 1, "keys": 0}), "source.keys", "range"),
        (json!({"kind": "telemetry", "records": 1, "key_skew": -0.1}), "source.key_skew", "range"),
        (json!({"kind": "telemetry", "records": 1, "bad": 1.1}), "source.bad", "range"),
        (json!({"kind": "telemetry", "records": 1, "bad": 0.6, "duplicates": 0.6}), "source.duplicates", "range"),
        (json!({"kind": "telemetry", "records": 1, "path": "x"}), "source.path", "not_an_option"),
        (json!({"kind": "telemetry", "records": 1, "map": {"a": "b"}}), "source.map", "not_an_option"),
        (json!({"kind": "telemetry", "records": 1, "seed": u64::MAX}), "source.seed", "range"),
        (json!({"kind": "telemetry", "records": 1, "upload": "x"}), "source.upload", "not_an_option"),
        (json!({"kind": "file"}), "source.path", "required"),
        (json!({"kind": "file", "path": ""}), "source.path", "required"),
        (json!({"kind": "file", "upload": "../x"}), "source.upload", "uuid"),
        (json!({"kind": "file", "upload": UPLOAD, "path": "x"}), "source.upload", "exclusive"),
        (json!({"kind": "file", "path": "x", "duration": "1s"}), "source.duration", "not_an_option"),
        (json!({"kind": "file", "path": "x", "bad": 0.1}), "source.bad", "not_an_option"),
    ];
    for (source, path, rule) in cases {
        assert_eq!(broken(|plan| plan["source"] = source.clone()), one(path, rule), "{source}");
    }
    let whole = plan(|plan| plan["source"] = json!({"kind": "file", "path": "x.csv"})).check().unwrap();
    assert_eq!(whole.source.amount, Amount::WholeFile);
    let uploaded = plan(|plan| plan["source"] = json!({"kind": "file", "upload": UPLOAD})).check().unwrap();
    assert_eq!((uploaded.source.upload.as_deref(), uploaded.source.path), (Some(UPLOAD), None));
}

#[test]
fn rates_become_numbers() {
    let rate = |rate: Value| plan(|plan| plan["source"]["rate"] = rate).check().unwrap().source.rate;
    assert_eq!(rate(json!(0)), RateSpec::Unlimited);
    assert_eq!(rate(json!(2.5)), RateSpec::Constant(2.5));
    let ramp = json!({"from": 0, "to": 10, "over": "1.5s"});
    assert_eq!(rate(ramp), RateSpec::Ramp { from: 0.0, to: 10.0, over_ms: 1_500 });
    assert_eq!(rate(json!({"burst": 7, "every": "2m"})), RateSpec::Burst { burst: 7, every_ms: 120_000 });
}

#[test]
fn all_errors_come_at_once() {
    let found = broken(|plan| {
        plan["source"] = json!({"kind": "telemetry", "records": 0, "rate": -1});
        plan["writer"] = json!([{"kind": "sql"}, {"kind": "zerobus", "batch": 0}]);
        plan["check"] = json!({"every": "now", "patience": "2h"});
        plan["thresholds"] = json!({"durable.p99": "< 5", "errors": "= 0", "speed": "> 1"});
    });
    let expected = [
        ("source.records", "range"),
        ("source.rate", "range"),
        ("writer[1].batch", "range"),
        ("check.every", "duration"),
        ("check.patience", "range"),
        ("thresholds.\"durable.p99\"", "threshold"),
        ("thresholds.errors", "threshold"),
        ("thresholds.speed", "threshold"),
    ];
    assert_eq!(found, expected.map(|(path, rule)| (path.to_owned(), rule.to_owned())));
}
