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

    /// A finished comparison gets another name; `false` when it is not remembered.
    pub(in crate::engine) fn rename(&mut self, id: &str, name: &str) -> bool {
        let report = self.known.iter_mut().find(|known| known.id == id).and_then(|known| known.report.as_mut());
        if let Some(report) = report {
            Arc::make_mut(report).name = name.to_owned();
            return true;
        }
        false
    }

    /// A finished comparison is forgotten; `false` when it was not remembered.
    pub(in crate::engine) fn forget(&mut self, id: &str) -> bool {
        let found = self.known.iter().position(|known| known.id == id && known.report.is_some());
        found.and_then(|index| self.known.remove(index)).is_some()
    }

    /// The latest snapshots, the newest first.
    pub(super) fn list(&self) -> Vec<LiveComparison> {
        self.known.iter().rev().map(|known| known.snapshots.borrow().clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::example;

    #[test]
    fn only_what_has_finished_can_be_renamed_and_forgotten() {
        let report = example::report();
        let (_sender, snapshots) = watch::channel(LiveComparison::from(&report));
        let signals = Signals::new(tokio_util::sync::CancellationToken::new());
        let mut comparisons = Comparisons::default();
        comparisons.remember(Known { id: report.id.clone(), snapshots, signals, report: None });
        assert!(!comparisons.rename(&report.id, "other") && !comparisons.forget(&report.id), "it still runs");
        comparisons.finish(&report.id, Arc::new(report.clone()));
        assert!(comparisons.rename(&report.id, "other"));
        let renamed = comparisons.find(&report.id).and_then(|known| known.report.clone());
        assert_eq!(renamed.map(|report| report.name.clone()).as_deref(), Some("other"));
        assert!(comparisons.forget(&report.id) && !comparisons.forget(&report.id));
    }
}
