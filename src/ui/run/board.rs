//! The state of a comparison's page and what can be done with it. Components read its signals and call its methods. Knows no
//! markup.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;

use crate::api;
use crate::model::receive::Receive;
use crate::model::{EdgeError, LiveRun, LiveView, RunState};
use crate::ui::browser;
use crate::ui::live::{self, Follower, Link};

/// What became of the wish to stop.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// Nobody wishes it.
    No,
    /// The server was told.
    Asked,
    /// The server did not take it.
    Refused(EdgeError),
}

/// Every signal of the page; copied freely.
#[derive(Clone, Copy)]
pub struct Board {
    /// What is drawn.
    pub shown: RwSignal<LiveView>,
    /// What came since, while the view stands still or nobody can see it.
    newer: RwSignal<Option<LiveView>>,
    /// Whether the reader has made the view stand still.
    pub paused: RwSignal<bool>,
    /// Whether the comparison has ended, also where that is not shown yet.
    pub ended: RwSignal<bool>,
    /// How news arrives.
    pub link: RwSignal<Link>,
    /// The wish to stop.
    pub stop: RwSignal<Stop>,
    /// The moment that is read, in milliseconds since each run began to send.
    pub cursor: RwSignal<Option<f64>>,
    /// Whether the island is awake.
    pub hydrated: RwSignal<bool>,
    /// Said aloud by screen readers when a state changes.
    pub announcement: RwSignal<String>,
}

impl Board {
    /// The state the page begins with; the same on the server and in the browser.
    pub fn new(first: LiveView) -> Self {
        Self {
            newer: RwSignal::new(None),
            paused: RwSignal::new(false),
            ended: RwSignal::new(first.finished),
            link: RwSignal::new(Link::Live),
            stop: RwSignal::new(Stop::No),
            cursor: RwSignal::new(None),
            hydrated: RwSignal::new(false),
            announcement: RwSignal::new(String::new()),
            shown: RwSignal::new(first),
        }
    }

    /// The page is in the browser: what still runs is followed.
    pub fn wake(self) {
        self.hydrated.set(true);
        if self.ended.get_untracked() {
            return;
        }
        let id = self.shown.with_untracked(|shown| shown.id.clone());
        live::follow(api::comparison_path(&id), Followed(self));
        // Lives as long as the page.
        drop(window_event_listener_untyped("visibilitychange", move |_| self.catch_up()));
    }

    /// Takes a snapshot. It is drawn when the view goes on and somebody can see it.
    pub fn accept(self, new: LiveView) {
        let told = self.newer.with_untracked(|newer| {
            self.shown.with_untracked(|shown| {
                let known = newer.as_ref().unwrap_or(shown);
                (known.sequence <= new.sequence).then(|| announcement(known, &new))
            })
        });
        let Some(told) = told else { return };
        if !told.is_empty() {
            self.announcement.set(told);
        }
        self.ended.set(new.finished);
        self.newer.set(Some(new));
        self.catch_up();
    }

    /// Draws what came, unless the view stands still.
    fn catch_up(self) {
        let ended = self.ended.get_untracked();
        if self.paused.get_untracked() || browser::is_hidden() && !ended {
            return;
        }
        if let Some(new) = self.newer.try_update(Option::take).flatten() {
            self.shown.set(new);
        }
        if ended {
            browser::reload();
        }
    }

    /// Makes the view stand still, or lets it go on.
    pub fn pause_or_resume(self) {
        let paused = !self.paused.get_untracked();
        self.paused.set(paused);
        let words = if paused { "The view stands still. The comparison goes on." } else { "The view goes on." };
        self.announcement.set(words.to_owned());
        self.catch_up();
    }

    /// Asks the server to stop the comparison.
    pub fn stop(self) {
        self.stop.set(Stop::Asked);
        self.announcement.set("Stopping: nothing more is sent.".to_owned());
        let id = self.shown.with_untracked(|shown| shown.id.clone());
        spawn_local(async move {
            if let Err(error) = api::stop_comparison(id).await {
                self.announcement.set(format!("Not stopped. {}", error.message));
                self.stop.set(Stop::Refused(error));
            }
        });
    }

    /// Reads the moment `by` points after the one that is read, or before it; begins at the near end.
    pub fn move_cursor(self, by: isize) {
        let next = self.shown.with_untracked(|shown| {
            let moments = moments(shown);
            let last = moments.len().checked_sub(1)?;
            let now = self.cursor.get_untracked();
            let now = now.map(|now| moments.iter().position(|point| point.at_ms >= now).unwrap_or(last));
            let next = match now {
                Some(now) => now.saturating_add_signed(by).min(last),
                // Back from nowhere is the end, but all the way back is the beginning.
                None if by == isize::MAX || by < 0 && by > isize::MIN => last,
                None => 0,
            };
            Some(moments[next].at_ms)
        });
        self.cursor.set(next);
    }
}

/// The points of the run that went on longest.
fn moments(shown: &LiveView) -> &[crate::model::SeriesPoint] {
    let end = |run: &LiveRun| run.series.last().map_or(0.0, |point| point.at_ms);
    let longest = shown.runs.iter().reduce(|longest, run| if end(run) > end(longest) { run } else { longest });
    longest.map_or(&[], |run| &run.series)
}

struct Followed(Board);

impl Follower for Followed {
    fn is_waiting(&self) -> bool {
        !self.0.ended.get_untracked()
    }

    fn accept(&self, snapshot: &Value) {
        if let Some(new) = LiveView::receive(snapshot) {
            self.0.accept(new);
        }
    }

    fn linked(&self, link: Link) {
        if self.0.link.with_untracked(|known| *known == link) {
            return;
        }
        match &link {
            Link::Live => self.0.announcement.set("Connected again.".to_owned()),
            Link::Reconnecting(0) => self.0.announcement.set("Reconnecting.".to_owned()),
            Link::Reconnecting(_) => {}
            Link::Lost(_) => self.0.announcement.set("The server no longer knows this comparison.".to_owned()),
        }
        self.0.link.set(link);
    }
}

/// What has changed between two snapshots that is worth saying aloud; empty for nothing.
fn announcement(old: &LiveView, new: &LiveView) -> String {
    if new.finished && !old.finished {
        return "The comparison has ended.".to_owned();
    }
    let before = |run: &LiveRun| old.runs.iter().find(|old| old.run_id == run.run_id).map(|old| old.state);
    let changed = new.runs.iter().filter(|run| before(run) != Some(run.state));
    // What waits for its turn is no news, and what connects sends in a moment.
    let news = changed.filter(|run| !matches!(run.state, RunState::Pending | RunState::Connecting));
    let news: Vec<String> = news.map(|run| format!("{}: {}.", run.writer, run.state.name())).collect();
    news.join(" ")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{LiveComparison, example};

    /// Four runs that have ended, as a page sees them.
    pub(crate) fn view() -> LiveView {
        LiveView { finished: false, ..LiveView::from(&LiveComparison::from(&example::report())) }
    }

    #[test]
    fn changes_of_states_are_said_once() {
        let old = view();
        let mut new = old.clone();
        assert_eq!(announcement(&old, &new), "");
        new.runs[1].state = RunState::Failed;
        assert_eq!(announcement(&old, &new), "zerobus-rest: failed.");
        assert_eq!(announcement(&new, &new), "");
        new.runs[0].state = RunState::Connecting;
        new.finished = true;
        assert_eq!(announcement(&old, &new), "The comparison has ended.");
    }

    #[test]
    fn a_view_that_stands_still_loses_nothing() {
        let owner = Owner::new();
        owner.with(|| {
            let first = view();
            let board = Board::new(first.clone());
            let at = |sequence| LiveView { sequence, ..first.clone() };
            board.accept(at(2));
            assert_eq!(board.shown.get_untracked().sequence, 2);
            board.pause_or_resume();
            board.accept(at(3));
            board.accept(at(5));
            board.accept(at(4));
            assert_eq!(board.shown.get_untracked().sequence, 2);
            board.pause_or_resume();
            assert_eq!(board.shown.get_untracked().sequence, 5, "news that is older than what is known is dropped");
        });
    }

    #[test]
    fn the_cursor_goes_from_moment_to_moment() {
        let owner = Owner::new();
        owner.with(|| {
            let board = Board::new(view());
            let at: Vec<f64> =
                board.shown.with_untracked(|shown| moments(shown).iter().map(|point| point.at_ms).collect());
            board.move_cursor(-1);
            assert_eq!(board.cursor.get_untracked(), at.last().copied());
            board.move_cursor(-1);
            assert_eq!(board.cursor.get_untracked(), Some(at[at.len() - 2]));
            for from in [board.cursor.get_untracked(), None] {
                board.cursor.set(from);
                board.move_cursor(isize::MIN);
                assert_eq!(board.cursor.get_untracked(), Some(at[0]));
            }
            board.move_cursor(isize::MAX);
            assert_eq!(board.cursor.get_untracked(), at.last().copied());
        });
    }
}
