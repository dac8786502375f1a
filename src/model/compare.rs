//! Reports side by side: the runs of one writer label matched, each measure with its change against the first report.
//!
//! Knows reports and nothing of where they are kept. Says what else differs between them, so that a change is not put
//! down to the writer when the table or the machine was another.

mod measures;

use serde::{Deserialize, Serialize};

pub use measures::{Direction, Measure, Worth};

use super::wording::{order_text, source_text};
use super::{Report, RunReport, RunState};

/// Two or more reports side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SideBySide {
    /// The reports in the order they were given; the first is what the others are compared with.
    pub reports: Vec<ReportHead>,
    /// What differs besides the results, one sentence each.
    pub differences: Vec<String>,
    /// One for each writer label, in the order of their first appearance.
    pub writers: Vec<WriterDelta>,
}

/// Which report a column is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportHead {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// When it began, ISO 8601 in UTC.
    pub started_at: String,
}

/// The runs of one writer label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WriterDelta {
    /// The label.
    pub writer: String,
    /// How each report's run ended; `None` where the report has no such run.
    pub states: Vec<Option<RunState>>,
    /// What is odd, one sentence each: new, missing, with other options.
    pub notes: Vec<String>,
    /// The measures that at least one of the runs has.
    pub measures: Vec<MeasureDelta>,
}

/// A measure in every report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureDelta {
    /// Which.
    pub measure: Measure,
    /// Its value in each report; `None` where it was not measured.
    pub values: Vec<Option<f64>>,
    /// Its change in percent against the first report; `None` for the first, and where one of the two is missing or zero.
    pub changes: Vec<Option<f64>>,
}

/// Puts reports side by side. With fewer than two there are no changes.
pub fn compare(reports: &[Report]) -> SideBySide {
    let head = |report: &Report| ReportHead {
        id: report.id.clone(),
        name: report.name.clone(),
        started_at: report.started_at.clone(),
    };
    let mut labels: Vec<&str> = Vec::new();
    for run in reports.iter().flat_map(|report| &report.runs) {
        if !labels.contains(&run.writer.as_str()) {
            labels.push(&run.writer);
        }
    }
    SideBySide {
        reports: reports.iter().map(head).collect(),
        differences: differences(reports),
        writers: labels.into_iter().map(|label| writer_delta(label, reports)).collect(),
    }
}

fn writer_delta(label: &str, reports: &[Report]) -> WriterDelta {
    let runs: Vec<Option<&RunReport>> =
        reports.iter().map(|report| report.runs.iter().find(|run| run.writer == label)).collect();
    let measure = |measure: Measure| {
        let values: Vec<Option<f64>> = runs.iter().map(|run| run.and_then(|run| measure.of(run))).collect();
        let changes = values.iter().enumerate().map(|(index, value)| (index > 0).then(|| change(values[0], *value))?);
        let changes = changes.collect();
        MeasureDelta { measure, values, changes }
    };
    let measures = Measure::ALL.into_iter().map(measure);
    WriterDelta {
        writer: label.to_owned(),
        states: runs.iter().map(|run| run.map(|run| run.state)).collect(),
        notes: notes(label, &runs, reports),
        measures: measures.filter(|delta| delta.values.iter().any(Option::is_some)).collect(),
    }
}

fn change(before: Option<f64>, now: Option<f64>) -> Option<f64> {
    let (before, now) = (before?, now?);
    (before != 0.0).then(|| (now - before) / before * 100.0)
}

fn notes(label: &str, runs: &[Option<&RunReport>], reports: &[Report]) -> Vec<String> {
    let mut notes = Vec::new();
    let first = runs.first().copied().flatten();
    for (run, report) in runs.iter().zip(reports).skip(1) {
        match (first, run) {
            (None, Some(_)) => notes.push(format!("{label} is new in '{}'.", report.name)),
            (Some(_), None) => notes.push(format!("{label} is missing in '{}'.", report.name)),
            (Some(first), Some(run)) if first.options != run.options => {
                notes.push(format!("{label} had other options in '{}'.", report.name));
            }
            _ => (),
        }
    }
    notes
}

/// What is not the same in all reports and may explain a change.
fn differences(reports: &[Report]) -> Vec<String> {
    let Some((first, others)) = reports.split_first() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut differs = |what: &str, holds: &dyn Fn(&Report) -> bool, show: &dyn Fn(&Report) -> String| {
        for other in others.iter().filter(|other| !holds(other)) {
            found.push(format!("{what}: {} in '{}', {} in '{}'.", show(first), first.name, show(other), other.name));
        }
    };
    differs("Workspace", &|other| other.workspace.url == first.workspace.url, &|one| one.workspace.name.clone());
    differs("Table", &|other| other.table == first.table, &|one| one.table.to_string());
    differs("Records", &|other| other.plan.source == first.plan.source, &|one| source_text(&one.plan));
    differs("Order", &|other| other.plan.order == first.plan.order, &|one| order_text(one.plan.order).to_owned());
    differs("Program", &|other| other.machine.version == first.machine.version, &|one| one.machine.version.clone());
    let machine = |one: &Report| (one.machine.cpus, one.machine.platform.clone(), one.machine.optimized);
    differs("Machine", &|other| machine(other) == machine(first), &|one| machine_text(one));
    found
}

fn machine_text(report: &Report) -> String {
    let build = if report.machine.optimized { "release" } else { "debug" };
    format!("{} processors, {}, {build} build", report.machine.cpus, report.machine.platform)
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    fn delta<'a>(comparison: &'a SideBySide, writer: &str, measure: Measure) -> &'a MeasureDelta {
        let writer = comparison.writers.iter().find(|one| one.writer == writer).unwrap();
        writer.measures.iter().find(|one| one.measure == measure).unwrap()
    }

    #[test]
    fn changes_are_against_the_first_report() {
        let before = example::report();
        let mut now = before.clone();
        now.name = "again".to_owned();
        now.runs[0].throughput.rows_per_s *= 1.25;
        now.runs[0].latency_ms.durable.p99 *= 0.5;
        let comparison = compare(&[before.clone(), now, before]);
        let rows = delta(&comparison, "zerobus", Measure::RowsPerSecond);
        assert_eq!(rows.changes, [None, Some(25.0), Some(0.0)]);
        assert_eq!(delta(&comparison, "zerobus", Measure::DurableP99).changes[1], Some(-50.0));
        assert_eq!(delta(&comparison, "zerobus", Measure::Missing).changes[1], None, "nothing divides by zero");
        assert!(comparison.differences.is_empty(), "{:?}", comparison.differences);
    }

    #[test]
    fn writers_that_come_and_go_are_named() {
        let before = example::report();
        let mut now = before.clone();
        now.name = "again".to_owned();
        now.runs[0].options.streams = 4;
        now.runs[1].writer = "sql values-literals".to_owned();
        now.runs.pop();
        let comparison = compare(&[before, now]);
        let labels: Vec<&str> = comparison.writers.iter().map(|one| one.writer.as_str()).collect();
        assert_eq!(labels, ["zerobus", "zerobus-rest", "sql json-parameter", "copy-into", "sql values-literals"]);
        let notes = |index: usize| comparison.writers[index].notes.join(" ");
        assert_eq!(notes(0), "zerobus had other options in 'again'.");
        assert_eq!(notes(1), "zerobus-rest is missing in 'again'.");
        assert_eq!(notes(2), "");
        assert_eq!(notes(4), "sql values-literals is new in 'again'.");
        assert_eq!(comparison.writers[4].states, [None, Some(RunState::Completed)]);
    }

    #[test]
    fn what_else_differs_is_said() {
        let before = example::report();
        let mut now = before.clone();
        now.plan.source.seed = 8;
        now.machine.optimized = false;
        let differences = compare(&[before, now]).differences;
        assert_eq!(differences.len(), 2, "{differences:?}");
        assert!(
            differences[0].starts_with("Records: telemetry, 20\u{2009}000 records, as fast as taken, seed 7 in"),
            "{}",
            differences[0]
        );
        assert!(differences[1].contains("debug build"), "{}", differences[1]);
    }
}
