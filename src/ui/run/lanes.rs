//! A lane for each run: where it stands, its figures, how hard the writer pushes back and what went wrong. Draws only.

use super::progress::{doing, percent};
use crate::chart::markup::Svg;
use crate::chart::{Look, path};
use crate::model::number::{fixed, grouped, milliseconds, with_unit};
use crate::model::{LiveRun, LiveView, Percentiles, PressureLevel, RunState};
use crate::ui::markup::Markup;

/// Notes of a lane; a run can fail in many ways at once.
const MOST_NOTES: usize = 6;

/// A figure: what it is of, its value, the exact value where there is more to say.
type Figure = (&'static str, String, String);

/// The looks of the runs.
pub fn looks(view: &LiveView) -> Vec<Look> {
    Look::of(view.runs.iter().map(|run| run.options.kind))
}

/// Draws the marker of a run, which its lines have too.
pub fn mark(markup: &mut Markup, look: Look) {
    let mut svg = Svg::new(24.0, 12.0);
    svg.group("series", look, |svg| {
        svg.path("line", "M1 6L23 6");
        svg.path("marker", &path::marker(look.marker(), 12.0, 6.0));
    });
    markup.unsaid("run-mark", svg);
}

/// What is shown as soon as it comes: where the runs stand, how hard the writers push back, how many errors there are.
pub fn news(view: &LiveView) -> Vec<f64> {
    let mut news = Vec::new();
    for run in &view.runs {
        let errors: u64 = run.errors.iter().map(|error| error.count).sum();
        news.extend([f64::from(run.state as u8), f64::from(run.pressure.level as u8), errors as f64]);
    }
    news
}

/// Draws a lane for each run.
pub fn draw(view: &LiveView) -> String {
    let mut markup = Markup::new();
    markup.raw("<ul class=\"lanes\">");
    for (run, look) in view.runs.iter().zip(looks(view)) {
        markup.open("li", &[("class", "lane"), ("data-run", &run.writer), ("data-state", run.state.name())]);
        head(&mut markup, run, look);
        figures(&mut markup, run);
        notes(&mut markup, run);
        markup.close("li");
    }
    markup.raw("</ul>");
    markup.finish()
}

fn head(markup: &mut Markup, run: &LiveRun, look: Look) {
    markup.raw("<div class=\"lane-head\"><h3>");
    mark(markup, look);
    markup.text(&run.writer).raw("</h3>");
    let (tone, sign) = tone(run.state);
    markup.open("p", &[("class", "state"), ("data-state", tone)]);
    markup.element("span", &[("class", "sign"), ("aria-hidden", "true")], sign);
    markup.text(doing(run.state)).close("p");
    let share = if run.state.is_final() { Some(1.0) } else { run.progress };
    let label = format!("Progress of {}", run.writer);
    match share {
        Some(share) => {
            let (value, text) = (fixed(share, 3), percent(share));
            markup.element("progress", &[("max", "1"), ("value", &value), ("aria-label", &label)], &text);
        }
        None => {
            markup.element("progress", &[("aria-label", &label)], "not known");
        }
    }
    let elapsed = if run.elapsed_ms > 0.0 { milliseconds(run.elapsed_ms) } else { "not begun".to_owned() };
    let left = run.left_ms.map(|left| format!(", about {} left", milliseconds(left))).unwrap_or_default();
    let text = format!("{}{elapsed}{left}", share.map(|share| format!("{} · ", percent(share))).unwrap_or_default());
    markup.element("p", &[("class", "quiet num")], &text).close("div");
}

fn tone(state: RunState) -> (&'static str, &'static str) {
    match state {
        RunState::Completed => ("good", "✓"),
        RunState::Failed => ("bad", "✗"),
        RunState::Stopped => ("warn", "–"),
        RunState::Pending => ("calm", "·"),
        RunState::Connecting | RunState::Running | RunState::Draining => ("calm", "›"),
    }
}

fn figures(markup: &mut Markup, run: &LiveRun) {
    markup.raw("<dl class=\"lane-figures\">");
    for (name, value, exact) in counts(run) {
        figure(markup, name, &value, &exact);
    }
    let pressure = &run.pressure;
    let (tone, word) = match pressure.level {
        PressureLevel::Low => ("calm", "low"),
        PressureLevel::Medium => ("warn", "! medium"),
        PressureLevel::High => ("bad", "!! high"),
    };
    markup.raw("<div><dt>Pressure</dt>");
    markup.element("dd", &[("class", "state"), ("data-state", tone), ("title", &pressure.reason)], word).close("div");
    for (name, value, exact) in measures(run) {
        figure(markup, name, &value, &exact);
    }
    markup.raw("</dl>");
}

fn figure(markup: &mut Markup, name: &'static str, value: &str, exact: &str) {
    markup.raw("<div>").element("dt", &[], name);
    markup.element("dd", &[("class", "num"), ("title", exact)], value).close("div");
}

fn counts(run: &LiveRun) -> [Figure; 6] {
    let (records, flow) = (run.records, run.throughput);
    let speed = |value: f64, unit: &str| {
        if value > 0.0 { (with_unit(value, unit), format!("{} {unit}", fixed(value, 1))) } else { none() }
    };
    [
        named("Sent", (grouped(records.sent), String::new())),
        named("Durable", (grouped(records.durable), String::new())),
        named("Failed", (grouped(records.failed), format!("{} of them in doubt", grouped(records.in_doubt)))),
        named("Visible", (grouped(records.visible), String::new())),
        named("Throughput", speed(flow.rows_per_s, "rows/s")),
        named("Bytes", speed(flow.bytes_per_s, "B/s")),
    ]
}

fn measures(run: &LiveRun) -> [Figure; 7] {
    let (durable, visible) = (&run.latency_ms.durable, &run.latency_ms.visible);
    let time = |values: &Percentiles, value: f64| {
        let exact = || format!("{} ms, of {} records", fixed(value, 3), grouped(values.count));
        if values.count > 0 { (milliseconds(value), exact()) } else { none() }
    };
    let errors: u64 = run.errors.iter().map(|error| error.count).sum();
    [
        named("p50 durable", time(durable, durable.p50)),
        named("p99 durable", time(durable, durable.p99)),
        named("p50 visible", time(visible, visible.p50)),
        named("p99 visible", time(visible, visible.p99)),
        named("In flight", (grouped(run.in_flight), "batches that wait for an acknowledgement".to_owned())),
        named("Retries", (grouped(run.retries), String::new())),
        named("Errors", (grouped(errors), String::new())),
    ]
}

fn named(name: &'static str, (value, exact): (String, String)) -> Figure {
    (name, value, exact)
}

fn none() -> (String, String) {
    ("–".to_owned(), "not measured yet".to_owned())
}

fn notes(markup: &mut Markup, run: &LiveRun) {
    let mut notes: Vec<(&'static str, String)> = Vec::new();
    if let Some(reason) = &run.reason {
        notes.push(("", reason.clone()));
    }
    if run.pressure.level != PressureLevel::Low {
        notes.push(("Pressure: ", run.pressure.reason.clone()));
    }
    for error in &run.errors {
        notes.push(("", format!("{} × {}: {}", grouped(error.count), error.class, error.message)));
    }
    if notes.is_empty() {
        return;
    }
    markup.raw("<ul class=\"lane-notes\">");
    for (what, text) in notes.iter().take(MOST_NOTES) {
        markup.element("li", &[], &format!("{what}{text}"));
    }
    if let Some(more) = notes.len().checked_sub(MOST_NOTES).filter(|more| *more > 0) {
        markup.element("li", &[], &format!("And {more} more: the report will have them all."));
    }
    markup.raw("</ul>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ErrorCount, Pressure};
    use crate::ui::run::board::tests::view;

    #[test]
    fn what_was_not_measured_is_not_a_number() {
        let mut view = view();
        let run = &mut view.runs[0];
        run.state = RunState::Pending;
        (run.latency_ms, run.throughput, run.elapsed_ms) = Default::default();
        view.runs.truncate(1);
        let markup = draw(&view);
        assert!(markup.contains("waiting for its turn"), "{markup}");
        assert!(markup.matches(">–<").count() == 6, "{markup}");
        assert!(!markup.contains("NaN"), "{markup}");
    }

    #[test]
    fn more_records_are_no_news() {
        let mut view = view();
        let mut after = |change: fn(&mut LiveRun)| {
            change(&mut view.runs[0]);
            news(&view)
        };
        let first = after(|_| ());
        assert_eq!(after(|run| run.records.sent += 1), first);
        let failed = after(|run| run.state = RunState::Failed);
        assert_ne!(failed, first);
        let pressed = after(|run| run.pressure.level = PressureLevel::Medium);
        assert_ne!(pressed, failed);
    }

    #[test]
    fn errors_and_pressure_are_told_with_their_reasons() {
        let mut view = view();
        let run = &mut view.runs[0];
        run.pressure = Pressure { level: PressureLevel::High, reason: "Records wait <2 s>.".to_owned() };
        run.errors = vec![ErrorCount {
            class: "unavailable".to_owned(),
            message: "503".to_owned(),
            count: 3,
            retryable: true,
            details: Vec::new(),
        }];
        let markup = draw(&view);
        assert!(markup.contains("Pressure: Records wait &lt;2 s&gt;."), "{markup}");
        assert!(markup.contains("3 × unavailable: 503"), "{markup}");
        assert!(markup.contains("!! high"), "never colour alone: {markup}");
    }
}
