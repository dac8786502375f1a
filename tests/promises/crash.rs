//! Death at every place where it hurts: what was acknowledged is there afterwards, on persistent streams exactly once.

#![allow(clippy::print_stdout, reason = "a test that passed says how much it went through")]

use std::collections::HashSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use databricks_zerobus_ingest_sdk::{PersistentStream, ZerobusSdk, ZerobusStream};
use direct_write::lakehouse::{CrashPoint, Credentials};
use rand::{Rng, SeedableRng};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::program::{Running, program};
use crate::support::caller::Caller;
use crate::support::rows_on_disk;

const TABLE: &str = "main.direct_write.products";
/// How long it may take until the place is reached; small files are put together rarely.
const PATIENCE: Duration = Duration::from_secs(90);
/// Records that are waited for together.
const TOGETHER: i64 = 20;

/// The lakehouse as a process of its own, with a client.
struct Process {
    running: Running,
    credentials: Credentials,
    sdk: ZerobusSdk,
}

impl Process {
    fn start(data: &Path) -> Self {
        let mut command = program(data, &["lakehouse", "--weather"]);
        // Often, so that every place is passed soon.
        command.env("DIRECT_WRITE_COMMIT_INTERVAL", "5ms");
        let running = Running::start(command);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sdk = ZerobusSdk::builder().endpoint(&running.page).unity_catalog_url(&running.page);
        let sdk = sdk.connector_factory(Arc::new(|_| None)).build().unwrap();
        Self { credentials: Credentials::read(data).unwrap(), sdk, running }
    }

    async fn forecast(&self, crash: CrashPoint) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/weather/{TABLE}", self.running.page);
        let rare = matches!(crash, CrashPoint::BeforeCompaction | CrashPoint::AfterCompaction);
        let body = json!({ "crash": crash, "crash_after": if rare { 0 } else { 2 } });
        let answer = http.put(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 204);
    }

    async fn ephemeral(&self) -> ZerobusStream {
        let secret = self.credentials.client_secret.expose_secret();
        let stream = self.sdk.stream_builder().table(TABLE).oauth(&self.credentials.client_id, secret);
        stream.recovery(false).json().build().await.unwrap()
    }

    async fn persistent(&self, resume: Option<&str>) -> PersistentStream {
        let secret = self.credentials.client_secret.expose_secret();
        let stream = self.sdk.persistent_stream_builder().table(TABLE);
        let stream = stream.oauth(&self.credentials.client_id, secret).recovery(false).json();
        match resume {
            Some(id) => stream.resume(id).await.unwrap(),
            None => stream.build().await.unwrap(),
        }
    }

    /// How often each record is in the table, once there are so many rows.
    async fn counts(&self, at_least: usize) -> (usize, Vec<String>) {
        let caller =
            Caller::new(&self.running.page, &self.credentials.client_id, self.credentials.client_secret.clone());
        let caller = caller.await;
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let count = caller.rows(&format!("SELECT count(*) FROM {TABLE}")).await;
            let count: usize = count[0][0].as_str().unwrap().parse().unwrap();
            if count >= at_least || Instant::now() > deadline {
                break;
            }
        }
        let rows = caller.rows(&format!("SELECT record_id FROM {TABLE} ORDER BY record_id")).await;
        let ids: Vec<String> = rows.as_array().unwrap().iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
        (ids.len(), ids)
    }
}

fn record(kind: &str, index: i64) -> String {
    json!({ "record_id": format!("{kind}-{index:07}"), "product_name": "x".repeat(100) }).to_string()
}

/// Writes until the other side is gone; the last record that was acknowledged, if one was.
macro_rules! write_until_death {
    ($stream:expr, $kind:expr, $from:expr) => {{
        let mut acknowledged = $from - 1_i64;
        let begin = Instant::now();
        for index in $from.. {
            if begin.elapsed() > PATIENCE {
                break;
            }
            let Ok(offset) = $stream.ingest_record_offset(record(&$kind, index)).await else { break };
            if index % TOGETHER == TOGETHER - 1 {
                match $stream.wait_for_offset(offset).await {
                    Ok(()) => acknowledged = index,
                    Err(_) => break,
                }
            }
        }
        acknowledged
    }};
}

async fn dies_and_keeps_its_word(point: CrashPoint) {
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::start(data.path());
    let ephemeral = process.ephemeral().await;
    let persistent = process.persistent(None).await;
    let id = persistent.stream_id().unwrap().to_owned();
    process.forecast(point).await;
    let (once_or_more, once) =
        tokio::join!(async { write_until_death!(ephemeral, "e", 0) }, async { write_until_death!(persistent, "p", 0) });
    // Gone already, unless the place was never reached: then this is no death by SIGABRT.
    process.running.signal_if_running("-KILL");
    let output = process.running.end();
    assert_eq!(output.status.signal(), Some(6), "{point:?}: it did not die there: {output:?}");

    let process = Process::start(data.path());
    let persistent = process.persistent(Some(&id)).await;
    let committed = persistent.resume_watermark().unwrap_or(-1);
    assert!(committed >= once, "{point:?}: {once} was acknowledged, {committed} is known");
    let last = committed + 30;
    for index in committed + 1..=last {
        persistent.ingest_record_offset(record("p", index)).await.unwrap();
    }
    persistent.flush().await.unwrap();
    let expected = usize::try_from(last + 1 + once_or_more + 1).unwrap();
    let (rows, ids) = process.counts(expected).await;
    let of = |kind: &str| ids.iter().filter(|id| id.starts_with(kind)).cloned().collect::<Vec<_>>();
    let expected: Vec<String> = (0..=last).map(|index| format!("p-{index:07}")).collect();
    assert!(of("p-") == expected, "{point:?}: each record of the persistent stream is there once");
    let ephemeral = of("e-");
    let missing = (0..=once_or_more).filter(|index| !ephemeral.contains(&format!("e-{index:07}"))).count();
    assert_eq!(missing, 0, "{point:?}: of {} acknowledged records", once_or_more + 1);
    assert_eq!(
        rows_on_disk(data.path(), TABLE, rows).await.len(),
        rows,
        "{point:?}: an independent reader sees the same"
    );
    println!("{point:?}: {rows} rows, {} + {} acknowledged before the crash", once + 1, once_or_more + 1);
}

macro_rules! crash_points {
    ($($name:ident: $point:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                dies_and_keeps_its_word(CrashPoint::$point).await;
            }
        )*

        #[test]
        fn no_crash_point_is_left_out() {
            assert_eq!([$(CrashPoint::$point),*].len(), CrashPoint::ALL.len());
        }
    };
}

crash_points! {
    before_the_log_is_written: BeforeLogWrite,
    in_the_middle_of_a_log_write: InLogWrite,
    after_the_log_is_written: AfterLogWrite,
    after_the_log_is_synced: AfterLogSync,
    before_an_acknowledgement: BeforeAck,
    after_an_acknowledgement: AfterAck,
    before_a_segment_is_sealed: BeforeSeal,
    after_a_segment_is_sealed: AfterSeal,
    after_a_data_file_is_written: AfterDataFile,
    after_a_commit: AfterCommit,
    before_a_compaction: BeforeCompaction,
    after_a_compaction: AfterCompaction,
}

/// Kills at moments nobody chose, over and over in one data folder. `DIRECT_WRITE_KILLS` says how many; `make chaos` takes 200.
#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_moments_lose_nothing_that_was_acknowledged() {
    let kills: usize = std::env::var("DIRECT_WRITE_KILLS").map_or(5, |kills| kills.parse().unwrap());
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let data = tempfile::tempdir().unwrap();
    let mut stream: Option<String> = None;
    let mut acknowledged = -1_i64;
    let mut ephemeral_acknowledged = Vec::new();
    for kill in 0..kills {
        let process = Process::start(data.path());
        let persistent = process.persistent(stream.as_deref()).await;
        let committed = persistent.resume_watermark().unwrap_or(-1);
        assert!(committed >= acknowledged, "kill {kill}: {acknowledged} was acknowledged, {committed} is known");
        stream = persistent.stream_id().map(str::to_owned);
        let ephemeral = process.ephemeral().await;
        let kind = format!("e{kill}");
        let death = async {
            tokio::time::sleep(Duration::from_millis(random.random_range(1..400))).await;
            process.running.signal("-KILL");
        };
        let (once_or_more, once, ()) = tokio::join!(
            async { write_until_death!(ephemeral, kind, 0) },
            async { write_until_death!(persistent, "p", committed + 1) },
            death
        );
        acknowledged = once;
        ephemeral_acknowledged.push((kind, once_or_more));
        assert_eq!(process.running.end().status.signal(), Some(9));
    }
    let process = Process::start(data.path());
    let persistent = process.persistent(stream.as_deref()).await;
    let committed = persistent.resume_watermark().unwrap_or(-1);
    assert!(committed >= acknowledged);
    let sure: i64 = committed + 1 + ephemeral_acknowledged.iter().map(|(_, last)| last + 1).sum::<i64>();
    let (rows, ids) = process.counts(usize::try_from(sure).unwrap()).await;
    let found: HashSet<&str> = ids.iter().map(String::as_str).collect();
    let expected: Vec<String> = (0..=committed).map(|index| format!("p-{index:07}")).collect();
    let persistent: Vec<&String> = ids.iter().filter(|id| id.starts_with("p-")).collect();
    assert!(persistent.iter().copied().eq(&expected), "each record of the persistent stream is there once");
    for (kind, last) in &ephemeral_acknowledged {
        let missing = (0..=*last).filter(|index| !found.contains(format!("{kind}-{index:07}").as_str())).count();
        assert_eq!(missing, 0, "of {} acknowledged records of {kind}", last + 1);
    }
    let duplicates = rows - found.len();
    assert_eq!(rows_on_disk(data.path(), TABLE, rows).await.len(), rows, "an independent reader sees the same");
    println!("{kills} kills, {rows} rows, {sure} of them acknowledged, {duplicates} duplicates");
}
