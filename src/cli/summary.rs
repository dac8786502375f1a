//! What is printed when a comparison has ended: the runs, the verdict, the thresholds. Text only, no colours: signs and
//! words say it.

use std::fmt::Write;

use super::table::table;
use crate::model::cost::{Prices, costs};
use crate::model::number::{grouped, milliseconds, with_unit};
use crate::model::verdict::{Verdict, verdict};
use crate::model::wording::{RUN_COLUMNS, order_text, source_text, threshold_text};
use crate::model::{Percentiles, Report, RunReport};

/// Columns a line of prose takes at most.
const WIDTH: usize = 100;

/// The whole summary.
pub(super) fn summary(report: &Report, prices: &Prices) -> String {
    let verdict = verdict(report, prices);
    let head = format!(
        "{}\n{} {} · {} · {} · {}",
        report.name,
        report.workspace.name,
        report.workspace.url,
        report.table,
        source_text(&report.plan),
        order_text(report.plan.order)
    );
    let parts = [head, runs(report, prices), reasons(report), judged(&verdict), promises(&verdict), thresholds(report)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn runs(report: &Report, prices: &Prices) -> String {
    let latency = |values: &Percentiles, pick: fn(&Percentiles) -> f64| {
        if values.count == 0 { "–".to_owned() } else { milliseconds(pick(values)) }
    };
    let costs = costs(report, prices);
    let row = |(run, cost): (&RunReport, &crate::model::cost::Cost)| {
        let (durable, visible) = (run.latency_ms.durable, run.latency_ms.visible);
        vec![
            run.writer.clone(),
            run.state.name().to_owned(),
            grouped(run.records.durable),
            with_unit(run.throughput.rows_per_s, "rows/s"),
            latency(&durable, |values| values.p50),
            latency(&durable, |values| values.p99),
            latency(&visible, |values| values.p50),
            latency(&visible, |values| values.p99),
            grouped(run.records.failed),
            grouped(run.records.missing),
            grouped(run.records.duplicates),
            cost.text(),
        ]
    };
    table(&RUN_COLUMNS, &[1], report.runs.iter().zip(&costs).map(row))
}

/// Why runs failed or were stopped, and what the table said that is odd.
fn reasons(report: &Report) -> String {
    let mut text = String::new();
    for run in &report.runs {
        for reason in run.reason.iter().chain(&run.reconciliation.note) {
            paragraph(&mut text, &format!("  {}: ", run.writer), reason);
        }
        for error in &run.errors {
            let what = format!("{} × {}: {}", grouped(error.count), error.class, error.message);
            paragraph(&mut text, &format!("  {}: ", run.writer), &what);
        }
    }
    text.trim_end().to_owned()
}

fn judged(verdict: &Verdict) -> String {
    let mut text = "Verdict\n".to_owned();
    paragraph(&mut text, "  ", &verdict.headline);
    for statement in &verdict.statements {
        paragraph(&mut text, &format!("  {:<34}", statement.aspect.title()), &statement.text);
    }
    for caveat in &verdict.caveats {
        paragraph(&mut text, if caveat.serious { "  ✗ Not fair: " } else { "  i " }, &caveat.text);
    }
    text.trim_end().to_owned()
}

fn promises(verdict: &Verdict) -> String {
    let mut text = "What each promises\n".to_owned();
    let longest = verdict.promises.iter().map(|promise| promise.writer.chars().count()).max().unwrap_or(0);
    for promise in &verdict.promises {
        paragraph(&mut text, &format!("  {:<longest$}  ", promise.writer), &promise.text);
    }
    text.trim_end().to_owned()
}

fn thresholds(report: &Report) -> String {
    if report.thresholds.is_empty() {
        return String::new();
    }
    let rows = report.thresholds.iter().map(|threshold| {
        let word = if threshold.held { "✓ held" } else { "✗ did not hold" };
        vec![threshold.name.clone(), threshold.writer.clone(), word.to_owned(), threshold_text(threshold)]
    });
    table(&["Threshold", "Writer", "Result", "Measured"], &[1, 2], rows)
}

/// Adds text in lines of at most [`WIDTH`] columns, the later ones under the beginning of the first.
pub(super) fn paragraph(text: &mut String, begin: &str, words: &str) {
    let indent = begin.chars().count();
    let mut line = begin.to_owned();
    let mut length = indent;
    for word in words.split_whitespace() {
        let long = word.chars().count();
        if length > indent && length + 1 + long > WIDTH {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", line.trim_end());
            line = " ".repeat(indent);
            length = indent;
        } else if length > indent {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += long;
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ErrorCount, RunState, example};

    #[test]
    fn everything_that_matters_is_there() {
        let mut report = example::report();
        report.runs[1].state = RunState::Failed;
        report.runs[1].reason = Some("The service went away.".to_owned());
        let error = ErrorCount {
            class: "unavailable".to_owned(),
            message: "HTTP 503".to_owned(),
            count: 3,
            retryable: true,
            details: Vec::new(),
        };
        report.runs[1].errors = vec![error];
        let text = summary(&report, &Prices::default());
        for part in [
            "Telemetry, four ways\n",
            "16.4 k rows/s",
            "zerobus-rest: The service went away.",
            "3 × unavailable: HTTP 503",
            "✗ Not fair: Not every run completed",
            "✗ did not hold",
            "992 ms",
            "At least once, in order on its stream.",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "no control sequences");
    }

    #[test]
    fn lines_are_filled_and_hang() {
        let mut text = String::new();
        paragraph(&mut text, "  i ", &"word ".repeat(40));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert!(lines[1].starts_with("    word"), "{text}");
    }
}
