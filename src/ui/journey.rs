//! The signature of the product: a record's journey through its five stops.
//!
//! Stops stand evenly spaced so that they can be read; a hairline leads each one down to its true place on a
//! time ruler, where the segments are to scale. Knows reports of stages, not where they come from.

use super::chart::scale::round_step;
use super::markup::Markup;
use super::number::{duration, fixed};
use crate::model::{Stage, StageReport, StageState};

/// One stop as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    /// What is known of it.
    pub report: StageReport,
    /// Microseconds from the beginning until the stop before it.
    pub from_us: u64,
    /// Microseconds from the beginning until it was reached.
    pub reached_us: Option<u64>,
}

/// The five stops in order; those nobody reported yet are waiting.
pub fn stops(reports: &[StageReport]) -> Vec<Stop> {
    let mut now = 0;
    let stop = |stage| {
        let waiting = StageReport { stage, state: StageState::Waiting, took_us: None, note: None };
        let report = reports.iter().find(|report| report.stage == stage).cloned().unwrap_or(waiting);
        let from_us = now;
        now += report.took_us.unwrap_or(0);
        let reached_us = (report.state == StageState::Done).then_some(()).and(report.took_us).map(|_| now);
        Stop { report, from_us, reached_us }
    };
    Stage::ALL.into_iter().map(stop).collect()
}

/// Microseconds from the beginning until `stage` was reached.
pub fn reached_us(reports: &[StageReport], stage: Stage) -> Option<u64> {
    stops(reports).into_iter().find(|stop| stop.report.stage == stage)?.reached_us
}

/// The ruler's length and its ticks, in microseconds; at least the time that has passed.
pub fn ruler(stops: &[Stop], passed_us: u64) -> (u64, Vec<u64>) {
    let reached = stops.iter().filter_map(|stop| stop.reached_us).max().unwrap_or(0);
    let length = reached.max(passed_us);
    if length == 0 {
        return (0, Vec::new());
    }
    let step = (round_step(length as f64, 4) as u64).max(1);
    // A tick in the last sixth would run into the label of the end.
    let ticks = (0..).map(|index| index * step).take_while(|tick| *tick == 0 || tick * 6 <= length * 5);
    (length, ticks.collect())
}

/// The word of a state.
pub fn state_word(state: StageState) -> &'static str {
    match state {
        StageState::Waiting => "waiting",
        StageState::Active => "under way",
        StageState::Done => "done",
        StageState::Failed => "failed",
        StageState::Unknown => "unknown",
    }
}

fn state_name(state: StageState) -> &'static str {
    match state {
        StageState::Active => "active",
        other => state_word(other),
    }
}

/// Draws the track: the stops, the ruler under them, and why a stop failed or is not known. `hue` is the writer's name.
pub fn draw(markup: &mut Markup, reports: &[StageReport], passed_us: u64, hue: &str) {
    let stops = stops(reports);
    markup.open("div", &[("class", "journey"), ("data-hue", hue)]);
    markup.raw("<ol class=\"stops\" aria-label=\"The journey of the records\">");
    for stop in &stops {
        draw_stop(markup, stop);
    }
    markup.raw("</ol><svg class=\"ruler\" width=\"100%\" height=\"72\" aria-hidden=\"true\">");
    draw_ruler(markup, &stops, passed_us);
    markup.raw("</svg><ul class=\"notes\">");
    for StageReport { stage, state, note, .. } in stops.iter().map(|stop| &stop.report) {
        let Some(note) = note else { continue };
        markup.open("li", &[("data-state", state_name(*state))]);
        markup.element("strong", &[], &format!("{} {}", stage.name(), state_word(*state)));
        markup.text(": ").text(note).close("li");
    }
    markup.raw("</ul></div>");
}

fn draw_stop(markup: &mut Markup, stop: &Stop) {
    let StageReport { stage, state, took_us, .. } = stop.report;
    let sign = match state {
        StageState::Failed => "×",
        StageState::Unknown => "?",
        _ => "",
    };
    let took = match (state, took_us) {
        (StageState::Done, Some(micros)) => duration(micros),
        (StageState::Waiting, _) => "–".to_owned(),
        _ => state_word(state).to_owned(),
    };
    let exact = took_us.map(|micros| format!("{micros} µs since the stop before it")).unwrap_or_default();
    markup.open("li", &[("class", "stop"), ("data-stage", stage.name()), ("data-state", state_name(state))]);
    markup.element("span", &[("class", "mark"), ("aria-hidden", "true")], sign);
    markup.element("span", &[("class", "stop-name")], stage.name());
    markup.element("span", &[("class", "stop-time num"), ("title", &exact)], &took).close("li");
}

fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

/// A place along the ruler, in percent.
fn place(part: u64, whole: u64) -> String {
    format!("{}%", fixed(percent(part, whole), 2))
}

fn draw_ruler(markup: &mut Markup, stops: &[Stop], passed_us: u64) {
    let (length, ticks) = ruler(stops, passed_us);
    markup.element("line", &[("class", "axis"), ("x1", "0"), ("x2", "100%"), ("y1", "44.5"), ("y2", "44.5")], "");
    for (index, stop) in stops.iter().enumerate() {
        let Some(reached_us) = stop.reached_us else { continue };
        let (x1, x2) = (format!("{}%", 10 + 20 * index), place(reached_us, length));
        markup.element("line", &[("class", "leader"), ("x1", &x1), ("x2", &x2), ("y1", "0"), ("y2", "34")], "");
    }
    for stop in stops {
        let to_us = match (stop.report.state, stop.reached_us) {
            (StageState::Done, Some(reached_us)) => reached_us,
            (StageState::Active, _) => passed_us,
            _ => continue,
        };
        let (x, width) = (place(stop.from_us, length), place(to_us.saturating_sub(stop.from_us), length));
        let (part, state) = (stop.report.stage.name(), state_name(stop.report.state));
        let shape = [("class", "segment"), ("data-part", part), ("data-state", state), ("x", &x), ("width", &width)];
        markup.element("rect", &[&shape[..], &[("y", "36"), ("height", "8")]].concat(), "");
        let end = place(to_us.max(stop.from_us), length);
        markup.element("line", &[("class", "post"), ("x1", &end), ("x2", &end), ("y1", "33"), ("y2", "47")], "");
    }
    for tick in &ticks {
        let x = place(*tick, length);
        markup.element("line", &[("class", "grid"), ("x1", &x), ("x2", &x), ("y1", "44"), ("y2", "50")], "");
    }
    for tick in ticks {
        let (anchor, class) = if tick == 0 { ("start", "tick") } else { ("middle", "tick between") };
        draw_label(markup, tick, length, anchor, class);
    }
    if length > 0 {
        draw_label(markup, length, length, "end", "tick end");
    }
}

fn draw_label(markup: &mut Markup, micros: u64, length: u64, anchor: &str, class: &str) {
    let text = if micros == 0 { "0".to_owned() } else { duration(micros) };
    let x = place(micros, length);
    markup.element("text", &[("class", class), ("x", &x), ("y", "64"), ("text-anchor", anchor)], &text);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{Records, SubmissionSnapshot, SubmissionState, TableName, WorkspaceBadge, WriterKind};

    /// A running submission whose stops took those times.
    pub(crate) fn snapshot(stages: &[(Stage, Option<u64>)]) -> SubmissionSnapshot {
        let report = |(stage, took_us): &(Stage, Option<u64>)| StageReport {
            stage: *stage,
            state: if took_us.is_some() { StageState::Done } else { StageState::Active },
            took_us: *took_us,
            note: None,
        };
        SubmissionSnapshot {
            id: "one".to_owned(),
            sequence: 1,
            state: SubmissionState::Running,
            finished: false,
            writer: WriterKind::Zerobus,
            table: TableName::parse("a.b.c").unwrap_or_else(|_| unreachable!()),
            workspace: WorkspaceBadge {
                name: String::new(),
                local: true,
                url: String::new(),
                principal: String::new(),
            },
            started_at: String::new(),
            records: Records::default(),
            payload_bytes: 0,
            stages: stages.iter().map(report).collect(),
            processing_us: 0,
            record_ids: Vec::new(),
            error: None,
            answer: None,
        }
    }

    #[test]
    fn stops_know_when_they_were_reached() {
        let one = snapshot(&[(Stage::Validated, Some(10)), (Stage::Encoded, Some(5)), (Stage::Sent, None)]);
        let stops = stops(&one.stages);
        let reached: Vec<_> = stops.iter().map(|stop| stop.reached_us).collect();
        assert_eq!(reached, [Some(10), Some(15), None, None, None]);
        assert_eq!(stops[2].from_us, 15);
        assert_eq!(stops[4].report.state, StageState::Waiting);
        assert_eq!(reached_us(&one.stages, Stage::Encoded), Some(15));
    }

    #[test]
    fn the_ruler_is_as_long_as_what_passed() {
        let one = snapshot(&[(Stage::Validated, Some(300)), (Stage::Durable, Some(9_700))]);
        assert_eq!(ruler(&stops(&one.stages), 4_000), (10_000, vec![0, 5_000]));
        assert_eq!(ruler(&stops(&one.stages), 20_000).0, 20_000);
        assert_eq!(ruler(&stops(&[]), 0), (0, Vec::new()));
    }
}
