use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use proptest::prelude::*;
use serde_json::json;

use super::super::ids::{ordinal_of, record_id};
use super::*;
use crate::model::example::telemetry;
use crate::model::{Column, PRODUCT_COLUMNS, Plan, validate_row};

mod rules;

const RUN: &str = "01890000-0000-7000-8000-000000000000";

fn table(columns: &[(&str, &str)]) -> TableInfo {
    // The type as JSON may stand behind its text.
    let column = |(name, text): &(&str, &str)| match text.split_once(" {") {
        Some((text, json)) => Column::of(name, text).with_json(&format!("{{{json}")),
        None => Column::of(name, text),
    };
    TableInfo::of(columns.iter().map(column))
}

fn products() -> TableInfo {
    let kind = |name| if name == "product_price" { "double" } else { "string" };
    table(&PRODUCT_COLUMNS.map(|name| (name, kind(name))))
}

/// Every type that a column can have.
fn anything() -> TableInfo {
    table(&[
        ("run_id", "string"),
        ("record_id", "string"),
        ("customer", "string not null"),
        ("yes", "boolean"),
        ("tiny", "tinyint"),
        ("small", "smallint not null"),
        ("whole", "int"),
        ("long", "bigint"),
        ("single", "float"),
        ("double", "double"),
        ("price", "decimal(12,4)"),
        ("wide", "decimal(38,10)"),
        ("percent", "decimal(2,2) not null"),
        ("day", "date"),
        ("at", "timestamp not null"),
        ("local", "timestamp_ntz"),
        ("raw", "binary"),
        ("list", r#"array {"type":"array","elementType":"double","containsNull":true}"#),
        ("map", r#"map {"type":"map","keyType":"string","valueType":"timestamp","valueContainsNull":true}"#),
        ("days", r#"map {"type":"map","keyType":"date","valueType":"binary","valueContainsNull":false}"#),
        (
            "pair",
            r#"struct {"type":"struct","fields":[{"name":"a","type":"integer","nullable":false},{"name":"b","type":{"type":"array","elementType":{"type":"struct","fields":[{"name":"c","type":"decimal(5,1)","nullable":true}]},"containsNull":true},"nullable":true}]}"#,
        ),
        ("note", "string"),
    ])
}

fn spec(source: serde_json::Value) -> SourceSpec {
    let plan = json!({"table": "a.b.c", "source": source, "writer": [{"kind": "zerobus", "batch": 100}]});
    let plan: Plan = serde_json::from_value(plan).unwrap();
    plan.check().unwrap().source
}

fn of_kind(kind: &str, seed: u64) -> (SourceSpec, TableInfo) {
    let table = match kind {
        "telemetry" => telemetry(),
        "products" => products(),
        _ => anything(),
    };
    (spec(json!({"kind": kind, "seed": seed, "records": 1000, "bad": 0.05, "duplicates": 0.1, "keys": 50})), table)
}

fn generate(spec: &SourceSpec, table: &TableInfo, first: u64, count: u64) -> Generated {
    Generator::new(spec, table, RUN).unwrap().batch(first, count).unwrap()
}

fn texts(records: &RecordBatch, column: &str) -> Vec<String> {
    let column = records.column_by_name(column).unwrap().as_string::<i32>();
    column.iter().map(|text| text.unwrap_or_default().to_owned()).collect()
}

fn ordinals(generated: &Generated) -> Vec<u64> {
    generated.ordinals.iter().cloned().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_split_into_batches_gives_the_same_bytes(
        kind in prop::sample::select(vec!["telemetry", "products", "columns"]),
        seed in 0..u64::MAX / 2,
        first in 0..1_000_000_000_u64,
        counts in prop::collection::vec(0..60_u64, 1..8),
        skewed: bool,
    ) {
        let (mut spec, table) = of_kind(kind, seed);
        spec.key_skew = if skewed { 1.1 } else { 0.0 };
        spec.record_bytes = skewed.then_some(1_000);
        let whole = generate(&spec, &table, first, counts.iter().sum());
        let mut parts = Generator::new(&spec, &table, RUN).unwrap();
        let (mut rows, mut bad, mut duplicates, mut begin) = (0, Vec::new(), 0, first);
        let mut part_ordinals = Vec::new();
        for count in counts {
            let part = parts.batch(begin, count).unwrap();
            begin += count;
            let in_whole = whole.records.slice(rows, part.records.num_rows());
            prop_assert_eq!(&part.records, &in_whole);
            rows += part.records.num_rows();
            part_ordinals.extend(ordinals(&part));
            bad.extend(part.bad);
            duplicates += part.duplicates;
        }
        prop_assert_eq!((rows, duplicates), (whole.records.num_rows(), whole.duplicates));
        prop_assert_eq!(part_ordinals, ordinals(&whole));
        prop_assert_eq!(bad, whole.bad);
    }
}

#[test]
fn different_seeds_and_runs_give_different_records() {
    for kind in ["telemetry", "products", "columns"] {
        let (one, table) = of_kind(kind, 1);
        let (two, _) = of_kind(kind, 2);
        let (a, b) = (generate(&one, &table, 0, 100), generate(&two, &table, 0, 100));
        assert_ne!(a.records, b.records);
        let other_run = Generator::new(&one, &table, "another").unwrap().batch(0, 100).unwrap();
        let differing: Vec<_> = (0..table.columns.len())
            .filter(|index| a.records.column(*index) != other_run.records.column(*index))
            .map(|index| table.columns[index].name.as_str())
            .collect();
        assert_eq!(differing, [if kind == "products" { "batch_id" } else { "run_id" }]);
    }
}

#[test]
fn telemetry_is_plausible_and_carries_its_ids() {
    let spec = spec(json!({"kind": "telemetry", "seed": 7, "records": 1, "keys": 10}));
    let records = generate(&spec, &telemetry(), 1_000, 500).records;
    assert!(texts(&records, "run_id").iter().all(|id| id == RUN));
    let ids = texts(&records, "record_id");
    assert_eq!((ids[0].as_str(), ids[499].clone()), ("00000007-0000000003e8", record_id(7, 1_499)));
    let sequence = records.column_by_name("sequence").unwrap().as_primitive::<Int64Type>();
    assert!(sequence.values().iter().copied().eq(1_000..1_500));
    let times = records.column_by_name("event_time").unwrap().as_primitive::<TimestampMicrosecondType>();
    assert!(times.values().windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] < 2_000));
    assert!(times.value(0) >= FIRST_EVENT && times.value(0) < FIRST_EVENT + 31 * 86_400_000_000);
    let (devices, sites) = (texts(&records, "device_id"), texts(&records, "site"));
    let site_of: HashMap<_, _> = devices.iter().zip(&sites).collect();
    assert_eq!(site_of.len(), 10, "every device, each at one site");
    assert!(devices.iter().zip(&sites).all(|(device, site)| site_of[device] == site));
    assert!(devices.iter().all(|device| ("device-000000".."device-000010").contains(&device.as_str())));
    let values = records.column_by_name("value").unwrap().as_primitive::<Float64Type>();
    assert!(values.values().iter().all(|value| (value * 100.0).round() / 100.0 == *value));
    assert!(records.columns().iter().all(|column| column.null_count() == 0));
}

#[test]
fn generated_products_keep_the_rules_of_the_product_form() {
    let spec = spec(json!({"kind": "products", "seed": 3, "records": 1, "keys": 40}));
    let records = generate(&spec, &products(), 0, 200).records;
    let prices = records.column_by_name("product_price").unwrap().as_primitive::<Float64Type>().clone();
    let column = |name| texts(&records, name);
    let fields = ["product_id", "product_name", "category", "sale_start_date", "sale_stop_date"]
        .map(|name| (name, column(name)));
    for row in 0..records.num_rows() {
        let mut item = json!({"product_price": prices.value(row)});
        for (name, texts) in &fields {
            item[*name] = json!(texts[row]);
        }
        crate::model::validate_product(&item, "items[0]").unwrap();
    }
    assert!(column("processed_at").iter().all(|text| crate::model::timestamp_micros(text).is_some()));
}

#[test]
fn any_type_is_made_and_nullable_columns_have_nulls() {
    let spec = spec(json!({"kind": "columns", "seed": 5, "records": 1, "keys": 3}));
    let table = anything();
    let records = generate(&spec, &table, 0, 1_000).records;
    for (index, column) in table.columns.iter().enumerate() {
        let nulls = records.column(index).null_count();
        let never =
            !column.nullable || ["run_id", "record_id", "local", "list", "map", "days"].contains(&column.name.as_str());
        let expected = if never { 0..1 } else { 30..110 };
        assert!(expected.contains(&nulls), "{}: {nulls}", column.name);
    }
    let lists = records.column_by_name("list").unwrap().as_list::<i32>();
    assert!((0..1_000).all(|row| (1..=3).contains(&lists.value_length(row))) && lists.values().null_count() == 0);
    let customers = texts(&records, "customer");
    assert!(
        customers.iter().all(|text| ["customer-000000", "customer-000001", "customer-000002"].contains(&text.as_str()))
    );
    let percents = records.column_by_name("percent").unwrap().as_primitive::<arrow_array::types::Decimal128Type>();
    assert!(percents.values().iter().all(|value| (-99..=99).contains(value)));
}
