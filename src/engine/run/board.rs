//! What the tasks of a run share: where it stands, its meter, its ledger, and what waits to become visible.
//!
//! One lock, taken once or twice for each batch and never for a record. Everything that can be known of a run while it runs is
//! read from here.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::figures::{Extent, Figures, millis};
use super::ledger::{Ledger, Look};
use super::meter::{INVALID_RECORD, Meter};
use super::rows::{RowOrdinals, Span, Timetable};
use super::table::ChunkCount;
use super::visible::Waiting;
use super::{Counted, RunEvents};
use crate::model::{FieldError, LiveRun, RecordCounts, RunState, WriterOptions};
use crate::writer::{CircuitChange, WriteFailure, WriterError};

/// Shared by the tasks of one run.
pub(super) struct Board {
    run_id: String,
    label: String,
    options: WriterOptions,
    extent: Extent,
    events: Arc<dyn RunEvents>,
    inner: Mutex<Inner>,
    /// The run as it was at its end; nothing changes afterwards, and others are watched on.
    last: OnceLock<LiveRun>,
}

struct Inner {
    state: RunState,
    reason: Option<String>,
    /// There once the run sends.
    meter: Option<Meter>,
    ledger: Ledger,
    waiting: Waiting,
    /// Whether somebody asks the table what is visible.
    watched: bool,
    /// Whether records have ids of their own, so that the table cannot be asked for ordinals.
    foreign_ids: bool,
    /// The record that is taken next.
    next: Option<u64>,
    sending_since: Option<Instant>,
    /// What the table has, once it was asked for all.
    found: Option<Found>,
}

/// What a table has of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Different record ids.
    pub(super) visible: u64,
    /// Durable ids that are not there.
    pub(super) missing: u64,
    /// Rows beyond the first of an id.
    pub(super) duplicates: u64,
}

impl Board {
    pub(super) fn new(
        run_id: String,
        label: String,
        options: WriterOptions,
        extent: Extent,
        events: Arc<dyn RunEvents>,
    ) -> Self {
        let inner = Inner {
            state: RunState::Pending,
            reason: None,
            meter: None,
            ledger: Ledger::default(),
            waiting: Waiting::default(),
            watched: false,
            foreign_ids: false,
            next: None,
            sending_since: None,
            found: None,
        };
        Self { run_id, label, options, extent, events, inner: Mutex::new(inner), last: OnceLock::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the meter, once there is one.
    fn measure<T>(&self, work: impl FnOnce(&mut Meter) -> T) -> Option<T> {
        self.lock().meter.as_mut().map(work)
    }

    /// A line for people.
    pub(super) fn log(&self, level: &'static str, text: String) {
        self.events.log(level, text);
    }

    fn count(&self, counted: Counted<'_>) {
        self.events.counted(self.options.kind, counted);
    }

    /// The run goes on to another state.
    pub(super) fn enter(&self, state: RunState, reason: Option<String>) {
        let mut inner = self.lock();
        inner.state = state;
        inner.reason = reason;
        drop(inner);
        if state.is_final() {
            let _ = self.last.set(self.snapshot(Instant::now()));
        }
        self.events.changed();
    }

    /// Sending begins; `watched` says whether the table will be asked what is visible.
    pub(super) fn begin(&self, timetable: Timetable, watched: bool) {
        let mut inner = self.lock();
        inner.meter = Some(Meter::new(timetable, &self.options));
        inner.next = Some(0);
        inner.sending_since = Some(timetable.start);
        inner.watched = watched;
    }

    /// Records up to here were taken; `None` when no more will be.
    pub(super) fn taken_to(&self, next: Option<u64>) {
        self.lock().next = next;
    }

    /// Records that break a rule are settled without a writer.
    pub(super) fn invalid(&self, ordinals: &RowOrdinals, details: &[FieldError]) {
        let mut inner = self.lock();
        inner.ledger.failed(ordinals);
        if let Some(meter) = &mut inner.meter {
            meter.invalid(ordinals.rows(), details);
        }
        drop(inner);
        self.count(Counted::Failed(ordinals.rows(), INVALID_RECORD));
    }

    /// Records have ids of their own: from now on the table is not asked.
    pub(super) fn ids_are_foreign(&self) {
        let mut inner = self.lock();
        (inner.foreign_ids, inner.watched, inner.waiting) = (true, false, Waiting::default());
    }

    /// Whether records have ids of their own.
    pub(super) fn has_foreign_ids(&self) -> bool {
        self.lock().foreign_ids
    }

    /// Whether more examples of broken rules are of use.
    pub(super) fn wants_invalid(&self) -> bool {
        self.measure(|meter| meter.wants_invalid()).unwrap_or_default()
    }

    /// A batch is handed to the writer.
    pub(super) fn handed_over(&self, rows: u64, repeated: u64, encode_took: Duration, now: Instant) {
        self.measure(|meter| meter.handed_over(rows, repeated, encode_took, now));
        self.count(Counted::Accepted(rows));
    }

    /// A batch's last record went to the workspace.
    pub(super) fn sent(&self, span: &Span, at: Instant) {
        self.measure(|meter| meter.sent(span, at));
    }

    /// An attempt failed and is repeated. The first is told, then every tenth, hundredth, ...
    pub(super) fn retried(&self, error: &WriterError) {
        let retries = self.measure(Meter::retried).unwrap_or_default();
        if retries > 0 && 10_u64.pow(retries.ilog10()) == retries {
            self.log("warn", format!("Attempt repeated, {retries} so far: {error}"));
        }
    }

    /// The session stops sending for a while, or goes on.
    pub(super) fn circuit(&self, change: &CircuitChange) {
        match change {
            CircuitChange::Opened { pause, reason } => {
                let pause = pause.as_secs_f64();
                self.log("warn", format!("The circuit is open: nothing is sent for {pause:.1} s after {reason}"));
            }
            CircuitChange::Closed { after } => {
                self.log("info", format!("The circuit is closed again after {:.1} s.", after.as_secs_f64()));
            }
        }
    }

    /// All of a batch is durable.
    pub(super) fn durable(&self, rows: &RowOrdinals, span: Span, bytes: u64, calls: u64, at: Instant) {
        self.count(Counted::Durable(span.rows, at.saturating_duration_since(span.begun)));
        let mut inner = self.lock();
        inner.ledger.durable(rows);
        if let Some(meter) = &mut inner.meter {
            meter.durable(&span, bytes, at);
            meter.settled(calls, at);
        }
        if inner.watched {
            inner.waiting.add(span);
        }
    }

    /// Not all of a batch is durable: its first rows are, those behind them may be in doubt, the others are not there.
    pub(super) fn failed(&self, rows: &RowOrdinals, begun: Instant, bytes: u64, failure: &WriteFailure, now: Instant) {
        let (durable, others) = rows.split_at(failure.durable);
        let (in_doubt, refused) = others.split_at(failure.in_doubt);
        let span = durable.span(begun);
        if span.rows > 0 {
            self.count(Counted::Durable(span.rows, now.saturating_duration_since(begun)));
        }
        self.count(Counted::Failed(others.rows(), failure.error.code()));
        let mut inner = self.lock();
        inner.ledger.durable(&durable);
        inner.ledger.in_doubt(&in_doubt);
        inner.ledger.failed(&refused);
        if let Some(meter) = &mut inner.meter {
            if span.rows > 0 {
                let share = u128::from(bytes) * u128::from(span.rows) / u128::from(rows.rows().max(1));
                meter.durable(&span, u64::try_from(share).unwrap_or(bytes), now);
            }
            meter.failed(others.rows(), in_doubt.rows());
            let class = failure.error.code().to_lowercase();
            meter.error(&class, &failure.error.to_string(), 1, failure.error.is_retryable());
            meter.settled(1, now);
        }
        if inner.watched && span.rows > 0 {
            inner.waiting.add(span);
        }
    }

    /// Records were due, and the writer did not take them in the time that the run had.
    pub(super) fn not_sent(&self, records: u64) {
        let message = format!(
            "{records} records were due and not sent in time: the writer did not keep up. They count neither as sent nor as failed."
        );
        self.measure(|meter| meter.error("not_sent", &message, records, true));
        self.log("warn", message);
    }

    /// What to ask the table next.
    pub(super) fn next_look(&self) -> Option<Look> {
        let mut inner = self.lock();
        if inner.foreign_ids { None } else { inner.ledger.next_look() }
    }

    /// What the table answered.
    pub(super) fn seen(&self, look: &Look, answer: &[ChunkCount], at: Instant) {
        let mut inner = self.lock();
        let Inner { ledger, waiting, meter, .. } = &mut *inner;
        ledger.seen(look, answer);
        let visible = waiting.take_visible(ledger);
        if let Some(meter) = meter {
            visible.iter().for_each(|span| meter.visible(span, at));
        }
    }

    /// Whether there is nothing more to look for.
    pub(super) fn all_visible(&self) -> bool {
        let inner = self.lock();
        inner.foreign_ids || inner.ledger.all_visible()
    }

    /// Time goes on.
    pub(super) fn tick(&self, now: Instant) {
        let mut inner = self.lock();
        let next = inner.next;
        if let Some(meter) = &mut inner.meter {
            meter.tick(now, next);
        }
    }

    /// Nothing is measured any more; hands out the ledger.
    pub(super) fn close(&self, now: Instant) -> Ledger {
        let mut inner = self.lock();
        if let Some(meter) = &mut inner.meter {
            meter.finish(now);
        }
        inner.found = Some(Found { visible: inner.ledger.visible_count(), ..Found::default() });
        std::mem::take(&mut inner.ledger)
    }

    /// The table said what it has.
    pub(super) fn reconciled(&self, found: Found) {
        self.lock().found = Some(found);
    }

    /// Counts so far.
    pub(super) fn counts(&self) -> RecordCounts {
        self.lock().counts()
    }

    /// What was measured so far.
    pub(super) fn figures(&self, now: Instant) -> Figures {
        let inner = self.lock();
        inner.meter.as_ref().map(|meter| Figures::of(meter, inner.counts(), now)).unwrap_or_default()
    }

    /// The run as it is now.
    pub(super) fn live(&self, now: Instant) -> LiveRun {
        self.last.get().cloned().unwrap_or_else(|| self.snapshot(now))
    }

    fn snapshot(&self, now: Instant) -> LiveRun {
        let figures = self.figures(now);
        let inner = self.lock();
        let elapsed = inner.sending_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let recent_rate = inner.meter.as_ref().map_or(0.0, Meter::recent_rate);
        let (progress, left) = self.extent.progress(inner.state, &figures.records, elapsed, recent_rate);
        LiveRun {
            run_id: self.run_id.clone(),
            writer: self.label.clone(),
            options: self.options,
            state: inner.state,
            reason: inner.reason.clone(),
            records: figures.records,
            progress,
            left_ms: left.map(millis),
            elapsed_ms: millis(elapsed),
            throughput: figures.throughput,
            latency_ms: figures.latency_ms,
            in_flight: inner.meter.as_ref().map_or(0, Meter::in_flight),
            retries: figures.retries,
            errors: figures.errors,
            pressure: inner.meter.as_ref().map(Meter::pressure).unwrap_or_default(),
            series: figures.series,
        }
    }

    /// Up to which record the source was asked.
    #[cfg(test)]
    pub(super) fn taken(&self) -> Option<u64> {
        self.lock().next
    }

    /// Values and bytes that the series and the ledger hold.
    #[cfg(test)]
    pub(super) fn memory(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.meter.as_ref().map_or(0, Meter::series_values), inner.ledger.bytes())
    }
}

impl Inner {
    fn counts(&self) -> RecordCounts {
        let Some(meter) = &self.meter else { return RecordCounts::default() };
        let Found { visible, missing, duplicates } =
            self.found.unwrap_or_else(|| Found { visible: self.ledger.visible_count(), ..Found::default() });
        RecordCounts { visible, missing, duplicates, ..meter.counts() }
    }
}
