//! A run's sessions through Zerobus: every encoding and the REST door bring every record over real sockets, and what
//! happens to streams on the way is told as it is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use direct_write::lakehouse::{Event, Forecast, LakehouseOptions, Weather};
use direct_write::model::{Encoding, TableInfo, TableName, WriterKind, WriterOptions};
use direct_write::workspace::Workspace;
use direct_write::writer::{Acknowledged, Session, WriteFailure, WriterRegistry, arrow_schema};
use futures::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::caller::Caller;
use crate::support::{Heard, RunningLakehouse, workspace_of};

const TELEMETRY: &str = "main.direct_write.telemetry";
const BATCH: usize = 500;

/// A lakehouse, the writers, and an independent caller.
struct World {
    _data: TempDir,
    lakehouse: RunningLakehouse,
    writers: WriterRegistry,
    table: TableInfo,
    caller: Caller,
}

impl World {
    async fn start(weather: &Weather) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let options = LakehouseOptions { weather: weather.clone(), ..LakehouseOptions::default() };
        let lakehouse = RunningLakehouse::start_with(data.path(), "127.0.0.1:0", options).await;
        let workspace = Arc::new(Workspace::new(workspace_of(&lakehouse)).unwrap());
        let table = workspace.table(&TableName::parse(TELEMETRY).unwrap()).await.unwrap();
        let writers = WriterRegistry::new(&workspace);
        let caller = Caller::administrator(&lakehouse).await;
        Self { _data: data, lakehouse, writers, table, caller }
    }

    async fn open(&self, way: Way) -> Arc<dyn Session> {
        let (kind, encoding, streams) = way;
        let options = WriterOptions { kind, mode: None, encoding, streams, batch: BATCH as u32, in_flight: 64 };
        self.writers.get(kind).unwrap().open(&self.table, &options).await.unwrap()
    }

    /// A batch of a run; the same for every way.
    fn batch(&self, run: &str, number: usize) -> RecordBatch {
        let range = number * BATCH..(number + 1) * BATCH;
        let text = |make: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
            Arc::new(range.clone().map(make).collect::<StringArray>())
        };
        let values = range.clone().map(|row| (!row.is_multiple_of(11)).then_some(row as f64 / 7.0));
        let times = range.clone().map(|row| 1_763_900_000_000_000 + row as i64);
        let columns: Vec<ArrayRef> = vec![
            text(&|row| Some(format!("device-{}", row % 97))),
            text(&|row| (!row.is_multiple_of(5)).then(|| format!("site \"{}\" ü\n", row % 3))),
            text(&|_| Some("temperature".to_owned())),
            Arc::new(values.collect::<Float64Array>()),
            text(&|_| None),
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
            text(&|row| Some(format!("{run}-{row:012x}"))),
            text(&|_| Some(run.to_owned())),
            Arc::new(Int64Array::from_iter_values(range.clone().map(|row| row as i64))),
        ];
        RecordBatch::try_new(arrow_schema(&self.table).unwrap(), columns).unwrap()
    }

    /// The rows of a run in order, once so many different ones are visible; after a minute those that are.
    async fn rows(&self, run: &str, different: usize) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let statement = format!(
                "SELECT device_id, site, metric, CAST(value AS STRING), unit, CAST(event_time AS BIGINT), record_id, \
                 sequence FROM {TELEMETRY} WHERE run_id = '{run}' ORDER BY sequence"
            );
            let rows = self.caller.rows(&statement).await.as_array().unwrap().clone();
            if ids(&rows).len() >= different || Instant::now() > deadline {
                return rows;
            }
        }
    }
}

/// The different record ids.
fn ids(rows: &[Value]) -> BTreeSet<&str> {
    rows.iter().map(|row| row[6].as_str().unwrap()).collect()
}

/// What a run's rows should be.
fn expected(run: &str, row: usize) -> Value {
    let value = (!row.is_multiple_of(11)).then_some(row as f64 / 7.0);
    json!([
        format!("device-{}", row % 97),
        (!row.is_multiple_of(5)).then(|| format!("site \"{}\" ü\n", row % 3)),
        "temperature",
        value,
        null,
        (1_763_900_000_000_000_i64 + row as i64).to_string(),
        format!("{run}-{row:012x}"),
        row.to_string(),
    ])
}

/// Writer, encoding and streams.
type Way = (WriterKind, Option<Encoding>, u32);

const WAYS: [Way; 5] = [
    (WriterKind::Zerobus, Some(Encoding::Protobuf), 1),
    (WriterKind::Zerobus, Some(Encoding::Protobuf), 3),
    (WriterKind::Zerobus, Some(Encoding::Json), 2),
    (WriterKind::Zerobus, Some(Encoding::Arrow), 2),
    (WriterKind::ZerobusRest, None, 1),
];

/// Writes batches all at once.
async fn write(
    world: &World,
    session: &Arc<dyn Session>,
    run: &str,
    batches: std::ops::Range<usize>,
    heard: &Arc<Heard>,
) -> Vec<Result<Acknowledged, WriteFailure>> {
    let write = |number| {
        let encoded = session.encode(&world.batch(run, number)).unwrap();
        assert_eq!(encoded.records, BATCH as u64);
        session.write(encoded, heard.clone())
    };
    join_all(batches.map(write)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_records_arrive_as_they_are_through_every_door() {
    let world = World::start(&Weather::default()).await;
    for (way, door) in WAYS.into_iter().enumerate() {
        let run = format!("run{way}");
        let session = world.open(door).await;
        let (began, heard) = (Instant::now(), Arc::new(Heard::default()));
        for done in write(&world, &session, &run, 0..20, &heard).await {
            let done = done.unwrap();
            assert_eq!((done.records, done.calls), (BATCH as u64, 1), "{door:?}");
            assert!(began < done.at && done.at <= Instant::now());
        }
        assert_eq!((heard.sent(), heard.retried()), (20, 0), "{door:?}");
        session.close().await;
        let rows = world.rows(&run, 20 * BATCH).await;
        assert_eq!(rows.len(), 20 * BATCH, "{door:?}: nothing is there twice");
        for (index, mut row) in rows.into_iter().enumerate() {
            row[3] = row[3].as_str().map(|text| text.parse::<f64>().unwrap()).into();
            assert_eq!(row, expected(&run, index), "{door:?}");
        }
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_streams_and_refusals_lose_nothing() {
    let weather = Weather::changeable();
    let world = World::start(&weather).await;
    for (way, door) in WAYS.into_iter().enumerate().skip(1) {
        let run = format!("storm{way}");
        let session = world.open(door).await;
        let heard = Arc::new(Heard::default());
        let storm = Forecast { refusals: 2, refusal_status: Some(429), ..Forecast::default() };
        weather.set(TELEMETRY, Some(storm));
        for round in 0..3 {
            let (done, ()) = tokio::join!(write(&world, &session, &run, round * 4..(round + 1) * 4, &heard), async {
                weather.happen(TELEMETRY, Event::CloseStreams);
            });
            for done in done {
                assert_eq!(done.unwrap().records, BATCH as u64, "{door:?}");
            }
        }
        session.close().await;
        weather.set(TELEMETRY, None);
        if door.0 == WriterKind::ZerobusRest {
            assert_eq!(heard.retried(), 2);
        }
        let rows = world.rows(&run, 12 * BATCH).await;
        assert_eq!(ids(&rows).len(), 12 * BATCH, "{door:?}: what was acknowledged is there, at least once");
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_lakehouse_is_gone_batches_are_in_doubt_and_nothing_hangs() {
    let world = World::start(&Weather::default()).await;
    let ways = [WAYS[0], WAYS[3]];
    let sessions = join_all(ways.map(|way| world.open(way))).await;
    let heard = Arc::new(Heard::default());
    for (way, session) in sessions.iter().enumerate() {
        assert!(write(&world, session, &format!("before{way}"), 0..1, &heard).await.remove(0).is_ok());
    }
    let World { lakehouse, writers, table, caller, _data } = world;
    lakehouse.stop().await;
    let lakehouse = RunningLakehouse::start(_data.path(), "127.0.0.1:0").await;
    // Elsewhere: the sessions do not find it.
    let world = World { caller: caller.at(&lakehouse.url), lakehouse, writers, table, _data };
    let attempts = (0..4).map(|attempt| {
        let (world, session) = (&world, &sessions[attempt % 2]);
        async move {
            let heard = Arc::new(Heard::default());
            let failure = write(world, session, "after", 0..1, &heard).await.remove(0).unwrap_err();
            (ways[attempt % 2], failure, heard.sent())
        }
    });
    for (way, failure, sent) in join_all(attempts).await {
        assert_eq!(failure.error.code(), "UNAVAILABLE", "{way:?}: {}", failure.error);
        assert_eq!((failure.durable, failure.in_doubt), (0, sent * BATCH as u64), "{way:?}: {}", failure.error);
    }
    for session in &sessions {
        session.close().await;
        let failure = write(&world, session, "closed", 0..1, &heard).await.remove(0).unwrap_err();
        assert_eq!((failure.durable, failure.in_doubt), (0, 0));
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_when_a_session_closes_is_in_doubt() {
    let weather = Weather::changeable();
    let world = World::start(&weather).await;
    let slow = Forecast { latency_ms: 60_000, ..Forecast::default() };
    let ways = [WAYS[0], WAYS[3]];
    let sessions = join_all(ways.map(|way| world.open(way))).await;
    weather.set(TELEMETRY, Some(slow));
    let close_early = async |session: Arc<dyn Session>| {
        let heard = Arc::new(Heard::default());
        let (mut outcomes, ()) = tokio::join!(write(&world, &session, "slow", 0..1, &heard), async {
            while heard.sent() == 0 {
                tokio::task::yield_now().await;
            }
            session.close().await;
        });
        outcomes.remove(0).unwrap_err()
    };
    for (way, failure) in ways.into_iter().zip(join_all(sessions.into_iter().map(close_early)).await) {
        assert_eq!((failure.error.code(), failure.in_doubt), ("DEADLINE_EXCEEDED", BATCH as u64), "{way:?}");
    }
    weather.set(TELEMETRY, None);
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_says_at_once_why_it_cannot_be_opened() {
    let world = World::start(&Weather::default()).await;
    let writer = world.writers.get(WriterKind::Zerobus).unwrap();
    let options = |encoding| WriterOptions {
        kind: WriterKind::Zerobus,
        mode: None,
        encoding: Some(encoding),
        streams: 2,
        batch: 1,
        in_flight: 1,
    };
    let parquet = writer.open(&world.table, &options(Encoding::Parquet)).await.err().unwrap();
    assert_eq!(parquet.code(), "INVALID_ARGUMENT");
    let nowhere = TableInfo { name: TableName::parse("main.direct_write.nowhere").unwrap(), ..world.table.clone() };
    for encoding in [Encoding::Protobuf, Encoding::Json, Encoding::Arrow] {
        let error = writer.open(&nowhere, &options(encoding)).await.err().unwrap();
        assert!(!error.to_string().is_empty(), "{encoding:?}");
    }
    let rest = world.writers.get(WriterKind::ZerobusRest).unwrap();
    assert!(rest.rehearse(&world.table).await.is_ok());
    assert!(rest.rehearse(&nowhere).await.is_err());
    assert!(world.rows("", 0).await.is_empty(), "a rehearsal writes nothing");
    world.lakehouse.stop().await;
}
