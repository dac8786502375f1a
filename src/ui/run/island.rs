//! What is alive on the page of a comparison: while it runs, all of it; when it has ended, the charts of its report.
#![allow(missing_docs, reason = "#[island] makes a struct of its own that cannot be documented from here")]

use leptos::prelude::*;

use super::board::{Board, Stop};
use super::courses::Courses;
use super::{lanes, log, progress};
use crate::chart::track::{self, Track};
use crate::model::LiveView;
use crate::model::number::{fixed, milliseconds};
use crate::ui::browser;
use crate::ui::drawn::{drawn, kept};
use crate::ui::handed::handed;
use crate::ui::live::Link;
use crate::ui::markup::Markup;

const WIDE: f64 = 1168.0;
const NARROW: f64 = 358.0;

/// The island of the page.
#[island]
pub fn RunBoard() -> impl IntoView {
    let board = Board::new(handed().unwrap_or_default());
    let ended = board.ended.get_untracked();
    Effect::new(move |_| board.wake());
    let alive = (!ended).then(|| alive(board));
    let below = (!ended).then(|| below(board));
    view! {
        <div
            class="board"
            data-testid="board"
            data-hydrated=move || board.hydrated.get().to_string()
            data-stale=move || board.link.with(|link| *link != Link::Live).to_string()
        >
            {alive}
            <Courses board tables_elsewhere=ended />
            {below}
        </div>
    }
}

/// What stands above the charts of a comparison that runs.
fn alive(board: Board) -> impl IntoView {
    let id = board.shown.with_untracked(|shown| shown.id.clone());
    let on_stop = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        board.stop();
    };
    view! {
        <p class="sr-only" role="status">{move || board.announcement.get()}</p>
        <div class="board-head">
            <div class="board-progress" data-testid="progress" inner_html=drawn(move || board.shown.with(whole))></div>
            <div class="board-actions">
                <button
                    class="button"
                    type="button"
                    disabled=move || !board.hydrated.get()
                    on:click=move |_| board.pause_or_resume()
                >
                    {move || if board.paused.get() { "Resume view" } else { "Pause view" }}
                </button>
                <form method="post" action=format!("/runs/{id}/stop") on:submit=on_stop>
                    <button class="button" disabled=move || board.stop.with(|stop| *stop == Stop::Asked)>
                        {move || if board.stop.with(|stop| *stop == Stop::Asked) { "Stopping…" } else { "Stop comparison" }}
                    </button>
                </form>
            </div>
        </div>
        <div class="board-notices" inner_html=drawn(move || notices(board))></div>
        <section aria-labelledby="lanes">
            <h2 id="lanes">"Runs"</h2>
            <div
                data-testid="lanes"
                inner_html=drawn(kept(figures_due(board), move || board.shown.with_untracked(lanes::draw)))
            ></div>
        </section>
    }
}

/// The lanes are drawn anew with every second snapshot, twice a second: digits that change more often cannot be read. What a
/// reader waits for comes at once.
fn figures_due(board: Board) -> impl Fn() -> Vec<f64> {
    let snapshots = StoredValue::new(0_u32);
    move || {
        snapshots.update_value(|count| *count = count.wrapping_add(1));
        let mut due = board.shown.with(lanes::news);
        due.push(f64::from(snapshots.get_value() / 2));
        // What stands still is of one moment, with the charts.
        due.push(if board.paused.get() { 1.0 } else { 0.0 });
        due
    }
}

/// What stands below them.
fn below(board: Board) -> impl IntoView {
    view! {
        <section aria-labelledby="journey">
            <h2 id="journey">"A record's journey"</h2>
            <figure inner_html=drawn(kept(
                move || board.shown.with(seconds),
                move || board.shown.with_untracked(journey),
            ))></figure>
        </section>
        <section aria-labelledby="log">
            <h2 id="log">"Log"</h2>
            <div
                class="log"
                tabindex="0"
                role="region"
                aria-label="Log, times in UTC"
                data-testid="log"
                inner_html=drawn(move || board.shown.with(|shown| log::draw(&shown.log)))
            ></div>
        </section>
    }
}

/// How far the whole is.
fn whole(shown: &LiveView) -> String {
    let mut markup = Markup::new();
    markup.element("p", &[("class", "num")], &progress::words(shown));
    let label = ("aria-label", "Progress of the comparison");
    match progress::share(shown) {
        Some(share) => markup.element("progress", &[label, ("max", "1"), ("value", &fixed(share, 3))], ""),
        None => markup.element("progress", &[label], ""),
    };
    markup.finish()
}

/// What a reader has to know about the view itself.
fn notices(board: Board) -> String {
    let mut markup = Markup::new();
    let notice = |markup: &mut Markup, name: &'static str, text: &str| {
        markup.open("p", &[("class", "state"), ("data-state", "warn"), ("data-notice", name)]);
        markup.raw("<span class=\"sign\" aria-hidden=\"true\">!</span>").text(text);
    };
    let (id, elapsed) =
        board.shown.with(|shown| (shown.id.clone(), shown.runs.iter().map(|run| run.elapsed_ms).fold(0.0, f64::max)));
    let address = format!("/runs/{id}");
    if board.paused.get() {
        let ended = board.ended.get();
        let meanwhile = if ended { "It has ended meanwhile. " } else { "The comparison goes on. " };
        let text = format!("The view stands still, {} into a run. {meanwhile}", milliseconds(elapsed));
        notice(&mut markup, "paused", &text);
        if ended {
            markup.element("a", &[("href", &address)], "Show the report");
        }
        markup.close("p");
    }
    board.link.with(|link| match link {
        Link::Live => {}
        Link::Reconnecting(seconds) => {
            let age = if *seconds > 0 { format!(" Last news {seconds} s ago.") } else { String::new() };
            let text = format!("Reconnecting.{age} The values below are the last that came; the comparison does not wait for this page.");
            notice(&mut markup, "reconnecting", &text);
            markup.close("p");
        }
        Link::Lost(error) => {
            notice(&mut markup, "lost", &format!("{} ", error.message));
            markup.element("a", &[("href", &address)], "Load the page again").close("p");
        }
    });
    board.stop.with(|stop| match stop {
        Stop::No => {}
        Stop::Asked => {
            notice(&mut markup, "stopping", "Stopping: nothing more is sent, and what is under way is brought home.");
            markup.close("p");
        }
        Stop::Refused(error) => {
            notice(&mut markup, "refused", &format!("Not stopped. {}", error.message));
            markup.close("p");
        }
    });
    markup.finish()
}

/// How many seconds each run has lasted and where it stands: a journey of all records so far hardly changes in less.
fn seconds(shown: &LiveView) -> Vec<f64> {
    let mut seconds = Vec::new();
    for run in &shown.runs {
        seconds.push((run.elapsed_ms / 1e3).floor());
        seconds.push(f64::from(run.state as u8));
    }
    seconds
}

/// The journey of the median record of each run that has one.
fn journey(shown: &LiveView) -> String {
    let mut tracks = Vec::new();
    for (run, look) in shown.runs.iter().zip(lanes::looks(shown)) {
        tracks.push(Track { name: run.writer.clone(), look, stops: track::stops(&run.latency_ms) });
    }
    let label = "The journey of the median record of each run so far. Its values are with the runs above.";
    let width = if browser::is_narrow() { NARROW } else { WIDE };
    let mut markup = Markup::new();
    markup.raw("<figcaption><b>The median record so far</b> Time since a record was due; the thin line is the 99th percentile.</figcaption>");
    markup.picture(track::draw(&tracks, width), label);
    markup.finish()
}
