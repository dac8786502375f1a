//! The comparisons that are known: all that run, and the latest that have finished.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use crate::engine::run::Signals;
use crate::model::{LiveComparison, Report};

/// Finished comparisons that are remembered.
pub(super) const MOST_FINISHED: usize = 16;

/// One that is known.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) snapshots: watch::Receiver<LiveComparison>,
    pub(super) signals: Signals,
    /// There when it has finished.
    pub(super) report: Option<Arc<Report>>,
}

/// By age, the newest last.
#[derive(Default)]
pub(in crate::engine) struct Comparisons {
    known: VecDeque<Known>,
}

impl Comparisons {
    pub(super) fn remember(&mut self, known: Known) {
        self.known.push_back(known);
    }

    pub(super) fn find(&self, id: &str) -> Option<&Known> {
        self.known.iter().find(|known| known.id == id)
    }

    /// A comparison has finished; the oldest finished one is forgotten when there are too many.
    pub(super) fn finish(&mut self, id: &str, report: Arc<Report>) {
        if let Some(known) = self.known.iter_mut().find(|known| known.id == id) {
            known.report = Some(report);
        }
        let finished = self.known.iter().filter(|known| known.report.is_some()).count();
        if finished > MOST_FINISHED
            && let Some(oldest) = self.known.iter().position(|known| known.report.is_some())
        {
            self.known.remove(oldest);
        }
    }

    /// The latest snapshots, the newest first.
    pub(super) fn list(&self) -> Vec<LiveComparison> {
        self.known.iter().rev().map(|known| known.snapshots.borrow().clone()).collect()
    }
}
