use super::*;
use crate::model::{
    Amount, Encoding, Order, RatePlan, RateSpec, SourceKind, SqlMode, WriterKind, WriterOptions, WriterPlan,
};

/// The example of the documentation.
const EXAMPLE: &str = r#"
table = "main.direct_write.telemetry"
[source]
kind = "telemetry"      # telemetry | products | columns | file
seed = 7
records = 20000         # or duration = "30s"
rate = 0                # records per second; 0 = as fast as the writer takes them
[[writer]]
kind = "zerobus"        # zerobus | zerobus-rest | sql | copy-into
encoding = "protobuf"
streams = 1
batch = 500
[[writer]]
kind = "sql"
mode = "json-parameter" # single-row | values-parameters | values-literals | json-parameter
batch = 500
[thresholds]
errors = "== 0"
missing = "== 0"
"durable.p99" = "< 5s"
"#;

#[test]
fn the_documented_example_is_a_plan() {
    let plan = from_toml(EXAMPLE).unwrap();
    assert_eq!((plan.order, plan.source.rate.clone()), (Order::Sequential, RatePlan::Constant(0.0)));
    let spec = plan.check().unwrap();
    assert_eq!(spec.name, "telemetry into main.direct_write.telemetry");
    assert_eq!((spec.source.kind, spec.source.seed), (SourceKind::Telemetry, 7));
    assert_eq!((spec.source.amount, spec.source.rate), (Amount::Records(20_000), RateSpec::Unlimited));
    let zerobus = WriterOptions {
        kind: WriterKind::Zerobus,
        mode: None,
        encoding: Some(Encoding::Protobuf),
        streams: 1,
        batch: 500,
        in_flight: 64,
    };
    let sql = WriterOptions {
        kind: WriterKind::Sql,
        mode: Some(SqlMode::JsonParameter),
        encoding: None,
        in_flight: 1,
        ..zerobus
    };
    assert_eq!(spec.writers, [("zerobus".to_owned(), zerobus), ("sql json-parameter".to_owned(), sql)]);
    let names: Vec<_> = spec.thresholds.iter().map(|threshold| threshold.name.as_str()).collect();
    assert_eq!(names, ["durable.p99 < 5s", "errors == 0", "missing == 0"]);
}

#[test]
fn plans_are_written_and_read_back() {
    let example = from_toml(EXAMPLE).unwrap();
    let mut other = example.clone();
    other.name = Some("a \"quoted\" name".to_owned());
    other.order = Order::Parallel;
    other.source.records = None;
    other.source.duration = Some("30s".to_owned());
    other.source.rate = RatePlan::Ramp { from: 10.0, to: 1000.5, over: "10s".to_owned() };
    other.source.map.insert("Device ID".to_owned(), "device_id".to_owned());
    other.source.bad = 0.01;
    let mut third = other.clone();
    third.source.rate = RatePlan::Burst { burst: 500, every: "5s".to_owned() };
    third.writers.push(WriterPlan { kind: WriterKind::CopyInto, ..third.writers[0].clone() });
    for plan in [example, other, third] {
        let text = to_toml(&plan).unwrap();
        assert_eq!(from_toml(&text).unwrap(), plan, "{text}");
    }
}

#[test]
fn every_mistake_is_named_with_its_line_and_key() {
    let cases = [
        ("seed = 7", "seed = \"7\"", "line 5, key source.seed"),
        ("rate = 0", "rate = \"fast\"", "line 7, key source.rate: a rate is a number"),
        (
            "rate = 0",
            "rate = {from = 1, to = 2, over = \"3s\", burst = 7}",
            "line 7, key source.rate: a rate is a number",
        ),
        ("kind = \"telemetry\"", "kind = \"telemetrie\"", "line 4, key source.kind"),
        ("streams = 1", "stream = 1", "line 11, key writer[0].stream: unknown field"),
        ("mode = \"json-parameter\"", "mode = \"json\"", "line 15, key writer[1].mode: unknown variant"),
        ("errors = \"== 0\"", "errors = 0", "line 18, key thresholds.errors"),
        ("\"durable.p99\"", "durable.p99", "line 20, key thresholds.durable"),
        ("main.direct_write.telemetry", "telemetry", "line 2, key table: 'telemetry' is not a table name"),
        ("[source]", "[source", "line 3: "),
        ("records = 20000", "records = -1", "line 6, key source.records"),
    ];
    for (good, bad, expected) in cases {
        let text = EXAMPLE.replacen(good, bad, 1);
        assert_ne!(text, EXAMPLE);
        let error = from_toml(&text).unwrap_err();
        assert_eq!(error.error_code, "INVALID_PARAMETER_VALUE");
        assert!(error.message.contains(expected), "{expected}\n{}", error.message);
    }
    let error = from_toml("table = \"a.b.c\"\nwriter = []\n").unwrap_err();
    assert!(error.message.contains("missing field `source`"), "{}", error.message);
}

#[test]
fn an_upload_becomes_a_path_to_fill_in() {
    let mut plan = from_toml(EXAMPLE).unwrap();
    plan.source.kind = SourceKind::File;
    plan.source.records = None;
    plan.source.upload = Some("0190f3a2-0000-7000-8000-000000000001".to_owned());
    plan.source.map.insert("Device".to_owned(), "device_id".to_owned());
    let text = to_toml(&plan).unwrap();
    assert!(text.starts_with("# ") && !text.contains("0190f3a2"), "{text}");
    let mut read = from_toml(&text).unwrap();
    let errors = read.check().unwrap_err();
    assert_eq!((errors.len(), errors[0].path.as_str(), errors[0].rule.as_str()), (1, "source.path", "required"));
    read.source.path = Some("devices.csv".to_owned());
    assert!(read.check().is_ok());
}
