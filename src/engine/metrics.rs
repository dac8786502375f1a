//! What the app counts over all submissions and runs: for `GET /metrics` in Prometheus' text format, and for OpenTelemetry.
//!
//! Everything is counted at one place and told to both; OpenTelemetry's instruments do nothing where no collector was named
//! before this was made. Names are `direct_write_<name>_<unit>_total`; labels have few values, and none is a record's.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::model::{RunState, WriterKind};

/// From a millisecond to a minute.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

type Labels<const N: usize> = [(&'static str, String); N];

/// The counters of one program. Clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    accepted: Count<1>,
    durable: Count<1>,
    failed: Count<2>,
    latency: Times<1>,
    runs_started: Count<1>,
    runs_ended: Count<2>,
    requests: Count<3>,
    request_time: Times<2>,
    open_streams: Gauge,
    open_streams_there: opentelemetry::metrics::UpDownCounter<i64>,
}

/// An event stream that is open, until dropped.
pub struct OpenStream(Arc<Inner>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.open_streams.dec();
        self.0.open_streams_there.add(-1, &[]);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Counters that stand at zero.
    pub fn new() -> Self {
        let registry = &mut Registry::with_prefix("direct_write");
        let meter = &opentelemetry::global::meter("direct_write");
        let open_streams = Gauge::default();
        let help = "Event streams that are open";
        registry.register("open_event_streams", help, open_streams.clone());
        let inner = Inner {
            accepted: Count::new(registry, meter, "accepted_records", "Records that were handed to a writer"),
            durable: Count::new(
                registry,
                meter,
                "durable_records",
                "Records that the workspace acknowledged as durable",
            ),
            failed: Count::new(registry, meter, "failed_records", "Records that were not acknowledged as durable"),
            latency: Times::new(
                registry,
                meter,
                "durable_latency",
                "From a submission's receipt, or a batch's beginning, until it was durable",
            ),
            runs_started: Count::new(registry, meter, "started_runs", "Runs that began"),
            runs_ended: Count::new(registry, meter, "ended_runs", "Runs that came to their end"),
            requests: Count::new(registry, meter, "http_requests", "Requests that were answered"),
            request_time: Times::new(
                registry,
                meter,
                "http_request_duration",
                "From a request's receipt until its answer began",
            ),
            open_streams,
            open_streams_there: meter
                .i64_up_down_counter("direct_write_open_event_streams")
                .with_description(help)
                .build(),
            registry: std::mem::take(registry),
        };
        Self(Arc::new(inner))
    }

    /// Records were handed to a writer.
    pub fn accepted(&self, writer: WriterKind, records: u64) {
        self.0.accepted.add([("writer", writer.to_string())], records);
    }

    /// Records are durable, so long after they were received or begun.
    pub fn durable(&self, writer: WriterKind, records: u64, took: Duration) {
        let labels = [("writer", writer.to_string())];
        self.0.latency.add(labels.clone(), took);
        self.0.durable.add(labels, records);
    }

    /// Records were not acknowledged as durable; `error` is an error's code.
    pub fn failed(&self, writer: WriterKind, records: u64, error: &str) {
        self.0.failed.add([("writer", writer.to_string()), ("error_type", error.to_lowercase())], records);
    }

    /// A run began.
    pub fn run_started(&self, writer: WriterKind) {
        self.0.runs_started.add([("writer", writer.to_string())], 1);
    }

    /// A run came to its end.
    pub fn run_ended(&self, writer: WriterKind, state: RunState) {
        self.0.runs_ended.add([("writer", writer.to_string()), ("state", state.name().to_owned())], 1);
    }

    /// A request was answered. `route` is the pattern that it matched.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let (method, route) = (("method", method.to_owned()), ("route", route.to_owned()));
        self.0.request_time.add([method.clone(), route.clone()], took);
        self.0.requests.add([method, route, ("status", status.to_string())], 1);
    }

    /// An event stream is open until the answer of this is dropped.
    pub fn open_stream(&self) -> OpenStream {
        self.0.open_streams.inc();
        self.0.open_streams_there.add(1, &[]);
        OpenStream(self.0.clone())
    }

    /// The text of `GET /metrics`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

/// A counter, here and at a collector.
struct Count<const N: usize> {
    here: Family<Labels<N>, Counter>,
    there: opentelemetry::metrics::Counter<u64>,
}

impl<const N: usize> Count<N> {
    fn new(registry: &mut Registry, meter: &Meter, name: &'static str, help: &'static str) -> Self {
        let here = Family::default();
        registry.register(name, help, Family::clone(&here));
        let there = meter.u64_counter(format!("direct_write_{name}")).with_description(help).build();
        Self { here, there }
    }

    fn add(&self, labels: Labels<N>, count: u64) {
        self.there.add(count, &attributes(&labels));
        self.here.get_or_create(&labels).inc_by(count);
    }
}

/// A histogram of times, here and at a collector.
struct Times<const N: usize> {
    here: Family<Labels<N>, Histogram, fn() -> Histogram>,
    there: opentelemetry::metrics::Histogram<f64>,
}

impl<const N: usize> Times<N> {
    fn new(registry: &mut Registry, meter: &Meter, name: &'static str, help: &'static str) -> Self {
        let here = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        registry.register_with_unit(name, help, Unit::Seconds, Family::clone(&here));
        let there = meter.f64_histogram(format!("direct_write_{name}")).with_description(help).with_unit("s");
        Self { here, there: there.with_boundaries(SECONDS.to_vec()).build() }
    }

    fn add(&self, labels: Labels<N>, took: Duration) {
        self.there.record(took.as_secs_f64(), &attributes(&labels));
        self.here.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

fn attributes<const N: usize>(labels: &Labels<N>) -> [KeyValue; N] {
    labels.clone().map(|(name, value)| KeyValue::new(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_writers_and_errors_and_open_streams_close() {
        let metrics = Metrics::new();
        metrics.accepted(WriterKind::Zerobus, 3);
        metrics.durable(WriterKind::Zerobus, 2, Duration::from_millis(20));
        metrics.failed(WriterKind::ZerobusRest, 1, "UNAVAILABLE");
        metrics.run_ended(WriterKind::Sql, RunState::Completed);
        metrics.answered("GET", "/runs/{id}", 200, Duration::from_millis(3));
        let open = metrics.open_stream();
        let text = metrics.text();
        for line in [
            "direct_write_accepted_records_total{writer=\"zerobus\"} 3",
            "direct_write_durable_records_total{writer=\"zerobus\"} 2",
            "direct_write_failed_records_total{writer=\"zerobus-rest\",error_type=\"unavailable\"} 1",
            "direct_write_durable_latency_seconds_count{writer=\"zerobus\"} 1",
            "direct_write_durable_latency_seconds_bucket{le=\"0.025\",writer=\"zerobus\"} 1",
            "direct_write_ended_runs_total{writer=\"sql\",state=\"completed\"} 1",
            "direct_write_http_requests_total{method=\"GET\",route=\"/runs/{id}\",status=\"200\"} 1",
            "direct_write_open_event_streams 1",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        drop(open);
        assert!(metrics.text().contains("direct_write_open_event_streams 0"));
    }
}
