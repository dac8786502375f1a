//! The checks in their order, each in the file of what it looks at.

mod grants;
mod host;
mod program;
mod table;
mod token;
mod volume;
mod warehouse;
mod zerobus;

use futures::future::BoxFuture;

use super::finding::Finding;
use super::{Patient, Room};
use crate::model::doctor::CheckGroup::{self, Program, Sql, Workspace, Zerobus};

/// One check.
pub(super) struct Step {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) group: CheckGroup,
    /// Checks that must not have failed for this one to say anything.
    pub(super) stands_on: &'static [&'static str],
    pub(super) make: for<'r> fn(&'r Room<'r>) -> BoxFuture<'r, Finding>,
}

/// Where a check ends early, with what is already known to be wrong.
type Early = Result<Finding, Finding>;

/// All checks, each behind those it stands on.
pub(super) static STEPS: [Step; 15] = [
    Step {
        id: "settings",
        title: "Settings",
        group: Program,
        stands_on: &[],
        make: |room| Box::pin(program::settings(room)),
    },
    Step {
        id: "data-folder",
        title: "Data folder and history",
        group: Program,
        stands_on: &[],
        make: |room| Box::pin(program::data_folder(room)),
    },
    Step {
        id: "proxies",
        title: "Proxies in the environment",
        group: Program,
        stands_on: &["settings"],
        make: |room| Box::pin(program::proxies(room)),
    },
    Step {
        id: "host",
        title: "Host",
        group: Workspace,
        stands_on: &["settings", "proxies"],
        make: |room| Box::pin(end(host::host(room))),
    },
    Step {
        id: "clock",
        title: "Clock",
        group: Program,
        stands_on: &["host"],
        make: |room| Box::pin(end(host::clock(room))),
    },
    Step {
        id: "token",
        title: "Token",
        group: Workspace,
        stands_on: &["host"],
        make: |room| Box::pin(end(token::token(room))),
    },
    Step {
        id: "warehouse",
        title: "SQL warehouse",
        group: Sql,
        stands_on: &["token"],
        make: |room| Box::pin(end(warehouse::warehouse(room))),
    },
    Step {
        id: "table",
        title: "Table",
        group: Workspace,
        stands_on: &["token"],
        make: |room| Box::pin(end(table::table(room))),
    },
    Step {
        id: "grants",
        title: "Grants on the table",
        group: Workspace,
        stands_on: &["table"],
        make: |room| Box::pin(end(grants::grants(room))),
    },
    Step {
        id: "zerobus",
        title: "Zerobus endpoint",
        group: Zerobus,
        stands_on: &["settings", "proxies"],
        make: |room| Box::pin(end(zerobus::endpoint(room))),
    },
    Step {
        id: "stream",
        title: "Zerobus stream",
        group: Zerobus,
        stands_on: &["zerobus", "token", "grants"],
        make: |room| Box::pin(end(zerobus::stream(room))),
    },
    Step {
        id: "rest",
        title: "Zerobus REST door",
        group: Zerobus,
        stands_on: &["zerobus", "token", "grants"],
        make: |room| Box::pin(end(zerobus::rest(room))),
    },
    Step {
        id: "sql",
        title: "SQL inserts",
        group: Sql,
        stands_on: &["warehouse", "table"],
        make: |room| Box::pin(end(warehouse::inserts(room))),
    },
    Step {
        id: "volume",
        title: "Volume",
        group: Sql,
        stands_on: &["token"],
        make: |room| Box::pin(end(volume::volume(room))),
    },
    Step {
        id: "volume-write",
        title: "A file into the volume",
        group: Sql,
        stands_on: &["volume"],
        make: |room| Box::pin(end(volume::write(room))),
    },
];

/// A check's finding, whether it came to its end or not.
async fn end(check: impl Future<Output = Early>) -> Finding {
    check.await.unwrap_or_else(|early| early)
}

impl Room<'_> {
    /// The workspace, which the settings have given when a check that stands on them runs.
    fn patient(&self) -> Result<&Patient, Finding> {
        let untold = "It says nothing until the settings are right.";
        self.patient.as_ref().map_err(|error| Finding::failed(super::finding::sentence(error), untold))
    }
}
