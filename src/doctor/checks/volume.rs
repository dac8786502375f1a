//! The volume that `copy-into` puts files into.

use std::sync::Arc;

use bytes::Bytes;

use super::super::finding::{Finding, sentence, trouble};
use super::super::{Patient, Room, names};
use super::{Early, grants};
use crate::model::TableName;
use crate::workspace::{VolumePath, WorkspaceError};

/// Lists the volume, and asks whether it may be written.
pub(super) async fn volume(room: &Room<'_>) -> Early {
    let patient = room.patient()?;
    let Some(volume) = &patient.config().write_volume else {
        let (catalog, schema) = (patient.table.catalog(), patient.table.schema());
        let paste = format!("DIRECT_WRITE_VOLUME={catalog}.{schema}.landing");
        let meaning = "Only the writer copy-into needs a volume.";
        return Ok(Finding::skipped("DIRECT_WRITE_VOLUME is not set.", meaning)
            .setting("To use copy-into, name a volume and start again.", paste));
    };
    match patient.workspace.list_folder(&VolumePath::of(volume)).await {
        Ok(_) => {}
        Err(WorkspaceError::NotFound(said)) => return Err(not_there(patient, volume, &said)),
        Err(error @ WorkspaceError::PermissionDenied(_)) => {
            return Err(lacks(patient, volume, &sentence(&error)).await);
        }
        Err(error) => return Err(trouble(&error, "whether the volume is there")),
    }
    // Who may not ask for grants may still have them; a file that is written shows.
    if grants::missing_on_volume(patient, volume).await.is_ok_and(|missing| !missing.is_empty()) {
        let found = format!("{} may list {volume}, and not write into it.", patient.principal());
        return Err(lacks(patient, volume, &found).await);
    }
    let found = format!("{volume} can be listed, and may be written.");
    Ok(Finding::passed(found, "The writer copy-into can put files there."))
}

fn not_there(patient: &Patient, volume: &TableName, said: &str) -> Finding {
    let paste = [
        format!("CREATE VOLUME {};", names::full(volume)),
        names::grant("READ VOLUME, WRITE VOLUME", "VOLUME", &names::full(volume), patient.principal()),
    ];
    let found = format!("There is no volume {volume} ({}).", said.split(". ").next().unwrap_or_default());
    Finding::failed(found, "The writer copy-into has nowhere to put its files.")
        .sql("Make it, or correct DIRECT_WRITE_VOLUME.", paste.join("\n"))
}

async fn lacks(patient: &Patient, volume: &TableName, found: &str) -> Finding {
    let paste = match grants::missing_on_volume(patient, volume).await {
        Ok(missing) if !missing.is_empty() => grants::statements(&missing, patient.principal()),
        _ => names::grant("READ VOLUME, WRITE VOLUME", "VOLUME", &names::full(volume), patient.principal()),
    };
    Finding::failed(found, "The writer copy-into writes files there and removes them when they are loaded.")
        .sql("Let the volume's owner run this.", paste)
}

/// Writes an empty file and removes it; only when that was asked for.
pub(super) async fn write(room: &Room<'_>) -> Early {
    let patient = room.patient()?;
    if !room.examination.writes {
        let meaning = "It writes an empty file into the volume and removes it again.";
        return Ok(Finding::skipped("Not asked for.", meaning)
            .command("Ask for it where a file may be written.", "direct-write doctor --writes"));
    }
    let Some(volume) = &patient.config().write_volume else {
        return Ok(Finding::skipped("DIRECT_WRITE_VOLUME is not set.", "Only the writer copy-into needs a volume."));
    };
    let file = VolumePath::of(volume).join(&format!("direct-write-doctor-{}", uuid::Uuid::now_v7()));
    match patient.workspace.put_file(&file, Bytes::new(), Arc::new(|| ())).await {
        Ok(()) => {}
        Err(error @ WorkspaceError::PermissionDenied(_)) => {
            return Err(lacks(patient, volume, &sentence(&error)).await);
        }
        Err(error) => return Err(trouble(&error, "whether files can be written")),
    }
    if let Err(error) = patient.workspace.delete_file(&file).await {
        let found = format!("{file} was written, and not removed again: {error}.");
        let paste = names::grant("WRITE VOLUME", "VOLUME", &names::full(volume), patient.principal());
        return Err(Finding::failed(found, "The writer copy-into would leave its files behind.")
            .sql("Let the volume's owner run this, and remove the file.", paste));
    }
    Ok(Finding::passed(
        format!("An empty file was written into {volume} and removed."),
        "The writer copy-into can put files there.",
    ))
}
