//! What the Zerobus side of the lakehouse promises beyond single records, with the unmodified official Rust client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use databricks_zerobus_ingest_sdk::{PersistentStream, ZerobusError, ZerobusSdk};
use deltalake::arrow::array::{ArrayRef, Float64Array, LargeStringArray, RecordBatch, TimestampMicrosecondArray};
use direct_write::lakehouse::{Event, Forecast, LakehouseOptions, TlsFiles, Weather};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::RunningLakehouse;
use crate::support::caller::Caller;

const PRODUCTS: &str = "main.direct_write.products";
const TELEMETRY: &str = "main.direct_write.telemetry";

/// A lakehouse with a client of each kind.
struct World {
    data: TempDir,
    lakehouse: RunningLakehouse,
    sdk: ZerobusSdk,
    caller: Caller,
}

impl World {
    async fn start(options: LakehouseOptions) -> Self {
        let data = tempfile::tempdir().unwrap();
        let lakehouse = RunningLakehouse::start_with(data.path(), "127.0.0.1:0", options).await;
        Self::around(data, lakehouse).await
    }

    async fn around(data: TempDir, lakehouse: RunningLakehouse) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sdk = ZerobusSdk::builder().endpoint(&lakehouse.url).unity_catalog_url(&lakehouse.url);
        let sdk = sdk.connector_factory(Arc::new(|_| None)).build().unwrap();
        let caller = Caller::administrator(&lakehouse).await;
        Self { data, lakehouse, sdk, caller }
    }

    /// Stops the lakehouse and starts another over the same folder.
    async fn restart(self) -> Self {
        self.lakehouse.stop().await;
        let lakehouse = RunningLakehouse::start(self.data.path(), "127.0.0.1:0").await;
        Self::around(self.data, lakehouse).await
    }

    fn secret(&self) -> &str {
        self.lakehouse.client_secret.expose_secret()
    }

    async fn persistent(&self, resume: Option<&str>) -> Result<PersistentStream, ZerobusError> {
        let stream = self.sdk.persistent_stream_builder().table(PRODUCTS);
        let stream = stream.oauth(&self.lakehouse.client_id, self.secret()).recovery(false).json();
        match resume {
            Some(id) => stream.resume(id).await,
            None => stream.build().await,
        }
    }

    /// The ids in the products table, once there are so many different ones.
    async fn ids(&self, at_least: usize) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let rows = self.caller.rows(&format!("SELECT record_id FROM {PRODUCTS} ORDER BY record_id")).await;
            let ids: Vec<String> =
                rows.as_array().unwrap().iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
            let mut different = ids.clone();
            different.dedup();
            if different.len() >= at_least || Instant::now() > deadline {
                return ids;
            }
        }
    }
}

fn record(index: usize) -> String {
    json!({ "record_id": format!("r{index:05}") }).to_string()
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|index| format!("r{index:05}")).collect()
}

async fn ingest(stream: &PersistentStream, range: std::ops::Range<usize>) {
    for index in range {
        stream.ingest_record_offset(record(index)).await.unwrap();
    }
    stream.flush().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persistent_stream_goes_on_where_it_was_over_connections_and_restarts() {
    let world = World::start(LakehouseOptions::default()).await;
    let mut stream = world.persistent(None).await.unwrap();
    let id = stream.stream_id().unwrap().to_owned();
    assert_eq!(stream.resume_watermark(), None);
    ingest(&stream, 0..50).await;
    stream.close().await.unwrap();

    let stream = world.persistent(Some(&id)).await.unwrap();
    assert_eq!(stream.resume_watermark(), Some(49));
    ingest(&stream, 50..60).await;

    // Everything is in Delta after a stop in good order, and the log is empty: the offset is found in the table.
    let world = world.restart().await;
    let stream = world.persistent(Some(&id)).await.unwrap();
    assert_eq!(stream.resume_watermark(), Some(59));
    ingest(&stream, 60..70).await;
    assert_eq!(world.ids(70).await, ids(0..70));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_connection_takes_a_persistent_stream_over_and_an_unknown_one_is_not_found() {
    let world = World::start(LakehouseOptions::default()).await;
    let first = world.persistent(None).await.unwrap();
    let id = first.stream_id().unwrap().to_owned();
    ingest(&first, 0..5).await;
    let second = world.persistent(Some(&id)).await.unwrap();
    ingest(&second, 5..10).await;
    let late = async {
        let offset = first.ingest_record_offset(record(99)).await?;
        first.wait_for_offset(offset).await
    };
    assert!(late.await.is_err(), "the first connection no longer writes");
    assert_eq!(world.ids(10).await, ids(0..10));

    let unknown = world.persistent(Some("6f1e2d3c-0000-4000-8000-000000000001")).await;
    assert!(matches!(unknown, Err(ZerobusError::CreateStreamError(status)) if status.code() == tonic::Code::NotFound));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arrow_batches_arrive_whatever_their_types_are_called() {
    let world = World::start(LakehouseOptions::default()).await;
    let batch = |from: i64| {
        let devices: ArrayRef =
            Arc::new(LargeStringArray::from_iter_values((from..from + 100).map(|n| format!("d{n}"))));
        let values: ArrayRef = Arc::new(Float64Array::from_iter_values((from..from + 100).map(|n| n as f64 / 2.0)));
        let times = TimestampMicrosecondArray::from_iter_values((from..from + 100).map(|n| n * 1_000_000));
        let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
        RecordBatch::try_from_iter([("device_id", devices), ("value", values), ("event_time", times)]).unwrap()
    };
    let stream = world.sdk.stream_builder().table(TELEMETRY).oauth(&world.lakehouse.client_id, world.secret());
    let mut stream = stream.arrow(batch(0).schema()).build_arrow().await.unwrap();
    for from in [0, 100, 200] {
        stream.ingest_batch(batch(from)).await.unwrap();
    }
    stream.flush().await.unwrap();
    stream.close().await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let sums = format!("SELECT count(*), sum(value), count(DISTINCT device_id), max(event_time) FROM {TELEMETRY}");
    loop {
        let rows = world.caller.rows(&sums).await;
        if rows[0][0] == "300" || Instant::now() > deadline {
            assert_eq!(rows[0], json!(["300", "22425.0", "300", "1970-01-01T00:04:59.000Z"]));
            break;
        }
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arrow_schema_that_does_not_fit_is_refused_with_its_causes() {
    let world = World::start(LakehouseOptions::default()).await;
    let columns: [(&str, ArrayRef); 2] = [
        ("device", Arc::new(LargeStringArray::from(vec!["d"]))),
        ("value", Arc::new(LargeStringArray::from(vec!["1"]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let stream = world.sdk.stream_builder().table(TELEMETRY).oauth(&world.lakehouse.client_id, world.secret());
    let Err(error) = stream.arrow(batch.schema()).build_arrow().await else { panic!("it was opened") };
    let text = error.to_string();
    for part in ["device", "value", "8001"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!error.is_retryable(), "{text}");
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_makes_it_tls_and_a_bad_one_is_refused_before_it_listens() {
    let files = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = TlsFiles { certificates: files.path().join("cert.pem"), key: files.path().join("key.pem") };
    std::fs::write(&tls.certificates, made.cert.pem()).unwrap();
    std::fs::write(&tls.key, "no key").unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = || LakehouseOptions { tls: Some(tls.clone()), ..Default::default() };
    let data = tempfile::tempdir().unwrap();
    let error = direct_write::lakehouse::Lakehouse::open(data.path(), options()).await.err().unwrap().to_string();
    assert!(error.contains("key.pem"), "{error}");

    std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
    let lakehouse = RunningLakehouse::start_with(data.path(), "127.0.0.1:0", options()).await;
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let http = reqwest::Client::builder().no_proxy().add_root_certificate(root).build().unwrap();
    let url = format!("https://localhost:{}", lakehouse.addr.port());
    let answer = http.get(format!("{url}/health")).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["status"], "healthy");
    let found = http.get(format!("{url}/oidc/.well-known/oauth-authorization-server")).send().await.unwrap();
    assert_eq!(found.json::<Value>().await.unwrap()["token_endpoint"], format!("{url}/oidc/v1/token"));
    assert!(reqwest::get(format!("http://{}/health", lakehouse.addr)).await.is_err(), "no clear text on this port");
    lakehouse.stop().await;
}

/// The value of a metric.
fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.split([' ', '{']).next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted() {
    let world = World::start(LakehouseOptions::default()).await;
    let stream = world.persistent(None).await.unwrap();
    ingest(&stream, 0..25).await;
    assert_eq!(world.ids(25).await.len(), 25);
    let text = reqwest::get(format!("{}/metrics", world.lakehouse.url)).await.unwrap().text().await.unwrap();
    let value = |name: &str| metric(&text, &format!("direct_write_lakehouse_{name}"));
    assert_eq!((value("rows_durable_total"), value("rows_visible_total"), value("open_streams")), (25.0, 25.0, 1.0));
    assert!(value("log_backlog_bytes") >= 0.0);
    assert_eq!(value("damaged_segments_total"), 0.0);
    assert!(value("log_sync_seconds_count") >= 1.0 && value("visible_seconds_count") >= 1.0, "{text}");
    let found = world.caller.get("/oidc/.well-known/oauth-authorization-server").await.1;
    assert_eq!(found["token_endpoint"], format!("{}/oidc/v1/token", world.lakehouse.url));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_multiplexed_stream_writes_every_record() {
    let world = World::start(LakehouseOptions::default()).await;
    let stream = world.sdk.stream_builder().table(PRODUCTS).oauth(&world.lakehouse.client_id, world.secret());
    let mut stream = stream.json().multiplexed(4).build().await.unwrap();
    for index in 0..400 {
        stream.ingest_record(record(index)).await.unwrap();
    }
    stream.flush().await.unwrap();
    stream.close().await.unwrap();
    assert_eq!(world.ids(400).await, ids(0..400));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_door_takes_a_request_whole_or_not_at_all() {
    let world = World::start(LakehouseOptions::default()).await;
    let (_, token) = world.caller.zerobus_token(PRODUCTS).await;
    let caller = world.caller.with_bearer(token["access_token"].as_str().unwrap());
    let insert = |table: &str, body: Value| {
        let path = format!("/zerobus/v1/tables/{table}/insert");
        let caller = &caller;
        async move { caller.send(reqwest::Method::POST, &path, Some(body)).await }
    };
    let bad = json!([{ "record_id": "x1" }, { "record_id": "x2", "product_price": "free" }]);
    let (status, answer) = insert(PRODUCTS, bad).await;
    assert_eq!((status.as_u16(), &answer["error_code"]), (400, &json!("INVALID_PARAMETER_VALUE")));
    assert!(answer["message"].as_str().unwrap().contains("record 1: field 'product_price'"), "{answer}");
    for (table, body, expected) in [
        (PRODUCTS, json!({ "record_id": "x" }), 400),
        (PRODUCTS, json!([]), 400),
        (TELEMETRY, json!([{ "device_id": "x" }]), 403),
    ] {
        assert_eq!(insert(table, body).await.0.as_u16(), expected);
    }
    let records: Vec<Value> = (0..100).map(|index| serde_json::from_str(&record(index)).unwrap()).collect();
    assert_eq!(insert(PRODUCTS, json!(records)).await, (reqwest::StatusCode::OK, json!({})));
    assert_eq!(world.ids(100).await, ids(0..100));
    world.lakehouse.stop().await;
}

/// Writes records while something happens, with the client's own recovery, and returns what is in the table.
async fn written_through(world: &World, weather: impl AsyncFn(usize)) -> Vec<String> {
    let stream = world.sdk.stream_builder().table(PRODUCTS).oauth(&world.lakehouse.client_id, world.secret());
    // A lost acknowledgement is noticed when none comes for so long.
    let stream = stream.json().recovery_backoff_ms(50).recovery_retries(20).server_lack_of_ack_timeout_ms(500);
    let mut stream = stream.build().await.unwrap();
    for index in 0..200 {
        weather(index).await;
        let offset = stream.ingest_record_offset(record(index)).await.unwrap();
        if index % 10 == 0 {
            stream.wait_for_offset(offset).await.unwrap();
        }
    }
    stream.flush().await.unwrap();
    stream.close().await.unwrap();
    world.ids(200).await
}

fn stormy() -> (Weather, LakehouseOptions) {
    let weather = Weather::changeable();
    (weather.clone(), LakehouseOptions { weather, ..Default::default() })
}

fn all_there(mut found: Vec<String>) {
    found.dedup();
    assert_eq!(found, ids(0..200), "every acknowledged record is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_loses_nothing() {
    let options = LakehouseOptions { stream_rotation: Duration::from_millis(50), ..Default::default() };
    let world = World::start(options).await;
    all_there(written_through(&world, async |_| tokio::time::sleep(Duration::from_millis(2)).await).await);
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_streams_lost_and_late_acknowledgements_lose_nothing() {
    let (weather, options) = stormy();
    let world = World::start(options).await;
    let storm = async |index: usize| match index {
        20 => weather.set(PRODUCTS, Some(Forecast { drop_acks: 2, ..Default::default() })),
        60 | 120 => weather.happen("*", Event::CloseStreams),
        80 => weather.happen(PRODUCTS, Event::RotateStreams),
        150 => weather.set(PRODUCTS, Some(Forecast { latency_ms: 5, jitter_ms: 20, ..Default::default() })),
        _ => {}
    };
    all_there(written_through(&world, storm).await);
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_tokens_open_nothing_and_open_streams_go_on() {
    let (weather, options) = stormy();
    let world = World::start(options).await;
    let stream = world.persistent(None).await.unwrap();
    ingest(&stream, 0..5).await;
    weather.happen("*", Event::ExpireTokens);
    ingest(&stream, 5..10).await;
    assert_eq!(world.caller.get("/api/2.1/unity-catalog/catalogs").await.0.as_u16(), 401);
    // The client's own cache has a token that looks good to it.
    let refused = world.persistent(None).await.err();
    assert!(
        matches!(&refused, Some(ZerobusError::CreateStreamError(status)) if status.code() == tonic::Code::Unauthenticated),
        "{refused:?}"
    );
    let world = World { caller: Caller::administrator(&world.lakehouse).await, ..world };
    assert_eq!(world.ids(10).await, ids(0..10));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_acknowledging_and_recovers_when_there_is_room() {
    let (weather, options) = stormy();
    let world = World::start(options).await;
    let stream = world.sdk.stream_builder().table(PRODUCTS).oauth(&world.lakehouse.client_id, world.secret());
    let stream = stream.json().recovery(false).build().await.unwrap();
    weather.set(PRODUCTS, Some(Forecast { disk_full: true, ..Default::default() }));
    let offset = stream.ingest_record_offset(record(7)).await.unwrap();
    let error = stream.wait_for_offset(offset).await.unwrap_err();
    assert!(error.to_string().contains("The disk is full"), "{error}");
    weather.set(PRODUCTS, None);
    all_there(written_through(&world, async |_| {}).await);
    world.lakehouse.stop().await;
}
