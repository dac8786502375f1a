//! The figures of one submission: what it was, how fast it went, how long each stop took.

use super::journey::{Stop, state_word, stops};
use super::markup::Markup;
use super::number::{bytes, duration, fixed, grouped, with_unit};
use crate::model::{StageState, SubmissionSnapshot};

/// A figure: what it is of, the value in three digits, the exact value.
type Figure = (&'static str, String, String);

fn headline(shown: &SubmissionSnapshot) -> Vec<Figure> {
    let none = || ("–".to_owned(), String::new());
    let per_second = |value: Option<f64>, unit: &str| {
        value.map_or_else(none, |value| (with_unit(value, unit), format!("{} {unit}", fixed(value, 3))))
    };
    let (records, records_exact) = per_second(shown.records_per_second(), "records/s");
    let (flow, flow_exact) = per_second(shown.bytes_per_second(), "B/s");
    let payload = if shown.payload_bytes > 0 { bytes(shown.payload_bytes) } else { "–".to_owned() };
    vec![
        ("Processing time", duration(shown.processing_us), format!("{} µs", grouped(shown.processing_us))),
        ("Records per second", records, records_exact),
        ("Bytes per second", flow, flow_exact),
        ("Payload", payload, format!("{} B", grouped(shown.payload_bytes))),
    ]
}

fn facts(shown: &SubmissionSnapshot) -> Vec<(&'static str, String)> {
    let records = shown.records;
    let visible = records.visible.map_or_else(|| "not known".to_owned(), grouped);
    let counts = format!(
        "{} received, {} durable, {} failed, {visible} visible",
        records.received, records.durable, records.failed
    );
    vec![
        ("Records", counts),
        ("Writer", format!("{} ({})", shown.writer.title(), shown.writer)),
        ("Table", shown.table.to_string()),
        ("Workspace", format!("{} · {}", shown.workspace.name, shown.workspace.url)),
        ("Batch id", shown.id.clone()),
        ("Started", shown.started_at.clone()),
    ]
}

/// Draws them.
pub fn draw(markup: &mut Markup, shown: &SubmissionSnapshot) {
    markup.raw("<div class=\"figures\" data-testid=\"figures\"><dl class=\"headline\">");
    for (name, value, exact) in headline(shown) {
        markup.raw("<div class=\"figure\">").element("dt", &[], name);
        markup.element("dd", &[("class", "num"), ("title", &exact)], &value).close("div");
    }
    markup.raw(
        "</dl><table class=\"stages\"><caption>Latency of each stage</caption><thead><tr><th scope=\"col\">Stage</th>",
    );
    markup.raw("<th scope=\"col\">Took</th><th scope=\"col\">Since the start</th></tr></thead><tbody>");
    for stop in stops(&shown.stages) {
        draw_stage(markup, &stop);
    }
    markup.raw("</tbody></table><dl class=\"facts-list\">");
    for (name, value) in facts(shown) {
        let code = matches!(name, "Table" | "Batch id" | "Started");
        markup.raw("<div>").element("dt", &[], name);
        markup.element("dd", &[("class", if code { "code" } else { "num" })], &value).close("div");
    }
    markup.raw("</dl></div>");
}

fn draw_stage(markup: &mut Markup, stop: &Stop) {
    let took = match (stop.report.state, stop.report.took_us) {
        (StageState::Done, Some(micros)) => duration(micros),
        (state, _) => state_word(state).to_owned(),
    };
    let exact = stop.report.took_us.map(|micros| format!("{} µs", grouped(micros)));
    let since = stop.reached_us.map_or_else(|| "–".to_owned(), duration);
    markup.raw("<tr>").element("th", &[("scope", "row")], stop.report.stage.name());
    markup.element("td", &[("class", "num"), ("title", &exact.unwrap_or_default())], &took);
    markup.element("td", &[("class", "num")], &since).raw("</tr>");
}
