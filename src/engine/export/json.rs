//! The report itself as JSON, and back.

use crate::model::{REPORT_SCHEMA, Report};

/// What every version of the schema begins with; the major version follows.
const SCHEMA: &str = "direct-write/report/v";

/// Text that is not a report this program reads.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It is not JSON.
    #[error("this is not JSON: {0}")]
    NotJson(String),
    /// It is not a report at all.
    #[error("this is not a report: its \"schema\" is {0}, not \"{REPORT_SCHEMA}\"")]
    NotAReport(String),
    /// A report of a major version that means other things by its keys.
    #[error(
        "this report has the schema \"{found}\", this program reads \"{REPORT_SCHEMA}\"; read it with the program that wrote it, or a newer one"
    )]
    OtherVersion {
        /// What it says.
        found: String,
    },
    /// A key is missing or has another type.
    #[error("this report is incomplete: {path}: {reason}")]
    Incomplete {
        /// Where: `runs[0].records.sent`.
        path: String,
        /// What is wrong there.
        reason: String,
    },
}

/// A report as JSON, indented.
///
/// # Errors
/// None that a report could cause; serde's signature.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report)
}

/// Reads a report. Keys that this version does not know are passed over: they may be added within a major version.
///
/// # Errors
/// [`ReportError`], a sentence that goes behind the name of a file.
pub fn read_json(text: &str) -> Result<Report, ReportError> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| ReportError::NotJson(error.to_string()))?;
    match value.get("schema") {
        Some(serde_json::Value::String(schema)) if schema == REPORT_SCHEMA => (),
        Some(serde_json::Value::String(schema)) if schema.starts_with(SCHEMA) => {
            return Err(ReportError::OtherVersion { found: schema.clone() });
        }
        Some(other) => return Err(ReportError::NotAReport(other.to_string())),
        None => return Err(ReportError::NotAReport("missing".to_owned())),
    }
    serde_path_to_error::deserialize(value)
        .map_err(|error| ReportError::Incomplete { path: error.path().to_string(), reason: error.inner().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::example;

    fn changed(change: impl Fn(&mut serde_json::Value)) -> String {
        let mut value = serde_json::to_value(example::report()).unwrap();
        change(&mut value);
        read_json(&value.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn a_report_comes_back_the_same() {
        let report = example::report();
        assert_eq!(read_json(&json(&report).unwrap()).unwrap(), report);
    }

    #[test]
    fn keys_that_came_later_do_no_harm() {
        let mut value = serde_json::to_value(example::report()).unwrap();
        value["weather"] = "fine".into();
        value["runs"][0]["records"]["applauded"] = 3.into();
        assert_eq!(read_json(&value.to_string()).unwrap(), example::report());
    }

    #[test]
    fn other_versions_and_other_files_are_refused_in_a_sentence() {
        let newer = changed(|value| value["schema"] = "direct-write/report/v2".into());
        assert!(newer.contains("\"direct-write/report/v2\"") && newer.contains("newer"), "{newer}");
        let other = changed(|value| value["schema"] = "k6/summary".into());
        assert!(other.starts_with("this is not a report"), "{other}");
        let none = changed(|value| *value = serde_json::json!([1]));
        assert!(none.contains("missing"), "{none}");
        assert!(read_json("{").unwrap_err().to_string().starts_with("this is not JSON"));
    }

    #[test]
    fn what_is_missing_has_a_path() {
        let message = changed(|value| value["runs"][1]["records"]["sent"] = "many".into());
        assert!(message.contains("runs[1].records.sent"), "{message}");
    }

    /// What is said about reports to people who read them with scripts.
    const DOCUMENT: &str = include_str!("../../../docs/report.md");

    #[test]
    fn the_documented_example_is_a_report() {
        let example = DOCUMENT.split("```json").nth(1).unwrap().split("```").next().unwrap();
        let report = read_json(example).unwrap();
        let records = report.runs[0].records;
        assert_eq!(records.sent, records.durable + records.failed);
        // Nothing in it is passed over: writing it gives the same keys.
        let written: serde_json::Value = serde_json::from_str(&json(&report).unwrap()).unwrap();
        assert_eq!(keys(&written, ""), keys(&serde_json::from_str(example).unwrap(), ""));
    }

    #[test]
    fn every_key_is_documented() {
        let example = DOCUMENT.split("```json").nth(1).unwrap().split("```").next().unwrap();
        let text = DOCUMENT.replace(example, "");
        let value: serde_json::Value = serde_json::from_str(example).unwrap();
        let keys = keys(&value, "");
        for path in keys.iter().filter(|path| !path.starts_with("plan.")) {
            let key = path.rsplit('.').next().unwrap();
            assert!(text.contains(&format!("`{key}`")), "{path}");
        }
        // The example has every key there can be but those of the plan and of other writers.
        let mut full = example::report();
        full.runs.truncate(1);
        let full = serde_json::to_value(full).unwrap();
        for path in self::keys(&full, "").iter().filter(|path| !path.starts_with("plan.")) {
            assert!(keys.contains(path) || path == "runs.options.encoding", "{path}");
        }
    }

    /// The paths of all keys, without the places in lists.
    fn keys(value: &serde_json::Value, path: &str) -> std::collections::BTreeSet<String> {
        match value {
            serde_json::Value::Object(members) => members
                .iter()
                .flat_map(|(name, member)| {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    let mut below = keys(member, &path);
                    below.insert(path);
                    below
                })
                .collect(),
            serde_json::Value::Array(items) => items.iter().flat_map(|item| keys(item, path)).collect(),
            _ => Default::default(),
        }
    }
}
