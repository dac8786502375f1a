//! The instrument: the journey of the latest submission, what came of it in words, its figures, the raw answer.
//!
//! It only shows, so it is one drawing; [`Seen`] is all it is drawn from.

use leptos::prelude::*;

use super::bench::{Bench, Link, Phase};
use super::drawn::drawn;
use super::markup::Markup;
use super::number::{count_of, duration};
use super::{figures, journey};
use crate::model::{EdgeError, Stage, StageReport, StageState, SubmissionSnapshot, SubmissionState};

/// The right half.
#[component]
pub fn Outcome(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    let see = move |show: fn(&Seen<'_>) -> String| {
        bench.phase.with(|phase| {
            bench.link.with(|link| {
                bench.snapshot.with(|snapshot| {
                    let shown = snapshot.as_ref().filter(|_| *phase == Phase::Followed);
                    let hue = shown.map(|shown| shown.writer).or_else(|| bench.writer.get());
                    let silent = bench.info.with(|info| info.problem.is_some());
                    show(&Seen { phase, link, shown, hue: hue.map_or("", |writer| writer.name()), silent })
                })
            })
        })
    };
    view! {
        <section
            class="instrument"
            aria-labelledby="result-title"
            data-testid="result"
            data-state=move || see(|seen| seen.state().to_owned())
            data-stale=move || see(|seen| (*seen.link != Link::Live).to_string())
            inner_html=drawn(move || see(draw))
        ></section>
    }
}

/// What the instrument shows.
struct Seen<'a> {
    phase: &'a Phase,
    link: &'a Link,
    shown: Option<&'a SubmissionSnapshot>,
    /// The writer's name.
    hue: &'static str,
    /// Whether the workspace is known not to answer.
    silent: bool,
}

impl Seen<'_> {
    fn state(&self) -> &'static str {
        state_of(self.phase, self.link, self.shown)
    }
}

fn draw(seen: &Seen<'_>) -> String {
    let mut markup = Markup::new();
    let state = seen.state();
    markup
        .raw("<h2 class=\"sr-only\">Result</h2><div class=\"verdict\"><p class=\"verdict-title\" id=\"result-title\">");
    markup.element(
        "span",
        &[("class", "sign"), ("data-state", tone_of(state)), ("aria-hidden", "true")],
        sign_of(state),
    );
    markup.text(&title_of(state, seen.shown)).raw("</p>");
    draw_link(&mut markup, seen);
    match (seen.phase, seen.shown) {
        (Phase::Refused(error), _) => draw_error(&mut markup, error),
        (_, Some(shown)) => draw_words(&mut markup, shown),
        _ => {}
    }
    if seen.silent && matches!(state, "failed" | "refused") {
        markup.raw("<p>The workspace does not answer now. The page asks again by itself and says when it is back.</p>");
    }
    markup.raw("</div>");
    let first = first_reports(seen.phase);
    let reports = seen.shown.map_or(&first, |shown| &shown.stages);
    journey::draw(&mut markup, reports, seen.shown.map_or(0, |shown| shown.processing_us), seen.hue);
    if let Some(shown) = seen.shown {
        figures::draw(&mut markup, shown);
    }
    if let Some(answer) = seen.shown.and_then(|shown| shown.answer.as_ref()) {
        markup.raw("<details class=\"json\"><summary>Raw JSON answer</summary>");
        markup.element(
            "pre",
            &[("class", "code"), ("tabindex", "0"), ("data-testid", "answer")],
            &format!("{answer:#}"),
        );
        markup.raw("</details>");
    }
    markup.finish()
}

/// While the server has not answered the first stop is under way; otherwise nothing has begun.
fn first_reports(phase: &Phase) -> Vec<StageReport> {
    let sending = *phase == Phase::Sending;
    let report = StageReport { stage: Stage::Validated, state: StageState::Active, took_us: None, note: None };
    if sending { vec![report] } else { Vec::new() }
}

fn state_of(phase: &Phase, link: &Link, shown: Option<&SubmissionSnapshot>) -> &'static str {
    match (phase, shown.map(|shown| shown.state)) {
        (Phase::Idle, _) => "idle",
        (Phase::Sending, _) => "sending",
        (Phase::Refused(_), _) => "refused",
        (Phase::Followed, Some(SubmissionState::Succeeded)) => "succeeded",
        (Phase::Followed, Some(SubmissionState::Failed)) => "failed",
        (Phase::Followed, _) if matches!(link, Link::Lost(_)) => "lost",
        (Phase::Followed, _) => "running",
    }
}

fn tone_of(state: &str) -> &'static str {
    match state {
        "succeeded" => "good",
        "failed" | "refused" => "bad",
        "lost" => "warn",
        _ => "calm",
    }
}

fn sign_of(state: &str) -> &'static str {
    match state {
        "succeeded" => "✓",
        "failed" | "refused" => "×",
        "lost" => "?",
        "running" | "sending" => "›",
        _ => "·",
    }
}

fn title_of(state: &str, shown: Option<&SubmissionSnapshot>) -> String {
    let (received, durable) = shown.map_or((0, 0), |shown| (shown.records.received, shown.records.durable));
    match state {
        "sending" => "Sending to the server".to_owned(),
        "refused" => "Not taken".to_owned(),
        "running" => format!("{} on the way", count_of(received, "record")),
        "succeeded" => format!("{} durable", count_of(durable, "record")),
        "failed" if durable == 0 => format!("Failed: {} not durable", count_of(received, "record")),
        "failed" => format!("Failed in part: {durable} of {} durable", count_of(received, "record")),
        "lost" => "What became of it is not known".to_owned(),
        _ => "No submission yet".to_owned(),
    }
}

fn draw_error(markup: &mut Markup, error: &EdgeError) {
    markup.open("p", &[("class", "failure")]).text(&error.message).text(" ");
    markup.element("span", &[("class", "code quiet")], &error.error_code).close("p");
}

fn draw_words(markup: &mut Markup, shown: &SubmissionSnapshot) {
    let visible = shown.stages.iter().find(|report| report.stage == Stage::Visible);
    let after = journey::reached_us(&shown.stages, Stage::Visible).map(duration);
    let sight = match (visible.map(|report| report.state), after) {
        (Some(StageState::Done), Some(after)) => format!(", visible to queries after {after}."),
        (Some(StageState::Active | StageState::Waiting), _) => ". Looking for them by SELECT.".to_owned(),
        _ => ". Whether queries see them yet is not known.".to_owned(),
    };
    if shown.state == SubmissionState::Succeeded {
        let principal = &shown.workspace.principal;
        let written = if principal.is_empty() { String::new() } else { format!(" Written as {principal}.") };
        markup.element("p", &[], &format!("Durable after {}{sight}{written}", duration(shown.processing_us)));
    }
    if let Some(error) = &shown.error {
        draw_error(markup, error);
    }
}

fn draw_link(markup: &mut Markup, seen: &Seen<'_>) {
    match seen.link {
        Link::Live if *seen.phase == Phase::Idle => {
            markup
                .raw("<p class=\"quiet\">Fill in the form and press the button. Each record then passes five stops; ");
            markup.raw("what every stop took appears here.</p>");
        }
        Link::Live => {}
        Link::Reconnecting(seconds) => {
            let age = if *seconds > 0 { format!(" Last news {seconds} s ago.") } else { String::new() };
            markup.raw("<p class=\"state\" data-state=\"warn\" data-testid=\"reconnecting\">");
            markup.raw("<span class=\"sign\" aria-hidden=\"true\">!</span>");
            markup.text(&format!("Reconnecting.{age} The values below are the last that came.")).raw("</p>");
        }
        Link::Lost(error) => draw_error(markup, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::journey::tests::snapshot;

    #[test]
    fn zero_durable_records_are_never_called_a_success() {
        let mut one = snapshot(&[]);
        one.records.received = 5;
        one.state = SubmissionState::Failed;
        let state = state_of(&Phase::Followed, &Link::Live, Some(&one));
        assert_eq!((state, title_of(state, Some(&one)).as_str()), ("failed", "Failed: 5 records not durable"));
        one.records.durable = 2;
        assert_eq!(title_of(state, Some(&one)), "Failed in part: 2 of 5 records durable");
    }

    #[test]
    fn a_lost_submission_is_neither_running_nor_failed() {
        let lost = Link::Lost(EdgeError::new("NOT_FOUND", "gone"));
        assert_eq!(state_of(&Phase::Followed, &lost, Some(&snapshot(&[]))), "lost");
        assert_eq!(state_of(&Phase::Followed, &Link::Live, None), "running");
    }
}
