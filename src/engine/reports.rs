//! Reports by id, whether their comparison has just ended or was run long ago.

use std::sync::{MutexGuard, PoisonError};

use super::Engine;
use super::comparison::Comparisons;
use super::history::HistoryError;
use crate::model::{EdgeError, HistoryPage, HistoryQuery, Report};

impl Engine {
    /// The report of a comparison.
    ///
    /// # Errors
    /// `NOT_FOUND`; `STILL_RUNNING` while there is none yet; what the history says.
    pub async fn report(&self, id: &str) -> Result<Report, EdgeError> {
        match self.comparison_report(id) {
            Ok(Some(report)) => return Ok(Report::clone(&report)),
            Ok(None) => {
                let message =
                    format!("Comparison {id} still runs; its report is there when it has ended. Follow it until then.");
                return Err(EdgeError::new("STILL_RUNNING", message));
            }
            Err(_not_live) => {}
        }
        let kept = match self.history() {
            Some(history) => history.get(id).await.map_err(unkept)?,
            None => None,
        };
        kept.ok_or_else(|| unknown(id))
    }

    /// A page of the comparisons that have ended.
    ///
    /// # Errors
    /// What the history says.
    pub async fn past_comparisons(&self, query: HistoryQuery) -> Result<HistoryPage, EdgeError> {
        match self.history() {
            Some(history) => history.list(query).await.map_err(unkept),
            None => Ok(HistoryPage::default()),
        }
    }

    /// Gives an ended comparison another name.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for an empty name, `NOT_FOUND`, what the history says.
    pub async fn rename_comparison(&self, id: &str, name: &str) -> Result<(), EdgeError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            let message = format!("A name has 1 to {LONGEST_NAME} characters. The old name was kept. Send another.");
            return Err(EdgeError::new("INVALID_PARAMETER_VALUE", message));
        }
        let kept = match self.history() {
            Some(history) => history.rename(id, name).await.map_err(unkept)?,
            None => false,
        };
        let remembered = self.remembered().rename(id, name);
        if kept || remembered { Ok(()) } else { Err(unknown(id)) }
    }

    /// Forgets an ended comparison. Its rows stay in their table.
    ///
    /// # Errors
    /// `NOT_FOUND`, what the history says.
    pub async fn forget_comparison(&self, id: &str) -> Result<(), EdgeError> {
        let kept = match self.history() {
            Some(history) => history.delete(id).await.map_err(unkept)?,
            None => false,
        };
        let remembered = self.remembered().forget(id);
        if kept || remembered { Ok(()) } else { Err(unknown(id)) }
    }

    /// The comparisons that need no history yet.
    fn remembered(&self) -> MutexGuard<'_, Comparisons> {
        self.comparisons.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Longest name of a comparison, in characters.
const LONGEST_NAME: usize = 120;

fn unknown(id: &str) -> EdgeError {
    EdgeError::new(
        "NOT_FOUND",
        format!("There is no comparison {id}. Nothing was changed. Look for it in the list of runs."),
    )
}

fn unkept(error: HistoryError) -> EdgeError {
    EdgeError::new("HISTORY_UNAVAILABLE", error.to_string())
}
