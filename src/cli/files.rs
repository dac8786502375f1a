//! Plans and reports in, reports out. Every trouble names its file.

use std::path::Path;

use crate::engine::export;
use crate::model::{EdgeError, Report};

/// Why a command could not start: one line for each reason.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Refused(pub Vec<String>);

impl Refused {
    pub(super) fn because(reason: impl Into<String>) -> Self {
        Self(vec![reason.into()])
    }

    /// An error of the edge with all its details, each under the place it is about.
    pub(super) fn edge(what: &str, error: &EdgeError) -> Self {
        let mut lines = vec![format!("{what}: {}", error.message)];
        // A single detail without a place of its own says what the message says.
        let details = error.details.iter().filter(|detail| error.details.len() > 1 || !detail.path.is_empty());
        lines.extend(details.map(|detail| format!("  {}: {} It is {}.", detail.path, detail.message, detail.came)));
        Self(lines)
    }
}

pub(super) fn read(path: &Path) -> Result<String, Refused> {
    std::fs::read_to_string(path).map_err(|error| Refused::because(format!("{}: {error}", path.display())))
}

/// All reports, or what is wrong with each of those that cannot be read.
pub(super) fn read_reports<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<Vec<Report>, Refused> {
    let mut reports = Vec::new();
    let mut reasons = Vec::new();
    for path in paths {
        let report = read(path).and_then(|text| {
            export::read_json(&text).map_err(|error| Refused::because(format!("{}: {error}", path.display())))
        });
        match report {
            Ok(report) => reports.push(report),
            Err(Refused(more)) => reasons.extend(more),
        }
    }
    if reasons.is_empty() { Ok(reports) } else { Err(Refused(reasons)) }
}

/// A run may take hours: whether its result can be written is found out before.
pub(super) fn check_writable(path: &Path) -> Result<(), Refused> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let reason = if path.is_dir() {
        "this is a folder".to_owned()
    } else {
        match folder.metadata() {
            Ok(metadata) if metadata.is_dir() => return Ok(()),
            Ok(_) => format!("{} is not a folder", folder.display()),
            Err(error) => format!("folder {}: {error}", folder.display()),
        }
    };
    Err(Refused::because(format!("{} cannot be written: {reason}", path.display())))
}

/// Writes a file whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        // What is left of it is of no use; that it may not be there is no trouble.
        let _ = std::fs::remove_file(&beside);
        format!("{} was not written: {error}", path.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FieldError, example};

    #[test]
    fn every_report_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (good, newer, none) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("c"));
        std::fs::write(&good, export::json(&example::report()).unwrap()).unwrap();
        std::fs::write(&newer, r#"{"schema": "direct-write/report/v9"}"#).unwrap();
        let Refused(reasons) = read_reports([&*good, &*newer, &*none]).unwrap_err();
        assert_eq!(reasons.len(), 2, "{reasons:?}");
        assert!(reasons[0].contains("/b: this report has the schema \"direct-write/report/v9\""), "{}", reasons[0]);
        assert_eq!(read_reports([&*good]).unwrap()[0], example::report());
    }

    #[test]
    fn files_are_written_whole_and_their_folders_checked_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.json");
        assert_eq!(check_writable(&file), Ok(()));
        write(&file, "one").unwrap();
        write(&file, "other").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "other");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(check_writable(folder.path()).is_err());
        assert!(check_writable(&folder.path().join("nowhere/report.json")).is_err());
        assert!(check_writable(&file.join("report.json")).is_err());
        assert_eq!(check_writable(Path::new("report.json")), Ok(()));
    }

    #[test]
    fn all_errors_of_a_plan_are_listed() {
        let detail = |path: &str| FieldError::new(path, "range", "This must be more.", Some(&0.into()));
        let error = EdgeError::invalid(vec![detail("source.rate"), detail("writer[1].batch")]);
        let refused = Refused::edge("plan.toml", &error).to_string();
        assert!(refused.starts_with("plan.toml: 2 errors"), "{refused}");
        assert!(refused.ends_with("\n  writer[1].batch: This must be more. It is 0."), "{refused}");
    }
}
