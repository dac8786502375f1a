//! All there is to say about one table: what the catalog has of it, what Zerobus makes of it, what it holds.

use super::{ROWS, ROWS_PATIENCE};
use crate::engine::{Actor, Engine};
use crate::model::{Column, DdlStatement, EdgeError, RowsPage, TableName, grants};
use crate::workspace::{Grant, TableDetail};
use crate::writer::{Carried, carried};

/// Zerobus takes no more columns.
const MOST_COLUMNS: usize = 2000;

/// A table.
#[derive(Debug)]
pub struct TableView {
    /// What the catalog says.
    pub detail: TableDetail,
    /// Its columns.
    pub columns: Vec<ColumnView>,
    /// Why Zerobus does not take it; empty when it does.
    pub obstacles: Vec<String>,
    /// What the principal may do with it.
    pub grants: Result<Vec<Grant>, EdgeError>,
    /// Statements that grant what the principal lacks to write to it, as far as the grants could be read.
    pub missing: Vec<DdlStatement>,
    /// Its latest rows.
    pub rows: LatestRows,
}

/// A column.
#[derive(Clone, Debug)]
pub struct ColumnView {
    /// As the catalog has it.
    pub column: Column,
    /// Its comment, empty without one.
    pub comment: String,
    /// How Zerobus carries it.
    pub carried: Carried,
}

/// The latest rows, or why they are not there.
#[derive(Debug)]
pub enum LatestRows {
    /// There they are.
    Read(RowsPage),
    /// They could not be read.
    Problem(EdgeError),
    /// The warehouse has not answered yet; it may be starting.
    Late,
}

impl Engine {
    pub(super) async fn view(&self, name: &TableName, actor: Actor) -> Result<TableView, EdgeError> {
        let workspace = self.workspace();
        let detail = workspace.table_detail(name);
        let rows = tokio::time::timeout(ROWS_PATIENCE, self.latest_rows(name, ROWS, actor));
        let (detail, grants, rows) = tokio::join!(detail, workspace.grants_on(name), rows);
        let detail = detail.map_err(|error| self.unseen(&error, &format!("Table {name} could not be read")))?;
        let rows = match rows {
            Ok(Ok(page)) => LatestRows::Read(page),
            Ok(Err(error)) => LatestRows::Problem(error),
            Err(_elapsed) => LatestRows::Late,
        };
        let grants = grants.map_err(|error| self.unseen(&error, "The grants could not be read"));
        let missing = match &grants {
            Ok(grants) => missing(name, &workspace.badge().principal, grants),
            Err(_) => Vec::new(),
        };
        let columns = detail.info.columns.iter().map(|column| ColumnView {
            comment: detail.column_comments.get(&column.name).cloned().unwrap_or_default(),
            carried: carried(&detail.info, column),
            column: column.clone(),
        });
        Ok(TableView { columns: columns.collect(), obstacles: obstacles(&detail), grants, missing, rows, detail })
    }
}

/// Why Zerobus does not take a table.
fn obstacles(detail: &TableDetail) -> Vec<String> {
    let mut obstacles = Vec::new();
    if !detail.table_type.is_empty() && detail.table_type != "MANAGED" {
        let what = detail.table_type.to_ascii_lowercase().replace('_', " ");
        obstacles.push(format!("It is of type {what}; Zerobus writes to managed Delta tables only."));
    }
    if !detail.format.is_empty() && detail.format != "DELTA" {
        obstacles.push(format!("Its files are {}; Zerobus writes to Delta tables only.", detail.format));
    }
    if detail.info.columns.len() > MOST_COLUMNS {
        let count = detail.info.columns.len();
        obstacles.push(format!("It has {count} columns; Zerobus takes at most {MOST_COLUMNS}."));
    }
    let strange = detail.info.columns.iter().find(|column| !column.name.is_ascii());
    if let Some(column) = strange {
        obstacles.push(format!(
            "The column '{}' has a name with letters beyond ASCII, which Zerobus does not take.",
            column.name
        ));
    }
    obstacles
}

/// What is lacking: SELECT and MODIFY by name on the table itself, and the use of what holds it from anywhere.
fn missing(name: &TableName, principal: &str, grants_found: &[Grant]) -> Vec<DdlStatement> {
    let on_table =
        |wanted: &str| grants_found.iter().any(|grant| grant.privilege == wanted && grant.inherited_from.is_none());
    let anywhere = |wanted: &str| {
        grants_found.iter().any(|grant| grant.privilege == wanted || grant.privilege == "ALL PRIVILEGES")
    };
    let is_there = [on_table("SELECT") && on_table("MODIFY"), anywhere("USE SCHEMA"), anywhere("USE CATALOG")];
    grants(name, principal)
        .into_iter()
        .zip(is_there)
        .filter(|(_, there)| !there)
        .map(|(statement, _)| statement)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_that_are_inherited_do_not_open_a_table_to_zerobus() {
        let name = TableName::parse("main.s.t").unwrap();
        let grant = |privilege: &str, from: Option<&str>| Grant {
            privilege: privilege.to_owned(),
            inherited_from: from.map(str::to_owned),
        };
        let inherited = [
            grant("SELECT", Some("SCHEMA main.s")),
            grant("MODIFY", None),
            grant("USE SCHEMA", Some("CATALOG main")),
            grant("USE CATALOG", Some("CATALOG main")),
        ];
        let lacking = missing(&name, "me", &inherited);
        assert_eq!(lacking.len(), 1);
        assert_eq!(lacking[0].text, "GRANT SELECT, MODIFY ON TABLE `main`.`s`.`t` TO `me`");
        let whole = [grant("SELECT", None), grant("MODIFY", None), grant("ALL PRIVILEGES", Some("CATALOG main"))];
        assert_eq!(missing(&name, "me", &whole), []);
        assert_eq!(missing(&name, "me", &[]).len(), 3);
    }
}
