//! Streams of all kinds into one table while it is compacted and read: nobody notices the others, and nothing is lost.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use databricks_zerobus_ingest_sdk::schema::{UcColumn, descriptor_from_uc_columns};
use databricks_zerobus_ingest_sdk::{
    AckCallback, DynamicMessage, EncodedRecord, PersistentStream, Value as ProtoValue, ZerobusSdk, ZerobusStream,
    message_descriptor,
};
use direct_write::lakehouse::{LakehouseOptions, LogOptions, StoreOptions};
use prost::Message;
use prost_types::DescriptorProto;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use crate::support::caller::Caller;
use crate::support::{RunningLakehouse, python};

const TABLE: &str = "main.default.beside";
/// Compactions that have to be done while the streams are open.
const COMPACTIONS: usize = 1;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Records of a call.
const BATCH: usize = 10;

/// What a writer hears about its records.
#[derive(Default)]
struct Heard {
    offsets: Mutex<Vec<i64>>,
    errors: Mutex<Vec<String>>,
}

impl AckCallback for Heard {
    fn on_ack(&self, offset: i64) {
        self.offsets.lock().unwrap().push(offset);
    }

    fn on_error(&self, offset: i64, message: &str) {
        self.errors.lock().unwrap().push(format!("{offset}: {message}"));
    }
}

/// An open stream of one kind.
enum Stream {
    Ephemeral(ZerobusStream),
    Persistent(PersistentStream),
}

impl Stream {
    async fn write(&self, records: Vec<EncodedRecord>) -> i64 {
        match self {
            Self::Ephemeral(stream) => stream.ingest_records_offset(records).await,
            Self::Persistent(stream) => stream.ingest_records_offset(records).await,
        }
        .unwrap()
        .unwrap()
    }

    async fn wait(&self, offset: i64) {
        match self {
            Self::Ephemeral(stream) => stream.wait_for_offset(offset).await.unwrap(),
            Self::Persistent(stream) => stream.wait_for_offset(offset).await.unwrap(),
        }
    }

    async fn close(&mut self) {
        match self {
            Self::Ephemeral(stream) => stream.close().await.unwrap(),
            Self::Persistent(stream) => stream.close().await.unwrap(),
        }
    }
}

/// The lakehouse, its table and what all take part in.
struct World {
    lakehouse: RunningLakehouse,
    caller: Caller,
    sdk: ZerobusSdk,
    descriptor: DescriptorProto,
    /// Compactions that an independent reader has seen.
    compactions: AtomicUsize,
    /// Writers that are still writing.
    writing: AtomicUsize,
    enough: AtomicBool,
}

impl World {
    async fn start(data: &Path) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A file every few milliseconds: compaction begins when many small ones have gathered.
        let log = LogOptions { interval: Duration::from_millis(5), ..LogOptions::default() };
        let options =
            LakehouseOptions { store: StoreOptions { log, ..StoreOptions::default() }, ..LakehouseOptions::default() };
        let lakehouse = RunningLakehouse::start_with(data, "127.0.0.1:0", options).await;
        let caller = Caller::administrator(&lakehouse).await;
        caller.rows(&format!("CREATE TABLE {TABLE} (writer STRING, sequence BIGINT)")).await;
        let (_, answer) = caller.get(&format!("/api/2.1/unity-catalog/tables/{TABLE}")).await;
        let columns: Vec<UcColumn> = serde_json::from_value(answer["columns"].clone()).unwrap();
        let sdk = ZerobusSdk::builder().endpoint(&lakehouse.url).unity_catalog_url(&lakehouse.url);
        Self {
            sdk: sdk.connector_factory(Arc::new(|_| None)).build().unwrap(),
            lakehouse,
            caller,
            descriptor: descriptor_from_uc_columns(&columns, "Row").unwrap(),
            compactions: AtomicUsize::new(0),
            writing: AtomicUsize::new(0),
            enough: AtomicBool::new(false),
        }
    }

    /// Without recovery, so that whatever goes wrong is seen.
    async fn open(&self, kind: &str, heard: Arc<Heard>) -> Stream {
        let (id, secret) = (&self.lakehouse.client_id, self.lakehouse.client_secret.expose_secret());
        let proto = kind.contains("proto");
        if kind.contains("ephemeral") {
            let stream = self.sdk.stream_builder().table(TABLE).oauth(id, secret).recovery(false).ack_callback(heard);
            let stream = if proto { stream.compiled_proto(self.descriptor.clone()) } else { stream.json() };
            return Stream::Ephemeral(stream.build().await.unwrap());
        }
        let stream = self.sdk.persistent_stream_builder().table(TABLE).oauth(id, secret);
        let stream = stream.recovery(false).ack_callback(heard);
        let stream = if proto { stream.compiled_proto(self.descriptor.clone()) } else { stream.json() };
        Stream::Persistent(stream.build().await.unwrap())
    }

    fn record(&self, kind: &str, sequence: i64) -> EncodedRecord {
        if !kind.contains("proto") {
            return EncodedRecord::Json(json!({ "writer": kind, "sequence": sequence }).to_string());
        }
        let mut message = DynamicMessage::new(message_descriptor(&self.descriptor).unwrap());
        message.set_field_by_name("writer", ProtoValue::String(kind.to_owned()));
        message.set_field_by_name("sequence", ProtoValue::I64(sequence));
        EncodedRecord::Proto(message.encode_to_vec())
    }

    /// Writes until there is enough of it; how many records it wrote.
    async fn write(&self, kind: &'static str) -> i64 {
        let heard = Arc::new(Heard::default());
        let mut stream = self.open(kind, Arc::clone(&heard)).await;
        let mut written = 0;
        let mut last = -1;
        while !self.enough.load(Ordering::SeqCst) {
            let records = (written..written + BATCH as i64).map(|sequence| self.record(kind, sequence)).collect();
            last = stream.write(records).await;
            written += BATCH as i64;
            stream.wait(last).await;
        }
        stream.close().await;
        self.writing.fetch_sub(1, Ordering::SeqCst);
        assert_eq!(heard.errors.lock().unwrap().as_slice(), &[] as &[String], "{kind}");
        let offsets = heard.offsets.lock().unwrap();
        assert!(offsets.is_sorted_by(|before, after| before < after), "{kind}: acknowledgements only grow");
        assert_eq!(offsets.last(), Some(&last), "{kind}");
        written
    }

    /// Asks by SQL how much is there, as long as anybody writes.
    async fn read_by_sql(&self) -> usize {
        let (mut reads, mut before) = (0, 0);
        while self.writing.load(Ordering::SeqCst) > 0 {
            let counts = format!("SELECT count(*), count(DISTINCT concat(writer, ' ', sequence)) FROM {TABLE}");
            let counts = self.caller.rows(&counts).await;
            let count = |column: usize| counts[0][column].as_str().unwrap().parse::<usize>().unwrap();
            assert_eq!(count(0), count(1), "no record is there twice at any time");
            assert!(count(0) >= before, "{} rows after {before}", count(0));
            before = count(0);
            reads += 1;
        }
        reads
    }

    /// The same with a reader that knows nothing of the lakehouse, and which looks for compactions.
    async fn read_from_outside(&self, folder: &Path) -> usize {
        let (mut reads, mut before) = (0, 0);
        let begin = Instant::now();
        while self.writing.load(Ordering::SeqCst) > 0 {
            let seen = Seen::read(folder).await;
            assert_eq!(seen.rows, seen.different, "no record is there twice at any time");
            assert!(seen.rows >= before, "{} rows after {before}", seen.rows);
            before = seen.rows;
            reads += 1;
            self.compactions.store(seen.compactions(), Ordering::SeqCst);
            // Whoever writes goes on until the next look.
            if seen.compactions() >= COMPACTIONS || begin.elapsed() > PATIENCE {
                self.enough.store(true, Ordering::SeqCst);
            }
        }
        reads
    }
}

/// A table as Python's deltalake finds it.
#[derive(Deserialize)]
struct Seen {
    rows: usize,
    different: usize,
    by_writer: HashMap<String, i64>,
    operations: Vec<String>,
}

impl Seen {
    async fn read(folder: &Path) -> Self {
        serde_json::from_str(&python("read_history.py", &[&folder.to_string_lossy()]).await).unwrap()
    }

    fn compactions(&self) -> usize {
        self.operations.iter().filter(|operation| *operation == "OPTIMIZE").count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_compaction_and_readers_beside_one_another_lose_nothing() {
    const KINDS: [&str; 6] = [
        "ephemeral JSON",
        "ephemeral proto",
        "another ephemeral proto",
        "persistent JSON",
        "persistent proto",
        "another persistent JSON",
    ];
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("tables/main/default/beside");
    let world = Arc::new(World::start(data.path()).await);
    world.writing.store(KINDS.len(), Ordering::SeqCst);
    let writers = KINDS.map(|kind| {
        let world = Arc::clone(&world);
        (kind, tokio::spawn(async move { world.write(kind).await }))
    });
    let by_sql = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.read_by_sql().await }
    });
    let from_outside = world.read_from_outside(&folder).await;
    let mut written = HashMap::new();
    for (kind, writer) in writers {
        written.insert(kind.to_owned(), writer.await.unwrap());
    }
    let by_sql = by_sql.await.unwrap();
    assert!(by_sql > 1 && from_outside > 0, "{by_sql} and {from_outside} looks at the table");
    let compactions = world.compactions.load(Ordering::SeqCst);
    assert!(compactions >= COMPACTIONS, "{compactions} compactions while the streams were open");

    Arc::into_inner(world).unwrap().lakehouse.stop().await;
    let seen = Seen::read(&folder).await;
    assert_eq!(seen.by_writer, written, "each record is there, whoever wrote it");
    assert_eq!(seen.rows, seen.different, "and once");
}
