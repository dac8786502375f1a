//! The doctor: looks at everything a record needs on its way, one thing after the other, and says what to paste where
//! something is missing.
//!
//! Knows the workspace and the writers; nothing of HTTP servers, pages or the environment: what the program was told comes in
//! as [`Surroundings`]. A check stands on others: where one of those failed it is skipped and says so. No check takes longer
//! than [`CHECK_LIMIT`], all of them together no longer than [`WHOLE_LIMIT`], so that an answer comes before a proxy gives up.
//!
//! ```text
//! settings -> proxies -> host -> clock
//!                          `---> token -> warehouse ----------------------> sql
//!                          |       |---> table -> grants --.                 ^
//!                          |       |       `---------------|-----------------'
//!                          |       `---> volume -> volume-write (only when asked for)
//!               `-> zerobus -------------------------------+-> stream, rest
//! data-folder
//! ```

mod checks;
mod desk;
mod finding;
mod names;
mod proxies;
mod surroundings;
mod wire;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use tokio::time::{Instant, timeout};

use checks::{STEPS, Step};
pub use desk::{Desk, View};
use finding::Finding;
pub use proxies::Proxies;
pub use surroundings::{SettingProblem, Surroundings};

use crate::model::TableName;
use crate::model::doctor::{Check, CheckState, DOCTOR_SCHEMA, DoctorReport};
use crate::workspace::{TableFacts, Workspace, WorkspaceConfig, WorkspaceError};
use crate::writer::WriterRegistry;

/// The longest that one check may take.
pub const CHECK_LIMIT: Duration = Duration::from_secs(10);
/// The longest that all of them may take together.
pub const WHOLE_LIMIT: Duration = Duration::from_secs(40);

/// What is to be looked at.
#[derive(Clone, Debug)]
pub struct Examination {
    /// Addresses and credentials; `None` when the settings do not give any.
    pub workspace: Option<WorkspaceConfig>,
    /// What else the program was told.
    pub surroundings: Surroundings,
    /// The table, in place of the default one.
    pub table: Option<TableName>,
    /// Whether a stream may be opened (and closed again, without a record).
    pub streams: bool,
    /// Whether a file may be written into the volume and removed again.
    pub writes: bool,
    /// Only these checks and those they stand on; all when empty.
    pub only: Vec<&'static str>,
}

impl Examination {
    /// Everything that only reads, and a stream that is opened and closed.
    pub fn of(workspace: Option<WorkspaceConfig>, surroundings: Surroundings) -> Self {
        Self { workspace, surroundings, table: None, streams: true, writes: false, only: Vec::new() }
    }

    /// Makes the checks; `told` hears the report as it grows.
    pub async fn make(&self, mut told: impl FnMut(&DoctorReport)) -> DoctorReport {
        let mut report = DoctorReport {
            schema: DOCTOR_SCHEMA.to_owned(),
            workspace: String::new(),
            table: String::new(),
            checked_at: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            writes: self.writes,
            checks: Vec::new(),
        };
        let room = Room::new(self);
        if let Ok(patient) = &room.patient {
            report.workspace = patient.workspace.badge().name;
            report.table = patient.table.to_string();
        }
        told(&report);
        let deadline = Instant::now() + WHOLE_LIMIT;
        for step in STEPS.iter().filter(|step| self.wants(step.id)) {
            let began = Instant::now();
            let finding = match stands_on(step, &report) {
                Some(missing) => missing,
                None => bounded(step, &room, deadline).await,
            };
            report.checks.push(finding.into_check(step, began.elapsed()));
            told(&report);
        }
        if let Ok(patient) = &room.patient {
            patient.writers.close().await;
        }
        report
    }

    fn wants(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| *wanted == id || leads_to(id, wanted))
    }
}

/// Whether the check `wanted` stands on `id`, directly or not.
fn leads_to(id: &str, wanted: &str) -> bool {
    let step = STEPS.iter().find(|step| step.id == wanted);
    step.is_some_and(|step| step.stands_on.iter().any(|under| *under == id || leads_to(id, under)))
}

/// The finding of a check that cannot be made because one that it stands on did not end well.
fn stands_on(step: &Step, report: &DoctorReport) -> Option<Finding> {
    let blocked = |check: &&Check| {
        step.stands_on.contains(&check.id.as_str()) && matches!(check.state, CheckState::Failed | CheckState::Skipped)
    };
    let under = report.checks.iter().find(blocked)?;
    let how = if under.state == CheckState::Failed { "failed" } else { "was skipped" };
    Some(Finding::skipped(format!("Not tried: “{}” {how}.", under.title), "It says nothing until that works."))
}

async fn bounded(step: &Step, room: &Room<'_>, deadline: Instant) -> Finding {
    let limit = CHECK_LIMIT.min(deadline.saturating_duration_since(Instant::now()));
    if limit.is_zero() {
        let found = format!("Not tried: the checks before it took {} s together.", WHOLE_LIMIT.as_secs());
        return Finding::skipped(found, "Heal what was slow above, then run the checks again.");
    }
    match timeout(limit, (step.make)(room)).await {
        Ok(finding) => finding,
        Err(_late) => finding::late(limit),
    }
}

/// Where the checks are made: what they look at, and what they tell each other.
struct Room<'a> {
    examination: &'a Examination,
    patient: Result<Patient, WorkspaceError>,
    /// Left by the check `token`.
    workspace_id: OnceLock<String>,
    /// Left by the check `table`.
    table: OnceLock<TableFacts>,
}

/// A workspace with nothing remembered of earlier calls, so that no old token or stream hides what is wrong now.
struct Patient {
    workspace: Arc<Workspace>,
    writers: WriterRegistry,
    table: TableName,
}

impl<'a> Room<'a> {
    fn new(examination: &'a Examination) -> Self {
        let patient = match examination.workspace.clone() {
            Some(config) => Patient::new(config, examination.table.clone()),
            None => Err(WorkspaceError::NotConfigured { setting: "DATABRICKS_HOST" }),
        };
        Self { examination, patient, workspace_id: OnceLock::new(), table: OnceLock::new() }
    }
}

impl Patient {
    fn new(config: WorkspaceConfig, table: Option<TableName>) -> Result<Self, WorkspaceError> {
        let table = table.unwrap_or_else(|| config.default_table.clone());
        let workspace = Arc::new(Workspace::new(config)?);
        Ok(Self { writers: WriterRegistry::new(&workspace), workspace, table })
    }

    fn config(&self) -> &WorkspaceConfig {
        self.workspace.config()
    }

    /// Who grants go to.
    fn principal(&self) -> &str {
        self.config().credentials.as_ref().map_or("", |credentials| credentials.client_id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_stand_only_on_checks_before_them() {
        for (index, step) in STEPS.iter().enumerate() {
            for under in step.stands_on {
                assert!(STEPS[..index].iter().any(|before| before.id == *under), "{} on {under}", step.id);
            }
        }
        assert!(leads_to("host", "stream") && !leads_to("stream", "host") && !leads_to("volume", "rest"));
    }

    #[tokio::test]
    async fn without_settings_everything_that_needs_them_is_skipped_and_says_why() {
        let problem =
            SettingProblem { words: "DIRECT_WRITE_ADDR is 'x'.".to_owned(), paste: "DIRECT_WRITE_ADDR=a".to_owned() };
        let folder = tempfile::tempdir().unwrap();
        let surroundings = Surroundings {
            problems: vec![problem],
            data_dir: Some(folder.path().to_owned()),
            ..Surroundings::default()
        };
        let mut grew = Vec::new();
        let report = Examination::of(None, surroundings).make(|report| grew.push(report.checks.len())).await;
        assert_eq!(grew, (0..=STEPS.len()).collect::<Vec<_>>());
        let settings = report.check("settings").unwrap();
        assert_eq!(settings.state, CheckState::Failed);
        assert_eq!(settings.advice.as_ref().unwrap().paste.as_deref(), Some("DIRECT_WRITE_ADDR=a"));
        let token = report.check("token").unwrap();
        assert_eq!((token.state, token.found.as_str()), (CheckState::Skipped, "Not tried: “Host” was skipped."));
        assert_eq!(report.check("data-folder").unwrap().state, CheckState::Passed);
        assert_eq!(report.count(CheckState::Skipped), STEPS.len() - 2);
    }
}
