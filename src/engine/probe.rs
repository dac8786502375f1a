//! Whether a writer works, found out by the doctor's checks that a record of this writer stands on.

use serde::Serialize;

use super::Engine;
use crate::doctor::{Examination, Surroundings};
use crate::model::doctor::{Check, CheckState};
use crate::model::{TableName, WriterKind};

/// One step of finding out whether a writer works.
#[derive(Clone, Debug, Serialize)]
pub struct ProbeCheck {
    /// `configuration`, then ids of the doctor's checks: `host`, `token`, `table`, `grants`, `stream`, ...
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// Milliseconds.
    pub took_ms: f64,
    /// What was found.
    pub detail: String,
    /// What to do when it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// What a live probe of a writer found.
#[derive(Clone, Debug, Serialize)]
pub struct ProbeReport {
    /// Which.
    pub writer: WriterKind,
    /// Whether a record would go through now.
    pub available: bool,
    /// Which workspace.
    pub workspace: String,
    /// Into which table.
    pub table: TableName,
    /// Step by step; the first that failed is the last.
    pub checks: Vec<ProbeCheck>,
    /// Why not, when it is not available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Engine {
    /// Tries a writer on the default table without writing a row.
    pub async fn probe(&self, kind: WriterKind) -> ProbeReport {
        let config = self.workspace.config();
        let mut checks = vec![self.configuration(kind)];
        if checks.iter().all(|check| check.passed) {
            let mut examination = Examination::of(Some(config.clone()), Surroundings::default());
            examination.only = last_checks(kind).to_vec();
            let report = examination.make(|_| ()).await;
            checks.extend(steps(&report.checks));
        }
        let failed = checks.iter().find(|check| !check.passed);
        ProbeReport {
            writer: kind,
            available: failed.is_none(),
            workspace: self.workspace.badge().name,
            reason: failed.map(|check| check.detail.clone()),
            remedy: failed.and_then(|check| check.remedy.clone()),
            table: config.default_table.clone(),
            checks,
        }
    }

    fn configuration(&self, kind: WriterKind) -> ProbeCheck {
        let (passed, detail, remedy) = match self.writers.get(kind) {
            Ok(_) => (true, format!("{kind} is configured"), None),
            Err(unavailable) => (false, unavailable.reason, Some(unavailable.remedy)),
        };
        ProbeCheck { name: "configuration".to_owned(), passed, took_ms: 0.0, detail, remedy }
    }
}

/// What a record of this writer goes through last.
fn last_checks(kind: WriterKind) -> &'static [&'static str] {
    match kind {
        WriterKind::Zerobus => &["stream"],
        WriterKind::ZerobusRest => &["rest"],
        WriterKind::Sql => &["sql"],
        WriterKind::CopyInto => &["sql", "volume"],
    }
}

/// The checks of a report up to the first that failed. Settings were read before, and proxies show in what follows.
fn steps(checks: &[Check]) -> Vec<ProbeCheck> {
    let mut steps = Vec::new();
    for check in checks.iter().filter(|check| !matches!(check.id.as_str(), "settings" | "proxies")) {
        let passed = matches!(check.state, CheckState::Passed | CheckState::Warned);
        let advice = check.advice.as_ref().filter(|_| !passed);
        let remedy = advice.map(|advice| match &advice.paste {
            Some(paste) => format!("{} {paste}", advice.words),
            None => advice.words.clone(),
        });
        let (name, detail) = (check.id.clone(), check.found.clone());
        steps.push(ProbeCheck { name, passed, took_ms: check.took_ms, detail, remedy });
        if !passed {
            break;
        }
    }
    steps
}
