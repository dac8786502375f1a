//! Batches behind a good schema: what is told of those that are wrong, and that the ones before them are kept.

use std::sync::Arc;

use arrow_flight::FlightData;
use deltalake::arrow::array::{ArrayRef, DictionaryArray, Int32Array, LargeStringArray, RecordBatch};
use deltalake::arrow::datatypes::{DataType, Field, Int32Type, Schema};
use deltalake::arrow::ipc::CompressionType;
use deltalake::arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use serde_json::json;
use tonic::Code;

use super::{CLIENT, Flight, at, batch_message, schema_message};
use crate::conformance::case::row;
use crate::conformance::places::{COLUMNS, Place, Places};
use crate::conformance::shape::Shape;
use crate::conformance::sheet::Cell;

/// A message behind two good batches, before another good one; and how the stream must end.
struct Script {
    case: &'static str,
    columns: &'static str,
    message: fn(&Shape) -> FlightData,
    /// Whether it is taken after all.
    taken: bool,
    /// The ids that it carries, when it is taken.
    ids: &'static [&'static str],
    words: &'static [&'static str],
}

pub(super) fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for script in scripts() {
        let places = Arc::clone(places);
        cells.push(Cell::new(CLIENT, script.case, async move { script.play(&places.calm).await }));
    }
    let here = Arc::clone(places);
    cells.push(Cell::new(CLIENT, "a dictionary behind its schema", async move { dictionary(&here.calm).await }));
    let here = Arc::clone(places);
    let case = "acknowledgements only grow, the last is of the last call";
    cells.push(Cell::new(CLIENT, case, async move { many_batches(&here.calm).await }));
    cells
}

fn scripts() -> Vec<Script> {
    let bad = |case, message, words| Script { case, columns: COLUMNS, message, taken: false, ids: &[], words };
    let good = |case, message, ids| Script { case, columns: COLUMNS, message, taken: true, ids, words: &[] };
    vec![
        bad("an offset is skipped", |shape| batch(shape, 3), &["Offset 2 was expected, 3 came"]),
        bad("an offset comes twice", |shape| batch(shape, 1), &["Offset 2 was expected, 1 came"]),
        bad("an offset is negative", |shape| batch(shape, -1), &["Offset 2 was expected, -1 came"]),
        bad("an offset is missing", |shape| with_metadata(shape, ""), &["Offset 2 was expected, none came"]),
        bad("an offset is no JSON", |shape| with_metadata(shape, "{2"), &["Offset 2 was expected, none came"]),
        bad(
            "an offset is text",
            |shape| with_metadata(shape, r#"{"offset_id":"2"}"#),
            &["Offset 2 was expected, none came"],
        ),
        bad(
            "a stream is opened twice",
            |shape| at(2, schema_message(&shape.arrow)),
            &["offset 2", "Schema is not taken"],
        ),
        bad("a message carries nothing", |_| at(2, FlightData::default()), &["offset 2", "not Arrow IPC"]),
        bad(
            "a batch's header is of arbitrary bytes",
            |shape| FlightData { data_header: vec![0x7f; 200].into(), ..batch(shape, 2) },
            &["offset 2", "not Arrow IPC"],
        ),
        bad(
            "a batch's body is cut off",
            |shape| {
                let whole = batch(shape, 2);
                FlightData { data_body: whole.data_body.slice(..whole.data_body.len() / 2), ..whole }
            },
            &["offset 2", "lies outside of its body"],
        ),
        bad(
            "a batch's body is missing",
            |shape| FlightData { data_body: Default::default(), ..batch(shape, 2) },
            &["offset 2", "lies outside of its body"],
        ),
        bad(
            "a batch's body is of arbitrary bytes",
            |shape| {
                let whole = batch(shape, 2);
                FlightData { data_body: vec![0xff; whole.data_body.len()].into(), ..whole }
            },
            &["offset 2", "cannot be read"],
        ),
        bad(
            "a compressed batch claims to be huge",
            |shape| {
                let whole = compressed(shape, 2);
                let mut body = whole.data_body.to_vec();
                body[..8].copy_from_slice(&(1_i64 << 40).to_le_bytes());
                FlightData { data_body: body.into(), ..whole }
            },
            &["offset 2", "bytes when decompressed"],
        ),
        bad(
            "a batch has fewer columns than the schema",
            |_| {
                let ids: ArrayRef = Arc::new(LargeStringArray::from(vec!["x"]));
                batch_message(&RecordBatch::try_from_iter([("id", ids)]).unwrap(), 2)
            },
            &["offset 2"],
        ),
        bad(
            "a batch is of another schema",
            |_| {
                let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1]));
                let columns = ["id", "price", "amount"].map(|name| (name, Arc::clone(&numbers)));
                batch_message(&RecordBatch::try_from_iter(columns).unwrap(), 2)
            },
            &["offset 2"],
        ),
        Script {
            columns: "id STRING, amount INT NOT NULL",
            ..bad(
                "a batch has a null where a value must be",
                |shape| {
                    let nullable = Schema::new(vec![
                        Field::new("id", DataType::LargeUtf8, true),
                        Field::new("amount", DataType::Int32, true),
                    ]);
                    let rows = [json!({ "id": "x", "amount": 1 }), json!({ "id": "y" })];
                    assert_eq!(shape.arrow.fields().len(), 2);
                    batch_message(&crate::conformance::shape::batch(&Arc::new(nullable), &rows), 2)
                },
                &["offset 2", "amount"],
            )
        },
        good("a batch without rows counts as a call", |shape| batch_message(&shape.batch(&[]), 2), &[]),
        good("a compressed batch is taken", |shape| compressed(shape, 2), &["r00009"]),
    ]
}

fn batch(shape: &Shape, offset: i64) -> FlightData {
    batch_message(&shape.batch(&[row(9)]), offset)
}

fn with_metadata(shape: &Shape, metadata: &'static str) -> FlightData {
    batch(shape, 0).with_app_metadata(metadata)
}

/// As the Rust SDK compresses by default.
fn compressed(shape: &Shape, offset: i64) -> FlightData {
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    let (mut tracker, mut context) = (DictionaryTracker::new(false), IpcWriteContext::default());
    let rows = shape.batch(&[row(9)]);
    let (_, encoded) = IpcDataGenerator::default().encode(&rows, &mut tracker, &options, &mut context).unwrap();
    at(offset, encoded.into())
}

impl Script {
    async fn play(self, place: &Place) {
        let table = place.table(&format!("{CLIENT} {}", self.case), self.columns).await;
        let shape = Shape::of(place, &table).await;
        let mut stream = Flight::begin(place, &table, &shape.arrow).await.unwrap();
        let mut kept = Vec::new();
        for rows in [&[row(0)][..], &[row(1), row(2)]] {
            stream.write(&shape.batch(rows)).await;
            kept.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        }
        stream.send((self.message)(&shape)).await;
        stream.next_offset += 1;
        stream.write(&shape.batch(&[row(3)])).await;
        stream.sender = None;
        let ended = stream.heard_out().await;
        let last = ended.said.last().map(|said| (said.ack_up_to_offset, said.ack_up_to_records));
        if self.taken {
            ended.with(Code::Ok, &[]);
            assert_eq!(last, Some((3, 4 + self.ids.len() as u64)), "{ended:?}");
            kept.extend(self.ids.iter().map(|&id| id.to_owned()));
            kept.push("r00003".to_owned());
        } else {
            ended.with(Code::InvalidArgument, self.words);
            // What was taken is acknowledged before the end is told.
            assert_eq!(last, Some((1, 3)), "{ended:?}");
        }
        if self.columns == COLUMNS {
            place.holds(CLIENT, &table, &kept).await;
        } else {
            let count = place.admin.rows(&format!("SELECT count(*) FROM {table}")).await;
            assert!(count[0][0].as_str().unwrap().parse::<usize>().unwrap() <= kept.len(), "{count}");
        }
    }
}

async fn dictionary(place: &Place) {
    let table = place.table("raw Flight dictionary", COLUMNS).await;
    let ids: DictionaryArray<Int32Type> = ["a", "b", "a"].into_iter().collect();
    let ids: ArrayRef = Arc::new(ids);
    let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let (writer, options) = (IpcDataGenerator::default(), IpcWriteOptions::default());
    let (mut tracker, mut context) = (DictionaryTracker::new(false), IpcWriteContext::default());
    let schema = writer.schema_to_bytes_with_dictionary_tracker(&batch.schema(), &mut tracker, &options);
    let (dictionaries, rows) = writer.encode(&batch, &mut tracker, &options, &mut context).unwrap();
    let mut messages: Vec<FlightData> = vec![schema.into()];
    messages.extend(dictionaries.into_iter().chain([rows]).map(FlightData::from));
    assert_eq!(messages.len(), 3, "schema, dictionary, batch");
    let mut stream = Flight::call(place.channel().await, &place.headers(&table).await).await.unwrap();
    for (index, message) in messages.into_iter().enumerate() {
        stream.send(if index == 0 { message } else { at(index as i64 - 1, message) }).await;
    }
    stream.sender = None;
    let ended = stream.heard_out().await;
    ended.with(Code::InvalidArgument, &["offset 0", "dictionaries are not taken here"]);
    place.holds(CLIENT, &table, &[] as &[&str]).await;
}

async fn many_batches(place: &Place) {
    let table = place.table("raw Flight many batches", COLUMNS).await;
    let shape = Shape::of(place, &table).await;
    let mut stream = Flight::begin(place, &table, &shape.arrow).await.unwrap();
    let mut ids = Vec::new();
    for index in 0..100 {
        let rows: Vec<_> = (index * 3..index * 3 + 1 + index % 3).map(row).collect();
        ids.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        stream.write(&shape.batch(&rows)).await;
    }
    // That they never go back, and that the last has all the rows, is seen to while they are read.
    stream.close().await.unwrap();
    place.holds(CLIENT, &table, &ids).await;
}
