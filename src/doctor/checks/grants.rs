//! Whether the principal has what Zerobus asks for: SELECT and MODIFY by name on the table itself, and the way to it.

use super::super::finding::{Finding, trouble};
use super::super::names;
use super::super::{Patient, Room};
use super::Early;
use crate::workspace::WorkspaceError;

const ALL: &str = "ALL PRIVILEGES";

/// A privilege that is missing, and on what.
pub(super) struct Missing {
    privileges: Vec<&'static str>,
    kind: &'static str,
    on: String,
}

impl Missing {
    fn statement(&self, principal: &str) -> String {
        names::grant(&self.privileges.join(", "), self.kind, &self.on, principal)
    }

    fn words(&self) -> String {
        format!("{} on {} {}", self.privileges.join(" and "), self.kind.to_lowercase(), self.on)
    }
}

/// The statements that would give it, one a line.
pub(super) fn statements(missing: &[Missing], principal: &str) -> String {
    missing.iter().map(|one| one.statement(principal)).collect::<Vec<_>>().join("\n")
}

/// What is missing, the catalog first.
///
/// # Errors
/// Whatever the workspace answers, if it does not tell.
pub(super) async fn missing(patient: &Patient) -> Result<Vec<Missing>, WorkspaceError> {
    let (workspace, table, principal) = (&patient.workspace, &patient.table, patient.principal());
    let full_schema = format!("{}.{}", table.catalog(), table.schema());
    let on_catalog = workspace.effective("catalog", table.catalog(), principal).await?;
    let on_schema = workspace.effective("schema", &full_schema, principal).await?;
    let on_table = workspace.granted("table", &table.to_string(), principal).await?;
    let has = |granted: &[String], privilege: &str| granted.iter().any(|one| one == privilege);
    let mut missing = Vec::new();
    if !has(&on_catalog, "USE CATALOG") && !has(&on_catalog, ALL) {
        let on = names::part(table.catalog());
        missing.push(Missing { privileges: vec!["USE CATALOG"], kind: "CATALOG", on });
    }
    if !has(&on_schema, "USE SCHEMA") && !has(&on_schema, ALL) {
        missing.push(Missing { privileges: vec!["USE SCHEMA"], kind: "SCHEMA", on: names::schema(table) });
    }
    let mut privileges = vec!["MODIFY", "SELECT"];
    privileges.retain(|privilege| !has(&on_table, privilege));
    if !privileges.is_empty() {
        missing.push(Missing { privileges, kind: "TABLE", on: names::full(table) });
    }
    Ok(missing)
}

/// Compares what was granted with what Zerobus asks for.
pub(super) async fn grants(room: &Room<'_>) -> Early {
    let patient = room.patient()?;
    let principal = patient.principal();
    let missing = match missing(patient).await {
        Ok(missing) => missing,
        // Who may not ask for grants may still have them: the stream will show.
        Err(WorkspaceError::PermissionDenied(said)) => {
            let meaning = "The principal may not look at its own grants. The checks of the stream and of SQL show whether they suffice.";
            return Ok(Finding::warned(format!("The grants were not told ({said})."), meaning)
                .sql("Should a check below fail, let the owner run this.", names::all_grants(&patient.table, principal)));
        }
        Err(error) => return Err(trouble(&error, "which grants there are")),
    };
    if missing.is_empty() {
        let found = format!("{principal} has USE CATALOG, USE SCHEMA, and MODIFY and SELECT on {} itself.", patient.table);
        return Ok(Finding::passed(found, "All that Zerobus asks for is granted."));
    }
    let lacks: Vec<String> = missing.iter().map(Missing::words).collect();
    let meaning = "Zerobus counts MODIFY and SELECT only where they are granted by name on the table itself: neither ALL \
                   PRIVILEGES nor what comes from the schema or the catalog stands in (Error Code 4024).";
    Err(Finding::failed(format!("{principal} lacks {}.", lacks.join(", ")), meaning)
        .sql("Let the owner run this.", statements(&missing, principal)))
}
