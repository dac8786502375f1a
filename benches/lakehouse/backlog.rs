//! Starting after a power cut with much of the log not yet in Delta: how long until it serves, and until all is visible.

use std::time::{Duration, Instant};

use crate::client::{Format, Pool, Shape, Target, load};
use crate::process::{Process, http};
use crate::{grouped, records};

const BYTES: usize = 1 << 30;
const SHAPE: Shape =
    Shape { name: "", format: Format::Protobuf, bytes: 1000, batch: 500, streams: 2, rows: BYTES / 1000 / 1000 * 1000 };
const ONE: Shape = Shape { rows: 500, streams: 1, ..SHAPE };

pub async fn run() {
    let data = tempfile::tempdir().unwrap();
    let hold_back = [
        ("DIRECT_WRITE_COMMIT_INTERVAL", "1h"),
        ("DIRECT_WRITE_SEGMENT_BYTES", "4294967296"),
        ("DIRECT_WRITE_LOG_BYTES", "8589934592"),
    ];
    let server = Process::lakehouse(data.path(), &hold_back);
    let pool = Pool::new(&SHAPE);
    load(&Target::lakehouse(&server, data.path()).await, &SHAPE, &pool).await;
    let backlog = server.metric("log_backlog_bytes").await;
    server.kill();

    let began = Instant::now();
    let server = Process::lakehouse(data.path(), &[]);
    while http().get(format!("{}/health", server.url)).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let healthy = began.elapsed();
    load(&Target::lakehouse(&server, data.path()).await, &ONE, &pool).await;
    let durable = began.elapsed();
    server.visible((SHAPE.rows + ONE.rows) as f64).await;
    let visible = began.elapsed();
    println!(
        "\nStart after a kill with {:.0} MB of log not in Delta ({} rows into {})",
        backlog / 1e6,
        grouped(SHAPE.rows as f64),
        records::TABLE
    );
    println!(
        "  answers after {:.2} s   new rows durable after {:.2} s   everything visible after {:.1} s   memory then {:.0} MB",
        healthy.as_secs_f64(),
        durable.as_secs_f64(),
        visible.as_secs_f64(),
        server.resident_mb()
    );
}
