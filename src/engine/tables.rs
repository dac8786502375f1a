//! Looking around in the workspace - catalogs, schemas, tables, and all there is to say about one of them - and making a table.
//!
//! Whatever cannot be read is an error in its place, and the rest is there.

mod create;
mod view;

use std::time::Duration;

pub use create::{StatementOutcome, StatementState};
pub use view::{ColumnView, LatestRows, TableView};

use super::{Actor, Engine};
use crate::model::{EdgeError, TableName};
use crate::workspace::{Container, Listed, TableEntry, WorkspaceError};

/// Rows of a table that are shown.
const ROWS: u32 = 20;
/// How long they are waited for: a warehouse that has to start takes longer, and the page should not.
const ROWS_PATIENCE: Duration = Duration::from_secs(8);

/// Where somebody looks; what is empty is not chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The catalog.
    pub catalog: String,
    /// The schema in it.
    pub schema: String,
    /// The table in that.
    pub table: String,
}

impl Place {
    /// The table, when all three parts are chosen.
    ///
    /// # Errors
    /// Why the text is no table's name, a sentence.
    pub fn table_name(&self) -> Option<Result<TableName, EdgeError>> {
        let Self { catalog, schema, table } = self;
        if catalog.is_empty() || schema.is_empty() || table.is_empty() {
            return None;
        }
        let name = TableName::parse(&format!("{catalog}.{schema}.{table}"));
        Some(name.map_err(|error| {
            EdgeError::new("INVALID_PARAMETER_VALUE", format!("{error}. Zerobus takes ASCII names only."))
        }))
    }
}

/// What there is to see at a place.
#[derive(Debug)]
pub struct Surroundings {
    /// Catalogs.
    pub catalogs: Result<Listed<Container>, EdgeError>,
    /// Schemas of the chosen catalog.
    pub schemas: Option<Result<Listed<Container>, EdgeError>>,
    /// Tables of the chosen schema.
    pub tables: Option<Result<Listed<TableEntry>, EdgeError>>,
    /// The chosen table.
    pub table: Option<Result<TableView, EdgeError>>,
}

impl Engine {
    /// Looks around; everything is asked for at once. The rows are read in the name of `actor`, the rest as the app.
    pub async fn look_around(&self, place: &Place, actor: impl Into<Actor>) -> Surroundings {
        let actor = actor.into();
        let workspace = self.workspace();
        let Place { catalog, schema, .. } = place;
        let catalogs = async {
            let listed = workspace.catalogs().await;
            listed.map_err(|error| self.unseen(&error, "The catalogs could not be listed"))
        };
        let schemas = async {
            if catalog.is_empty() {
                return None;
            }
            let listed = workspace.schemas(catalog).await;
            Some(listed.map_err(|error| self.unseen(&error, &format!("The schemas of {catalog} could not be listed"))))
        };
        let tables = async {
            if catalog.is_empty() || schema.is_empty() {
                return None;
            }
            let listed = workspace.tables_of(catalog, schema).await;
            let what = || format!("The tables of {catalog}.{schema} could not be listed");
            Some(listed.map_err(|error| self.unseen(&error, &what())))
        };
        let table = async {
            match place.table_name()? {
                Ok(name) => Some(self.view(&name, actor).await),
                Err(error) => Some(Err(error)),
            }
        };
        let (catalogs, schemas, tables, table) = tokio::join!(catalogs, schemas, tables, table);
        Surroundings { catalogs, schemas, tables, table }
    }

    /// Why something could not be looked at; nothing was to be written.
    fn unseen(&self, error: &WorkspaceError, what_failed: &str) -> EdgeError {
        let EdgeError { error_code, message, .. } = self.workspace_problem(error, what_failed);
        let next = match error {
            WorkspaceError::NotFound(_) => "Choose another.",
            _ => message.rsplit_once("Nothing was written. ").map_or("", |(_, next)| next),
        };
        let said = error.to_string();
        EdgeError::new(&error_code, format!("{what_failed}: {}. {next}", said.trim_end_matches('.')))
    }
}
