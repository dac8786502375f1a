//! This program: its settings, the proxies around it, its data folder.

use std::path::{Path, PathBuf};

use reqwest::Url;

use super::super::finding::Finding;
use super::super::proxies::{host, is_loopback};
use super::super::{Patient, Room};

/// Whether the settings can be used.
pub(super) async fn settings(room: &Room<'_>) -> Finding {
    let problems = &room.examination.surroundings.problems;
    if !problems.is_empty() {
        let found: Vec<&str> = problems.iter().map(|problem| problem.words.as_str()).collect();
        let paste: Vec<&str> = problems.iter().map(|problem| problem.paste.as_str()).collect();
        return Finding::failed(found.join(" "), "The program does not start with these settings.")
            .setting("Correct them and start again.", paste.join("\n"));
    }
    match &room.patient {
        Ok(patient) => {
            let (badge, principal) = (patient.workspace.badge(), patient.principal());
            let found = format!("{} at {}, as {principal}, table {}.", badge.name, badge.url, patient.table);
            Finding::passed(found, "Every setting that is there can be used.")
        }
        Err(error) => Finding::failed(super::super::finding::sentence(error), "There is no workspace to look at.")
            .setting("Name the workspace.", "DATABRICKS_HOST=https://<your workspace>.cloud.databricks.com"),
    }
}

/// Whether a proxy would catch what goes to the workspace.
pub(super) async fn proxies(room: &Room<'_>) -> Finding {
    let patient = match room.patient() {
        Ok(patient) => patient,
        Err(early) => return early,
    };
    if patient.config().local {
        return Finding::passed("Not used: the local lakehouse runs inside.", "Nothing stands between.");
    }
    let caught = caught(room, patient);
    let Some((variable, _)) = caught.first() else {
        return Finding::passed("None catches the workspace's addresses.", "Requests and streams go there directly.");
    };
    let mut hosts: Vec<String> = caught.iter().map(|(_, url)| host(url).to_owned()).collect();
    hosts.dedup();
    let paste = room.examination.surroundings.proxies.setting_with(&hosts);
    let found = format!("{variable} is set, so what goes to {} goes through its proxy.", hosts.join(" and "));
    if caught.iter().any(|(_, url)| is_loopback(url)) {
        let meaning = "The address is this machine's own, and no proxy leads back to it.";
        return Finding::failed(found, meaning).setting("Except these hosts and start again.", paste);
    }
    let meaning =
        "Right when this machine has no other way out. Streams last long and need a proxy that lets HTTP/2 through.";
    Finding::warned(found, meaning).setting("If checks below fail, except these hosts and start again.", paste)
}

/// Addresses that a proxy would catch, with the variable that names it.
fn caught(room: &Room<'_>, patient: &Patient) -> Vec<(&'static str, Url)> {
    let proxies = &room.examination.surroundings.proxies;
    let address = |text: Option<&str>| text.and_then(|text| Url::parse(text).ok());
    let workspace = address(Some(&patient.config().url));
    let zerobus = address(patient.config().zerobus_endpoint.as_deref());
    let requests = workspace.and_then(|url| proxies.catch(&url).map(|variable| (variable, url)));
    let streams = zerobus.and_then(|url| {
        let variable = proxies.catch_stream(&url).or_else(|| proxies.catch(&url));
        variable.map(|variable| (variable, url))
    });
    requests.into_iter().chain(streams).collect()
}

/// Whether reports can be kept.
pub(super) async fn data_folder(room: &Room<'_>) -> Finding {
    let surroundings = &room.examination.surroundings;
    let Some(folder) = surroundings.data_dir.clone() else {
        return Finding::skipped("Nothing is kept here.", "Reports live as long as the program.");
    };
    if let Err(reason) = try_folder(folder.clone()).await {
        let found = format!("The data folder {} cannot be written: {reason}.", folder.display());
        let other = std::env::temp_dir().join("direct-write");
        return Finding::failed(found, "Runs go on, but their reports are lost when the program ends.")
            .setting("Name a folder that can be written and start again.", data_dir_setting(&other));
    }
    if let Some(problem) = &surroundings.history_problem {
        let file = folder.join("history.sqlite");
        let paste = format!("mv '{0}' '{0}.aside'", file.display());
        return Finding::failed(problem.clone(), "Runs go on, but their reports are not kept.")
            .command("Move the file aside and start again; a new one begins.", paste);
    }
    let found = format!("{} can be written, and the history in it works.", shown(&folder));
    Finding::passed(found, "Reports of runs are kept.")
}

fn data_dir_setting(folder: &Path) -> String {
    format!("DIRECT_WRITE_DATA_DIR={}", folder.display())
}

fn shown(folder: &Path) -> String {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string()
}

/// Writes a file there and removes it.
async fn try_folder(folder: PathBuf) -> Result<(), String> {
    let tried = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&folder)?;
        let file = folder.join(format!(".doctor-{}", uuid::Uuid::new_v4()));
        std::fs::write(&file, b"")?;
        std::fs::remove_file(&file)
    });
    match tried.await {
        Ok(written) => written.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
