//! Every way into a table by SQL and by files keeps every value as it is.

mod telemetry;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Int8Array, Int16Array, Int32Array,
    RecordBatch, StringArray, TimestampMicrosecondArray,
};
use direct_write::lakehouse::{Forecast, LakehouseOptions, Weather};
use direct_write::model::{Encoding, SqlMode, TableInfo, TableName, WriterKind, WriterOptions};
use direct_write::workspace::{VolumePath, Workspace, WorkspaceError};
use direct_write::writer::{Payload, Session, WriterError, WriterRegistry, arrow_schema};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use telemetry::{bits, expected, telemetry};
use tempfile::TempDir;

use crate::support::caller::Caller;
use crate::support::{Heard, RunningLakehouse, workspace_of};

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

    async fn open(&self, table: &TableInfo, way: Way) -> Result<Arc<dyn Session>, WriterError> {
        let (kind, mode, encoding) = match way {
            Way::Sql(mode) => (WriterKind::Sql, Some(mode), None),
            Way::Files(encoding) => (WriterKind::CopyInto, None, Some(encoding)),
        };
        let options = WriterOptions { kind, mode, encoding, streams: 1, batch: 500, in_flight: 1 };
        self.writers.get(kind).unwrap().open(table, &options).await
    }

    /// What is left in the volume's folder of files under way.
    async fn files_left(&self) -> usize {
        let folder = VolumePath::of(&TableName::parse(LANDING).unwrap()).join("direct-write");
        self.workspace.list_folder(&folder).await.unwrap().len()
    }
}

/// A way into a table.
#[derive(Clone, Copy, Debug)]
enum Way {
    Sql(SqlMode),
    Files(Encoding),
}

const WAYS: [Way; 6] = [
    Way::Sql(SqlMode::SingleRow),
    Way::Sql(SqlMode::ValuesParameters),
    Way::Sql(SqlMode::ValuesLiterals),
    Way::Sql(SqlMode::JsonParameter),
    Way::Files(Encoding::Json),
    Way::Files(Encoding::Parquet),
];

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
    for (number, way) in WAYS.into_iter().enumerate() {
        let count = if matches!(way, Way::Sql(SqlMode::SingleRow)) { 100 } else { 2_000 };
        let run = format!("run{number}");
        let session = world.open(&table, way).await.unwrap();
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
            assert_eq!((heard.sent(), heard.retried()), (1, 0), "{run}");
            wanted.extend(expected(&batch));
        }
        session.close().await;
        let found = rows(&world.caller, &run).await;
        assert_eq!(found.len(), count, "{way:?}");
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_eq!(found, wanted, "{way:?}");
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
    for way in WAYS {
        let session = world.open(&table, way).await.unwrap();
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
            "6",
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
        json!(["6", "0", null, null, null, null, null, null, null, null, null]),
        json!([
            "6",
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
async fn bytes_and_what_holds_other_values_go_every_way() {
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
    for way in WAYS {
        let session = world.open(&table, way).await.unwrap();
        session.write(session.encode(&batch).unwrap(), Arc::new(Heard::default())).await.unwrap();
    }
    // More literals of bytes than a statement may have operators.
    world.caller.rows("CREATE TABLE main.default.bytes (b BINARY)").await;
    let table = world.table("main.default.bytes").await;
    let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..5_000_u32).map(u32::to_be_bytes)));
    let many = RecordBatch::try_new(arrow_schema(&table).unwrap(), vec![bytes]).unwrap();
    let session = world.open(&table, Way::Sql(SqlMode::ValuesLiterals)).await.unwrap();
    session.write(session.encode(&many).unwrap(), Arc::new(Heard::default())).await.unwrap();
    let counted = world.caller.rows("SELECT count(DISTINCT b), max(b) FROM main.default.bytes").await;
    assert_eq!(counted, json!([["5000", "AAAThw=="]]));
    let rows = world.caller.rows("SELECT b, l, m FROM main.default.odd").await;
    assert_eq!(rows, json!(vec![json!(["ACdc/w==", null, null]); WAYS.len()]));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_repeated_and_nothing_is_there_twice() {
    let weather = Weather::changeable();
    let world = World::start(LakehouseOptions { weather: weather.clone(), ..Default::default() }).await;
    let table = world.table(TELEMETRY).await;
    let mut random = StdRng::seed_from_u64(6);
    for (number, way) in WAYS.into_iter().enumerate() {
        let session = world.open(&table, way).await.unwrap();
        let run = format!("refused{number}");
        let batch = telemetry(&table, &run, 0, 3, &mut random);
        let encoded = session.encode(&batch).unwrap();
        weather.set("*", Some(Forecast { refusals: 2, refusal_status: Some(429), ..Default::default() }));
        let heard = Arc::new(Heard::default());
        session.write(encoded, heard.clone()).await.unwrap();
        assert_eq!(heard.retried(), 2, "{run}");
        session.close().await;
        assert_eq!(rows(&world.caller, &run).await, expected(&batch), "{run}");
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_failed_is_not_in_doubt_and_those_before_it_are_durable() {
    let world = World::start(LakehouseOptions::default()).await;
    let (table, batch) = typed(&world).await;
    let session = world.open(&table, Way::Sql(SqlMode::SingleRow)).await.unwrap();
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
