//! A submission on its way: validate, enrich, write, find it again in the table. A comparison on its way: the records of a plan
//! through each of its writers, measured.
//!
//! Knows the workspace, the writers and the doctor; nothing of HTTP or pages. Every submission and every comparison is a task of its own that
//! outlives the request that began it; what is known of it is one snapshot on a watch channel.

mod actor;
mod comparison;
mod delivered;
mod enrich;
pub mod export;
mod history;
mod journey;
mod metrics;
pub mod plan_file;
mod probe;
mod registry;
mod reports;
mod rows;
pub mod run;
mod submit;
pub mod tables;
mod uploads;

use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use actor::{Actor, SqlPrincipal};
pub use comparison::ReportSink;
pub use delivered::went_through_zerobus;
pub use history::{History, HistoryError};
pub use metrics::{Metrics, OpenStream};
pub use probe::{ProbeCheck, ProbeReport};
pub use submit::Origin;
pub use uploads::{Arriving, HeldUpload, UploadError, UploadLimits, Uploads};

use crate::doctor::{Desk, Surroundings};
use crate::model::{EdgeError, TableInfo, TableName, WorkbenchInfo, WriterCard, WriterKind};
use crate::workspace::{Workspace, WorkspaceError};
use crate::writer::{Writer, WriterRegistry};

/// Submissions under way at the same time; one more is refused with `RESOURCE_EXHAUSTED`.
const MOST_RUNNING: usize = 64;

/// Runs submissions and comparisons and remembers the latest of them.
pub struct Engine {
    workspace: Arc<Workspace>,
    writers: WriterRegistry,
    submissions: Mutex<registry::Submissions>,
    places: Arc<Semaphore>,
    comparisons: Mutex<comparison::Comparisons>,
    comparison_places: Arc<Semaphore>,
    report_sink: Option<Arc<dyn ReportSink>>,
    history: Option<History>,
    uploads: Option<Uploads>,
    metrics: Metrics,
    doctor: Desk,
    /// The program ends: comparisons stop.
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Engine {
    /// An engine for one workspace; connects to nothing yet.
    pub fn new(workspace: Arc<Workspace>) -> Self {
        Self {
            writers: WriterRegistry::new(&workspace),
            doctor: Desk::new(workspace.config().clone(), Surroundings::default()),
            workspace,
            submissions: Mutex::default(),
            places: Arc::new(Semaphore::new(MOST_RUNNING)),
            comparisons: Mutex::default(),
            comparison_places: Arc::new(Semaphore::new(comparison::MOST_RUNNING)),
            report_sink: None,
            history: None,
            uploads: None,
            metrics: Metrics::new(),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// The same engine, whose doctor knows what the program was told.
    #[must_use]
    pub fn with_surroundings(mut self, surroundings: Surroundings) -> Self {
        self.doctor = self.doctor.in_surroundings(surroundings);
        self
    }

    /// Where examinations of the workspace are asked for.
    pub fn doctor(&self) -> &Desk {
        &self.doctor
    }

    /// The workspace everything is written to.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The same, to keep.
    pub fn workspace_handle(&self) -> Arc<Workspace> {
        self.workspace.clone()
    }

    /// What is counted over all submissions and runs.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Every writer and its state.
    pub fn writer_cards(&self) -> Vec<WriterCard> {
        self.writers.cards()
    }

    /// What the workbench needs to begin.
    pub async fn workbench_info(&self) -> WorkbenchInfo {
        let (tables, problem) = match self.workspace.tables().await {
            Ok(tables) => (tables, None),
            Err(error) => (Vec::new(), Some(self.workspace_problem(&error, "The tables could not be listed"))),
        };
        WorkbenchInfo { workspace: self.workspace.badge(), writers: self.writer_cards(), tables, asked: None, problem }
    }

    /// Adds a table to what the workbench knows, wherever in the workspace it is, as the one that was asked for. A workspace that
    /// was silent a moment ago is not asked: that is said already.
    ///
    /// # Errors
    /// Why it cannot be written to; then nothing is added.
    pub async fn add_table(&self, info: &mut WorkbenchInfo, name: &TableName) -> Result<(), EdgeError> {
        // Who may not list the usual schema may still write to this table.
        let answers =
            |problem: &EdgeError| matches!(problem.error_code.as_str(), "PERMISSION_DENIED" | "TABLE_DOES_NOT_EXIST");
        if info.problem.as_ref().is_some_and(|problem| !answers(problem)) {
            return Ok(());
        }
        if !info.tables.iter().any(|table| table.name == *name) {
            info.tables.push(self.table_of(name).await?);
            info.problem = None;
        }
        info.asked = Some(name.clone());
        Ok(())
    }

    /// Stops the comparisons, waits until nothing is under way, then closes the writers. Returns how many submissions and
    /// comparisons were still running when `patience` was over.
    pub async fn drain(&self, patience: std::time::Duration) -> usize {
        self.shutdown.cancel();
        self.tasks.close();
        let in_time = tokio::time::timeout(patience, self.tasks.wait()).await.is_ok();
        self.writers.close().await;
        if in_time { 0 } else { self.tasks.len() }
    }

    /// The writer of that kind, or why it cannot be used.
    fn writer(&self, kind: WriterKind) -> Result<Arc<dyn Writer>, EdgeError> {
        self.writers.get(kind).map_err(|unavailable| {
            let message = format!("{} Nothing was written. {}", unavailable.reason, unavailable.remedy);
            EdgeError::new("NOT_CONFIGURED", message)
        })
    }

    /// The table of that name, or why nothing can be written to it.
    async fn table_of(&self, name: &TableName) -> Result<TableInfo, EdgeError> {
        self.workspace.table(name).await.map_err(|error| match error {
            WorkspaceError::NotFound(_) => EdgeError::new(
                "TABLE_DOES_NOT_EXIST",
                format!("There is no table {name}. Nothing was written. Create it or choose another."),
            ),
            error => self.workspace_problem(&error, &format!("Table {name} could not be looked up")),
        })
    }

    /// An error of the workspace for people: what failed, what was kept, what to do next.
    fn workspace_problem(&self, error: &WorkspaceError, what_failed: &str) -> EdgeError {
        let (code, next) = match error {
            WorkspaceError::NotConfigured { .. } => ("NOT_CONFIGURED", "Set it and start again."),
            WorkspaceError::Unreachable { .. } => ("UNAVAILABLE", "Start the workspace or check its address."),
            WorkspaceError::Timeout { .. } => ("DEADLINE_EXCEEDED", "Try again."),
            WorkspaceError::Busy { .. } => ("TEMPORARILY_UNAVAILABLE", "Try again in a little while."),
            WorkspaceError::Unauthenticated(_) => (
                "UNAUTHENTICATED",
                "Check DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET; sign in again if it was your own token.",
            ),
            WorkspaceError::PermissionDenied(_) => ("PERMISSION_DENIED", "Grant the privilege to the principal."),
            WorkspaceError::NotFound(_) => ("TABLE_DOES_NOT_EXIST", "Create the table or choose another."),
            WorkspaceError::StatementFailed { message, .. } if message.contains("TABLE_OR_VIEW_NOT_FOUND") => {
                ("TABLE_DOES_NOT_EXIST", "Create the table or choose another.")
            }
            _ => ("WORKSPACE_ERROR", "Look at the workspace's own message."),
        };
        EdgeError::new(code, format!("{what_failed}: {error}. Nothing was written. {next}"))
    }
}
