//! Reports side by side as one HTML file: what else differs, then each writer's measures with their changes.

use super::{column, document, section, table};
use crate::chart::markup::escape;
use crate::chart::{Look, bars};
use crate::model::compare::{Direction, Measure, MeasureDelta, SideBySide, Worth, WriterDelta, compare};
use crate::model::number::{percent_change, with_unit};
use crate::model::{Report, RunReport, WriterKind};

/// Two or more reports side by side; the first is what the others are compared with.
pub fn comparison_html(reports: &[Report]) -> String {
    let comparison = compare(reports);
    let names: Vec<&str> = comparison.reports.iter().map(|report| report.name.as_str()).collect();
    let body = format!(
        "<header>\n<p class=\"quiet\">Direct Write · reports side by side</p>\n<h1>{}</h1>\n{}</header>\n<main>\n{}</main>\n",
        escape(&names.join(" and ")),
        heads(&comparison),
        sections(reports, &comparison)
    );
    document(&format!("{} · Direct Write", names.join(" and ")), &body)
}

/// What differs, the throughput and the measures of each writer, as HTML for the page.
pub fn comparison_sections(reports: &[Report]) -> String {
    sections(reports, &compare(reports))
}

fn sections(reports: &[Report], comparison: &SideBySide) -> String {
    [differences(comparison), throughput(reports), writers(reports, comparison)].concat()
}

/// `A`, `B`, ...: reports may have the same name.
pub fn comparison_letter(index: usize) -> char {
    char::from(b'A' + u8::try_from(index % 26).unwrap_or(0))
}

fn heads(comparison: &SideBySide) -> String {
    let head = |(index, report): (usize, &crate::model::compare::ReportHead)| {
        let base = if index == 0 { ", what the others are compared with" } else { "" };
        format!(
            "<div><dt>{}{base}</dt><dd>{}</dd><dd class=\"quiet\">{}</dd><dd class=\"code quiet\">{}</dd></div>",
            comparison_letter(index),
            escape(&report.name),
            escape(&report.started_at),
            escape(&report.id)
        )
    };
    let heads: String = comparison.reports.iter().enumerate().map(head).collect();
    format!("<dl class=\"facts\">{heads}</dl>\n")
}

fn differences(comparison: &SideBySide) -> String {
    if comparison.differences.is_empty() {
        let body = "<p>Workspace, table, records, order, program and machine are the same in all of them.</p>\n";
        return section("differences", "What else differs", body);
    }
    let item =
        |text: &String| format!("<li><span class=\"sign warn\" aria-hidden=\"true\">!</span>{}</li>", escape(text));
    let items: String = comparison.differences.iter().map(item).collect();
    let body =
        format!("<p>A change may come from this and not from the writer:</p>\n<ul class=\"notes\">{items}</ul>\n");
    section("differences", "What else differs", &body)
}

fn throughput(reports: &[Report]) -> String {
    let mut bars = Vec::new();
    let mut runs: Vec<(usize, &RunReport, Look)> = Vec::new();
    for (index, report) in reports.iter().enumerate() {
        let looks = Look::of(report.runs.iter().map(|run| run.options.kind));
        runs.extend(report.runs.iter().zip(looks).map(|(run, look)| (index, run, look)));
    }
    // Writers together, their reports in order.
    runs.sort_by_key(|(index, run, _)| {
        (WriterKind::ALL.iter().position(|kind| *kind == run.options.kind), run.writer.clone(), *index)
    });
    for (index, run, look) in runs {
        bars.push(bars::Bar {
            name: format!("{} {}", comparison_letter(index), run.writer),
            look,
            value: (run.throughput.rows_per_s > 0.0).then_some(run.throughput.rows_per_s),
            text: with_unit(run.throughput.rows_per_s, "rows/s"),
        });
    }
    let picture =
        |width| bars::draw(&bars, width, "Durable rows per second of each run. Its values are in the tables below.");
    let body = format!(
        "<figure><figcaption>durable rows a second</figcaption><div class=\"wide\">{}</div><div class=\"narrow\">{}</div></figure>\n",
        picture(1168.0),
        picture(358.0)
    );
    section("throughput", "Throughput", &body)
}

fn writers(reports: &[Report], comparison: &SideBySide) -> String {
    let kind = |writer: &WriterDelta| {
        let run = reports.iter().flat_map(|report| &report.runs).find(|run| run.writer == writer.writer);
        run.map_or("", |run| run.options.kind.name())
    };
    comparison.writers.iter().enumerate().map(|(index, writer)| writer_section(index, writer, kind(writer))).collect()
}

fn writer_section(index: usize, writer: &WriterDelta, hue: &str) -> String {
    let reports = writer.states.len();
    let columns: String = (0..reports)
        .map(|index| {
            let change = if index > 0 { column("Change") } else { String::new() };
            format!("{}{change}", column(&comparison_letter(index).to_string()))
        })
        .collect();
    let states: String = writer
        .states
        .iter()
        .enumerate()
        .map(|(index, state)| {
            let state = state.map_or_else(|| "–".to_owned(), super::state);
            format!("<td>{state}</td>{}", if index > 0 { "<td></td>" } else { "" })
        })
        .collect();
    let mut rows = format!("<tr><th scope=\"row\">State</th>{states}</tr>");
    rows.extend(writer.measures.iter().map(measure_row));
    let notes: String = writer
        .notes
        .iter()
        .map(|note| format!("<li><span class=\"sign warn\" aria-hidden=\"true\">!</span>{}</li>", escape(note)))
        .collect();
    let notes = if notes.is_empty() { String::new() } else { format!("<ul class=\"notes\">{notes}</ul>\n") };
    let title = escape(&writer.writer);
    format!(
        "<section aria-labelledby=\"writer-{index}\">\n<h2 id=\"writer-{index}\"><span class=\"hue\" data-hue=\"{hue}\">{title}</span></h2>\n{}{notes}</section>\n",
        table(
            &writer.writer,
            "Changes below 10 % are taken for noise.",
            &format!("{}{columns}", column("Measure")),
            &rows
        )
    )
}

fn measure_row(delta: &MeasureDelta) -> String {
    let measure = delta.measure;
    let cells: String = delta
        .values
        .iter()
        .zip(&delta.changes)
        .enumerate()
        .map(|(index, (value, change))| {
            let text = value.map_or_else(|| "–".to_owned(), |value| measure.text(value));
            let change = if index > 0 { change_cell(measure, delta.values[0], *value, *change) } else { String::new() };
            format!("<td>{}</td>{change}", escape(&text))
        })
        .collect();
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>", measure.title())
}

fn change_cell(measure: Measure, before: Option<f64>, now: Option<f64>, change: Option<f64>) -> String {
    let (Some(before), Some(now)) = (before, now) else {
        return "<td>–</td>".to_owned();
    };
    let worth = Worth::of(measure, before, now);
    let class = match worth {
        Worth::Better => "good",
        Worth::Worse => "bad",
        Worth::Same => "quiet",
    };
    let text = match (change, before == now) {
        (_, true) => percent_change(0.0),
        (Some(change), false) => percent_change(change),
        (None, false) => format!("from {}", measure.text(before)),
    };
    let word = if measure.direction() == Direction::Neither { "" } else { worth.word() };
    format!("<td><span class=\"{class}\">{} {word}</span></td>", escape(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::example;

    #[test]
    fn changes_stand_beside_their_values() {
        let before = example::report();
        let mut now = before.clone();
        now.name = "After <the upgrade>".to_owned();
        now.runs[0].latency_ms.durable.p99 *= 2.0;
        now.runs[0].records.missing = 2;
        now.runs.remove(3);
        let html = comparison_html(&[before, now]);
        assert!(html.contains("After &lt;the upgrade&gt;"));
        assert!(html.contains("+100 % worse"), "{html}");
        assert!(html.contains("from 0 worse"), "a count that was zero has no percentage");
        assert!(html.contains("copy-into is missing in"));
        assert!(!html.contains("<script") && !html.contains("NaN"));
    }
}
