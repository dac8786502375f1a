//! How large records are, how they are spread, and what is refused.

use super::*;

/// The JSON that a row is as Zerobus takes it.
fn json_text(records: &RecordBatch, row: usize) -> String {
    let mut fields = serde_json::Map::new();
    for (field, column) in records.schema().fields().iter().zip(records.columns()) {
        let value = match field.data_type() {
            _ if column.is_null(row) => json!(null),
            arrow_schema::DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
            arrow_schema::DataType::Float64 => json!(column.as_primitive::<Float64Type>().value(row)),
            arrow_schema::DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
            _ => json!(column.as_primitive::<TimestampMicrosecondType>().value(row)),
        };
        fields.insert(field.name().clone(), value);
    }
    serde_json::Value::Object(fields).to_string()
}

#[test]
fn records_are_as_large_as_was_asked_for() {
    let plain = table(&[("id", "bigint"), ("key", "string"), ("payload", "string"), ("more", "double")]);
    for (kind, table, sizes) in [
        ("telemetry", telemetry(), [280, 1_000, 20_000]),
        ("products", products(), [420, 1_000, 20_000]),
        ("columns", plain, [120, 1_000, 20_000]),
    ] {
        for bytes in sizes {
            let spec = spec(json!({"kind": kind, "seed": 7, "records": 1, "record_bytes": bytes}));
            let records = generate(&spec, &table, 0, 200).records;
            let sum: usize = (0..200).map(|row| json_text(&records, row).len()).sum();
            let mean = sum as f64 / 200.0;
            assert!((mean / f64::from(bytes) - 1.0).abs() <= 0.05, "{kind}: {mean} bytes and not {bytes}");
        }
    }
}

#[test]
fn records_larger_than_asked_for_are_refused_at_once() {
    let spec_of = |kind: &str, bytes: u32| spec(json!({"kind": kind, "records": 1, "record_bytes": bytes}));
    let error = Generator::new(&spec_of("telemetry", 100), &telemetry(), RUN).err().unwrap();
    assert_eq!((error.details[0].path.as_str(), error.details[0].rule.as_str()), ("source.record_bytes", "range"));
    let one_text = table(&[("key", "string"), ("value", "double")]);
    let error = Generator::new(&spec_of("columns", 1_000), &one_text, RUN).err().unwrap();
    assert!(error.details[0].message.contains("no text column to fill up"), "{}", error.details[0].message);
}

#[test]
fn keys_follow_zipfs_law() {
    let spec = spec(json!({"kind": "telemetry", "seed": 11, "records": 1, "keys": 100, "key_skew": 1.0}));
    let records = generate(&spec, &telemetry(), 0, 50_000).records;
    let mut counts = HashMap::new();
    texts(&records, "device_id").into_iter().for_each(|device| *counts.entry(device).or_insert(0_u32) += 1);
    let harmonic: f64 = (1..=100).map(|rank| 1.0 / f64::from(rank)).sum();
    for rank in [1, 2, 5, 10, 50, 100] {
        let expected = 50_000.0 / harmonic / f64::from(rank);
        let count = f64::from(counts[&format!("device-{:06}", rank - 1)]);
        // Six standard deviations of a count.
        assert!((count - expected).abs() < 6.0 * expected.sqrt(), "rank {rank}: {count} and not {expected}");
    }
}

#[test]
fn shares_of_bad_and_repeated_records_are_exact() {
    for (bad, duplicates) in [(0.0, 0.0), (0.01, 0.02), (0.3, 0.7), (1.0, 0.0), (0.0, 1.0)] {
        let spec = spec(json!({"kind": "telemetry", "seed": 9, "records": 1, "bad": bad, "duplicates": duplicates}));
        let made = generate(&spec, &telemetry(), 0, 10_000);
        assert!((made.bad.len() as f64 - bad * 10_000.0).abs() <= 1.0, "{bad}: {}", made.bad.len());
        assert!((made.duplicates as f64 - duplicates * 10_000.0).abs() <= 1.0, "{duplicates}: {}", made.duplicates);
        let rows = ordinals(&made);
        assert_eq!(rows.len(), made.records.num_rows());
        assert_eq!(made.taken(), 10_000 + made.duplicates);
        assert!(rows.windows(2).all(|pair| pair[0] <= pair[1]), "the second comes directly behind the first");
        let repeated = rows.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
        assert_eq!(repeated, made.duplicates);
        let ids = texts(&made.records, "record_id");
        assert!(ids.iter().zip(&rows).all(|(id, ordinal)| ordinal_of(9, id) == Some(*ordinal)));
        assert!(made.bad.iter().all(|(ordinal, _)| rows.binary_search(ordinal).is_err()));
    }
}

#[test]
fn a_repeated_record_is_the_same_to_the_last_byte() {
    let spec = spec(json!({"kind": "telemetry", "seed": 9, "records": 1, "duplicates": 1, "record_bytes": 500}));
    let made = generate(&spec, &telemetry(), 50, 20);
    assert!((0..20).all(|pair| made.records.slice(2 * pair, 1) == made.records.slice(2 * pair + 1, 1)));
}

#[test]
fn bad_records_break_a_rule_of_their_table() {
    let mut rules = HashMap::new();
    for (kind, table) in [("telemetry", telemetry()), ("products", products()), ("columns", anything())] {
        let spec = spec(json!({"kind": kind, "seed": 2, "records": 1, "bad": 1}));
        for (ordinal, record) in generate(&spec, &table, 0, 500).bad {
            let errors = validate_row(&record, "record", &table).expect_err("a bad record");
            assert_eq!(errors.len(), 1, "{record}");
            assert_eq!(record["record_id"], json!(record_id(2, ordinal)));
            errors.into_iter().for_each(|error| *rules.entry(error.rule).or_insert(0) += 1);
        }
    }
    for rule in ["type", "range", "required", "unknown", "decimal", "date", "timestamp"] {
        assert!(rules.contains_key(rule), "{rule} in {rules:?}");
    }
}

#[test]
fn tables_that_do_not_fit_are_refused_with_all_reasons() {
    let spec_of = |kind: &str| spec(json!({"kind": kind, "records": 1, "key_skew": 1}));
    let refused = |kind: &str, columns: &[(&str, &str)]| {
        let error = Generator::new(&spec_of(kind), &table(columns), RUN).err().unwrap();
        error.details.iter().map(|error| format!("{} {}", error.path, error.rule)).collect::<Vec<_>>()
    };
    let columns = [
        ("device_id", "string"),
        ("site", "int"),
        ("metric", "string"),
        ("unit", "string"),
        ("event_time", "timestamp"),
        ("extra", "string"),
        ("must", "string not null"),
    ];
    assert_eq!(refused("telemetry", &columns), ["table.value required", "table.site type", "table.must unknown"]);
    let map = r#"map {"type":"map","keyType":"double","valueType":"string","valueContainsNull":true}"#;
    assert_eq!(refused("columns", &[("m", map)]), ["table.m type", "source.key_skew not_an_option"]);
    let interval = Generator::new(&spec_of("columns"), &table(&[("v", "interval")]), RUN).err().unwrap();
    assert!(interval.message.contains("column v of a.b.c has type interval:"), "{}", interval.message);
}

#[test]
fn sources_can_be_moved_to_a_thread_of_their_own() {
    fn is_send<T: Send + 'static>() {}
    is_send::<Generator>();
    is_send::<Generated>();
    is_send::<crate::engine::run::FileSource>();
}

#[test]
fn unknown_nullable_columns_stay_empty() {
    let mut table = telemetry();
    table.columns.push(Column { name: "later".to_owned(), position: 9, ..table.columns[0].clone() });
    let spec = spec(json!({"kind": "telemetry", "records": 1}));
    let records = generate(&spec, &table, 0, 10).records;
    assert_eq!(records.column_by_name("later").unwrap().null_count(), 10);
}
