//! What speaks against comparing the runs of a report, and what to know before believing the figures.

use serde::{Deserialize, Serialize};

use super::super::number::{count_of, milliseconds};
use super::super::{Order, RatePlan, Report, RunReport, RunState};
use super::statements::{Statement, joined};
use super::undelivered;

/// Below this many records, fewer than ten lie beyond the 99th percentile.
const FEW_RECORDS: u64 = 1_000;
/// Below this many milliseconds, the start of a run is most of it.
const SHORT_MS: f64 = 1_000.0;

/// Something to know before believing a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caveat {
    /// What it is about.
    pub kind: CaveatKind,
    /// Whether it makes the comparison unfair.
    pub serious: bool,
    /// In a sentence or two.
    pub text: String,
}

/// What a caveat is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaveatKind {
    /// Runs failed or were stopped.
    RunsFailed,
    /// Durable rows are not in the table.
    RowsMissing,
    /// Records were neither durable nor meant to be refused.
    Undelivered,
    /// The table was not asked for everything.
    NotReconciled,
    /// The runs shared the machine and the workspace.
    Parallel,
    /// The program was not built for speed.
    DebugBuild,
    /// Too few records for the percentiles.
    FewRecords,
    /// Too short for the throughput.
    Short,
    /// The runs did not write the same number of records.
    DifferentCounts,
    /// Some differences are within noise.
    Noise,
    /// Rows are in the table more than once.
    Duplicates,
    /// The rate was the plan's, not the writers'.
    Paced,
    /// The latency includes the wait in the writer's own queue.
    Saturated,
    /// Measured against the local lakehouse.
    Local,
}

pub(super) fn caveats(report: &Report, statements: &[Statement]) -> Vec<Caveat> {
    let mut found = Vec::new();
    failures(report, &mut found);
    conditions(report, &mut found);
    amounts(report, &mut found);
    remarks(report, statements, &mut found);
    found.sort_by_key(|caveat| !caveat.serious);
    found
}

fn add(found: &mut Vec<Caveat>, kind: CaveatKind, serious: bool, text: impl Into<String>) {
    found.push(Caveat { kind, serious, text: text.into() });
}

fn names_where(report: &Report, holds: impl Fn(&RunReport) -> bool) -> Option<String> {
    let names: Vec<&str> = report.runs.iter().filter(|run| holds(run)).map(|run| run.writer.as_str()).collect();
    (!names.is_empty()).then(|| joined(&names))
}

/// `zerobus 3 rows, sql 1 row`; `None` when all are zero.
fn counts_where(report: &Report, noun: &str, count: impl Fn(&RunReport) -> u64) -> Option<String> {
    let some = report.runs.iter().filter(|run| count(run) > 0);
    let texts: Vec<String> = some.map(|run| format!("{} {}", run.writer, count_of(count(run), noun))).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn failures(report: &Report, found: &mut Vec<Caveat>) {
    let ended = report.runs.iter().filter(|run| run.state != RunState::Completed);
    let ended: Vec<String> = ended.map(|run| format!("{} {}", run.writer, run.state.name())).collect();
    if !ended.is_empty() {
        let text =
            format!("Not every run completed: {}. Those that did not are left out of the answers.", ended.join(", "));
        add(found, CaveatKind::RunsFailed, true, text);
    }
    if let Some(counts) = counts_where(report, "row", |run| run.records.missing) {
        let text = format!(
            "Rows that were acknowledged as durable are not in the table: {counts}. Who loses rows wins nothing."
        );
        add(found, CaveatKind::RowsMissing, true, text);
    }
    if let Some(counts) = counts_where(report, "record", undelivered) {
        let text = format!("Records were not delivered: {counts}. Those runs are left out of the answers.");
        add(found, CaveatKind::Undelivered, true, text);
    }
    if let Some(names) = names_where(report, |run| !run.reconciliation.done && run.records.missing == 0) {
        let text =
            format!("The table was not asked for every row of {names}, so it is not shown that nothing is missing.");
        add(found, CaveatKind::NotReconciled, true, text);
    }
}

fn conditions(report: &Report, found: &mut Vec<Caveat>) {
    if report.plan.order == Order::Parallel && report.runs.len() > 1 {
        let text = "The runs went at the same time and shared the machine, the network and the workspace: each slowed the others down.";
        add(found, CaveatKind::Parallel, true, text);
    }
    if !report.machine.optimized {
        let text = "This is a debug build of the program: encoding and everything else it does itself is many times slower than in a release.";
        add(found, CaveatKind::DebugBuild, true, text);
    }
}

fn amounts(report: &Report, found: &mut Vec<Caveat>) {
    let completed = |run: &RunReport| run.state == RunState::Completed;
    if let Some(names) = names_where(report, |run| completed(run) && run.records.durable < FEW_RECORDS) {
        let text = format!(
            "Too few records for the tail: {names} wrote fewer than 1 000, so fewer than ten lie beyond the 99th percentile."
        );
        add(found, CaveatKind::FewRecords, true, text);
    }
    if let Some(names) = names_where(report, |run| completed(run) && run.elapsed_ms < SHORT_MS) {
        let text = format!("Too short: {names} took less than {}, most of which is the start.", milliseconds(SHORT_MS));
        add(found, CaveatKind::Short, true, text);
    }
    let mut sent = report.runs.iter().filter(|run| completed(run)).map(|run| run.records.sent);
    let first = sent.next();
    if report.plan.source.records.is_some() && first.is_some() && sent.any(|sent| Some(sent) != first) {
        add(found, CaveatKind::DifferentCounts, true, "The runs did not write the same number of records.");
    }
}

fn remarks(report: &Report, statements: &[Statement], found: &mut Vec<Caveat>) {
    let close: Vec<&str> =
        statements.iter().filter(|one| !one.tied.is_empty()).map(|one| one.aspect.measure()).collect();
    if !close.is_empty() {
        let text =
            format!("Within noise: {}. Repeat the comparison with more records, or take it as equal.", joined(&close));
        add(found, CaveatKind::Noise, false, text);
    }
    let unwanted = |run: &RunReport| run.records.duplicates.saturating_sub(run.records.duplicates_sent);
    if let Some(counts) = counts_where(report, "row", unwanted) {
        let text = format!("Rows are in the table more than once, as at-least-once allows: {counts}.");
        add(found, CaveatKind::Duplicates, false, text);
    }
    match report.plan.source.rate {
        RatePlan::Constant(rate) if rate <= 0.0 => {
            let text = "Records were sent as fast as each writer took them: the latencies include the wait behind the writer's own batches. \
                        Set a rate to see the latency at that rate.";
            add(found, CaveatKind::Saturated, false, text);
        }
        _ => {
            let text = "The plan paced the records: throughput shows who kept up, not how much a writer can take.";
            add(found, CaveatKind::Paced, false, text);
        }
    }
    if report.workspace.local {
        let text = "Measured against the local lakehouse on this machine. A workspace has other distances and other prices; the order may differ.";
        add(found, CaveatKind::Local, false, text);
    }
}
