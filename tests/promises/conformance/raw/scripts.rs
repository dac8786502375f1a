//! Messages that no official client sends, after a good opening: what is told, and that the calls before them are kept.

use std::sync::Arc;

use prost::Message;
use tonic::Code;

use super::proto::AvroRecordBatch;
use super::proto::ingest_record_batch_request::Batch;
use super::proto::ingest_record_request::Record;
use super::{Kind, Raw, Sent, create_json, create_proto, json, json_batch, many, one, proto, proto_batch};
use crate::conformance::case::row;
use crate::conformance::places::{COLUMNS, Place, Places};
use crate::conformance::shape::Shape;
use crate::conformance::sheet::Cell;

/// The service's limit for a record.
const LARGEST_RECORD: usize = 10 * 1024 * 1024;

/// Messages after the first, and how the stream must end.
struct Script {
    case: &'static str,
    records: Records,
    messages: Vec<Call>,
    /// Messages that are taken; the ids in the table are theirs.
    taken: usize,
    code: Code,
    words: &'static [&'static str],
}

/// What the stream is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Records {
    Json,
    Proto,
}

/// A message that is known in full, or once the table is there.
enum Call {
    Sent(Sent, Vec<String>),
    /// Good records, whatever the stream is opened for.
    Good(i64, Vec<usize>),
    /// The opening once more.
    Again,
}

use Call::{Again, Good};

fn bad(sent: Sent) -> Call {
    Call::Sent(sent, Vec::new())
}

pub(super) fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for kind in Kind::BOTH {
        for script in scripts() {
            let places = Arc::clone(places);
            cells.push(Cell::new(kind.client(), script.case, async move { script.play(&places.calm, kind).await }));
        }
        let places = Arc::clone(places);
        let case = "acknowledgements only grow, the last is of the last call";
        cells.push(Cell::new(kind.client(), case, async move { many_calls(&places.calm, kind).await }));
    }
    cells
}

impl Script {
    async fn play(self, place: &Place, kind: Kind) {
        let table = place.table(&format!("{} {}", kind.client(), self.case), COLUMNS).await;
        let shape = Shape::of(place, &table).await;
        let descriptor = (self.records == Records::Proto).then_some(&shape.descriptor);
        let mut stream = Raw::begin(place, kind, &table, descriptor, None).await.unwrap();
        let mut kept = Vec::new();
        for (index, message) in self.messages.into_iter().enumerate() {
            let (sent, ids) = match message {
                Call::Sent(sent, ids) => (sent, ids),
                Good(offset, rows) => good(self.records, &shape, offset, &rows),
                Again => match descriptor {
                    None => (create_json(&table), Vec::new()),
                    Some(descriptor) => (create_proto(&table, &descriptor.encode_to_vec()), Vec::new()),
                },
            };
            stream.send(sent).await;
            if index < self.taken {
                kept.extend(ids);
            }
        }
        stream.finish();
        let ended = stream.heard_out().await;
        ended.with(self.code, self.words);
        // What was taken is acknowledged before the end is told.
        let last = ended.acknowledgements().last().copied();
        assert_eq!(last, i64::try_from(self.taken).unwrap().checked_sub(1).filter(|last| *last >= 0), "{ended:?}");
        place.holds(kind.client(), &table, &kept).await;
    }
}

fn good(records: Records, shape: &Shape, offset: i64, rows: &[usize]) -> (Sent, Vec<String>) {
    let rows: Vec<_> = rows.iter().map(|index| row(*index)).collect();
    let ids = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    let sent = match records {
        Records::Json if rows.len() == 1 => json(offset, &rows[0].to_string()),
        Records::Json => json_batch(offset, &rows.iter().map(ToString::to_string).collect::<Vec<_>>()),
        Records::Proto if rows.len() == 1 => proto(offset, &shape.proto(&rows[0])),
        Records::Proto => proto_batch(offset, &rows.iter().map(|row| shape.proto(row)).collect::<Vec<_>>()),
    };
    (sent, ids)
}

/// Two good calls, then one that is not, then another good one that comes too late.
fn after_two(case: &'static str, records: Records, sent: Sent, code: Code, words: &'static [&'static str]) -> Script {
    let messages = vec![Good(0, vec![0]), Good(1, vec![1, 2]), bad(sent), Good(3, vec![3])];
    Script { case, records, messages, taken: 2, code, words }
}

fn scripts() -> Vec<Script> {
    let mut scripts = offsets();
    scripts.extend(payloads());
    scripts.extend(json_records());
    scripts.extend(proto_records());
    scripts
}

fn offsets() -> Vec<Script> {
    let record = || Some(Record::JsonRecord(row(9).to_string()));
    let wrong =
        |case, offset, words| after_two(case, Records::Json, one(offset, record()), Code::InvalidArgument, words);
    let first = |case, offset, words| Script {
        case,
        records: Records::Json,
        messages: vec![bad(one(offset, record()))],
        taken: 0,
        code: Code::InvalidArgument,
        words,
    };
    vec![
        wrong("an offset is skipped", Some(3), &["Offset 2 was expected, 3 came"]),
        wrong("an offset comes twice", Some(1), &["Offset 2 was expected, 1 came"]),
        wrong("an offset is negative", Some(-1), &["Offset 2 was expected, -1 came"]),
        wrong("an offset is missing", None, &["Offset 2 was expected, none came"]),
        wrong(
            "an offset is the largest there is",
            Some(i64::MAX),
            &["Offset 2 was expected, 9223372036854775807 came"],
        ),
        first("the first offset is 1", Some(1), &["Offset 0 was expected, 1 came"]),
        first("the first offset is missing", None, &["Offset 0 was expected, none came"]),
    ]
}

fn payloads() -> Vec<Script> {
    let invalid = Code::InvalidArgument;
    let avro = || Some(Record::AvroEncodedRecord(vec![1, 2].into()));
    let avro_batch = || Some(Batch::AvroBatch(AvroRecordBatch { records: vec![vec![1, 2].into()] }));
    let other: &[&str] = &["offset 2, record 0", "not of the record type the stream was created with"];
    let record = row(9).to_string();
    let again = vec![Good(0, vec![0]), Again, Good(1, vec![1])];
    let empty = |case, records, batch| {
        let messages = vec![Good(0, vec![0]), bad(batch), Good(2, vec![1])];
        Script { case, records, messages, taken: 3, code: Code::Ok, words: &[] }
    };
    vec![
        Script {
            case: "a stream is opened twice",
            records: Records::Json,
            messages: again,
            taken: 1,
            code: invalid,
            words: &["opened only once"],
        },
        empty("an empty batch of JSON counts as a call", Records::Json, json_batch(1, &[] as &[&str])),
        empty("an empty batch of protobuf counts as a call", Records::Proto, proto_batch(1, &[])),
        after_two("a message carries nothing", Records::Json, Sent::Empty, invalid, &["message is empty"]),
        after_two("a call has no record", Records::Json, one(Some(2), None), invalid, &["carries no record"]),
        after_two("a call has no batch", Records::Json, many(Some(2), None), invalid, &["carries no batch"]),
        after_two("a JSON record on a protobuf stream", Records::Proto, json(2, &record), invalid, other),
        after_two("a protobuf record on a JSON stream", Records::Json, proto(2, b""), invalid, other),
        after_two("a JSON batch on a protobuf stream", Records::Proto, json_batch(2, &[&record]), invalid, other),
        after_two("a protobuf batch on a JSON stream", Records::Json, proto_batch(2, &[Vec::new()]), invalid, other),
        after_two("an Avro record", Records::Json, one(Some(2), avro()), Code::Unimplemented, &["Avro"]),
        after_two("an Avro batch", Records::Proto, many(Some(2), avro_batch()), Code::Unimplemented, &["Avro"]),
    ]
}

fn json_records() -> Vec<Script> {
    let wrong =
        |case, record: &str, words| after_two(case, Records::Json, json(2, record), Code::InvalidArgument, words);
    // White space counts.
    let text = |bytes: usize| format!(r#"{{"id":"large"{}}}"#, " ".repeat(bytes - r#"{"id":"large"}"#.len()));
    let long_name = format!(r#"{{"{}": 1}}"#, "é".repeat(50_000));
    let batch = [row(5).to_string(), row(6).to_string(), r#"{"id": 7}"#.to_owned(), row(8).to_string()];
    vec![
        wrong("JSON that is cut off", r#"{"id": "x""#, &["offset 2, record 0", "not JSON", "EOF"]),
        wrong("JSON with something behind it", r#"{"id": "x"} {}"#, &["offset 2, record 0", "trailing characters"]),
        wrong("JSON that is empty", "", &["offset 2, record 0", "not JSON"]),
        wrong("a JSON array", "[1]", &["offset 2, record 0", "not a JSON object"]),
        wrong("a JSON null", "null", &["offset 2, record 0", "not a JSON object"]),
        wrong(
            "a JSON field that is no column",
            r#"{"id": "x", "colour": 1}"#,
            &["record 0: field 'colour'", "no such column"],
        ),
        wrong("a JSON field that comes twice", r#"{"id": "x", "id": "x"}"#, &["record 0: field 'id'", "twice"]),
        wrong("JSON text for an INT", r#"{"amount": "7"}"#, &["record 0: field 'amount'", "INT"]),
        wrong("a JSON number for a STRING", r#"{"id": 7}"#, &["record 0: field 'id'", "7", "STRING"]),
        wrong("a JSON number that is out of range", r#"{"amount": 2147483648}"#, &["field 'amount'", "2147483648"]),
        wrong("a JSON decimal that would be rounded", r#"{"price": 1.005}"#, &["field 'price'", "DECIMAL(10,2)"]),
        wrong("JSON nested beyond the column", r#"{"amount": {"a": [1]}}"#, &["field 'amount'", "an object"]),
        wrong(
            "an error text too long for a header",
            &long_name,
            &["offset 2, record 0", "bytes left out", "no such column"],
        ),
        after_two(
            "a bad record in the middle of a batch",
            Records::Json,
            json_batch(2, &batch),
            Code::InvalidArgument,
            &["offset 2, record 2: field 'id'"],
        ),
        after_two(
            "a record over 10 MiB",
            Records::Json,
            json(2, &text(LARGEST_RECORD + 1)),
            Code::InvalidArgument,
            &["offset 2, record 0: 10485761 bytes; a record may have 10485760"],
        ),
        after_two(
            "a message over 11 MiB",
            Records::Json,
            json_batch(2, &[text(6 << 20), text(6 << 20)]),
            Code::OutOfRange,
            &["message length too large", "11534336"],
        ),
        Script {
            case: "a record of 10 MiB is taken",
            records: Records::Json,
            messages: vec![Call::Sent(json(0, &text(LARGEST_RECORD)), vec!["large".to_owned()]), Good(1, vec![1])],
            taken: 2,
            code: Code::Ok,
            words: &[],
        },
    ]
}

fn proto_records() -> Vec<Script> {
    let wrong =
        |case, record: &[u8], words| after_two(case, Records::Proto, proto(2, record), Code::InvalidArgument, words);
    vec![
        // Field 1 has a length of 5 and three bytes of it.
        wrong("a protobuf record that is cut off", b"\x0a\x05abc", &["offset 2, record 0"]),
        wrong("a protobuf record of arbitrary bytes", &[0xff; 40], &["offset 2, record 0"]),
        wrong("a protobuf field that is not in the descriptor", b"\x48\x01", &["record 0", "no field number 9"]),
        wrong("a protobuf field of another wire type", b"\x08\x01", &["record 0: field 'id'", "varint"]),
        wrong("protobuf text that is not UTF-8", b"\x0a\x02\xc3\x28", &["record 0: field 'id'", "UTF-8"]),
        wrong("a protobuf decimal that is none", b"\x12\x04free", &["record 0: field 'price'", "DECIMAL(10,2)"]),
        wrong(
            "a protobuf INT beyond 32 bits",
            b"\x18\x80\x80\x80\x80\x10",
            &["record 0: field 'amount'", "out of range"],
        ),
        Script {
            case: "an empty protobuf record is a row of NULLs",
            records: Records::Proto,
            messages: vec![Good(0, vec![0]), Call::Sent(proto(1, b""), vec!["NULL".to_owned()])],
            taken: 2,
            code: Code::Ok,
            words: &[],
        },
    ]
}

async fn many_calls(place: &Place, kind: Kind) {
    let table = place.table(&format!("{} many calls", kind.client()), COLUMNS).await;
    let mut stream = Raw::begin(place, kind, &table, None, None).await.unwrap();
    let mut ids = Vec::new();
    for index in 0..500 {
        stream.write_json(vec![row(index).to_string()]).await;
        ids.push(row(index)["id"].as_str().unwrap().to_owned());
    }
    stream.finish();
    // That they never go back nor beyond what was sent is seen to while they are read.
    let ended = stream.heard_out().await;
    ended.with(Code::Ok, &[]);
    assert_eq!(ended.acknowledgements().last(), Some(&499));
    place.holds(kind.client(), &table, &ids).await;
}
