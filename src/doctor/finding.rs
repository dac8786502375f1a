//! What a check found, and how errors that may come anywhere become findings.

use std::time::Duration;

use super::checks::Step;
use crate::model::doctor::{Advice, Check, CheckState, PasteKind};
use crate::workspace::WorkspaceError;

/// A check's outcome.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    state: CheckState,
    found: String,
    meaning: String,
    advice: Option<Advice>,
}

impl Finding {
    pub(super) fn passed(found: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self::new(CheckState::Passed, found, meaning)
    }

    pub(super) fn warned(found: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self::new(CheckState::Warned, found, meaning)
    }

    pub(super) fn failed(found: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self::new(CheckState::Failed, found, meaning)
    }

    pub(super) fn skipped(found: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self::new(CheckState::Skipped, found, meaning)
    }

    fn new(state: CheckState, found: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self { state, found: found.into(), meaning: meaning.into(), advice: None }
    }

    /// Advises statements.
    pub(super) fn sql(self, words: impl Into<String>, paste: impl Into<String>) -> Self {
        self.advise(words, paste, PasteKind::Sql)
    }

    /// Advises settings, `NAME=value`, one a line.
    pub(super) fn setting(self, words: impl Into<String>, paste: impl Into<String>) -> Self {
        self.advise(words, paste, PasteKind::Setting)
    }

    /// Advises a command.
    pub(super) fn command(self, words: impl Into<String>, paste: impl Into<String>) -> Self {
        self.advise(words, paste, PasteKind::Command)
    }

    fn advise(mut self, words: impl Into<String>, paste: impl Into<String>, kind: PasteKind) -> Self {
        self.advice = Some(Advice { words: words.into(), paste: Some(paste.into()), paste_kind: Some(kind) });
        self
    }

    pub(super) fn into_check(self, step: &Step, took: Duration) -> Check {
        Check {
            id: step.id.to_owned(),
            title: step.title.to_owned(),
            group: step.group,
            state: self.state,
            took_ms: (took.as_secs_f64() * 1_000_000.0).round() / 1000.0,
            found: self.found,
            meaning: self.meaning,
            advice: self.advice,
        }
    }
}

/// The command that runs the checks again.
const AGAIN: &str = "direct-write doctor";

/// A check that was given up.
pub(super) fn late(limit: Duration) -> Finding {
    let found = format!("No answer within {} s.", limit.as_secs().max(1));
    Finding::failed(found, "Something on the way is silent or far too slow. What it is was not found out.").command(
        "Run the checks again; if it stays silent, look at the network between this machine and the workspace.",
        AGAIN,
    )
}

/// An error that says nothing about the check's own matter; `what` is what could not be found out.
pub(super) fn trouble(error: &WorkspaceError, what: &str) -> Finding {
    let found = sentence(error);
    match error {
        WorkspaceError::Busy { retry_after, .. } => {
            let wait = retry_after.filter(|wait| !wait.is_zero()).unwrap_or(Duration::from_secs(5)).as_secs();
            Finding::failed(found, format!("The workspace takes no more requests for now, so {what} is not known."))
                .command(format!("Wait {wait} s and run the checks again."), AGAIN)
        }
        WorkspaceError::Timeout { .. } => {
            Finding::failed(found, format!("The workspace takes too long to answer, so {what} is not known."))
                .command("Run the checks again in a little while.", AGAIN)
        }
        WorkspaceError::ServerError { .. } => {
            Finding::failed(found, format!("The workspace, or a proxy before it, fails; {what} is not known."))
                .command("Run the checks again; if it stays, tell the workspace's administrators.", AGAIN)
        }
        _ => Finding::failed(found, format!("The question was not answered, so {what} is not known."))
            .command("Look at the workspace's own words, then run the checks again.", AGAIN),
    }
}

/// An error as a sentence: with a capital letter and a full stop.
pub(super) fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
