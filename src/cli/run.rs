//! `run`: a plan file through the same engine that the page uses, with a report and an exit code at the end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::files::{Refused, check_writable, read, write};
use super::progress::show_until_finished;
use super::summary::summary;
use super::{Ending, RunArguments};
use crate::engine::{Engine, export, plan_file};
use crate::model::cost::Prices;
use crate::model::{EdgeError, Plan, Report, RunState, WriterKind, WriterPlan};

/// A plan that can be run and where its results go; nothing was started yet.
#[derive(Debug)]
pub struct Prepared {
    plan: Plan,
    out: Option<PathBuf>,
    html: Option<PathBuf>,
}

/// Reads and checks everything that can be checked before anything is started.
///
/// # Errors
/// [`Refused`] with every error of the plan, or the first file that cannot be read or written.
pub fn prepare(arguments: &RunArguments) -> Result<Prepared, Refused> {
    let name = arguments.plan.display().to_string();
    let plan = plan_file::from_toml(&read(&arguments.plan)?).map_err(|error| Refused::edge(&name, &error))?;
    let plan = only(plan, &arguments.writers)?;
    plan.check().map_err(|errors| Refused::edge(&name, &EdgeError::invalid(errors)))?;
    for path in arguments.out.iter().chain(&arguments.html) {
        check_writable(path)?;
    }
    Ok(Prepared { plan, out: arguments.out.clone(), html: arguments.html.clone() })
}

/// Keeps the writers of a plan that were named; one that the plan lacks comes with its defaults.
fn only(mut plan: Plan, named: &[String]) -> Result<Plan, Refused> {
    if named.is_empty() {
        return Ok(plan);
    }
    // A plan with errors has no labels yet; its errors are told a little later.
    let labels: Vec<String> =
        plan.check().map(|spec| spec.writers.into_iter().map(|(label, _)| label).collect()).unwrap_or_default();
    let mut chosen: Vec<WriterPlan> = Vec::new();
    for name in named {
        let fits = |(index, writer): &(usize, &WriterPlan)| {
            writer.kind.name() == name || labels.get(*index).is_some_and(|label| label == name)
        };
        let of_plan: Vec<WriterPlan> =
            plan.writers.iter().enumerate().filter(fits).map(|(_, writer)| writer.clone()).collect();
        match (of_plan.is_empty(), WriterKind::parse(name)) {
            (false, _) => chosen.extend(of_plan),
            (true, Some(kind)) => chosen.push(WriterPlan {
                kind,
                mode: None,
                encoding: None,
                streams: None,
                batch: None,
                in_flight: None,
            }),
            (true, None) => {
                let kinds = WriterKind::ALL.map(WriterKind::name).join(", ");
                let reason = format!("--writer {name}: the plan has no writer of this label; the kinds are {kinds}.");
                return Err(Refused::because(reason));
            }
        }
    }
    plan.writers = chosen;
    Ok(plan)
}

/// Runs the plan to its end, or until `stop`; writes the report in either case and prints the summary.
///
/// # Errors
/// [`Refused`] when the comparison could not be started; nothing was written then.
pub async fn run(engine: &Arc<Engine>, prepared: Prepared, stop: CancellationToken) -> Result<Ending, Refused> {
    let refused = |error: EdgeError| Refused::edge("this plan cannot be run", &error);
    let id = engine.start_comparison(prepared.plan, "").await.map_err(refused)?;
    let snapshots = engine.follow_comparison(&id).map_err(refused)?;
    show_until_finished(snapshots, stop, || {
        // Only a comparison that is not known cannot be stopped, and this one is.
        let _ = engine.stop_comparison(&id);
    })
    .await;
    let Some(report) = engine.comparison_report(&id).map_err(refused)? else {
        return Err(Refused::because(format!("comparison {id} ended without a report")));
    };
    let files = write_files(&report, prepared.out.as_deref(), prepared.html.as_deref());
    // Whoever closed the other end does not want to read on; the exit code is still right.
    let _ = writeln!(std::io::stdout().lock(), "{}\n\n{}", summary(&report, &Prices::default()), files.0.join("\n"));
    let held = report.state() == RunState::Completed && report.held() != Some(false) && files.1;
    Ok(if held { Ending::Held } else { Ending::NotHeld })
}

/// Writes what was asked for; a line for each, and whether all went well.
fn write_files(report: &Report, out: Option<&Path>, html: Option<&Path>) -> (Vec<String>, bool) {
    let mut lines = vec![format!("Comparison {}", report.id)];
    let mut all = true;
    let mut keep = |path: &Path, text: Result<String, String>| match text.and_then(|text| write(path, &text)) {
        Ok(()) => lines.push(format!("Written to {}", path.display())),
        Err(problem) => {
            all = false;
            lines.push(format!("✗ {problem}"));
        }
    };
    if let Some(path) = out {
        keep(path, export::json(report).map_err(|error| format!("{} was not written: {error}", path.display())));
    }
    if let Some(path) = html {
        keep(path, Ok(export::report_html(report, &Prices::default())));
    }
    (lines, all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::example;

    fn arguments(plan: &Path, writers: &[&str]) -> RunArguments {
        RunArguments {
            plan: plan.to_owned(),
            writers: writers.iter().map(|name| (*name).to_owned()).collect(),
            out: None,
            html: None,
        }
    }

    const PLAN: &str = r#"
        table = "main.direct_write.telemetry"
        [source]
        kind = "telemetry"
        records = 100
        [[writer]]
        kind = "zerobus"
        [[writer]]
        kind = "sql"
        mode = "json-parameter"
        [[writer]]
        kind = "sql"
        mode = "values-literals"
    "#;

    fn prepared(plan: &str, writers: &[&str]) -> Result<Prepared, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.toml");
        std::fs::write(&file, plan).unwrap();
        prepare(&arguments(&file, writers)).map_err(|refused| refused.to_string())
    }

    fn kinds(plan: &str, writers: &[&str]) -> Vec<&'static str> {
        prepared(plan, writers).unwrap().plan.writers.iter().map(|writer| writer.kind.name()).collect()
    }

    #[test]
    fn named_writers_are_chosen_by_kind_or_label() {
        assert_eq!(kinds(PLAN, &[]).len(), 3);
        assert_eq!(kinds(PLAN, &["sql"]), ["sql", "sql"]);
        assert_eq!(kinds(PLAN, &["sql values-literals"]), ["sql"]);
        assert_eq!(kinds(PLAN, &["copy-into", "zerobus"]), ["copy-into", "zerobus"], "one the plan lacks is added");
        let refused = prepared(PLAN, &["kafka"]).unwrap_err();
        assert!(refused.contains("zerobus, zerobus-rest, sql, copy-into"), "{refused}");
    }

    #[test]
    fn every_error_of_a_plan_is_told_with_its_place() {
        let broken = PLAN.replace("records = 100", "records = 0\nbad = 2.0");
        let refused = prepared(&broken, &[]).unwrap_err();
        assert!(refused.contains("source.records") && refused.contains("source.bad"), "{refused}");
        let refused = prepared("table = 7", &[]).unwrap_err();
        assert!(refused.contains("plan.toml") && refused.contains("line 1"), "{refused}");
        assert!(prepare(&arguments(Path::new("/nowhere/plan.toml"), &[])).is_err());
    }

    #[test]
    fn results_are_written_and_trouble_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (out, html) = (folder.path().join("report.json"), folder.path().join("report.html"));
        let report = example::report();
        let (lines, all) = write_files(&report, Some(&out), Some(&html));
        assert!(all && lines.len() == 3, "{lines:?}");
        assert_eq!(export::read_json(&std::fs::read_to_string(&out).unwrap()).unwrap(), report);
        assert!(std::fs::read_to_string(&html).unwrap().starts_with("<!doctype html>"));
        let (lines, all) = write_files(&report, Some(&folder.path().join("gone/report.json")), None);
        assert!(!all && lines[1].starts_with("✗ "), "{lines:?}");
    }
}
