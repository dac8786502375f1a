//! What the commands `run`, `compare` and `doctor` do: read files, follow a comparison, print tables, say how it ended.
//!
//! Knows the engine and the exports; starts no lakehouse and binds no socket, that is `main`'s. Results go to standard
//! output, progress and trouble to standard error.

mod compare;
mod doctor;
mod files;
mod progress;
mod run;
mod summary;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

pub use compare::compare;
pub use doctor::doctor;
pub use files::Refused;
pub use run::{Prepared, prepare, run};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct RunArguments {
    /// The plan, a TOML file.
    pub plan: PathBuf,
    /// Only this writer of the plan, by its kind or its label; one that the plan lacks runs with its defaults.
    #[arg(long = "writer", value_name = "WRITER")]
    pub writers: Vec<String>,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the report as one HTML file with its charts.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Arguments of `compare`.
#[derive(Debug, clap::Args)]
pub struct CompareArguments {
    /// Reports, JSON files; the first is what the others are compared with.
    #[arg(required = true, num_args = 2..)]
    pub reports: Vec<PathBuf>,
    /// Write the comparison as one HTML file.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArguments {
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Also write an empty file into the volume and remove it again.
    #[arg(long)]
    pub writes: bool,
    /// Look at this table, in place of DIRECT_WRITE_TABLE.
    #[arg(long, value_name = "CATALOG.SCHEMA.TABLE", value_parser = crate::model::TableName::parse)]
    pub table: Option<crate::model::TableName>,
}

/// How a command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every run completed and every threshold held; no check failed.
    Held,
    /// A check failed, a threshold did not hold, a run failed or was stopped, or a result could not be written.
    NotHeld,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Held => Self::SUCCESS,
            Ending::NotHeld => Self::from(1),
        }
    }
}
