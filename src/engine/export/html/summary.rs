//! The top of the file: the verdict, the thresholds, the runs at a glance.

use super::{cell, column, section, state, table, writer_head};
use crate::chart::markup::escape;
use crate::model::cost::{Prices, costs};
use crate::model::number::{grouped, milliseconds, with_unit};
use crate::model::verdict::{Aspect, Verdict};
use crate::model::wording::{RUN_COLUMNS, threshold_text};
use crate::model::{Percentiles, Report, ThresholdResult};

pub(super) fn verdict_section(verdict: &Verdict) -> String {
    let statements: String = verdict
        .statements
        .iter()
        .map(|one| format!("<dt>{}</dt><dd>{}</dd>", one.aspect.title(), escape(&one.text)))
        .collect();
    let caveat = |serious: bool, text: &str| {
        let (class, sign, word) = if serious { ("bad", "✗", "Not fair: ") } else { ("quiet", "i", "") };
        format!("<li><span class=\"sign {class}\" aria-hidden=\"true\">{sign}</span>{word}{}</li>", escape(text))
    };
    let caveats: String = verdict.caveats.iter().map(|one| caveat(one.serious, &one.text)).collect();
    let caveats = if caveats.is_empty() { String::new() } else { format!("<ul class=\"notes\">{caveats}</ul>\n") };
    let body = format!(
        "<p class=\"headline\">{}</p>\n<dl class=\"statements\">{statements}</dl>\n{caveats}",
        escape(&verdict.headline)
    );
    section("verdict", "Verdict", &body)
}

pub(super) fn threshold_section(report: &Report) -> String {
    if report.thresholds.is_empty() {
        return String::new();
    }
    let mut names: Vec<&str> = Vec::new();
    for threshold in &report.thresholds {
        if !names.contains(&threshold.name.as_str()) {
            names.push(&threshold.name);
        }
    }
    let head: String = report.runs.iter().map(|run| column(&run.writer)).collect();
    let result = |name: &str, writer: &str| {
        let found = report.thresholds.iter().find(|one| one.name == name && one.writer == writer);
        found.map_or_else(|| "<td>–</td>".to_owned(), threshold_cell)
    };
    let row = |name: &&str| {
        let cells: String = report.runs.iter().map(|run| result(name, &run.writer)).collect();
        format!("<tr><th scope=\"row\" class=\"code\">{}</th>{cells}</tr>", escape(name))
    };
    let rows: String = names.iter().map(row).collect();
    section("thresholds", "Thresholds", &table("Thresholds", "", &format!("{}{head}", column("Threshold")), &rows))
}

fn threshold_cell(result: &ThresholdResult) -> String {
    let (class, sign, word) = if result.held { ("good", "✓", "held") } else { ("bad", "✗", "did not hold") };
    let value = escape(&threshold_text(result));
    format!(
        "<td><span class=\"{class}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span>{word}</span>, {value}</td>"
    )
}

pub(super) fn run_section(report: &Report, verdict: &Verdict, prices: &Prices) -> String {
    let head: String = RUN_COLUMNS.into_iter().map(column).collect();
    let costs = costs(report, prices);
    let best = |aspect: Aspect, writer: &str, text: &str| {
        let won = verdict.statements.iter().any(|one| one.aspect == aspect && one.winner.as_deref() == Some(writer));
        let mark = if won { "<span class=\"sr-only\">best: </span>" } else { "" };
        let class = if won { " class=\"best\"" } else { "" };
        format!("<td>{mark}<span{class}>{}</span></td>", escape(text))
    };
    let row = |index: usize| {
        let run = &report.runs[index];
        let latency = run.latency_ms;
        [
            "<tr>".to_owned(),
            writer_head(report, index, 1),
            format!("<td class=\"text\">{}</td>", state(run.state)),
            cell(&grouped(run.records.durable)),
            best(Aspect::Throughput, &run.writer, &with_unit(run.throughput.rows_per_s, "rows/s")),
            best(Aspect::DurableMedian, &run.writer, &latency_text(&latency.durable, |values| values.p50)),
            best(Aspect::DurableTail, &run.writer, &latency_text(&latency.durable, |values| values.p99)),
            best(Aspect::Visible, &run.writer, &latency_text(&latency.visible, |values| values.p50)),
            cell(&latency_text(&latency.visible, |values| values.p99)),
            cell(&grouped(run.records.failed)),
            cell(&grouped(run.records.missing)),
            cell(&grouped(run.records.duplicates)),
            best(Aspect::Cost, &run.writer, &costs[index].text()),
            "</tr>".to_owned(),
        ]
        .concat()
    };
    let rows: String = (0..report.runs.len()).map(row).collect();
    let caption = "Underlined: ahead of all others by more than 10 %.";
    section("runs", "Runs", &table("Runs", caption, &head, &rows))
}

/// A value of a distribution; a dash when nothing was measured.
pub(super) fn latency_text(values: &Percentiles, pick: impl Fn(&Percentiles) -> f64) -> String {
    if values.count == 0 { "–".to_owned() } else { milliseconds(pick(values)) }
}
