//! Every way into a table by SQL and by files keeps every value as it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use direct_write::lakehouse::{Forecast, LakehouseOptions, Weather};
use direct_write::model::{Encoding, SqlMode, TableInfo, TableName, WriterKind, WriterOptions};
use direct_write::workspace::{VolumePath, Workspace, WorkspaceError};
use direct_write::writer::{BatchProgress, Payload, Session, WriterError, WriterRegistry, arrow_schema};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::caller::Caller;
use crate::support::{RunningLakehouse, workspace_of};

const TELEMETRY: &str = "main.direct_write.telemetry";
const LANDING: &str = "main.direct_write.landing";

/// A lakehouse with the writers and an independent caller.
struct World {
    _data: TempDir,
    lakehouse: RunningLakehouse,
    workspace: Arc<Workspace>,
    writers: WriterRegistry,
    caller: Caller,
}

#[derive(Default)]
struct Heard {
    sent: AtomicU64,
    retried: AtomicU64,
}

impl BatchProgress for Heard {
    fn sent(&self, _: Instant) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    fn retried(&self, _: &WriterError) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }
}

impl World {
    async fn start(options: LakehouseOptions) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let lakehouse = RunningLakehouse::start_with(data.path(), "127.0.0.1:0", options).await;
        let workspace = Arc::new(Workspace::new(workspace_of(&lakehouse)).unwrap());
        let writers = WriterRegistry::new(&workspace);
        let caller = Caller::administrator(&lakehouse).await;
        Self { _data: data, lakehouse, workspace, writers, caller }
    }

    async fn table(&self, name: &str) -> TableInfo {
        self.workspace.table(&TableName::parse(name).unwrap()).await.unwrap()
    }

    async fn open(&self, table: &TableInfo, kind: WriterKind, mode: Option<SqlMode>) -> Arc<dyn Session> {
        let encoding = (kind == WriterKind::CopyInto).then_some(Encoding::Json);
        let options = WriterOptions { kind, mode, encoding, streams: 1, batch: 500, in_flight: 1 };
        self.writers.get(kind).unwrap().open(table, &options).await.unwrap()
    }

    /// What is left in the volume's folder of files under way.
    async fn files_left(&self) -> usize {
        let folder = VolumePath::of(&TableName::parse(LANDING).unwrap()).join("direct-write");
        self.workspace.list_folder(&folder).await.unwrap().len()
    }
}

/// All ways, with the rows that a test writes through each.
fn ways(rows: usize, rows_one_by_one: usize) -> Vec<(WriterKind, Option<SqlMode>, usize)> {
    vec![
        (WriterKind::Sql, Some(SqlMode::SingleRow), rows_one_by_one),
        (WriterKind::Sql, Some(SqlMode::ValuesParameters), rows),
        (WriterKind::Sql, Some(SqlMode::ValuesLiterals), rows),
        (WriterKind::Sql, Some(SqlMode::JsonParameter), rows),
        (WriterKind::CopyInto, None, rows),
    ]
}

/// Texts that were made to be taken for something else, and any others.
fn nasty(random: &mut StdRng) -> String {
    const PIECES: [&str; 26] = [
        "'",
        "''",
        "\\",
        "\\'",
        "\"",
        "`",
        "\n",
        "\r\n",
        "\t",
        ";",
        "--",
        "/*",
        "*/",
        ":p0",
        "?",
        "${spark.sql.ansi.enabled}",
        "$",
        "{",
        "}",
        "%s",
        "\\u0041",
        "\\n",
        "é😀\u{2028}",
        "'); DROP TABLE main.direct_write.telemetry; --",
        "NULL",
        " ",
    ];
    let count = random.random_range(0..6);
    (0..count)
        .map(|_| {
            if random.random_range(0..4) == 0 {
                char::from_u32(random.random_range(1..0x11_0000)).unwrap_or('x').to_string()
            } else {
                PIECES[random.random_range(0..PIECES.len())].to_owned()
            }
        })
        .collect()
}

/// Telemetry with extreme values; `sequence` counts from `first`.
fn telemetry(table: &TableInfo, run: &str, first: i64, rows: usize, random: &mut StdRng) -> RecordBatch {
    const DOUBLES: [f64; 10] =
        [0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1];
    // The years 1 and 9999, and the microseconds around 1970.
    const TIMES: [i64; 6] = [-62_135_596_800_000_000, 253_402_300_799_999_999, -1, 0, 1, 1_763_900_000_123_456];
    let ids: Vec<String> = (0..rows).map(|row| format!("{run}-{:012x}", first + row as i64)).collect();
    let mut maybe = |value: String| if value.len() % 7 == 3 { None } else { Some(value) };
    let texts: Vec<Vec<Option<String>>> = (0..4).map(|_| (0..rows).map(|_| maybe(nasty(random))).collect()).collect();
    let values: Vec<Option<f64>> = (0..rows)
        .map(|row| match row % 3 {
            0 => DOUBLES.get(row / 3 % 11).copied(),
            _ => Some(f64::from_bits(random.random::<u64>())),
        })
        .collect();
    let times: Vec<Option<i64>> = (0..rows).map(|row| TIMES.get(row % 7).copied()).collect();
    let sequences = (0..rows).map(|row| match row % 50 {
        7 => i64::MIN,
        8 => i64::MAX,
        _ => first + row as i64,
    });
    let text = |index: usize| -> ArrayRef { Arc::new(StringArray::from(texts[index].clone())) };
    let columns: Vec<ArrayRef> = vec![
        text(0),
        text(1),
        text(2),
        Arc::new(Float64Array::from(values)),
        text(3),
        Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
        Arc::new(StringArray::from(ids)),
        Arc::new(StringArray::from(vec![run; rows])),
        Arc::new(Int64Array::from_iter_values(sequences)),
    ];
    RecordBatch::try_new(arrow_schema(table).unwrap(), columns).unwrap()
}

/// What a SELECT of [`TELEMETRY_COLUMNS`] should answer.
fn expected(batch: &RecordBatch) -> Vec<Value> {
    let text = |column: usize, row: usize| -> Value {
        let column = batch.column(column).as_any().downcast_ref::<StringArray>().unwrap();
        arrow_array::Array::is_valid(column, row).then(|| column.value(row)).into()
    };
    let values = batch.column(3).as_any().downcast_ref::<Float64Array>().unwrap();
    let times = batch.column(5).as_any().downcast_ref::<TimestampMicrosecondArray>().unwrap();
    let sequences = batch.column(8).as_any().downcast_ref::<Int64Array>().unwrap();
    (0..batch.num_rows())
        .map(|row| {
            let value = arrow_array::Array::is_valid(values, row).then(|| bits(values.value(row)));
            let time = arrow_array::Array::is_valid(times, row).then(|| times.value(row).to_string());
            json!([
                text(6, row),
                text(7, row),
                text(0, row),
                text(1, row),
                text(2, row),
                value,
                text(4, row),
                time,
                sequences.value(row).to_string()
            ])
        })
        .collect()
}

/// A number by which two are the same only when they are, but for the kinds of NaN.
fn bits(value: f64) -> String {
    if value.is_nan() { "NaN".to_owned() } else { format!("{:016x}", value.to_bits()) }
}

/// The rows of a run by `record_id`, with the numbers as [`bits`] and the times in microseconds.
async fn rows(caller: &Caller, run: &str) -> Vec<Value> {
    let rows = caller
        .rows(&format!(
            "SELECT record_id, run_id, device_id, site, metric, value, unit, CAST(event_time AS BIGINT), sequence \
             FROM {TELEMETRY} WHERE run_id = '{run}' ORDER BY record_id"
        ))
        .await;
    let mut rows = rows.as_array().unwrap().clone();
    for row in &mut rows {
        if let Some(value) = row[5].as_str() {
            row[5] = bits(value.parse().unwrap()).into();
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_writes_every_value_as_it_is() {
    let world = World::start(LakehouseOptions::default()).await;
    let table = world.table(TELEMETRY).await;
    let mut random = StdRng::seed_from_u64(5);
    for (way, (kind, mode, count)) in ways(2_000, 100).into_iter().enumerate() {
        let run = format!("run{way}");
        let session = world.open(&table, kind, mode).await;
        let mut wanted = Vec::new();
        for first in (0..count).step_by(500) {
            let batch = telemetry(&table, &run, first as i64, count.min(500), &mut random);
            let encoded = session.encode(&batch).unwrap();
            assert_eq!(encoded.records, batch.num_rows() as u64);
            let requests = match &encoded.payload {
                Payload::Requests(requests) => requests.len() as u64,
                Payload::File(_) => 2,
                other => panic!("{other:?}"),
            };
            let heard = Arc::new(Heard::default());
            let acknowledged = session.write(encoded, heard.clone()).await.unwrap();
            assert_eq!((acknowledged.records, acknowledged.calls), (batch.num_rows() as u64, requests), "{run}");
            assert_eq!((heard.sent.load(Ordering::Relaxed), heard.retried.load(Ordering::Relaxed)), (1, 0), "{run}");
            wanted.extend(expected(&batch));
        }
        session.close().await;
        let found = rows(&world.caller, &run).await;
        assert_eq!(found.len(), count, "{kind} {mode:?}");
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_eq!(found, wanted, "{kind} {mode:?}");
        }
    }
    assert_eq!(world.files_left().await, 0, "what was loaded is removed");
    world.lakehouse.stop().await;
}

/// The types that telemetry does not have.
async fn typed(world: &World) -> (TableInfo, RecordBatch) {
    world
        .caller
        .rows(
            "CREATE TABLE main.default.typed (id INT NOT NULL, b BOOLEAN, i1 TINYINT, i2 SMALLINT, f FLOAT, m DECIMAL(38,10), \
             n DECIMAL(5,0), d DATE, t TIMESTAMP_NTZ, `odd ``name` STRING)",
        )
        .await;
    let table = world.table("main.default.typed").await;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![i32::MIN, 0, i32::MAX])),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        Arc::new(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)])),
        Arc::new(Int16Array::from(vec![Some(i16::MIN), None, Some(i16::MAX)])),
        Arc::new(Float32Array::from(vec![Some(f32::MAX), None, Some(0.1)])),
        Arc::new(
            Decimal128Array::from(vec![Some(-(10_i128.pow(38)) + 1), None, Some(1)])
                .with_precision_and_scale(38, 10)
                .unwrap(),
        ),
        Arc::new(Decimal128Array::from(vec![Some(99_999), None, Some(-7)]).with_precision_and_scale(5, 0).unwrap()),
        Arc::new(Date32Array::from(vec![Some(-719_162), None, Some(2_932_896)])),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), None, Some(253_402_300_799_999_999)])),
        Arc::new(StringArray::from(vec![Some("a"), None, Some("")])),
    ];
    let batch = RecordBatch::try_new(arrow_schema(&table).unwrap(), columns).unwrap();
    (table, batch)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_arrives_through_every_way() {
    let world = World::start(LakehouseOptions::default()).await;
    let (table, batch) = typed(&world).await;
    for (kind, mode, _) in ways(0, 0) {
        let session = world.open(&table, kind, mode).await;
        session.write(session.encode(&batch).unwrap(), Arc::new(Heard::default())).await.unwrap();
        session.close().await;
    }
    let rows = world
        .caller
        .rows(
            "SELECT count(*), id, b, i1, i2, f, m, n, d, CAST(t AS STRING), `odd ``name` FROM main.default.typed \
             GROUP BY ALL ORDER BY id",
        )
        .await;
    let ends = [
        json!([
            "5",
            "-2147483648",
            "true",
            "-128",
            "-32768",
            "3.4028235e38",
            "-9999999999999999999999999999.9999999999",
            "99999",
            "0001-01-01",
            "1969-12-31T23:59:59.999999",
            "a"
        ]),
        json!(["5", "0", null, null, null, null, null, null, null, null, null]),
        json!([
            "5",
            "2147483647",
            "false",
            "127",
            "32767",
            "0.1",
            "0.0000000001",
            "-7",
            "9999-12-31",
            "9999-12-31T23:59:59.999999",
            ""
        ]),
    ];
    assert_eq!(rows, json!(ends));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_way_cannot_carry_it_says_and_the_others_carry_it() {
    let world = World::start(LakehouseOptions::default()).await;
    world
        .caller
        .rows("CREATE TABLE main.default.odd (b BINARY, l ARRAY<STRUCT<a: INT, t: TIMESTAMP>>, m MAP<STRING, INT>)")
        .await;
    let table = world.table("main.default.odd").await;
    let schema = arrow_schema(&table).unwrap();
    let empty = |index: usize| arrow_array::new_null_array(schema.field(index).data_type(), 1);
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"\x00'\\\xff"[..]]));
    let batch = RecordBatch::try_new(schema.clone(), vec![bytes, empty(1), empty(2)]).unwrap();
    for (kind, mode, _) in ways(0, 0) {
        let options = WriterOptions { kind, mode, encoding: None, streams: 1, batch: 1, in_flight: 1 };
        let opened = world.writers.get(kind).unwrap().open(&table, &options).await;
        if matches!(mode, Some(SqlMode::SingleRow | SqlMode::ValuesParameters | SqlMode::ValuesLiterals)) {
            let error = opened.err().unwrap();
            assert!(error.to_string().contains("cannot carry"), "{error}");
            continue;
        }
        let session = opened.unwrap();
        session.write(session.encode(&batch).unwrap(), Arc::new(Heard::default())).await.unwrap();
    }
    let rows = world.caller.rows("SELECT b, l, m FROM main.default.odd").await;
    assert_eq!(rows, json!([["ACdc/w==", null, null], ["ACdc/w==", null, null]]));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_repeated_and_nothing_is_there_twice() {
    let weather = Weather::changeable();
    let world = World::start(LakehouseOptions { weather: weather.clone(), ..Default::default() }).await;
    let table = world.table(TELEMETRY).await;
    let mut random = StdRng::seed_from_u64(6);
    for (way, (kind, mode, _)) in ways(0, 0).into_iter().enumerate() {
        let session = world.open(&table, kind, mode).await;
        let run = format!("refused{way}");
        let batch = telemetry(&table, &run, 0, 3, &mut random);
        let encoded = session.encode(&batch).unwrap();
        weather.set("*", Some(Forecast { refusals: 2, refusal_status: Some(429), ..Default::default() }));
        let heard = Arc::new(Heard::default());
        session.write(encoded, heard.clone()).await.unwrap();
        assert_eq!(heard.retried.load(Ordering::Relaxed), 2, "{run}");
        session.close().await;
        assert_eq!(rows(&world.caller, &run).await, expected(&batch), "{run}");
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_failed_is_not_in_doubt_and_those_before_it_are_durable() {
    let world = World::start(LakehouseOptions::default()).await;
    let (table, batch) = typed(&world).await;
    let session = world.open(&table, WriterKind::Sql, Some(SqlMode::SingleRow)).await;
    let mut encoded = session.encode(&batch).unwrap();
    let Payload::Requests(requests) = &mut encoded.payload else { panic!() };
    let good = String::from_utf8(requests[1].1.to_vec()).unwrap();
    requests[1].1 = good.replacen("INSERT INTO", "INSERT OVER", 1).into();
    let failure = session.write(encoded, Arc::new(Heard::default())).await.unwrap_err();
    assert_eq!((failure.durable, failure.in_doubt, failure.error.code()), (1, 0, "INVALID_ARGUMENT"));
    assert_eq!(world.caller.rows("SELECT id FROM main.default.typed").await, json!([[i32::MIN.to_string()]]));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_api_client_writes_reads_sizes_lists_and_removes() {
    let world = World::start(LakehouseOptions::default()).await;
    let folder = VolumePath::of(&TableName::parse(LANDING).unwrap()).join("a folder");
    let file = folder.join("50 % ü?#.bin");
    let put = |bytes: usize| world.workspace.put_file(&file, vec![7; bytes].into(), Arc::new(|| ()));
    put(3 << 20).await.unwrap();
    assert_eq!(world.workspace.file_size(&file).await.unwrap(), 3 << 20);
    put(0).await.unwrap();
    assert_eq!(world.workspace.file_size(&file).await.unwrap(), 0);
    let entries = world.workspace.list_folder(&folder).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["50 % ü?#.bin"]);
    assert!(matches!(world.workspace.delete_folder(&folder).await, Err(WorkspaceError::Refused { .. })));
    world.workspace.delete_file(&file).await.unwrap();
    assert!(matches!(world.workspace.delete_file(&file).await, Err(WorkspaceError::NotFound(_))));
    assert!(matches!(world.workspace.file_size(&file).await, Err(WorkspaceError::NotFound(_))));
    world.workspace.delete_folder(&folder).await.unwrap();
    let many = VolumePath::of(&TableName::parse(LANDING).unwrap()).join("many");
    for number in 0..3 {
        world.workspace.put_file(&many.join(&number.to_string()), Default::default(), Arc::new(|| ())).await.unwrap();
    }
    assert_eq!(world.workspace.list_folder(&many).await.unwrap().len(), 3);
    world.lakehouse.stop().await;
}
