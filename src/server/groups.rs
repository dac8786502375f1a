//! Which groups of the workspace a caller is in, asked when roles name groups, and kept for a while.
//!
//! Many requests of one caller wait for one question. What could not be found out is kept for seconds only, and means: in none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use crate::workspace::Workspace;

/// How long an answer is good: whoever leaves a group is out of it after that.
const GOOD_FOR: Duration = Duration::from_secs(300);
/// How long a failure is.
const FAILED_FOR: Duration = Duration::from_secs(10);
/// How long a caller waits.
const PATIENCE: Duration = Duration::from_secs(10);
/// Callers that are remembered.
const MOST_CALLERS: usize = 10_000;

/// The groups, or why they are not known.
pub type Known = Result<Vec<String>, String>;

/// What is known of callers' groups.
#[derive(Debug)]
pub struct Groups {
    workspace: Arc<Workspace>,
    callers: Mutex<HashMap<String, Arc<Slot>>>,
    good_for: Duration,
}

/// Locked while the workspace is asked.
type Slot = tokio::sync::Mutex<Option<(Instant, Known)>>;

impl Groups {
    /// Asks that workspace.
    pub fn new(workspace: Arc<Workspace>) -> Self {
        Self { workspace, callers: Mutex::default(), good_for: GOOD_FOR }
    }

    /// The groups of a user: with their own token where there is one, else as the app.
    pub async fn of(&self, email: &str, token: Option<&SecretString>) -> Known {
        let slot = self.slot(email);
        let mut slot = slot.lock().await;
        if let Some((_, known)) = slot.as_ref().filter(|(until, _)| Instant::now() < *until) {
            return known.clone();
        }
        let asked = tokio::time::timeout(PATIENCE, self.workspace.groups_of(email, token)).await;
        let known = match asked {
            Ok(Ok(groups)) => Ok(groups),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the workspace did not answer within {} s", PATIENCE.as_secs())),
        };
        if let Err(problem) = &known {
            tracing::warn!(problem, "the groups of a caller are not known");
        }
        let good_for = if known.is_ok() { self.good_for } else { FAILED_FOR.min(self.good_for) };
        *slot = Some((Instant::now() + good_for, known.clone()));
        known
    }

    fn slot(&self, email: &str) -> Arc<Slot> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MOST_CALLERS && !callers.contains_key(email) {
            // They are asked for again.
            callers.clear();
        }
        callers.entry(email.to_owned()).or_default().clone()
    }
}

#[cfg(test)]
mod tests;
