//! Zerobus Ingest: its address, a stream that is opened and closed, the REST door. No record is sent.

use reqwest::Url;

use super::super::finding::{Finding, sentence};
use super::super::wire::{Trouble, reach};
use super::super::{Patient, Room, names};
use super::Early;
use super::host::{Address, answers, cannot_reach};
use crate::model::{WriterKind, WriterOptions};
use crate::workspace::WorkspaceError;
use crate::writer::WriterError;

const ENDPOINT: &str = "DIRECT_WRITE_ZEROBUS_ENDPOINT";
const REGION: &str = "DIRECT_WRITE_ZEROBUS_REGION";
const WORKSPACE_ID: &str = "DATABRICKS_WORKSPACE_ID";

/// Whether the address of Zerobus Ingest is known and answers as its scheme says.
pub(super) async fn endpoint(room: &Room<'_>) -> Early {
    let config = room.patient()?.config();
    let Some(url) = &config.zerobus_endpoint else {
        let meaning = "The platform does not tell the region, so the address of Zerobus Ingest is not known: the writers \
                       zerobus and zerobus-rest cannot be used.";
        return Err(Finding::failed("The address of Zerobus Ingest is not set.", meaning)
            .setting("Set it and start again.", right_setting(room, &config.url)));
    };
    let parsed = Url::parse(url).ok();
    if !config.local
        && let Some(variable) = parsed.and_then(|url| room.examination.surroundings.proxies.catch_stream(&url))
    {
        let found =
            format!("Streams go through the proxy that {variable} names; whether it leads there the stream shows.");
        return Ok(Finding::passed(found, "Its address is known."));
    }
    let address = Address { what: "Zerobus Ingest", setting: ENDPOINT, url, example: right_setting(room, &config.url) };
    reach(url).await.map(|reached| answers(&reached)).map_err(|trouble| cannot(&address, &trouble))
}

/// As for the workspace, but nobody starts a Zerobus Ingest of its own.
fn cannot(address: &Address<'_>, trouble: &Trouble) -> Finding {
    match trouble {
        Trouble::Refused { addr } => Finding::failed(
            format!("Nothing listens at {addr}."),
            "The address of Zerobus Ingest is not the right one, or the local lakehouse behind it does not run.",
        )
        .setting("Write the right address and start again.", address.example.clone()),
        trouble => cannot_reach(address, trouble),
    }
}

/// The lines that give the address of Zerobus Ingest, as far as they can be known.
fn right_setting(room: &Room<'_>, workspace: &str) -> String {
    let is_databricks = ["databricks.com", "azuredatabricks.net", "databricks.us"];
    if !is_databricks.iter().any(|domain| workspace.contains(domain)) {
        // The local lakehouse has everything on one port.
        return format!("{ENDPOINT}={workspace}");
    }
    let surroundings = &room.examination.surroundings;
    let told = surroundings.workspace_id.clone().or_else(|| room.workspace_id.get().cloned());
    // adb-<workspace id>.<number>.azuredatabricks.net
    let in_name = workspace.split("://adb-").nth(1).and_then(|rest| rest.split('.').next()).map(str::to_owned);
    let id = told.or(in_name).unwrap_or_else(|| "<the number after ?o= in the browser's address bar>".to_owned());
    format!("{WORKSPACE_ID}={id}\n{REGION}=<the region of your workspace, such as us-west-2>")
}

/// Opens a stream into the table and closes it.
pub(super) async fn stream(room: &Room<'_>) -> Early {
    let patient = room.patient()?;
    if !room.examination.streams {
        let meaning = "Opening a stream needs the administrator's role.";
        return Ok(Finding::skipped("Not tried: you may not open streams.", meaning));
    }
    let Some(table) = room.table.get() else {
        return Ok(Finding::skipped("Not tried: the table's columns are not known.", "Heal that first."));
    };
    let writer = patient.writers.get(WriterKind::Zerobus).map_err(|unavailable| {
        Finding::failed(unavailable.reason, "The writer zerobus cannot be used.")
            .setting(unavailable.remedy, right_setting(room, &patient.config().url))
    })?;
    let options =
        WriterOptions { kind: WriterKind::Zerobus, mode: None, encoding: None, streams: 1, batch: 1, in_flight: 1 };
    match writer.open(&table.info, &options).await {
        Ok(session) => {
            session.close().await;
            Ok(Finding::passed(
                format!("A token for {} was issued, and a stream into it was opened and closed.", patient.table),
                "Records can be sent through Zerobus now.",
            ))
        }
        Err(error) => Err(refused(room, patient, &error)),
    }
}

fn refused(room: &Room<'_>, patient: &Patient, error: &WriterError) -> Finding {
    let found = sentence(error);
    match error {
        WriterError::PermissionDenied(_) | WriterError::Unauthenticated(_) => {
            Finding::failed(found, "The token or the stream was refused for want of grants (Error Code 4024).")
                .sql("Let the owner run this.", names::all_grants(&patient.table, patient.principal()))
        }
        WriterError::TableNotFound(_) => {
            let meaning =
                "The catalog knows the table and Zerobus Ingest does not: the address belongs to another workspace.";
            Finding::failed(found, meaning)
                .setting("Correct the address and start again.", right_setting(room, &patient.config().url))
        }
        WriterError::Rejected(_) | WriterError::NotConfigured(_) => {
            let off = names::REFUSED_FEATURES.map(|(key, _)| format!("'{key}' = 'false'")).join(", ");
            let paste = format!("ALTER TABLE {} SET TBLPROPERTIES ({off});", names::full(&patient.table));
            Finding::failed(found, "Zerobus Ingest does not take this table, or not with these columns.")
                .sql("Switch off the features that it is known to have refused.", paste)
        }
        _ => {
            let url = patient.config().zerobus_endpoint.as_deref().unwrap_or_default();
            Finding::failed(
                found,
                "The address answers, and no stream came about: it is not Zerobus Ingest, or it takes none now.",
            )
            .command(
                "Run the checks again in a little while; if it stays, compare the address with the workspace's region.",
                format!("curl -sv --max-time 10 {url}"),
            )
        }
    }
}

/// Knocks without a token, which has to be refused, then with one and an empty array, which writes nothing.
pub(super) async fn rest(room: &Room<'_>) -> Early {
    let patient = room.patient()?;
    let table = &patient.table;
    let url = patient.config().zerobus_endpoint.as_deref().unwrap_or_default();
    let knock =
        format!("curl -i -X POST {url}/zerobus/v1/tables/{table}/insert -H 'content-type: application/json' -d '[]'");
    let status = patient.workspace.knock_at_rest_door(table).await;
    let status = status.map_err(|error| super::super::finding::trouble(&error, "whether the REST door is open"))?;
    match status {
        401 | 403 => {}
        404 | 405 | 501 => {
            let meaning =
                "Zerobus Ingest is there without its REST door: not every region has it. Streams are another matter.";
            return Err(Finding::failed(format!("The REST door is closed (HTTP {status})."), meaning)
                .command("Use the writer zerobus; to see when the door opens, knock.", knock));
        }
        429 | 503 => {
            let error = WorkspaceError::Busy { message: format!("HTTP {status}"), retry_after: None };
            return Err(super::super::finding::trouble(&error, "whether the REST door is open"));
        }
        _ => {
            let found = format!("A request without a token was answered with HTTP {status}.");
            let meaning =
                "It should be refused with 401: something that is not Zerobus Ingest answers at this address.";
            return Err(Finding::failed(found, meaning)
                .setting("Correct the address and start again.", right_setting(room, &patient.config().url)));
        }
    }
    let writer = patient.writers.get(WriterKind::ZerobusRest).map_err(|unavailable| {
        Finding::failed(unavailable.reason, "The writer zerobus-rest cannot be used.")
            .setting(unavailable.remedy, right_setting(room, &patient.config().url))
    })?;
    let Some(facts) = room.table.get() else {
        return Ok(Finding::skipped("Not tried: the table's columns are not known.", "Heal that first."));
    };
    match writer.rehearse(&facts.info).await {
        Ok(_) => Ok(Finding::passed(
            format!("It refuses who has no token (HTTP {status}) and takes an empty request for {table} with one."),
            "Records can be sent through the REST door now.",
        )),
        Err(error @ (WriterError::PermissionDenied(_) | WriterError::Unauthenticated(_))) => {
            Err(Finding::failed(sentence(&error), "The token or the request was refused for want of grants.")
                .sql("Let the owner run this.", names::all_grants(table, patient.principal())))
        }
        Err(WriterError::Busy { message, retry_after }) => {
            let error = WorkspaceError::Busy { message, retry_after };
            Err(super::super::finding::trouble(&error, "whether the REST door takes records"))
        }
        Err(error) => Err(Finding::failed(sentence(&error), "The door is there and does not take records now.")
            .command("Use the writer zerobus; to see when the door opens, knock.", knock)),
    }
}
