//! The figures of one submission: what it was, how fast it went, how long each stop took.

use leptos::prelude::*;

use super::journey::{Stop, state_word, stops};
use super::number::{bytes, duration, grouped, with_unit};
use crate::model::{StageState, SubmissionSnapshot};

/// Nothing before the first submission.
#[component]
pub fn Figures(
    /// The submission that is shown.
    shown: Memo<Option<SubmissionSnapshot>>,
) -> impl IntoView {
    move || shown.with(|shown| shown.as_ref().map(figures_of))
}

/// A figure: what it is of, the value in three digits, the exact value.
type Figure = (&'static str, String, String);

fn headline(shown: &SubmissionSnapshot) -> Vec<Figure> {
    let none = || ("–".to_owned(), String::new());
    let per_second = |value: Option<f64>, unit: &str| {
        value.map_or_else(none, |value| (with_unit(value, unit), format!("{value:.3} {unit}")))
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

fn figures_of(shown: &SubmissionSnapshot) -> impl IntoView + use<> {
    let figures = headline(shown).into_iter().map(|(name, value, exact)| {
        view! { <div class="figure"><dt>{name}</dt><dd class="num" title=exact>{value}</dd></div> }
    });
    let facts = facts(shown).into_iter().map(|(name, value)| {
        let code = matches!(name, "Table" | "Batch id" | "Started");
        let class = if code { "code" } else { "num" };
        view! { <div><dt>{name}</dt><dd class=class>{value}</dd></div> }
    });
    let rows = stops(&shown.stages).into_iter().map(stage_row).collect_view();
    view! {
        <div class="figures" data-testid="figures">
            <dl class="headline">{figures.collect_view()}</dl>
            <table class="stages">
                <caption>"Latency of each stage"</caption>
                <thead>
                    <tr><th scope="col">"Stage"</th><th scope="col">"Took"</th><th scope="col">"Since the start"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <dl class="facts-list">{facts.collect_view()}</dl>
        </div>
    }
    .into_any()
}

fn stage_row(stop: Stop) -> impl IntoView {
    let took = match (stop.report.state, stop.report.took_us) {
        (StageState::Done, Some(micros)) => duration(micros),
        (state, _) => state_word(state).to_owned(),
    };
    let exact = stop.report.took_us.map(|micros| format!("{} µs", grouped(micros)));
    let since = stop.reached_us.map_or_else(|| "–".to_owned(), duration);
    view! {
        <tr>
            <th scope="row">{stop.report.stage.name()}</th>
            <td class="num" title=exact>{took}</td>
            <td class="num">{since}</td>
        </tr>
    }
}
