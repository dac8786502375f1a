//! Whether the principal has what Zerobus asks for: SELECT and MODIFY by name on the table itself, and the way to it.

use super::super::finding::{Finding, trouble};
use super::super::names;
use super::super::{Patient, Room};
use super::Early;
use crate::model::TableName;
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

/// What writing to the table through Zerobus lacks, the catalog first.
///
/// # Errors
/// Whatever the workspace answers, if it does not tell.
pub(super) async fn missing(patient: &Patient) -> Result<Vec<Missing>, WorkspaceError> {
    let table = &patient.table;
    let mut missing = missing_on_the_way(patient, table).await?;
    let granted = patient.workspace.granted("table", &table.to_string(), patient.principal()).await?;
    let mut privileges = vec!["MODIFY", "SELECT"];
    privileges.retain(|privilege| !has(&granted, privilege));
    if !privileges.is_empty() {
        missing.push(Missing { privileges, kind: "TABLE", on: names::full(table) });
    }
    Ok(missing)
}

/// What putting files into the volume lacks, the catalog first.
///
/// # Errors
/// As [`missing`].
pub(super) async fn missing_on_volume(patient: &Patient, volume: &TableName) -> Result<Vec<Missing>, WorkspaceError> {
    let mut missing = missing_on_the_way(patient, volume).await?;
    if patient.workspace.owner("volumes", volume).await.is_ok_and(|owner| owner == patient.principal()) {
        return Ok(missing);
    }
    let granted = patient.workspace.effective("volume", &volume.to_string(), patient.principal()).await?;
    let mut privileges = vec!["READ VOLUME", "WRITE VOLUME"];
    privileges.retain(|privilege| !has(&granted, privilege) && !has(&granted, ALL));
    if !privileges.is_empty() {
        missing.push(Missing { privileges, kind: "VOLUME", on: names::full(volume) });
    }
    Ok(missing)
}

/// USE CATALOG and USE SCHEMA, granted there or further up.
async fn missing_on_the_way(patient: &Patient, to: &TableName) -> Result<Vec<Missing>, WorkspaceError> {
    let (workspace, principal) = (&patient.workspace, patient.principal());
    let on_catalog = workspace.effective("catalog", to.catalog(), principal).await?;
    let on_schema = workspace.effective("schema", &format!("{}.{}", to.catalog(), to.schema()), principal).await?;
    let mut missing = Vec::new();
    if !has(&on_catalog, "USE CATALOG") && !has(&on_catalog, ALL) {
        let on = names::part(to.catalog());
        missing.push(Missing { privileges: vec!["USE CATALOG"], kind: "CATALOG", on });
    }
    if !has(&on_schema, "USE SCHEMA") && !has(&on_schema, ALL) {
        missing.push(Missing { privileges: vec!["USE SCHEMA"], kind: "SCHEMA", on: names::schema(to) });
    }
    Ok(missing)
}

fn has(granted: &[String], privilege: &str) -> bool {
    granted.iter().any(|one| one == privilege)
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
            return Ok(Finding::warned(format!("The grants were not told ({said})."), meaning).sql(
                "Should a check below fail, let the owner run this.",
                names::all_grants(&patient.table, principal),
            ));
        }
        Err(error) => return Err(trouble(&error, "which grants there are")),
    };
    if missing.is_empty() {
        let found =
            format!("{principal} has USE CATALOG, USE SCHEMA, and MODIFY and SELECT on {} itself.", patient.table);
        return Ok(Finding::passed(found, "All that Zerobus asks for is granted."));
    }
    let lacks: Vec<String> = missing.iter().map(Missing::words).collect();
    let paste = statements(&missing, principal);
    if missing.iter().all(|one| one.kind != "TABLE") {
        // The table can be seen: whoever owns the schema or the catalog reaches it without a grant.
        let meaning =
            "The table can be seen all the same, as by an owner. The stream below shows whether Zerobus minds.";
        return Ok(Finding::warned(format!("{principal} was not granted {}.", lacks.join(", ")), meaning)
            .sql("If the stream is refused, let the owner run this.", paste));
    }
    let meaning = "Zerobus counts MODIFY and SELECT only where they are granted by name on the table itself: neither ALL \
                   PRIVILEGES nor what comes from the schema or the catalog stands in (Error Code 4024).";
    Err(Finding::failed(format!("{principal} lacks {}.", lacks.join(", ")), meaning)
        .sql("Let the owner run this.", paste))
}
