//! The lower part of the file: every percentile, how the costs were made, each run with its errors and its course, the plan.

use super::summary::latency_text;
use super::{cell, column, section, state, table, writer_head};
use crate::chart::markup::escape;
use crate::engine::plan_file;
use crate::model::cost::{Cost, Prices, costs, input_text};
use crate::model::number::{bytes, count_of, grouped, milliseconds, with_unit};
use crate::model::verdict::Verdict;
use crate::model::wording::options_text;
use crate::model::{ErrorCount, Reconciliation, Report, RunReport, SeriesPoint};

pub(super) fn percentile_section(report: &Report) -> String {
    let values: String =
        ["Values", "min", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"].into_iter().map(column).collect();
    let head = format!("{}<th scope=\"col\" class=\"text\">Stage</th>{values}", column("Writer"));
    let rows: String = (0..report.runs.len()).map(|index| percentile_rows(report, index)).collect();
    let caption =
        "Encode: work for each batch. Send, durable and visible: from the moment a record was due, for each record.";
    section("percentiles", "Percentiles", &table("Percentiles", caption, &head, &rows))
}

/// A row for each stage; the writer stands before the first.
fn percentile_rows(report: &Report, index: usize) -> String {
    let stages = report.runs[index].latency_ms.stages();
    let mut rows = String::new();
    for (position, (stage, values)) in stages.into_iter().enumerate() {
        let writer = if position == 0 { writer_head(report, index, stages.len()) } else { String::new() };
        let cells: String = values.values().iter().map(|(_, value)| cell(&latency_text(values, |_| *value))).collect();
        rows.push_str(&format!(
            "<tr>{writer}<th scope=\"row\" class=\"text plain\">{stage}</th>{}{cells}</tr>",
            cell(&grouped(values.count))
        ));
    }
    rows
}

pub(super) fn cost_section(report: &Report, prices: &Prices) -> String {
    let costs = costs(report, prices);
    let body: String = costs.iter().enumerate().map(|(index, cost)| cost_article(report, index, cost)).collect();
    section("cost", "What a million rows cost", &format!("<div class=\"costs\">\n{body}</div>\n"))
}

fn cost_article(report: &Report, index: usize, cost: &Cost) -> String {
    let inputs: String = cost
        .inputs
        .iter()
        .map(|input| {
            format!(
                "<tr><th scope=\"row\">{}</th>{}<td class=\"text wrap\">{}</td></tr>",
                escape(&input.name),
                cell(&input_text(input)),
                escape(&input.source)
            )
        })
        .collect();
    let head = format!("{}{}<th scope=\"col\" class=\"text\">From</th>", column("Input"), column("Value"));
    let worked = if cost.worked.is_empty() { String::new() } else { format!("<p>{}</p>", escape(&cost.worked)) };
    let remarks: String =
        cost.missing.iter().chain(&cost.notes).map(|note| format!("<p class=\"quiet\">{}</p>", escape(note))).collect();
    let run = &report.runs[index];
    format!(
        "<article class=\"cost\"><h3><span class=\"hue\" data-hue=\"{}\">{}</span>: {}</h3><p>{}</p>{worked}{remarks}\
         <details><summary>Inputs</summary>{}</details></article>\n",
        run.options.kind,
        escape(&cost.writer),
        escape(&cost.text()),
        escape(&cost.formula),
        table(&format!("Inputs of the cost of {}", cost.writer), "", &head, &inputs)
    )
}

pub(super) fn run_sections(report: &Report, verdict: &Verdict) -> String {
    let article = |(run, promise): (&RunReport, _)| run_article(run, promise);
    let promises = verdict.promises.iter().map(|promise| promise.text.as_str());
    let body: String = report.runs.iter().zip(promises).map(article).collect();
    section("each", "Each run", &body)
}

fn run_article(run: &RunReport, promise: &str) -> String {
    let reason = run.reason.as_ref().map(|reason| format!("<p>{}</p>", escape(reason))).unwrap_or_default();
    format!(
        "<article><h3><span class=\"hue\" data-hue=\"{}\">{}</span></h3><p>{}</p>{reason}<p class=\"quiet\">{}</p>\
         <dl class=\"facts\">{}</dl>{}{}{}</article>\n",
        run.options.kind,
        escape(&run.writer),
        state(run.state),
        escape(promise),
        facts(run),
        reconciliation(&run.reconciliation),
        errors(&run.errors),
        course(run)
    )
}

fn facts(run: &RunReport) -> String {
    let records = run.records;
    let facts = [
        (
            "Records",
            format!(
                "{} sent = {} durable + {} failed",
                grouped(records.sent),
                grouped(records.durable),
                grouped(records.failed)
            ),
        ),
        ("In doubt", format!("{} of the failed", grouped(records.in_doubt))),
        (
            "In the table",
            format!(
                "{} visible, {} missing, {} more than once",
                grouped(records.visible),
                grouped(records.missing),
                grouped(records.duplicates)
            ),
        ),
        ("Sent twice on purpose", grouped(records.duplicates_sent)),
        ("Options", options_text(&run.options)),
        ("Took", milliseconds(run.elapsed_ms)),
        ("To connect", milliseconds(run.connect_ms)),
        ("Bytes", bytes(run.usage.bytes)),
        ("Calls", grouped(run.usage.calls)),
        ("Most batches in flight", grouped(run.most_in_flight)),
        ("Retries", grouped(run.retries)),
        ("Run id", run.run_id.clone()),
        ("Started", run.started_at.clone()),
    ];
    facts.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(value))).collect()
}

fn reconciliation(found: &Reconciliation) -> String {
    let done = match (found.done, &found.note) {
        (true, None) => "The table was asked for every row; everything is accounted for.".to_owned(),
        (true, Some(note)) => format!("The table was asked for every row. {note}"),
        (false, Some(note)) => format!("Not everything could be accounted for: {note}"),
        (false, None) => "Not everything could be accounted for.".to_owned(),
    };
    let ids = |what: &str, ids: &[String]| {
        if ids.is_empty() {
            return String::new();
        }
        let items: String = ids.iter().map(|id| format!("<li class=\"code\">{}</li>", escape(id))).collect();
        format!(
            "<details><summary>{what}: {}</summary><ul class=\"ids\">{items}</ul></details>",
            count_of(ids.len() as u64, "id")
        )
    };
    format!(
        "<p>{}</p>{}{}",
        escape(&done),
        ids("Missing, the first of them", &found.missing_ids),
        ids("More than once, the first of them", &found.duplicate_ids)
    )
}

fn errors(errors: &[ErrorCount]) -> String {
    if errors.is_empty() {
        return String::new();
    }
    let row = |error: &ErrorCount| {
        let again = if error.retryable { "may succeed later" } else { "will not succeed" };
        format!(
            "<tr><th scope=\"row\" class=\"code\">{}</th>{}<td class=\"text\">{again}</td><td class=\"text wrap\">{}</td></tr>",
            escape(&error.class),
            cell(&grouped(error.count)),
            escape(&error.message)
        )
    };
    let rows: String = errors.iter().map(row).collect();
    let head = format!(
        "{}{}<th scope=\"col\" class=\"text\">Again</th><th scope=\"col\" class=\"text\">First message</th>",
        column("Error"),
        column("Count")
    );
    table("Errors", "Errors by class", &head, &rows)
}

fn course(run: &RunReport) -> String {
    if run.series.is_empty() {
        return String::new();
    }
    let head: String = [
        "At",
        "Throughput",
        "Bytes",
        "p50 durable",
        "p99 durable",
        "p50 visible",
        "p99 visible",
        "In flight",
        "Errors",
    ]
    .into_iter()
    .map(column)
    .collect();
    let time = |value: Option<f64>| cell(&value.map_or_else(|| "–".to_owned(), milliseconds));
    let row = |point: &SeriesPoint| {
        [
            format!("<tr><th scope=\"row\">{}</th>", milliseconds(point.at_ms)),
            cell(&with_unit(point.rows_per_s, "rows/s")),
            cell(&with_unit(point.bytes_per_s, "B/s")),
            time(point.durable_p50_ms),
            time(point.durable_p99_ms),
            time(point.visible_p50_ms),
            time(point.visible_p99_ms),
            cell(&grouped(point.in_flight)),
            cell(&grouped(point.errors)),
            "</tr>".to_owned(),
        ]
        .concat()
    };
    let rows: String = run.series.iter().map(row).collect();
    format!(
        "<details><summary>Values over time</summary>{}</details>",
        table(&format!("Values of {} over time", run.writer), "", &head, &rows)
    )
}

pub(super) fn plan_section(report: &Report) -> String {
    // A plan that ran can be written; should one not, the report is still worth reading.
    let plan = plan_file::to_toml(&report.plan).unwrap_or_else(|error| error.message);
    let body = format!(
        "<details><summary>The plan file that runs this again</summary><pre tabindex=\"0\">{}</pre></details>\n",
        escape(&plan)
    );
    section("plan", "Plan", &body)
}
