//! Whether the principal gets a token, and who it is.

use reqwest::Url;

use super::super::finding::{Finding, sentence, trouble};
use super::super::proxies::is_loopback;
use super::super::{Patient, Room};
use super::Early;
use crate::workspace::WorkspaceError;

/// Asks for a token, then who it stands for.
pub(super) async fn token(room: &Room<'_>) -> Early {
    let patient = room.patient()?;
    patient.workspace.probe_token().await.map_err(|error| no_token(patient, &error))?;
    match patient.workspace.principal().await {
        Ok(principal) => {
            if let Some(id) = principal.workspace_id {
                // Set once: this check is made once.
                let _ = room.workspace_id.set(id);
            }
            let name = match principal.display_name.as_str() {
                "" => principal.user_name,
                name => format!("{name} ({})", principal.user_name),
            };
            Ok(Finding::passed(format!("A token was issued to {name}."), "The workspace knows this principal."))
        }
        Err(WorkspaceError::Unauthenticated(said)) => {
            let meaning =
                "The token was issued and is refused at once: the clocks differ, or another server answers here.";
            Err(Finding::failed(format!("A token was issued and not taken ({said})."), meaning)
                .command("Set the clock and run the checks again.", "sudo timedatectl set-ntp true"))
        }
        Err(error @ (WorkspaceError::Busy { .. } | WorkspaceError::ServerError { .. })) => {
            Err(trouble(&error, "whom the token stands for"))
        }
        // It is the token that matters; not every principal may ask for its own name.
        Err(_) => Ok(Finding::passed(
            format!("A token was issued to {}.", patient.principal()),
            "The workspace knows this principal.",
        )),
    }
}

fn no_token(patient: &Patient, error: &WorkspaceError) -> Finding {
    let principal = patient.principal();
    let here = Url::parse(&patient.config().url).is_ok_and(|url| is_loopback(&url));
    match error {
        WorkspaceError::Unauthenticated(_) => {
            let finding = Finding::failed(
                sentence(error),
                "The client id is unknown there, or its secret is wrong, old or was deleted.",
            );
            if here {
                let words = "Take what the local lakehouse has given out.";
                return finding.command(words, "eval \"$(direct-write env)\"");
            }
            finding.setting(
                "Make a new secret (workspace settings, Identity and access, Service principals, Secrets) and start again.",
                format!("DATABRICKS_CLIENT_ID={principal}\nDATABRICKS_CLIENT_SECRET=<a new secret of {principal}>"),
            )
        }
        WorkspaceError::PermissionDenied(_) => Finding::failed(
            sentence(error),
            "The secret is right, but the principal is disabled or was not added to this workspace.",
        )
        .command(
            "Look at it: “active” must be true. An administrator adds or enables it under Identity and access.",
            format!("databricks service-principals list --filter 'applicationId eq \"{principal}\"'"),
        ),
        WorkspaceError::NotFound(_) | WorkspaceError::Refused { .. } | WorkspaceError::Protocol(_) => {
            Finding::failed(sentence(error), "Something answers at this address, but not as a workspace does.").setting(
                "Copy the address from the browser's address bar.",
                "DATABRICKS_HOST=https://<your workspace>.cloud.databricks.com",
            )
        }
        WorkspaceError::NotConfigured { setting } => {
            Finding::failed(sentence(error), "There is nobody to get a token for.")
                .setting("Set it and start again.", format!("{setting}=<client id of a service principal>"))
        }
        error => trouble(error, "whether a token is issued"),
    }
}
