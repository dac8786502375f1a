//! The SQL warehouse: whether it is there, runs, and inserts into the table.

use tokio::time::Instant;

use super::super::finding::{Finding, sentence, trouble};
use super::super::names;
use super::super::{Patient, Room};
use super::Early;
use crate::workspace::{Workspace, WorkspaceError};

/// Looks the warehouse up and runs a statement that reads nothing; one that is stopped begins to start by that.
pub(super) async fn warehouse(room: &Room<'_>) -> Early {
    let patient = room.patient()?;
    let workspace = &patient.workspace;
    let Ok(id) = workspace.warehouse_id() else {
        let meaning = "The writers sql and copy-into cannot be used, and when rows become visible is not measured.";
        let finding = Finding::failed("DATABRICKS_WAREHOUSE_ID is not set.", meaning);
        return Err(finding.setting("Name a warehouse and start again.", setting(workspace).await));
    };
    let facts = match workspace.warehouse(id).await {
        Ok(facts) => facts,
        Err(error) => return Err(not_there(patient, id, &error).await),
    };
    let name = if facts.name.is_empty() { id.to_owned() } else { format!("{} ({id})", facts.name) };
    if matches!(facts.state.as_str(), "DELETED" | "DELETING") {
        let finding = Finding::failed(format!("Warehouse {name} is {}.", facts.state), "No statement can run on it.");
        return Err(finding.setting("Name another and start again.", setting(workspace).await));
    }
    let began = Instant::now();
    let ran = workspace.attempt("SELECT 1").await;
    let took = began.elapsed().as_secs_f64();
    match ran {
        Ok(_) if facts.state == "RUNNING" || facts.state.is_empty() => Ok(Finding::passed(
            format!("Warehouse {name} is RUNNING and answered SELECT 1 in {:.0} ms.", took * 1000.0),
            "Statements start at once.",
        )),
        Ok(_) => Ok(Finding::warned(
            format!("Warehouse {name} was {} and answered SELECT 1 after {took:.1} s.", facts.state),
            "It is awake now. When it has slept, the first statement waits as long.",
        )
        .command("Wake it before a measurement.", start(id))),
        Err(WorkspaceError::Timeout { .. }) => Err(Finding::failed(
            format!("Warehouse {name} was {} and has not answered SELECT 1 after {took:.0} s.", facts.state),
            "It is still starting: statements wait until it runs, a classic warehouse some minutes.",
        )
        .command("Start it, then run the checks again.", start(id))),
        Err(error @ WorkspaceError::PermissionDenied(_)) => Err(denied(patient, id, &error)),
        Err(error) => Err(trouble(&error, "whether the warehouse runs statements")),
    }
}

fn start(id: &str) -> String {
    format!("databricks warehouses start {id}")
}

async fn not_there(patient: &Patient, id: &str, error: &WorkspaceError) -> Finding {
    match error {
        WorkspaceError::PermissionDenied(_) => denied(patient, id, error),
        WorkspaceError::NotFound(_) | WorkspaceError::Refused { .. } => {
            let meaning = "The id is misspelt, of another workspace, or the warehouse was deleted.";
            Finding::failed(format!("There is no warehouse {id}: {error}."), meaning)
                .setting("Name one that is there and start again.", setting(&patient.workspace).await)
        }
        error => trouble(error, "whether the warehouse is there"),
    }
}

fn denied(patient: &Patient, id: &str, error: &WorkspaceError) -> Finding {
    let principal = patient.principal();
    let list = format!(
        r#"{{"access_control_list": [{{"service_principal_name": "{principal}", "permission_level": "CAN_USE"}}]}}"#
    );
    Finding::failed(sentence(error), "The principal may not run statements on this warehouse.").command(
        "Let an administrator give it CAN_USE.",
        format!("databricks warehouses update-permissions {id} --json '{list}'"),
    )
}

/// The setting with a warehouse that is there, one that runs before others.
async fn setting(workspace: &Workspace) -> String {
    let mut there = workspace.warehouses().await.unwrap_or_default();
    there.retain(|one| !matches!(one.state.as_str(), "DELETED" | "DELETING"));
    there.sort_by_key(|one| one.state != "RUNNING");
    let id = there.first().map_or("<id of a SQL warehouse>", |one| one.id.as_str());
    format!("DATABRICKS_WAREHOUSE_ID={id}")
}

/// Lets the warehouse plan an INSERT that has no rows, and does not run it.
pub(super) async fn inserts(room: &Room<'_>) -> Early {
    let patient = room.patient()?;
    let table = names::full(&patient.table);
    let statement = format!("EXPLAIN INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0");
    let denied = |error: &WorkspaceError| {
        let paste = names::grant("MODIFY, SELECT", "TABLE", &table, patient.principal());
        Finding::failed(sentence(error), "The writers sql and copy-into cannot write to the table.")
            .sql("Let the table's owner run this.", paste)
    };
    match patient.workspace.attempt(&statement).await {
        Ok(_) => Ok(Finding::passed(
            format!("The warehouse planned an INSERT into {}; it was not run.", patient.table),
            "The writers sql and copy-into may write to the table.",
        )),
        Err(error @ WorkspaceError::PermissionDenied(_)) => Err(denied(&error)),
        Err(WorkspaceError::StatementFailed { code, message }) => {
            let is_grant = ["PERMISSION", "INSUFFICIENT", "does not have"].iter().any(|word| message.contains(word));
            let error = WorkspaceError::StatementFailed { code, message };
            if is_grant {
                return Err(denied(&error));
            }
            Err(Finding::failed(sentence(&error), "The warehouse does not take inserts into this table.")
                .sql("See what it says of the table.", format!("DESCRIBE TABLE EXTENDED {table};")))
        }
        Err(error) => Err(trouble(&error, "whether the warehouse takes inserts")),
    }
}
