//! The submissions that are known, newest last, bounded.

use std::collections::VecDeque;

use tokio::sync::watch;

use super::Engine;
use crate::model::{EdgeError, SubmissionSnapshot};

/// How many submissions are remembered; the oldest finished one goes first.
const MOST_REMEMBERED: usize = 256;

/// Snapshots by submission.
#[derive(Default)]
pub(super) struct Submissions {
    known: VecDeque<(String, watch::Receiver<SubmissionSnapshot>)>,
}

impl Submissions {
    pub(super) fn remember(&mut self, id: String, snapshots: watch::Receiver<SubmissionSnapshot>) {
        self.known.push_back((id, snapshots));
        if self.known.len() > MOST_REMEMBERED
            && let Some(oldest) = self.known.iter().position(|(_, snapshots)| snapshots.borrow().finished)
        {
            self.known.remove(oldest);
        }
    }

    fn find(&self, id: &str) -> Option<watch::Receiver<SubmissionSnapshot>> {
        self.known.iter().find(|(known, _)| known == id).map(|(_, snapshots)| snapshots.clone())
    }
}

impl Engine {
    /// Follows a submission: the current snapshot, then each that replaces it.
    ///
    /// # Errors
    /// `NOT_FOUND` when it is not, or no longer, known.
    pub fn follow(&self, id: &str) -> Result<watch::Receiver<SubmissionSnapshot>, EdgeError> {
        let submissions = self.submissions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        submissions.find(id).ok_or_else(|| {
            let shown: String = id.chars().take(64).collect();
            EdgeError::new(
                "NOT_FOUND",
                format!(
                    "Submission '{shown}' is not known; the newest {MOST_REMEMBERED} since the start are. \
                     Its rows, if any, are in the table under this batch id."
                ),
            )
        })
    }

    /// Where a submission stands.
    ///
    /// # Errors
    /// As [`Self::follow`].
    pub fn submission(&self, id: &str) -> Result<SubmissionSnapshot, EdgeError> {
        self.follow(id).map(|snapshots| snapshots.borrow().clone())
    }
}
