//! What was measured, as reports and live views show it, and how far a run has come.

use std::time::Duration;

use tokio::time::Instant;

use super::meter::Meter;
use super::pacer::Pacer;
use crate::model::{
    Amount, ErrorCount, Latencies, RecordCounts, RunState, SeriesPoint, SourceSpec, Throughput, Usage, WriterKind,
};

/// More time left than this is no estimate: hardly anything comes through.
const LONGEST_LEFT: Duration = Duration::from_secs(100 * 3600);

/// Figures of a run at one moment.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) records: RecordCounts,
    pub(super) elapsed: Duration,
    pub(super) throughput: Throughput,
    pub(super) latency_ms: Latencies,
    pub(super) most_in_flight: u64,
    pub(super) retries: u64,
    pub(super) errors: Vec<ErrorCount>,
    pub(super) series: Vec<SeriesPoint>,
    bytes: u64,
    calls: u64,
    busy: Duration,
}

impl Figures {
    pub(super) fn of(meter: &Meter, records: RecordCounts, now: Instant) -> Self {
        Self {
            records,
            elapsed: meter.elapsed(now),
            throughput: meter.throughput(now),
            latency_ms: meter.latencies(),
            most_in_flight: meter.most_in_flight(),
            retries: meter.retries(),
            errors: meter.errors(),
            series: meter.series(),
            bytes: meter.bytes(),
            calls: meter.calls(),
            busy: meter.busy(),
        }
    }

    /// For the cost. A writer that runs statements keeps the warehouse busy while a batch is in flight.
    pub(super) fn usage(&self, writer: WriterKind) -> Usage {
        let statements = matches!(writer, WriterKind::Sql | WriterKind::CopyInto);
        let warehouse_ms = if statements { millis(self.busy) } else { 0.0 };
        Usage { bytes: self.bytes, calls: self.calls, warehouse_ms }
    }
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::engine) struct Extent {
    /// When its records are due.
    pub(in crate::engine) pacer: Pacer,
    /// How many it has; `None` when that is found out on the way.
    pub(in crate::engine) records: Option<u64>,
    /// After this it takes no more.
    pub(in crate::engine) time: Option<Duration>,
}

impl Extent {
    /// What a plan asks for.
    pub(in crate::engine) fn new(source: &SourceSpec) -> Self {
        let pacer = Pacer::from(source.rate);
        let (records, time) = match source.amount {
            Amount::Records(records) => (Some(records), None),
            Amount::Duration(ms) => {
                let time = Duration::from_millis(ms);
                (pacer.total(time), Some(time))
            }
            Amount::WholeFile => (None, None),
        };
        Self { pacer, records, time }
    }

    /// Which share is done, 0 to 1, and how much time is left; `None` for what is not known.
    pub(super) fn progress(
        &self,
        state: RunState,
        counts: &RecordCounts,
        elapsed: Duration,
        recent_rate: f64,
    ) -> (Option<f64>, Option<Duration>) {
        let sending = state == RunState::Running;
        let time_left = self.time.map(|time| time.saturating_sub(elapsed));
        let (share, left) = match (self.records, self.time) {
            (Some(records), _) => {
                let done = (counts.durable + counts.failed).saturating_sub(counts.duplicates_sent).min(records);
                let by_rate = (records - done) as f64 / recent_rate;
                let by_rate = Duration::try_from_secs_f64(by_rate).ok();
                let due = self.pacer.is_limited().then(|| self.pacer.offset(records).saturating_sub(elapsed));
                let left = time_left.or_else(|| by_rate.map(|left| left.max(due.unwrap_or_default())));
                (Some(done as f64 / records.max(1) as f64), left)
            }
            (None, Some(time)) => (Some((elapsed.as_secs_f64() / time.as_secs_f64()).min(1.0)), time_left),
            (None, None) => (None, None),
        };
        let share = match state {
            RunState::Pending | RunState::Connecting => Some(0.0),
            RunState::Completed => Some(1.0),
            _ => share,
        };
        (share, left.filter(|left| sending && *left < LONGEST_LEFT))
    }
}

pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSTANT: Pacer = Pacer::Constant { per_second: 100.0 };

    fn progress(extent: Extent, durable: u64, elapsed: u64, rate: f64) -> (Option<f64>, Option<Duration>) {
        let counts = RecordCounts { durable, ..RecordCounts::default() };
        extent.progress(RunState::Running, &counts, Duration::from_secs(elapsed), rate)
    }

    #[test]
    fn a_number_of_records_is_done_as_they_are_settled() {
        let extent = Extent { pacer: Pacer::Unlimited, records: Some(1000), time: None };
        assert_eq!(progress(extent, 250, 1, 250.0), (Some(0.25), Some(Duration::from_secs(3))));
        assert_eq!(progress(extent, 0, 1, 0.0), (Some(0.0), None), "nobody knows while nothing comes back");
        let paced = Extent { pacer: CONSTANT, ..extent };
        assert_eq!(progress(paced, 250, 2, 500.0).1, Some(Duration::from_secs(8)), "not before the last one is due");
    }

    #[test]
    fn a_time_is_done_as_it_passes() {
        let extent = Extent { pacer: Pacer::Unlimited, records: None, time: Some(Duration::from_secs(10)) };
        assert_eq!(progress(extent, 7, 4, 1.0), (Some(0.4), Some(Duration::from_secs(6))));
    }

    #[test]
    fn a_file_of_unknown_length_has_no_progress() {
        let extent = Extent { pacer: Pacer::Unlimited, records: None, time: None };
        assert_eq!(progress(extent, 7, 4, 1.0), (None, None));
    }
}
