//! The instrument: the journey of the latest submission, what came of it in words, its figures, the raw answer.

use leptos::prelude::*;

use super::bench::{Bench, Link, Phase};
use super::figures::Figures;
use super::journey::{self, Journey};
use super::number::{count_of, duration};
use crate::model::{EdgeError, Stage, StageReport, StageState, SubmissionSnapshot, SubmissionState};

/// The right half.
#[component]
pub fn Outcome(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    let shown = Memo::new(move |_| {
        let followed = bench.phase.with(|phase| *phase == Phase::Followed);
        followed.then(|| bench.snapshot.get()).flatten()
    });
    let reports = Memo::new(move |_| {
        shown.with(|shown| {
            shown.as_ref().map_or_else(|| first_reports(&bench.phase.get()), |shown| shown.stages.clone())
        })
    });
    let passed_us = Memo::new(move |_| shown.with(|shown| shown.as_ref().map_or(0, |shown| shown.processing_us)));
    let hue = Memo::new(move |_| {
        let of_snapshot = shown.with(|shown| shown.as_ref().map(|shown| shown.writer));
        of_snapshot.or_else(|| bench.writer.get()).map_or("", |writer| writer.name())
    });
    let state = Memo::new(move |_| state_of(&bench.phase.get(), &bench.link.get(), shown.get().as_ref()));
    let stale = move || bench.link.with(|link| *link != Link::Live);
    let title = move || shown.with(|shown| title_of(state.get(), shown.as_ref()));
    let words = move || {
        let refusal = bench.phase.with(|phase| match phase {
            Phase::Refused(error) => Some(error_words(error).into_any()),
            _ => None,
        });
        refusal.or_else(|| shown.with(|shown| shown.as_ref().map(words_of).map(IntoAny::into_any)))
    };
    let silent = move || matches!(state.get(), "failed" | "refused") && bench.info.with(|info| info.problem.is_some());
    view! {
        <section class="instrument" aria-labelledby="result-title" data-testid="result" data-state=move || state.get() data-stale=move || stale().to_string()>
            <h2 class="sr-only">"Result"</h2>
            <div class="verdict">
                <p class="verdict-title" id="result-title">
                    <span class="sign" data-state=move || tone_of(state.get()) aria-hidden="true">{move || sign_of(state.get())}</span>
                    {title}
                </p>
                <LinkNote bench />
                {words}
                <Show when=silent>
                    <p>"The workspace does not answer now. The page asks again by itself and says when it is back."</p>
                </Show>
            </div>
            <Journey reports passed_us hue />
            <Figures shown />
            <RawAnswer shown />
        </section>
    }
    .into_any()
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

fn error_words(error: &EdgeError) -> impl IntoView + use<> {
    view! {
        <p class="failure">{error.message.clone()}" "<span class="code quiet">{error.error_code.clone()}</span></p>
    }
}

fn words_of(shown: &SubmissionSnapshot) -> impl IntoView + use<> {
    let visible = shown.stages.iter().find(|report| report.stage == Stage::Visible);
    let after = journey::reached_us(&shown.stages, Stage::Visible).map(duration);
    let success = match (shown.state, visible.map(|report| report.state), after) {
        (SubmissionState::Succeeded, Some(StageState::Done), Some(after)) => {
            Some(format!("Durable after {}, visible to queries after {after}.", duration(shown.processing_us)))
        }
        (SubmissionState::Succeeded, Some(StageState::Active | StageState::Waiting), _) => {
            Some(format!("Durable after {}. Looking for them by SELECT.", duration(shown.processing_us)))
        }
        (SubmissionState::Succeeded, ..) => {
            Some(format!("Durable after {}. Whether queries see them yet is not known.", duration(shown.processing_us)))
        }
        _ => None,
    };
    let failure = shown.error.as_ref().map(error_words);
    (success.map(|text| view! { <p>{text}</p> }), failure)
}

#[component]
fn LinkNote(bench: Bench) -> impl IntoView {
    move || {
        bench.link.with(|link| match link {
            Link::Live if bench.phase.with(|phase| *phase == Phase::Idle) => Some(
                view! {
                    <p class="quiet">
                        "Fill in the form and press the button. Each record then passes five stops; what every stop took appears here."
                    </p>
                }
                .into_any(),
            ),
            Link::Live => None,
            Link::Reconnecting(seconds) => {
                let age = if *seconds > 0 { format!(" Last news {seconds} s ago.") } else { String::new() };
                Some(
                    view! {
                        <p class="state" data-state="warn" data-testid="reconnecting">
                            <span class="sign" aria-hidden="true">"!"</span>
                            {format!("Reconnecting.{age} The values below are the last that came.")}
                        </p>
                    }
                    .into_any(),
                )
            }
            Link::Lost(error) => Some(error_words(error).into_any()),
        })
    }
}

#[component]
fn RawAnswer(shown: Memo<Option<SubmissionSnapshot>>) -> impl IntoView {
    let answer =
        Memo::new(move |_| shown.with(|shown| serde_json::to_string_pretty(shown.as_ref()?.answer.as_ref()?).ok()));
    view! {
        <Show when=move || answer.with(Option::is_some)>
            <details class="json">
                <summary>"Raw JSON answer"</summary>
                <pre class="code" tabindex="0" data-testid="answer">{move || answer.get()}</pre>
            </details>
        </Show>
    }
    .into_any()
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
