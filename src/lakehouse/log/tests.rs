//! Promises of the log, on real files in a temporary folder.

#![allow(clippy::single_range_in_vec_init, reason = "a group commit of one entry")]

use deltalake::arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use deltalake::arrow::datatypes::{DataType, Field, Int64Type, Schema};
use proptest::prelude::*;

use super::segment::{Ending, Segment};
use super::*;
use crate::lakehouse::weather::Faults;

fn schema() -> SchemaRef {
    let fields = vec![Field::new("id", DataType::Int64, true), Field::new("text", DataType::Utf8, true)];
    Arc::new(Schema::new(fields))
}

fn batch(ids: std::ops::Range<i64>) -> RecordBatch {
    let texts: StringArray = ids.clone().map(|id| Some("x".repeat(id as usize % 50))).collect();
    let ids = Int64Array::from_iter_values(ids);
    RecordBatch::try_new(schema(), vec![Arc::new(ids), Arc::new(texts)]).expect("batch")
}

fn ids(batches: &[RecordBatch]) -> Vec<i64> {
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

fn name() -> TableName {
    TableName::parse("main.s.t").expect("name")
}

fn space() -> Space {
    Space::new(1 << 30)
}

/// A log with its sealed segments.
fn start(folder: &Path, options: LogOptions, after: Recovered) -> (Log, mpsc::UnboundedReceiver<SealedSegment>) {
    let (sender, sealed) = mpsc::unbounded_channel();
    let config = LogConfig {
        table: name(),
        folder: folder.to_owned(),
        schema: schema(),
        options,
        memory: queue_budget(),
        space: space(),
        keeping: KeepingRoom::new(1 << 20),
        precedence: Precedence::new(),
        faults: Faults::none(),
        metrics: crate::lakehouse::metrics::Metrics::new().table(&name()),
    };
    (Log::start(config, after, sender), sealed)
}

async fn append(log: &Log, ids: std::ops::Range<i64>, origin: Option<Origin>) -> Result<(), LakehouseError> {
    let mut encoder = EntryEncoder::new(&schema()).expect("encoder");
    log.enqueue(encoder.encode(&batch(ids), origin).expect("entry")).await?.durable().await
}

fn recover_all(folder: &Path, committed: u64) -> (Recovered, Vec<i64>) {
    let mut recovered = recover(folder, &schema(), committed, &space()).expect("recover");
    let rows = recovered.segments.iter_mut().flat_map(|segment| ids(&segment.read().expect("read").batches)).collect();
    (recovered, rows)
}

/// Segments by hand: each group is one group commit.
fn write_segment(folder: &Path, sequence: u64, groups: &[&[std::ops::Range<i64>]], seal: bool) -> PathBuf {
    let id = SegmentId { log: Uuid::new_v4(), sequence };
    let mut active = ActiveSegment::create(folder, id, &schema()).expect("create");
    let mut encoder = EntryEncoder::new(&schema()).expect("encoder");
    for group in groups {
        let entries: Vec<_> =
            group.iter().map(|ids| encoder.encode(&batch(ids.clone()), None).expect("entry")).collect();
        active.write(&entries, &Faults::none()).expect("write");
    }
    if seal {
        active.seal(&Faults::none()).expect("seal");
    }
    recovery::path(folder, sequence)
}

#[tokio::test]
async fn what_was_appended_is_sealed_in_order_and_recovered() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let options = LogOptions { interval: Duration::from_secs(3600), ..Default::default() };
    let (log, mut sealed) = start(folder.path(), options, recover_all(folder.path(), 0).0);
    for start in 0..5 {
        append(&log, start * 10..start * 10 + 10, None).await.expect("append");
    }
    // As after a crash: the file is read while nobody has sealed it.
    let copy = tempfile::tempdir().expect("temporary folder");
    std::fs::copy(recovery::path(folder.path(), 1), recovery::path(copy.path(), 1)).expect("copy");
    let (recovered, rows) = recover_all(copy.path(), 0);
    assert_eq!((rows, recovered.next_sequence), ((0..50).collect::<Vec<_>>(), 2));
    assert!(recovered.damage.is_empty());
    // What Delta has already is not handed on again.
    assert_eq!(recover_all(copy.path(), 1).1, Vec::<i64>::new());

    log.close().await;
    let mut segment = sealed.recv().await.expect("sealed");
    assert_eq!((segment.sequence, segment.rows), (1, 50));
    assert!(segment.kept.is_some());
    for from in ["memory", "file"] {
        assert_eq!(ids(&segment.read().expect(from).batches), (0..50).collect::<Vec<_>>(), "{from}");
    }
    assert!(sealed.recv().await.is_none());
}

#[tokio::test]
async fn a_segment_is_sealed_when_it_is_old_and_when_it_is_large() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let options = LogOptions { interval: Duration::from_millis(20), segment_bytes: 1 << 20 };
    let (log, mut sealed) = start(folder.path(), options, Recovered { next_sequence: 1, ..Default::default() });
    append(&log, 0..1, None).await.expect("append");
    assert_eq!(sealed.recv().await.expect("old").rows, 1);
    let options = LogOptions { interval: Duration::from_secs(3600), segment_bytes: 1 };
    let (large, mut sealed_large) =
        start(folder.path(), options, Recovered { next_sequence: 10, ..Default::default() });
    append(&large, 0..1, None).await.expect("append");
    assert_eq!(sealed_large.recv().await.expect("large").rows, 1);
    log.close().await;
    large.close().await;
}

#[tokio::test]
async fn offsets_of_persistent_streams_survive() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let stream = Uuid::new_v4();
    let (log, _sealed) =
        start(folder.path(), LogOptions::default(), Recovered { next_sequence: 1, ..Default::default() });
    assert_eq!(log.offset(&stream), None);
    for offset in 0..3 {
        let origin = Origin { stream, first: offset, last: offset };
        append(&log, offset..offset + 1, Some(origin)).await.expect("append");
        assert_eq!(log.offset(&stream), Some(offset));
    }
    // Again, and with a gap: another connection has written in the meantime, or this one has lost something.
    for (first, last) in [(2, 3), (4, 4)] {
        let refused = append(&log, 0..1, Some(Origin { stream, first, last })).await;
        assert!(matches!(refused, Err(LakehouseError::OutOfOrder { expected: 3, .. })), "{refused:?}");
    }
    log.close().await;
    let (recovered, _) = recover_all(folder.path(), 0);
    assert_eq!(recovered.offsets.get(&stream), Some(&2));
}

#[test]
fn a_torn_tail_is_cut_off_and_what_was_synced_before_stays() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = write_segment(folder.path(), 1, &[&[0..10], &[10..20, 20..30]], false);
    let whole = std::fs::read(&path).expect("read");
    let first_group = {
        let other = tempfile::tempdir().expect("temporary folder");
        std::fs::metadata(write_segment(other.path(), 1, &[&[0..10]], false)).expect("metadata").len() as usize
    };
    let mut came = std::collections::BTreeSet::new();
    for length in (first_group..whole.len()).step_by(5) {
        std::fs::write(&path, &whole[..length]).expect("truncate");
        let (recovered, rows) = recover_all(folder.path(), 0);
        assert!(recovered.damage.is_empty(), "{:?}", recovered.damage);
        assert_eq!(rows, (0..rows.len() as i64).collect::<Vec<_>>(), "cut at {length}");
        came.insert(rows.len());
    }
    // Entries whole, one after the other: the last of them when only what fills the page is torn.
    assert_eq!(came.into_iter().collect::<Vec<_>>(), [10, 20, 30]);
    // Pages of one group may reach the disk in any order.
    let mut bytes = whole.clone();
    bytes[first_group + 8..first_group + 100].fill(0);
    std::fs::write(&path, &bytes).expect("write");
    let (recovered, rows) = recover_all(folder.path(), 0);
    assert_eq!((rows, recovered.damage.len()), ((0..10).collect::<Vec<_>>(), 0));
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is_and_the_other_rows_are_kept() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let groups: [&[std::ops::Range<i64>]; 3] = [&[0..10], &[10..20], &[20..30]];
    let unsealed = std::fs::metadata(write_segment(folder.path(), 1, &groups, false)).expect("metadata").len() as usize;
    let path = write_segment(folder.path(), 1, &groups, true);
    let whole = std::fs::read(&path).expect("read");
    let padding = |at: usize| -> bool {
        // A flip in the padding of an entry changes nothing that is read.
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        Segment::read(bytes, 1, false).is_ok_and(|segment| segment.ending == Ending::Sealed)
    };
    let mut unnoticed = 0;
    for at in (0..whole.len()).step_by(7) {
        if padding(at) {
            unnoticed += 1;
            continue;
        }
        let other = tempfile::tempdir().expect("temporary folder");
        let log = other.path().join("log");
        std::fs::create_dir(&log).expect("folder");
        let copy = recovery::path(&log, 1);
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&copy, &bytes).expect("write");
        let (recovered, rows) = recover_all(&log, 0);
        if at >= unsealed {
            // The seal of the last segment: it looks as if the crash had come before it, and all rows are there.
            assert_eq!((recovered.damage.len(), rows.len()), (0, 30), "byte {at}");
            continue;
        }
        assert_eq!(recovered.damage.len(), 1, "byte {at}");
        assert!(rows.len() == 20 || rows.len() == 30 || rows.is_empty(), "byte {at}: {rows:?}");
        let quarantine = other.path().join("quarantine");
        assert_eq!(quarantine.read_dir().expect("quarantine").count(), 1, "byte {at}");
        // A second start has nothing more to say.
        let (again, rows_again) = recover_all(&log, 0);
        assert_eq!((again.damage.len(), rows_again), (0, rows));
    }
    assert!(unnoticed * 7 < 64, "only padding may change unnoticed, {unnoticed} places did");
}

#[test]
fn a_segment_without_its_seal_or_cut_short_is_damage_when_another_follows() {
    let base = tempfile::tempdir().expect("temporary folder");
    let folder = base.path().join("log");
    let path = write_segment(&folder, 1, &[&[0..10], &[10..20]], true);
    write_segment(&folder, 2, &[&[20..30]], false);
    let whole = std::fs::read(&path).expect("read");
    std::fs::write(&path, &whole[..whole.len() - segment::FRAME]).expect("cut the seal");
    let (recovered, rows) = recover_all(&folder, 0);
    assert_eq!(recovered.damage.len(), 1);
    assert_eq!(rows, (0..30).collect::<Vec<_>>());
}

#[test]
fn leftovers_of_a_start_that_crashed_are_no_damage() {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("00000000000000000007.new"), b"half a header").expect("write");
    write_segment(folder.path(), 8, &[], false);
    let (recovered, rows) = recover_all(folder.path(), 0);
    assert!(rows.is_empty() && recovered.damage.is_empty() && recovered.segments.is_empty());
    assert_eq!(recovered.next_sequence, 9);
    assert_eq!(folder.path().read_dir().expect("list").count(), 0);
}

#[test]
fn a_failed_write_leaves_the_segment_as_it_was() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let id = SegmentId { log: Uuid::new_v4(), sequence: 1 };
    let mut active = ActiveSegment::create(folder.path(), id, &schema()).expect("create");
    let mut encoder = EntryEncoder::new(&schema()).expect("encoder");
    let mut write = |ids, faults: &Faults| active.write(&[encoder.encode(&batch(ids), None).expect("entry")], faults);
    write(0..3, &Faults::none()).expect("first");
    let full = write(3..6, &Faults::full_disk());
    assert!(matches!(full, Err(WriteFailure::Full)), "{full:?}");
    write(6..9, &Faults::none()).expect("after");
    let (_, rows) = recover_all(folder.path(), 0);
    assert_eq!(rows, [0, 1, 2, 6, 7, 8]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_rows_come_back(groups in prop::collection::vec(prop::collection::vec(1_i64..40, 1..4), 1..5), sealed: bool) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut next = 0;
        let groups: Vec<Vec<_>> = groups.iter().map(|sizes| sizes.iter().map(|size| {
            next += size;
            next - size..next
        }).collect()).collect();
        let groups: Vec<&[_]> = groups.iter().map(Vec::as_slice).collect();
        write_segment(folder.path(), 1, &groups, sealed);
        prop_assert_eq!(recover_all(folder.path(), 0).1, (0..next).collect::<Vec<_>>());
    }

    #[test]
    fn arbitrary_bytes_are_no_segment_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..4096), last: bool) {
        prop_assert!(Segment::read(bytes, 1, last).is_err());
    }

    #[test]
    fn arbitrary_damage_is_no_panic(at in 0_usize..4000, with in prop::collection::vec(any::<u8>(), 1..200), last: bool) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = write_segment(folder.path(), 1, &[&[0..30], &[30..60]], true);
        let mut bytes = std::fs::read(path).expect("read");
        let end = bytes.len();
        for (place, byte) in bytes[at.min(end)..].iter_mut().zip(&with) {
            *place = *byte;
        }
        if let Ok(segment) = Segment::read(bytes, 1, last) {
            let _ = segment.batches();
        }
    }
}
