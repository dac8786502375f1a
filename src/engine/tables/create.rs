//! Making a table: the statements that it takes here, and running them one after the other.

use crate::engine::{Actor, Engine};
use crate::model::{DdlKind, DdlStatement, EdgeError, NewTable};
use crate::workspace::{Statement, Workspace, WorkspaceError};

/// A statement and what became of it.
#[derive(Clone, Debug)]
pub struct StatementOutcome {
    /// The statement.
    pub statement: DdlStatement,
    /// What became of it.
    pub state: StatementState,
}

/// What became of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementState {
    /// The workspace did it.
    Done,
    /// The workspace refused it; nothing of it was done. What it said.
    Failed(String),
    /// Whether it was done is not known. Why.
    Unknown(String),
    /// It was not sent, because one before it that it needs was not done.
    NotRun,
}

impl Engine {
    /// The statements that make the table and let the app's principal write to it. A catalog or schema that is not there, or
    /// that the principal cannot see, is made as well unless it exists.
    pub async fn table_statements(&self, new: &NewTable) -> Vec<DdlStatement> {
        let (make_catalog, make_schema) = match self.workspace().schemas(new.name.catalog()).await {
            Ok(schemas) => {
                (false, !schemas.more && schemas.items.iter().all(|schema| schema.name != new.name.schema()))
            }
            Err(WorkspaceError::NotFound(_)) => (true, true),
            Err(_) => (false, false),
        };
        new.statements(&self.workspace().badge().principal, make_catalog, make_schema)
    }

    /// Runs statements in order in the name of `actor`. After one that makes something and was not done, the rest is left out; a grant that was
    /// refused keeps nothing else from being done.
    ///
    /// # Errors
    /// `USER_TOKEN_REQUIRED`; nothing was run then.
    pub async fn run_statements(
        &self,
        statements: Vec<DdlStatement>,
        actor: &Actor,
    ) -> Result<Vec<StatementOutcome>, EdgeError> {
        let workspace = self.workspace_of(actor)?;
        let mut outcomes: Vec<StatementOutcome> = Vec::new();
        let mut stopped = false;
        for statement in statements {
            let state = if stopped { StatementState::NotRun } else { run(&workspace, &statement).await };
            stopped |= state != StatementState::Done && statement.kind == DdlKind::Create;
            if state != StatementState::NotRun {
                let first_line = statement.text.lines().next().unwrap_or_default();
                tracing::info!(statement = first_line, ?state, "a statement of a new table");
            }
            outcomes.push(StatementOutcome { statement, state });
        }
        Ok(outcomes)
    }
}

async fn run(workspace: &Workspace, statement: &DdlStatement) -> StatementState {
    match workspace.execute(&Statement::new(statement.text.clone())).await {
        Ok(_) => StatementState::Done,
        Err(error) if error.may_have_happened() => StatementState::Unknown(error.to_string()),
        Err(error) => StatementState::Failed(error.to_string()),
    }
}
