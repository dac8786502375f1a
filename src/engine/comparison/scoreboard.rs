//! What everybody may know of a comparison while it runs: one snapshot on a watch channel, each of which replaces the one before.
//!
//! At most four a second, plus one at each change of a run's state.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior};

use crate::engine::Metrics;
use crate::engine::run::{Counted, RunEvents, RunView, TICK};
use crate::model::{LiveComparison, LogLine, WriterKind};

/// Lines of the log that are kept.
const MOST_LINES: usize = 200;

/// The scoreboard of one comparison.
pub(super) struct Scoreboard {
    snapshots: watch::Sender<LiveComparison>,
    views: Mutex<Vec<RunView>>,
    log: Mutex<VecDeque<LogLine>>,
    changed: Notify,
    began: (DateTime<Utc>, Instant),
    metrics: Metrics,
}

impl Scoreboard {
    pub(super) fn new(first: LiveComparison, metrics: Metrics) -> Self {
        Self {
            snapshots: watch::Sender::new(first),
            views: Mutex::default(),
            log: Mutex::default(),
            changed: Notify::new(),
            began: (Utc::now(), Instant::now()),
            metrics,
        }
    }

    /// The runs that it shows, in their order.
    pub(super) fn show(&self, views: Vec<RunView>) {
        *self.views.lock().unwrap_or_else(PoisonError::into_inner) = views;
        self.publish();
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<LiveComparison> {
        self.snapshots.subscribe()
    }

    /// Adds a line to the log; it is seen with the next snapshot.
    pub(super) fn log(&self, writer: Option<&str>, level: &'static str, text: String) {
        // One clock for a comparison: its lines never go back in time.
        let (wall, instant) = self.began;
        let at = wall + instant.elapsed();
        let line = LogLine {
            at: at.to_rfc3339_opts(SecondsFormat::Millis, true),
            writer: writer.map(str::to_owned),
            level: level.to_owned(),
            text,
        };
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == MOST_LINES {
            log.pop_front();
        }
        log.push_back(line);
    }

    /// Lets everybody see how things stand; what was shown as the last stays.
    pub(super) fn publish(&self) {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.snapshots.borrow().finished {
            self.send(&views, false);
        }
    }

    /// Shows how it ended, and lets go of the runs. They hold whom they tell, which is this scoreboard: neither would ever go.
    pub(super) fn finish(&self) {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        self.send(&views, true);
        views.clear();
    }

    fn send(&self, views: &[RunView], finished: bool) {
        let runs = views.iter().map(RunView::live).collect();
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        self.snapshots.send_modify(|snapshot| {
            snapshot.sequence += 1;
            snapshot.runs = runs;
            snapshot.log = log;
            snapshot.finished = finished;
        });
    }

    /// Publishes while the comparison runs.
    pub(super) async fn keep_publishing(&self) {
        let mut ticks = tokio::time::interval_at(Instant::now() + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.changed.notified() => (),
                _ = ticks.tick() => (),
            }
            self.publish();
        }
    }

    /// What a run of this writer says.
    pub(super) fn events_of(self: &Arc<Self>, comparison: &str, writer: &str) -> Arc<dyn RunEvents> {
        Arc::new(Events { scoreboard: self.clone(), comparison: comparison.to_owned(), writer: writer.to_owned() })
    }
}

/// What one run says.
struct Events {
    scoreboard: Arc<Scoreboard>,
    comparison: String,
    writer: String,
}

impl RunEvents for Events {
    fn log(&self, level: &'static str, text: String) {
        let Self { comparison, writer, .. } = self;
        match level {
            "error" => tracing::error!(%comparison, %writer, "{text}"),
            "warn" => tracing::warn!(%comparison, %writer, "{text}"),
            _ => tracing::info!(%comparison, %writer, "{text}"),
        }
        self.scoreboard.log(Some(&self.writer), level, text);
    }

    fn changed(&self) {
        self.scoreboard.changed.notify_one();
    }

    fn counted(&self, writer: WriterKind, counted: Counted<'_>) {
        let metrics = &self.scoreboard.metrics;
        match counted {
            Counted::Accepted(records) => metrics.accepted(writer, records),
            Counted::Durable(records, took) => metrics.durable(writer, records, took),
            Counted::Failed(records, error) => metrics.failed(writer, records, error),
        }
    }
}
