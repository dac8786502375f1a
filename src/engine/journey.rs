//! The stops of one submission and the times between them, kept in its snapshot.

use std::sync::Mutex;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::{Stage, StageReport, StageState, SubmissionSnapshot};
use crate::writer::Progress;

/// Writes each stop into the snapshot at the moment it is reached.
pub(super) struct Journey {
    started: Instant,
    last_stop: Mutex<Instant>,
    snapshots: watch::Sender<SubmissionSnapshot>,
}

impl Journey {
    /// A journey that began at `started`.
    pub(super) fn new(started: Instant, first: SubmissionSnapshot) -> Self {
        Self { started, last_stop: Mutex::new(started), snapshots: watch::Sender::new(first) }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<SubmissionSnapshot> {
        self.snapshots.subscribe()
    }

    /// Changes the snapshot and lets everybody know.
    pub(super) fn update(&self, change: impl FnOnce(&mut SubmissionSnapshot)) {
        self.snapshots.send_modify(|snapshot| {
            change(snapshot);
            snapshot.sequence += 1;
        });
    }

    /// A stop is reached; the next one is under way.
    pub(super) fn reach(&self, stage: Stage, change: impl FnOnce(&mut SubmissionSnapshot)) {
        let now = Instant::now();
        let mut last_stop = self.last_stop.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let took_us = micros(now - *last_stop);
        *last_stop = now;
        let elapsed = micros(now - self.started);
        self.update(|snapshot| {
            if stage != Stage::Visible {
                snapshot.processing_us = elapsed;
            }
            for report in &mut snapshot.stages {
                if report.stage == stage {
                    report.state = StageState::Done;
                    report.took_us = Some(took_us);
                }
            }
            if let Some(next) = snapshot.stages.iter_mut().find(|report| report.state == StageState::Waiting) {
                next.state = StageState::Active;
            }
            change(snapshot);
        });
    }

    /// The stop that is under way is not reached, nor are those behind it.
    pub(super) fn stop(&self, state: StageState, note: &str, change: impl FnOnce(&mut SubmissionSnapshot)) {
        let elapsed = micros(Instant::now() - self.started);
        self.update(|snapshot| {
            if state == StageState::Failed {
                snapshot.processing_us = elapsed;
            }
            if let Some(current) = snapshot.stages.iter_mut().find(|report| report.state == StageState::Active) {
                current.state = state;
                current.note = Some(note.to_owned());
            }
            snapshot.finished = true;
            change(snapshot);
        });
    }
}

impl Progress for Journey {
    fn encoded(&self, payload_bytes: u64) {
        self.reach(Stage::Encoded, |snapshot| snapshot.payload_bytes = payload_bytes);
    }

    fn sent(&self) {
        self.reach(Stage::Sent, |_| ());
    }
}

/// Five stops, the first under way.
pub(super) fn stages_at_the_start() -> Vec<StageReport> {
    let state = |stage| if stage == Stage::Validated { StageState::Active } else { StageState::Waiting };
    Stage::ALL.map(|stage| StageReport { stage, state: state(stage), took_us: None, note: None }).into()
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
