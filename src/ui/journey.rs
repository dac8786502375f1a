//! The signature of the product: a record's journey through its five stops.
//!
//! Stops stand evenly spaced so that they can be read; a hairline leads each one down to its true place on a
//! time ruler, where the segments are to scale. Knows reports of stages, not where they come from.

use leptos::prelude::*;

use super::chart::scale::round_step;
use super::number::duration;
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

/// The track.
#[component]
pub fn Journey(
    /// What is known of the stops; empty before the first submission.
    reports: Memo<Vec<StageReport>>,
    /// Microseconds that have passed.
    passed_us: Memo<u64>,
    /// The writer's name, for its hue.
    hue: Memo<&'static str>,
) -> impl IntoView {
    let drawn = Memo::new(move |_| reports.with(|reports| stops(reports)));
    let notes = move || {
        drawn.with(|stops| {
            let noted = stops.iter().filter_map(|stop| Some((stop.report.clone(), stop.report.note.clone()?)));
            noted
                .map(|(report, note)| {
                    view! {
                        <li data-state=state_name(report.state)>
                            <strong>{format!("{} {}", report.stage.name(), state_word(report.state))}</strong>
                            ": "
                            {note}
                        </li>
                    }
                })
                .collect_view()
        })
    };
    view! {
        <div class="journey" data-hue=move || hue.get()>
            <ol class="stops" aria-label="The journey of the records">
                {Stage::ALL.into_iter().enumerate().map(|(index, stage)| view! { <StopMark index stage drawn /> }).collect_view()}
            </ol>
            <svg class="ruler" width="100%" height="72" aria-hidden="true">
                {move || drawn.with(|stops| draw_ruler(stops, passed_us.get()))}
            </svg>
            <ul class="notes">{notes}</ul>
        </div>
    }
    .into_any()
}

#[component]
fn StopMark(index: usize, stage: Stage, drawn: Memo<Vec<Stop>>) -> impl IntoView {
    let stop = Memo::new(move |_| drawn.with(|stops| stops.get(index).cloned()));
    let state = move || stop.with(|stop| stop.as_ref().map_or(StageState::Waiting, |stop| stop.report.state));
    let took = move || {
        stop.with(|stop| match stop {
            Some(Stop { report: StageReport { state: StageState::Done, took_us: Some(micros), .. }, .. }) => {
                duration(*micros)
            }
            _ if state() == StageState::Waiting => "–".to_owned(),
            _ => state_word(state()).to_owned(),
        })
    };
    let exact = move || {
        let took = stop.with(|stop| stop.as_ref().and_then(|stop| stop.report.took_us));
        took.map(|micros| format!("{micros} µs since the stop before it"))
    };
    view! {
        <li class="stop" data-stage=stage.name() data-state=move || state_name(state())>
            <span class="mark" aria-hidden="true">
                {move || match state() {
                    StageState::Failed => "×",
                    StageState::Unknown => "?",
                    _ => "",
                }}
            </span>
            <span class="stop-name">{stage.name()}</span>
            <span class="stop-time num" title=exact>{took}</span>
        </li>
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

fn draw_ruler(stops: &[Stop], passed_us: u64) -> impl IntoView + use<> {
    let (length, ticks) = ruler(stops, passed_us);
    let leaders = stops.iter().enumerate().filter_map(|(index, stop)| {
        let x2 = percent(stop.reached_us?, length.max(1));
        Some(view! { <line class="leader" x1=format!("{}%", 10 + 20 * index) x2=format!("{x2:.2}%") y1="0" y2="34" /> })
    });
    let segments = stops.iter().filter_map(|stop| {
        let to = match stop.report.state {
            StageState::Done => stop.reached_us?,
            StageState::Active => passed_us,
            _ => return None,
        };
        let (x, width) = (percent(stop.from_us, length), percent(to.saturating_sub(stop.from_us), length));
        Some(view! {
            <rect
                class="segment"
                data-part=stop.report.stage.name()
                data-state=state_name(stop.report.state)
                x=format!("{x:.2}%")
                width=format!("{width:.2}%")
                y="36"
                height="8"
            />
            <line class="post" x1=format!("{:.2}%", x + width) x2=format!("{:.2}%", x + width) y1="33" y2="47" />
        })
    });
    let label = |micros: u64, anchor: &'static str, class: &'static str| {
        let x = percent(micros, length);
        let text = if micros == 0 { "0".to_owned() } else { duration(micros) };
        view! { <text class=class x=format!("{x:.2}%") y="64" text-anchor=anchor>{text}</text> }
    };
    let mut labels: Vec<_> = ticks
        .iter()
        .map(|tick| {
            label(*tick, if *tick == 0 { "start" } else { "middle" }, if *tick == 0 { "tick" } else { "tick between" })
        })
        .collect();
    if length > 0 {
        labels.push(label(length, "end", "tick end"));
    }
    let marks = ticks.into_iter().map(|tick| {
        let x = format!("{:.2}%", percent(tick, length));
        view! { <line class="grid" x1=x.clone() x2=x y1="44" y2="50" /> }
    });
    (
        view! { <line class="axis" x1="0" x2="100%" y1="44.5" y2="44.5" /> },
        leaders.collect_view(),
        segments.collect_view(),
        marks.collect_view(),
        labels.collect_view(),
    )
        .into_any()
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
