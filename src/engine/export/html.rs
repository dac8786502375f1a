//! A report as one HTML file: opens offline, prints, follows the reader's theme, runs no script and loads nothing.
//!
//! Everything people or services wrote goes through [`escape`]. The style sheets are the page's own, put inside.

mod comparison;
mod details;
mod pictures;
mod summary;

use crate::chart::markup::escape;
use crate::model::cost::Prices;
use crate::model::verdict::verdict;
use crate::model::wording::{order_text, source_text};
use crate::model::{Report, RunState, WorkspaceBadge};

pub use comparison::{comparison_html, comparison_letter, comparison_sections};

/// What a browser may do with the file: show it. Its styles are in it; that they may be is harmless where nothing runs.
pub const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
const STYLE: [&str; 4] = [
    include_str!("../../../style/tokens.css"),
    include_str!("../../../style/paper.css"),
    include_str!("../../../style/picture.css"),
    include_str!("../../../style/report.css"),
];

/// What the file and the page show of a report, each part as HTML. Parts with a title are whole sections.
pub struct Sections {
    /// Workspace, table, records, machine: a list without a title.
    pub facts: String,
    /// Who won what.
    pub verdict: String,
    /// What had to hold; empty when there was nothing.
    pub thresholds: String,
    /// The runs side by side.
    pub runs: String,
    /// The journey of the median record.
    pub journey: String,
    /// Every percentile.
    pub percentiles: String,
    /// What a million rows cost, and how that was made.
    pub cost: String,
    /// Each run with its reconciliation, its errors and its values over time.
    pub each: String,
    /// The plan file.
    pub plan: String,
}

/// The sections of a report.
pub fn report_sections(report: &Report, prices: &Prices) -> Sections {
    let verdict = verdict(report, prices);
    Sections {
        facts: facts(report),
        verdict: summary::verdict_section(&verdict),
        thresholds: summary::threshold_section(report),
        runs: summary::run_section(report, &verdict, prices),
        journey: pictures::journey_section(report),
        percentiles: details::percentile_section(report),
        cost: details::cost_section(report, prices),
        each: details::run_sections(report, &verdict),
        plan: details::plan_section(report),
    }
}

/// A report with its verdict, charts and tables.
pub fn report_html(report: &Report, prices: &Prices) -> String {
    let Sections { facts, verdict, thresholds, runs, journey, percentiles, cost, each, plan } =
        report_sections(report, prices);
    let name = escape(&report.name);
    let head = format!(
        "<header>\n<p class=\"quiet\">Direct Write · comparison</p>\n<h1>{name}</h1>\n{facts}</header>\n<main>\n"
    );
    let course = pictures::course_section(report);
    let body = [head, verdict, thresholds, runs, journey, course, percentiles, cost, each, plan, foot(report)].concat();
    document(&format!("{} · Direct Write", report.name), &body)
}

fn document(title: &str, body: &str) -> String {
    let style = STYLE.concat();
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{REPORT_POLICY}\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{style}</style>\n</head>\n\
         <body class=\"report\">\n{body}</body>\n</html>\n"
    )
}

fn section(id: &str, title: &str, body: &str) -> String {
    let title = escape(title);
    format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n{body}</section>\n")
}

/// A table that scrolls sideways by itself where it is too wide.
fn table(label: &str, caption: &str, head: &str, rows: &str) -> String {
    let (label, caption) = (escape(label), escape(caption));
    let caption = if caption.is_empty() { String::new() } else { format!("<caption>{caption}</caption>") };
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}: table\"><table>{caption}\
         <thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>\n"
    )
}

fn column(text: &str) -> String {
    format!("<th scope=\"col\">{}</th>", escape(text))
}

fn cell(text: &str) -> String {
    format!("<td>{}</td>", escape(text))
}

/// The head of a row or of several, with the hue of its writer.
fn writer_head(report: &Report, index: usize, rows: usize) -> String {
    let run = &report.runs[index];
    let scope = if rows > 1 { format!("rowgroup\" rowspan=\"{rows}") } else { "row".to_owned() };
    let writer = escape(&run.writer);
    format!("<th scope=\"{scope}\"><span class=\"hue\" data-hue=\"{}\">{writer}</span></th>", run.options.kind)
}

fn facts(report: &Report) -> String {
    let machine = &report.machine;
    let build = if machine.optimized { "release" } else { "debug build" };
    let started_by = if report.started_by.is_empty() { "not named" } else { &report.started_by };
    let sql_as = if report.sql_as.is_empty() { "the app's principal" } else { &report.sql_as };
    let facts = [
        ("Workspace", workspace(&report.workspace)),
        ("Table", format!("<span class=\"code\">{}</span>", escape(&report.table.to_string()))),
        ("Started", format!("<time datetime=\"{0}\">{0}</time>", escape(&report.started_at))),
        ("Started by", escape(started_by)),
        ("SQL ran as", escape(sql_as)),
        ("Records", escape(&source_text(&report.plan))),
        ("Runs", escape(order_text(report.plan.order))),
        ("Machine", escape(&format!("{} processors, {}", machine.cpus, machine.platform))),
        ("Program", escape(&format!("direct-write {}, {build}", machine.version))),
    ];
    let facts: String =
        facts.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>")).collect();
    format!("<dl class=\"facts\">{facts}</dl>\n")
}

fn workspace(workspace: &WorkspaceBadge) -> String {
    let name = escape(&workspace.name);
    let url = escape(&workspace.url);
    let badge = if workspace.local { format!("<span class=\"badge\">{name}</span>") } else { name.clone() };
    if url.ends_with(&name) { badge } else { format!("{badge} <span class=\"code quiet\">{url}</span>") }
}

fn foot(report: &Report) -> String {
    format!(
        "</main>\n<footer class=\"quiet\"><p>Comparison <span class=\"code\">{}</span>, {}. Times are UTC; bytes are decimal; \
         p99 is the time that 99 % of the records did not exceed.</p></footer>\n",
        escape(&report.id),
        escape(&report.schema)
    )
}

/// A state with its sign: never colour alone.
fn state(state: RunState) -> String {
    let (class, sign) = match state {
        RunState::Completed => ("good", "✓"),
        RunState::Failed => ("bad", "✗"),
        _ => ("warn", "–"),
    };
    format!("<span class=\"{class}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span>{}</span>", state.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::example;

    fn html(report: &Report) -> String {
        report_html(report, &Prices::default())
    }

    #[test]
    fn the_file_needs_nothing_else_and_runs_nothing() {
        let html = html(&example::report());
        for forbidden in ["<script", "<link", "<img", "url(", "@import", "onclick", "style=\""] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
        let addresses: Vec<&str> =
            html.split("http").skip(1).map(|rest| rest.split(['"', '<', ' ']).next().unwrap()).collect();
        assert!(addresses.iter().all(|rest| !rest.is_empty()), "{addresses:?}");
        assert!(html.contains("default-src &#39;none&#39;") || html.contains("default-src 'none'"));
    }

    #[test]
    fn everything_people_wrote_is_escaped() {
        let mut report = example::report();
        let attack = "<b onmouseover=alert(1)>\"&";
        report.name = attack.to_owned();
        report.started_by = attack.to_owned();
        report.sql_as = attack.to_owned();
        report.workspace.name = attack.to_owned();
        report.runs[0].writer = attack.to_owned();
        report.runs[0].reason = Some(attack.to_owned());
        report.runs[0].reconciliation.note = Some(attack.to_owned());
        report.runs[0].reconciliation.missing_ids = vec![attack.to_owned()];
        report.plan.thresholds = [(attack.to_owned(), attack.to_owned())].into();
        report.thresholds[0].name = attack.to_owned();
        let html = html(&report);
        assert!(!html.contains("<b onmouseover"), "{html}");
    }

    #[test]
    fn every_tag_is_closed() {
        let html = html(&example::report());
        for tag in [
            "section", "table", "tr", "td", "th", "div", "figure", "svg", "g", "dl", "dd", "article", "ul", "li",
            "details",
        ] {
            let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
            assert!(opened > 0, "{tag}");
        }
    }

    #[test]
    fn what_was_not_measured_is_not_a_number() {
        let mut report = example::report();
        for run in &mut report.runs {
            run.state = RunState::Failed;
            run.reason = Some("The workspace could not be reached.".to_owned());
            run.records = crate::model::RecordCounts::default();
            run.latency_ms = crate::model::Latencies::default();
            run.throughput = crate::model::Throughput::default();
            run.series.clear();
            run.elapsed_ms = 0.0;
        }
        let html = html(&report);
        for nonsense in ["NaN", "inf<", "null"] {
            assert!(!html.contains(nonsense), "{nonsense}");
        }
        assert!(html.contains("The workspace could not be reached."));
    }
}
