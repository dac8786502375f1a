//! What a run measures: latencies of each stage, counts, errors, the course over time, and how hard the writer pushes back.
//!
//! Every moment comes from outside; the meter reads no clock. It is told of batches, not of records: a batch without a rate
//! costs one entry in each histogram, a batch under a rate one for each intended time.

mod errors;
mod histogram;
mod pressure;
mod series;

use std::time::Duration;

use tokio::time::Instant;

use errors::Errors;
use histogram::Recorder;
use pressure::Gauge;
use series::Series;

use super::rows::{Span, Timetable};
use crate::model::{
    ErrorCount, FieldError, Latencies, Percentiles, Pressure, RecordCounts, SeriesPoint, Throughput, WriterOptions,
};

/// Significant digits of the latencies of a run.
const DIGITS: u8 = 3;

/// The class of records that break a rule of the table.
pub(super) const INVALID_RECORD: &str = "invalid_record";

/// How much the newest point counts for the present rate.
const NEWEST: f64 = 0.3;

/// The meter of one run.
pub(super) struct Meter {
    timetable: Timetable,
    counts: RecordCounts,
    bytes: u64,
    calls: u64,
    retries: u64,
    encode: Recorder,
    send: Recorder,
    durable: Recorder,
    visible: Recorder,
    errors: Errors,
    series: Series,
    gauge: Gauge,
    in_flight: u64,
    most_in_flight: u64,
    /// Since when something is in flight, and for how long something was before.
    busy_since: Option<Instant>,
    busy: Duration,
    first_sent: Option<Instant>,
    last_settled: Option<Instant>,
    settled_at_last_tick: u64,
    last_tick: Instant,
    /// Settled records per second, smoothed.
    recent_rate: f64,
}

impl Meter {
    pub(super) fn new(timetable: Timetable, options: &WriterOptions) -> Self {
        Self {
            counts: RecordCounts::default(),
            bytes: 0,
            calls: 0,
            retries: 0,
            encode: Recorder::new(DIGITS),
            send: Recorder::new(DIGITS),
            durable: Recorder::new(DIGITS),
            visible: Recorder::new(DIGITS),
            errors: Errors::default(),
            series: Series::new(),
            gauge: Gauge::new(u64::from(options.in_flight), timetable.pacer.is_limited()),
            in_flight: 0,
            most_in_flight: 0,
            busy_since: None,
            busy: Duration::ZERO,
            first_sent: None,
            last_settled: None,
            settled_at_last_tick: 0,
            last_tick: timetable.start,
            recent_rate: 0.0,
            timetable,
        }
    }

    /// Records that break a rule: they count as sent and failed.
    pub(super) fn invalid(&mut self, records: u64, details: &[FieldError]) {
        self.counts.sent += records;
        self.counts.failed += records;
        let message = match details.first() {
            Some(first) => format!("{} {}", first.path, first.message),
            None => "a record breaks a rule of the table".to_owned(),
        };
        self.errors.add(INVALID_RECORD, &message, records, false, details);
        self.series.error(records);
    }

    /// Whether more examples of broken rules are of use.
    pub(super) fn wants_invalid(&self) -> bool {
        self.errors.wants_details(INVALID_RECORD)
    }

    /// A batch is handed to the writer; of its rows so many are there for the second time.
    pub(super) fn handed_over(&mut self, rows: u64, repeated: u64, encode_took: Duration, now: Instant) {
        self.counts.sent += rows;
        self.counts.duplicates_sent += repeated;
        self.encode.record(encode_took, 1);
        self.first_sent.get_or_insert(now);
        self.busy_since.get_or_insert(now);
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
        self.series.in_flight(self.in_flight);
        self.gauge.in_flight(self.in_flight, now);
    }

    /// The last of a batch's records went to the workspace.
    pub(super) fn sent(&mut self, span: &Span, at: Instant) {
        let send = &mut self.send;
        self.timetable.each_intended(span, |intended, rows| {
            send.record(at.saturating_duration_since(intended), rows);
        });
    }

    /// Rows became durable.
    pub(super) fn durable(&mut self, span: &Span, bytes: u64, at: Instant) {
        self.counts.durable += span.rows;
        self.bytes += bytes;
        self.series.durable(span.rows, bytes);
        let (durable, series) = (&mut self.durable, &mut self.series);
        self.timetable.each_intended(span, |intended, rows| {
            let latency = at.saturating_duration_since(intended);
            durable.record(latency, rows);
            series.durable_latency(latency, rows);
        });
    }

    /// Rows of a batch did not become durable, some of which are in doubt.
    pub(super) fn failed(&mut self, rows: u64, in_doubt: u64) {
        self.counts.failed += rows;
        self.counts.in_doubt += in_doubt;
    }

    /// Something went wrong `count` times.
    pub(super) fn error(&mut self, class: &str, message: &str, count: u64, retryable: bool) {
        self.errors.add(class, message, count, retryable, &[]);
        self.series.error(count);
    }

    /// An attempt is repeated; answers how many were so far.
    pub(super) fn retried(&mut self) -> u64 {
        self.retries += 1;
        self.retries
    }

    /// A batch came back from the writer after so many calls, whatever became of it.
    pub(super) fn settled(&mut self, calls: u64, now: Instant) {
        self.calls += calls;
        self.last_settled = Some(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        self.gauge.in_flight(self.in_flight, now);
        if self.in_flight == 0
            && let Some(since) = self.busy_since.take()
        {
            self.busy += now.saturating_duration_since(since);
        }
    }

    /// A SELECT returned rows.
    pub(super) fn visible(&mut self, span: &Span, at: Instant) {
        let (visible, series) = (&mut self.visible, &mut self.series);
        self.timetable.each_intended(span, |intended, rows| {
            let latency = at.saturating_duration_since(intended);
            visible.record(latency, rows);
            series.visible_latency(latency, rows);
        });
    }

    /// Time goes on; `next` is the record that is sent next, if one is.
    pub(super) fn tick(&mut self, now: Instant, next: Option<u64>) {
        let due = next.map(|next| self.timetable.due_at(next));
        self.gauge.tick(now, due.map_or(Duration::ZERO, |due| now.saturating_duration_since(due)));
        self.series.tick(now.saturating_duration_since(self.timetable.start), self.in_flight);
        let over = now.saturating_duration_since(self.last_tick).as_secs_f64();
        if over > 0.0 {
            let settled = self.counts.durable + self.counts.failed;
            let rate = (settled - self.settled_at_last_tick) as f64 / over;
            self.recent_rate =
                if self.recent_rate == 0.0 { rate } else { NEWEST * rate + (1.0 - NEWEST) * self.recent_rate };
            (self.settled_at_last_tick, self.last_tick) = (settled, now);
        }
    }

    /// The run is over.
    pub(super) fn finish(&mut self, now: Instant) {
        self.series.finish(now.saturating_duration_since(self.timetable.start));
    }

    /// Counts so far; what the table says is not among them.
    pub(super) fn counts(&self) -> RecordCounts {
        self.counts
    }

    /// Settled records per second at present.
    pub(super) fn recent_rate(&self) -> f64 {
        self.recent_rate
    }

    /// From the first record's send until the last one was settled, or until now while some are in flight.
    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        let Some(first) = self.first_sent else { return Duration::ZERO };
        let last = if self.in_flight > 0 { now } else { self.last_settled.unwrap_or(now) };
        last.saturating_duration_since(first)
    }

    /// Durable rows and bytes in a second.
    pub(super) fn throughput(&self, now: Instant) -> Throughput {
        let seconds = self.elapsed(now).as_secs_f64();
        if seconds == 0.0 {
            return Throughput::default();
        }
        Throughput { rows_per_s: self.counts.durable as f64 / seconds, bytes_per_s: self.bytes as f64 / seconds }
    }

    /// Latencies by stage.
    pub(super) fn latencies(&self) -> Latencies {
        let of = |recorder: &Recorder| -> Percentiles { recorder.percentiles() };
        Latencies {
            encode: of(&self.encode),
            send: of(&self.send),
            durable: of(&self.durable),
            visible: of(&self.visible),
        }
    }

    /// Bytes of durable records.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Calls to the workspace.
    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    /// Attempts that were repeated.
    pub(super) fn retries(&self) -> u64 {
        self.retries
    }

    /// Batches in flight now.
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Most batches in flight at any time.
    pub(super) fn most_in_flight(&self) -> u64 {
        self.most_in_flight
    }

    /// Time in which at least one batch was in flight.
    pub(super) fn busy(&self) -> Duration {
        self.busy
    }

    /// What went wrong.
    pub(super) fn errors(&self) -> Vec<ErrorCount> {
        self.errors.counts()
    }

    /// How hard the writer pushes back.
    pub(super) fn pressure(&self) -> Pressure {
        self.gauge.pressure()
    }

    /// The course so far.
    pub(super) fn series(&self) -> Vec<SeriesPoint> {
        self.series.points()
    }

    /// Values that the series holds.
    #[cfg(test)]
    pub(super) fn series_values(&self) -> usize {
        self.series.values()
    }
}
