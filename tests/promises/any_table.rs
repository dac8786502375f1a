//! Any table: columns of every type, in each other too, are written by every way in as they are, from made records and from
//! hand-made ones at the ends of what there is; and a principal sees of the workspace what it may.

mod browsing;
mod creating;
mod rendered;

use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use direct_write::engine::run::Generator;
use direct_write::lakehouse::LakehouseOptions;
use direct_write::model::{
    Amount, Encoding, NewTableDraft, RateSpec, SourceKind, SourceSpec, SqlMode, TableInfo, TableName, WriterKind,
    WriterOptions, validate_row,
};
use direct_write::workspace::Workspace;
use direct_write::writer::{WriterRegistry, records_from_rows};
use rendered::expected;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::caller::Caller;
use crate::support::{Heard, RunningLakehouse, workspace_of};

const TABLE: &str = "main.default.any_table";
/// Made records of each way.
const MADE: u64 = 60;

/// Every type there is, and types in types as far as protobuf has them.
const COLUMNS: &str = "
    record_id STRING NOT NULL
    run_id STRING
    b BOOLEAN
    i1 TINYINT
    i2 SMALLINT
    i4 INT
    i8 BIGINT
    f FLOAT
    d DOUBLE
    m DECIMAL(38,18)
    n DECIMAL(5,0)
    s STRING
    v VARCHAR(20)
    c CHAR(3)
    day DATE
    at TIMESTAMP
    local TIMESTAMP_NTZ
    bytes BINARY COMMENT 'raw'
    list ARRAY<INT>
    texts ARRAY<STRING>
    items ARRAY<STRUCT<a: INT, m: DECIMAL(10,2), t: TIMESTAMP, tags: ARRAY<STRING>>>
    place STRUCT<city: STRING, floor: SMALLINT, opened: DATE, raw: BINARY, at: TIMESTAMP_NTZ, names: MAP<STRING, STRING>>
    counts MAP<STRING, BIGINT>
    places MAP<STRING, STRUCT<x: DOUBLE, at: TIMESTAMP_NTZ, days: ARRAY<DATE>>>
    deep STRUCT<inner: STRUCT<list: ARRAY<STRUCT<m: MAP<STRING, DECIMAL(38,18)>>>>>";

/// A way into a table.
type Way = (WriterKind, Option<SqlMode>, Option<Encoding>);

const WAYS: [Way; 10] = [
    (WriterKind::Zerobus, None, Some(Encoding::Protobuf)),
    (WriterKind::Zerobus, None, Some(Encoding::Json)),
    (WriterKind::Zerobus, None, Some(Encoding::Arrow)),
    (WriterKind::ZerobusRest, None, None),
    (WriterKind::Sql, Some(SqlMode::SingleRow), None),
    (WriterKind::Sql, Some(SqlMode::ValuesParameters), None),
    (WriterKind::Sql, Some(SqlMode::ValuesLiterals), None),
    (WriterKind::Sql, Some(SqlMode::JsonParameter), None),
    (WriterKind::CopyInto, None, Some(Encoding::Json)),
    (WriterKind::CopyInto, None, Some(Encoding::Parquet)),
];

/// A lakehouse with a table, the writers and an independent caller.
struct World {
    _data: TempDir,
    lakehouse: RunningLakehouse,
    workspace: Arc<Workspace>,
    writers: WriterRegistry,
    caller: Caller,
}

impl World {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let lakehouse = RunningLakehouse::start_with(data.path(), "127.0.0.1:0", LakehouseOptions::default()).await;
        let workspace = Arc::new(Workspace::new(workspace_of(&lakehouse)).unwrap());
        let writers = WriterRegistry::new(&workspace);
        let caller = Caller::administrator(&lakehouse).await;
        Self { _data: data, lakehouse, workspace, writers, caller }
    }

    /// Makes a table with the statement that the page prints.
    async fn create(&self, name: &str, columns: &str) -> TableInfo {
        let draft = NewTableDraft {
            name: name.to_owned(),
            columns: columns.to_owned(),
            comment: "it's of every type".to_owned(),
            cluster_by: columns.split_whitespace().next().unwrap().to_owned(),
            properties: "delta.appendOnly = false".to_owned(),
        };
        self.caller.rows(&draft.validate().unwrap().ddl()).await;
        self.workspace.table(&TableName::parse(name).unwrap()).await.unwrap()
    }

    async fn write(&self, table: &TableInfo, way: Way, batches: &[RecordBatch]) {
        let (kind, mode, encoding) = way;
        let options = WriterOptions { kind, mode, encoding, streams: 1, batch: 100, in_flight: 4 };
        let session = self.writers.get(kind).unwrap().open(table, &options).await;
        let session = session.unwrap_or_else(|error| panic!("{way:?}: {error}"));
        for batch in batches {
            let encoded = session.encode(batch).unwrap_or_else(|error| panic!("{way:?}: {error}"));
            session
                .write(encoded, Arc::new(Heard::default()))
                .await
                .unwrap_or_else(|failure| panic!("{way:?}: {failure:?}"));
        }
        session.close().await;
    }

    /// The rows of a run by their ids, once there are so many; times to the microsecond.
    async fn rows(&self, table: &TableInfo, run: &str, count: usize) -> Vec<Value> {
        let selected = table.columns.iter().map(|column| match column.type_name.as_str() {
            "TIMESTAMP" | "TIMESTAMP_NTZ" => format!("CAST(`{}` AS BIGINT)", column.name),
            _ => format!("`{}`", column.name),
        });
        let selected: Vec<String> = selected.filter(|name| name != "`run_id`").collect();
        let statement =
            format!("SELECT {} FROM {TABLE} WHERE run_id = '{run}' ORDER BY record_id", selected.join(", "));
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let rows = self.caller.rows(&statement).await.as_array().unwrap().clone();
            if rows.len() >= count || Instant::now() > deadline {
                return rows;
            }
        }
    }
}

/// Rows at the ends of what the types take.
fn edges() -> Vec<Map<String, Value>> {
    let rows = json!([
        {
            "record_id": "min", "b": false, "i1": -128, "i2": -32768, "i4": i32::MIN, "i8": i64::MIN, "f": f32::MIN, "d": f64::MIN,
            "m": "-99999999999999999999.999999999999999999", "n": "-99999", "s": "", "v": "", "c": "", "day": "0001-01-01",
            "at": "0001-01-01T00:00:00Z", "local": "0001-01-01T00:00:00", "bytes": "", "list": [], "texts": [], "items": [],
            "place": {}, "counts": {}, "places": {}, "deep": {"inner": {"list": []}}
        },
        {
            "record_id": "max", "b": true, "i1": 127, "i2": 32767, "i4": i32::MAX, "i8": i64::MAX, "f": f32::MAX, "d": f64::MAX,
            "m": "99999999999999999999.999999999999999999", "n": "99999", "s": "ü€😀 '\"\\\n\t`;--${x}\u{2028}", "v": "é".repeat(20),
            "c": "abc", "day": "9999-12-31", "at": "9999-12-31T23:59:59.999999Z", "local": "9999-12-31T23:59:59.999999",
            "bytes": "AAH/Jw==", "list": [i32::MAX, i32::MIN, 0], "texts": ["", "é\"\\'", "null"],
            "items": [
                {"a": -1, "m": "-0.01", "t": "1969-12-31T23:59:59.999Z", "tags": ["x", ""]},
                {"a": null, "m": "99999999.99", "t": "2026-02-28T00:00:00Z", "tags": []}
            ],
            "place": {"city": "Zürich", "floor": -1, "opened": "1969-12-31", "raw": "AP8=", "at": "1900-01-01T00:00:00.001",
                "names": {"": "empty", "ä\"": "'"}},
            "counts": {"": 0, "max": i64::MAX, "min": i64::MIN},
            "places": {"a": {"x": -1.5, "at": "1969-12-31T00:00:00", "days": ["0001-01-01", "9999-12-31"]}, "b": {"days": []}},
            "deep": {"inner": {"list": [{"m": {"k": "0.000000000000000001"}}, {"m": {}}]}}
        },
        {
            "record_id": "small", "i1": 0, "f": 1e-45, "d": 5e-324, "m": "0.000000000000000001", "n": "0", "day": "1969-12-31", "at": -1,
            "local": -1, "list": [0], "texts": [" "], "items": [], "counts": {"k": -1}, "places": {}, "deep": null
        },
        // What is left out is null; lists and maps are empty, because protobuf has no other way to leave them out.
        {"record_id": "null", "list": [], "texts": [], "items": [], "counts": {}, "places": {}},
    ]);
    rows.as_array().unwrap().iter().map(|row| row.as_object().cloned().unwrap()).collect()
}

/// Nulls where protobuf has no room for them: lists and maps that are null, and nulls in lists and maps.
fn nulls() -> Vec<Map<String, Value>> {
    let rows = json!([
        {"record_id": "z inside", "list": [null, 1, null], "texts": [null], "items": [null, {"tags": null}], "counts": {"k": null},
            "places": {"k": null}, "deep": {"inner": {"list": null}}},
        {"record_id": "z outside", "list": null, "texts": null, "items": null, "counts": null, "places": null, "deep": {"inner": null}},
    ]);
    rows.as_array().unwrap().iter().map(|row| row.as_object().cloned().unwrap()).collect()
}

/// Rows as records of a run, after they were found good.
fn records(table: &TableInfo, rows: &[Map<String, Value>], run: &str) -> RecordBatch {
    let rows: Vec<Map<String, Value>> = rows
        .iter()
        .cloned()
        .map(|mut row| {
            row.insert("run_id".to_owned(), run.into());
            validate_row(&row.clone().into(), "row", table).unwrap()
        })
        .collect();
    records_from_rows(table, &rows).unwrap()
}

fn made(table: &TableInfo, run: &str) -> RecordBatch {
    let spec = SourceSpec {
        kind: SourceKind::Columns,
        seed: 11,
        amount: Amount::Records(MADE),
        rate: RateSpec::Unlimited,
        record_bytes: None,
        keys: 10,
        key_skew: 0.0,
        bad: 0.0,
        duplicates: 0.0,
        path: None,
        upload: None,
        map: Default::default(),
    };
    Generator::new(&spec, table, run).unwrap().batch(0, MADE).unwrap().records
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_carries_every_type_as_it_is() {
    let world = World::start().await;
    let table = world.create(TABLE, COLUMNS).await;
    let (edges, nulls) = (edges(), nulls());
    let mut all_made: Option<(Way, Vec<Value>)> = None;
    for (number, way) in WAYS.into_iter().enumerate() {
        let is_protobuf = way.2 == Some(Encoding::Protobuf);
        let run = format!("edges{number}");
        let mut rows = edges.clone();
        if !is_protobuf {
            rows.extend(nulls.clone());
        }
        world.write(&table, way, &[records(&table, &rows, &run)]).await;
        rows.sort_by_key(|row| row["record_id"].as_str().map(str::to_owned));
        let found = world.rows(&table, &run, rows.len()).await;
        assert_eq!(found.len(), rows.len(), "{way:?}");
        for (found, row) in found.iter().zip(&rows) {
            let columns = table.columns.iter().filter(|column| column.name != "run_id");
            for (column, found) in columns.zip(found.as_array().unwrap()) {
                let wanted = expected(column, row.get(&column.name), is_protobuf);
                assert_eq!(found.as_str(), wanted.as_deref(), "{way:?}: {} of {}", column.name, row["record_id"]);
            }
        }

        let run = format!("made{number}");
        world.write(&table, way, &[made(&table, &run)]).await;
        let found = world.rows(&table, &run, MADE as usize).await;
        assert_eq!(found.len() as u64, MADE, "{way:?}");
        match &all_made {
            None => all_made = Some((way, found)),
            Some((first, wanted)) => {
                for (found, wanted) in found.iter().zip(wanted) {
                    assert_eq!(found, wanted, "{way:?} and {first:?}");
                }
            }
        }
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_way_cannot_carry_it_says_before_it_writes() {
    let world = World::start().await;
    let table = world.create("main.default.odd", "keys MAP<INT, STRING>\nlists ARRAY<ARRAY<INT>>").await;
    let open = async |way: Way| {
        let (kind, mode, encoding) = way;
        let options = WriterOptions { kind, mode, encoding, streams: 1, batch: 100, in_flight: 4 };
        world.writers.get(kind).unwrap().open(&table, &options).await.err().map(|error| error.to_string())
    };
    for way in WAYS {
        let problem = open(way).await;
        let (word, is_carried) = match way {
            (WriterKind::Zerobus, _, Some(Encoding::Protobuf | Encoding::Arrow)) => {
                ("cannot be written through Zerobus", false)
            }
            (WriterKind::Sql, ..) | (WriterKind::CopyInto, _, Some(Encoding::Json)) => ("keys must be STRING", false),
            _ => ("", true),
        };
        assert_eq!(problem.is_none(), is_carried, "{way:?}: {problem:?}");
        assert!(problem.is_none_or(|problem| problem.contains(word)), "{way:?}");
    }
    let row = json!({"keys": {"-7": "a", "8": null}, "lists": [[1, null], null, []]});
    let batch = records_from_rows(&table, &[row.as_object().cloned().unwrap()]).unwrap();
    for way in [WAYS[1], WAYS[3], WAYS[9]] {
        world.write(&table, way, std::slice::from_ref(&batch)).await;
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    let rows = loop {
        let rows = world.caller.rows("SELECT keys, lists FROM main.default.odd").await.as_array().unwrap().clone();
        if rows.len() >= 3 || Instant::now() > deadline {
            break rows;
        }
    };
    assert_eq!(rows, vec![json!(["{\"-7\":\"a\",\"8\":null}", "[[1,null],null,[]]"]); 3]);
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_lakehouse_says_that_it_has_no_variant() {
    let world = World::start().await;
    for columns in ["v VARIANT", "a ARRAY<VARIANT>"] {
        let said = world.caller.failure(&format!("CREATE TABLE main.default.v ({columns})")).await;
        assert!(said.contains("VARIANT: the local lakehouse cannot keep it; use STRING"), "{said}");
    }
    world.lakehouse.stop().await;
}
