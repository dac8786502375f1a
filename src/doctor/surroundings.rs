//! What the program was told besides its workspace, as far as it can stand in the way.

use std::path::PathBuf;

use super::Proxies;

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingProblem {
    /// What is wrong with it, a sentence.
    pub words: String,
    /// Lines that would be right, `NAME=value`.
    pub paste: String,
}

/// Settings, proxies, the data folder.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Settings that cannot be used.
    pub problems: Vec<SettingProblem>,
    /// The proxies of the environment.
    pub proxies: Proxies,
    /// The data folder; `None` where nothing is kept.
    pub data_dir: Option<PathBuf>,
    /// Why the history of runs cannot be used.
    pub history_problem: Option<String>,
    /// The workspace's number as it was set.
    pub workspace_id: Option<String>,
}
