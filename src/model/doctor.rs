//! What the doctor found: each check with what it means and what to paste.

use serde::{Deserialize, Serialize};

/// The schema of [`DoctorReport`] as JSON.
pub const DOCTOR_SCHEMA: &str = "direct-write/doctor/v1";

/// One examination of a workspace and of what this program needs around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoctorReport {
    /// [`DOCTOR_SCHEMA`]
    pub schema: String,
    /// Which workspace; empty when the settings do not name one.
    pub workspace: String,
    /// The table that was looked at; empty without a workspace.
    pub table: String,
    /// When it began, RFC 3339.
    pub checked_at: String,
    /// Whether the checks that write were asked for.
    pub writes: bool,
    /// In the order they were made.
    pub checks: Vec<Check>,
}

impl DoctorReport {
    /// How many checks ended like this.
    pub fn count(&self, state: CheckState) -> usize {
        self.checks.iter().filter(|check| check.state == state).count()
    }

    /// The check of that id.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.id == id)
    }

    /// One sentence about all of it.
    pub fn headline(&self) -> String {
        let (failed, warned) = (self.count(CheckState::Failed), self.count(CheckState::Warned));
        let plural = |count: usize| if count == 1 { "check" } else { "checks" };
        match (failed, warned) {
            (0, 0) => "Everything that was checked works.".to_owned(),
            (0, warned) => format!("Nothing failed; {warned} {} may need a look.", plural(warned)),
            (failed, 0) => format!("{failed} {} failed.", plural(failed)),
            (failed, warned) => {
                format!("{failed} {} failed, {warned} more may need a look.", plural(failed))
            }
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Short and stable, for machines: `token`, `grants`, ...
    pub id: String,
    /// The same for people.
    pub title: String,
    /// What it belongs to.
    pub group: CheckGroup,
    /// How it ended.
    pub state: CheckState,
    /// Milliseconds.
    pub took_ms: f64,
    /// What was found.
    pub found: String,
    /// What that means.
    pub meaning: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// It works.
    Passed,
    /// It works, and something about it may become trouble.
    Warned,
    /// It does not work.
    Failed,
    /// It was not tried.
    Skipped,
}

impl CheckState {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned => "look here",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// The sign beside the word.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Passed => "✓",
            Self::Warned => "!",
            Self::Failed => "×",
            Self::Skipped => "–",
        }
    }
}

/// What a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckGroup {
    /// This program and the machine it runs on.
    Program,
    /// The workspace, its tables and grants.
    Workspace,
    /// Zerobus Ingest, both doors.
    Zerobus,
    /// The SQL warehouse, and files for it.
    Sql,
}

impl CheckGroup {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 4] = [Self::Program, Self::Workspace, Self::Zerobus, Self::Sql];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Program => "This program",
            Self::Workspace => "Workspace and table",
            Self::Zerobus => "Zerobus Ingest",
            Self::Sql => "SQL and files",
        }
    }
}

/// What to do, and what to paste for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// A sentence or two.
    pub words: String,
    /// The exact text, with the names of this workspace. What only its reader can know stands in `<angle brackets>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paste: Option<String>,
    /// Where it goes; there whenever `paste` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paste_kind: Option<PasteKind>,
}

/// Where an advice is pasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PasteKind {
    /// Statements for the SQL editor.
    Sql,
    /// Environment variables, one a line.
    Setting,
    /// A command for a shell.
    Command,
}

impl PasteKind {
    /// Where it goes, in words.
    pub fn place(self) -> &'static str {
        match self {
            Self::Sql => "For the SQL editor",
            Self::Setting => "Setting",
            Self::Command => "Command",
        }
    }
}
