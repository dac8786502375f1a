//! What the lakehouse counts, for `GET /metrics` in Prometheus' text format.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::log::Space;
use crate::model::TableName;

type Labels = [(&'static str, String); 1];

/// The counters of one lakehouse. Clones share them.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    rows_durable: Family<Labels, Counter>,
    rows_visible: Family<Labels, Counter>,
    bytes_durable: Family<Labels, Counter>,
    segments: Family<Labels, Counter>,
    sync: Histogram,
    visible: Histogram,
    log_bytes: Gauge,
    open_streams: Gauge,
    /// Log segments that were not what had been written.
    pub(crate) damaged_segments: Counter,
}

/// The counters of one table.
#[derive(Clone)]
pub(crate) struct TableMetrics {
    rows_durable: Counter,
    rows_visible: Counter,
    bytes_durable: Counter,
    segments: Counter,
    sync: Histogram,
    visible: Histogram,
    open_streams: Gauge,
    damaged_segments: Counter,
}

/// A stream that is open, until dropped.
pub(crate) struct OpenStream(Gauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("direct_write_lakehouse");
        // From a tenth of a millisecond to some seconds.
        let sync = Histogram::new(exponential_buckets(0.0001, 2.0, 16));
        let visible = Histogram::new(exponential_buckets(0.01, 2.0, 14));
        let metrics = Self {
            rows_durable: Family::default(),
            rows_visible: Family::default(),
            bytes_durable: Family::default(),
            segments: Family::default(),
            sync,
            visible,
            log_bytes: Gauge::default(),
            open_streams: Gauge::default(),
            damaged_segments: Counter::default(),
            registry: Arc::default(),
        };
        registry.register("rows_durable", "Rows acknowledged as durable", metrics.rows_durable.clone());
        registry.register("rows_visible", "Rows committed from the log to Delta", metrics.rows_visible.clone());
        registry.register("log_written_bytes", "Bytes written to the log", metrics.bytes_durable.clone());
        registry.register("segments", "Log segments committed to Delta", metrics.segments.clone());
        registry.register_with_unit("log_sync", "One fsync of the log", Unit::Seconds, metrics.sync.clone());
        let help = "From a segment's first durable row until it is visible";
        registry.register_with_unit("visible", help, Unit::Seconds, metrics.visible.clone());
        registry.register("log_backlog_bytes", "Bytes of log that are not in Delta yet", metrics.log_bytes.clone());
        registry.register("open_streams", "Zerobus streams that are open", metrics.open_streams.clone());
        let help = "Log segments that were not what had been written";
        registry.register("damaged_segments", help, metrics.damaged_segments.clone());
        Self { registry: Arc::new(registry), ..metrics }
    }

    pub(crate) fn table(&self, name: &TableName) -> TableMetrics {
        let labels = [("table", name.to_string())];
        TableMetrics {
            rows_durable: self.rows_durable.get_or_create(&labels).clone(),
            rows_visible: self.rows_visible.get_or_create(&labels).clone(),
            bytes_durable: self.bytes_durable.get_or_create(&labels).clone(),
            segments: self.segments.get_or_create(&labels).clone(),
            sync: self.sync.clone(),
            visible: self.visible.clone(),
            open_streams: self.open_streams.clone(),
            damaged_segments: self.damaged_segments.clone(),
        }
    }

    /// The text of `GET /metrics`.
    pub(crate) fn text(&self, space: &Space) -> String {
        self.log_bytes.set(i64::try_from(space.taken()).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl TableMetrics {
    /// A group commit is on the disk.
    pub(crate) fn synced(&self, rows: u64, bytes: u64, took: Duration) {
        self.rows_durable.inc_by(rows);
        self.bytes_durable.inc_by(bytes);
        self.sync.observe(took.as_secs_f64());
    }

    /// A log segment was not what had been written.
    pub(crate) fn damaged(&self) {
        self.damaged_segments.inc();
    }

    /// A Zerobus stream was opened.
    pub(crate) fn open_stream(&self) -> OpenStream {
        self.open_streams.inc();
        OpenStream(self.open_streams.clone())
    }

    /// Segments are in Delta; `age` since the first row of the oldest was durable, where that is known.
    pub(crate) fn committed(&self, rows: u64, segments: u64, age: Option<Duration>) {
        self.rows_visible.inc_by(rows);
        self.segments.inc_by(segments);
        if let Some(age) = age {
            self.visible.observe(age.as_secs_f64());
        }
    }
}
