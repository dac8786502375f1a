//! Asking the table itself: its latest rows, and whether records are visible.

use std::time::Duration;

use tokio::time::Instant;

use super::{Actor, Engine};
use crate::model::{EdgeError, RowsPage, TableInfo, TableName};
use crate::workspace::{Statement, Workspace, WorkspaceError};

/// Visible takes about five seconds on a workspace; after this long it is no longer waited for.
const PATIENCE: Duration = Duration::from_secs(30);
const FIRST_LOOK: Duration = Duration::from_millis(20);
const SLOWEST_LOOK: Duration = Duration::from_secs(1);

/// Columns that tell when a row was written, best first.
const TIME_COLUMNS: [&str; 3] = ["processed_at", "event_time", "sent_at"];

impl Engine {
    /// The latest rows of a table, newest first where a column tells.
    ///
    /// # Errors
    /// `USER_TOKEN_REQUIRED`, or what the workspace answers, for people.
    pub async fn latest_rows(
        &self,
        table: &TableName,
        limit: u32,
        actor: impl Into<Actor>,
    ) -> Result<RowsPage, EdgeError> {
        let workspace = self.workspace_of(&actor.into())?;
        let read = read_latest(&workspace, table, limit).await;
        read.map_err(|error| self.workspace_problem(&error, &format!("The rows of {table} could not be read")))
    }
}

async fn read_latest(workspace: &Workspace, table: &TableName, limit: u32) -> Result<RowsPage, WorkspaceError> {
    let info = workspace.table(table).await?;
    let order = TIME_COLUMNS.iter().find(|name| info.column(name).is_some());
    let order = order.map(|name| format!(" ORDER BY `{name}` DESC")).unwrap_or_default();
    let quoted = table.quoted();
    let rows = Statement::new(format!("SELECT * FROM {quoted}{order} LIMIT {limit}"));
    let count = Statement::new(format!("SELECT count(*) FROM {quoted}"));
    let (rows, count) = tokio::try_join!(workspace.execute(&rows), workspace.execute(&count))?;
    Ok(RowsPage { columns: rows.columns, rows: rows.rows, total: first_number(&count.rows)? })
}

/// Why the visible stop was not reached.
pub(super) enum NotVisible {
    /// The table or the workspace offers no way to look.
    CannotLook(String),
    /// It was looked for and not all of it was found.
    NotFound { found: u64 },
}

/// Looks until a SELECT returns all `record_ids`, which bounds the moment from above by one query's time.
pub(super) async fn wait_until_visible(
    workspace: &Workspace,
    table: &TableInfo,
    record_ids: &[String],
) -> Result<(), NotVisible> {
    if table.column("record_id").is_none() {
        return Err(NotVisible::CannotLook(format!("{} has no column record_id to look for", table.name)));
    }
    let deadline = Instant::now() + PATIENCE;
    let mut pause = FIRST_LOOK;
    loop {
        let looked = count_visible(workspace, table, record_ids).await;
        match looked {
            Ok(found) if found >= record_ids.len() as u64 => return Ok(()),
            Ok(found) if Instant::now() >= deadline => return Err(NotVisible::NotFound { found }),
            Err(error) if !error.is_retryable() || Instant::now() >= deadline => {
                return Err(NotVisible::CannotLook(error.to_string()));
            }
            Ok(_) | Err(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(SLOWEST_LOOK);
            }
        }
    }
}

/// How many of the records a SELECT returns now; a record that is there twice counts once.
pub(super) async fn count_visible(
    workspace: &Workspace,
    table: &TableInfo,
    record_ids: &[String],
) -> Result<u64, WorkspaceError> {
    let mut statement = Statement::default();
    let markers: Vec<String> = record_ids.iter().map(|id| statement.bind(Some(id.clone()), "STRING")).collect();
    let quoted = table.name.quoted();
    let markers = markers.join(", ");
    statement.text = format!("SELECT count(DISTINCT record_id) FROM {quoted} WHERE record_id IN ({markers})");
    first_number(&workspace.execute(&statement).await?.rows)
}

fn first_number(rows: &[Vec<Option<String>>]) -> Result<u64, WorkspaceError> {
    let text = rows.first().and_then(|row| row.first()?.as_deref());
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or_else(|| WorkspaceError::Protocol(format!("a count came back as {text:?}")))
}
