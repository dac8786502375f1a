//! The state of the workbench and what can be done with it. Components read its signals and call its methods;
//! it calls the server functions. Knows no markup.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::drafts::Drafts;
use super::live::{self, Follower};
use super::number::{count_of, duration};
use super::session::{self, Sample};
use super::{browser, field_errors, journey};
use crate::api;
use crate::model::receive::Receive;
use crate::model::{
    EdgeError, FieldError, Stage, StageState, Submission, SubmissionSnapshot, SubmissionState, TableInfo, TableName,
    WorkbenchInfo, WriterCard, WriterKind, WriterState,
};

pub use super::live::Link;

/// How often a silent workspace is asked again.
const RETRY: Duration = Duration::from_secs(5);

/// Where the latest press of the button has got to.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Nothing was sent yet.
    Idle,
    /// The server has it and has not answered.
    Sending,
    /// The server did not take it; nothing was written.
    Refused(EdgeError),
    /// It has a snapshot.
    Followed,
}

/// Every signal of the page; copied freely.
#[derive(Clone, Copy)]
pub struct Bench {
    /// What the server said last; tables stay known while the workspace is silent.
    pub info: RwSignal<WorkbenchInfo>,
    /// Whether the island is awake.
    pub hydrated: RwSignal<bool>,
    /// Whether the workspace is being asked again right now.
    pub retrying: RwSignal<bool>,
    /// Whether asking again is planned, so that there is one timer and no more.
    retry_planned: RwSignal<bool>,
    /// The chosen writer.
    pub writer: RwSignal<Option<WriterKind>>,
    /// The chosen table.
    pub table: RwSignal<Option<TableName>>,
    /// What is being composed.
    pub drafts: Drafts,
    /// The chosen table with its columns.
    pub table_info: Memo<Option<TableInfo>>,
    /// Every error in what is being composed.
    pub errors: Memo<Vec<FieldError>>,
    /// The latest press.
    pub phase: RwSignal<Phase>,
    /// What is known of the latest submission that was taken.
    pub snapshot: RwSignal<Option<SubmissionSnapshot>>,
    /// How news of it arrives.
    pub link: RwSignal<Link>,
    /// What the charts show.
    pub samples: RwSignal<Vec<Sample>>,
    /// Said aloud by screen readers when a state changes.
    pub announcement: RwSignal<String>,
}

impl Bench {
    /// The state the page begins with; the same on the server and in the browser.
    pub fn new(info: WorkbenchInfo) -> Self {
        let first_ready = info.writers.iter().find(|card| card.state == WriterState::Ready).map(|card| card.kind);
        let first_table = first_choice(&info);
        let info = RwSignal::new(info);
        let writer = RwSignal::new(first_ready);
        let table = RwSignal::new(first_table);
        let drafts = Drafts::new();
        let table_info = Memo::new(move |_| {
            let name = table.get()?;
            info.with(|info| info.tables.iter().find(|table| table.name == name).cloned())
        });
        let errors = Memo::new(move |_| {
            table_info.with(|table| table.as_ref().map(|table| drafts.errors(table)).unwrap_or_default())
        });
        Self {
            info,
            hydrated: RwSignal::new(false),
            retrying: RwSignal::new(false),
            retry_planned: RwSignal::new(false),
            writer,
            table,
            drafts,
            table_info,
            errors,
            phase: RwSignal::new(Phase::Idle),
            snapshot: RwSignal::new(None),
            link: RwSignal::new(Link::Live),
            samples: RwSignal::new(Vec::new()),
            announcement: RwSignal::new(String::new()),
        }
    }

    /// Whether a press is on its way to the server or its records to the table.
    pub fn is_busy(&self) -> bool {
        self.phase.with(|phase| *phase == Phase::Sending) || self.is_running()
    }

    fn is_running(&self) -> bool {
        let followed = self.phase.with(|phase| *phase == Phase::Followed);
        let lost = self.link.with(|link| matches!(link, Link::Lost(_)));
        let running = |snapshot: &Option<SubmissionSnapshot>| {
            snapshot.as_ref().is_some_and(|snapshot| snapshot.state == SubmissionState::Running)
        };
        followed && !lost && self.snapshot.with(running)
    }

    /// The chosen writer, if it can be used.
    pub fn usable_writer(&self) -> Option<WriterKind> {
        let kind = self.writer.get()?;
        let is_ready = |card: &WriterCard| card.kind == kind && card.state == WriterState::Ready;
        self.info.with(|info| info.writers.iter().any(is_ready)).then_some(kind)
    }

    /// Whether the chosen table is one for the product form; `None` while there is no table.
    pub fn takes_products(&self) -> Option<bool> {
        self.table_info.with(|table| table.as_ref().map(TableInfo::takes_products))
    }

    /// Why the button cannot be pressed now; `None` when it can.
    pub fn blocked(&self) -> Option<&'static str> {
        if !self.hydrated.get() {
            Some("Starting…")
        } else if self.table_info.with(Option::is_none) {
            Some("There is no table to write to.")
        } else if self.usable_writer().is_none() {
            Some("Choose a writer that is ready.")
        } else if self.phase.with(|phase| *phase == Phase::Sending) {
            Some("Sending…")
        } else if self.is_running() {
            Some("The records are on their way.")
        } else {
            None
        }
    }

    /// What would be sent now; `None` while something is missing.
    pub fn submission(&self) -> Option<Submission> {
        let items = self.table_info.with(|table| self.drafts.items(table.as_ref()?).ok())?;
        Some(Submission { writer: self.usable_writer()?, table: self.table.get()?, items })
    }

    /// The button: sends when everything is right, shows what is wrong otherwise.
    pub fn press(self) {
        if untrack(|| self.blocked()).is_some() {
            return;
        }
        let errors = self.errors.get_untracked();
        self.drafts.pressed.set(!errors.is_empty());
        if !errors.is_empty() {
            self.show_errors(&errors, "Nothing was sent.");
            return;
        }
        let Some(submission) = untrack(|| self.submission()) else { return };
        self.phase.set(Phase::Sending);
        self.announcement.set("Sending.".to_owned());
        spawn_local(async move {
            match api::submit(submission).await {
                Ok(snapshot) => self.begin(snapshot),
                Err(error) => self.refuse(error),
            }
        });
    }

    fn begin(self, snapshot: SubmissionSnapshot) {
        let id = snapshot.id.clone();
        let finished = snapshot.finished;
        self.link.set(Link::Live);
        self.snapshot.set(None);
        self.phase.set(Phase::Followed);
        self.accept(snapshot);
        if !finished {
            live::follow(api::submission_path(&id), Submitted { bench: self, id });
        }
    }

    fn refuse(self, error: EdgeError) {
        if !error.details.is_empty() {
            self.drafts.from_server.set(error.details.clone());
            self.drafts.pressed.set(true);
            self.show_errors(&error.details, "Nothing was written.");
        }
        self.announcement.set(format!("Not taken. {}", error.message));
        let may_be_down = error.details.is_empty();
        self.phase.set(Phase::Refused(error));
        if may_be_down {
            self.ask_again();
        }
    }

    fn show_errors(self, errors: &[FieldError], kept: &str) {
        self.announcement.set(format!("{}. {kept}", field_errors::summary(errors)));
        if let Some(first) = errors.first() {
            browser::focus_soon(field_errors::input_id(&first.path));
        }
    }

    /// Takes news of the submission that is followed; older news and news of others is dropped.
    pub fn accept(self, new: SubmissionSnapshot) {
        let old = self.snapshot.get_untracked();
        if old.as_ref().is_some_and(|old| old.id != new.id || old.sequence > new.sequence) {
            return;
        }
        if let Some(words) = announcement(old.as_ref(), &new) {
            self.announcement.set(words);
        }
        self.samples.update(|samples| session::record(samples, &new));
        self.samples.with_untracked(|samples| session::save(samples));
        let failed_now =
            new.state == SubmissionState::Failed && old.is_none_or(|old| old.state != SubmissionState::Failed);
        self.snapshot.set(Some(new));
        if failed_now {
            self.ask_again();
        }
    }

    /// Asks what the workbench needs anew: by the Retry button, after a failure, and every few seconds of silence.
    pub fn ask_again(self) {
        if self.retrying.get_untracked() {
            return;
        }
        self.retrying.set(true);
        spawn_local(async move {
            let answer = api::workbench_info().await;
            self.retrying.set(false);
            match answer {
                Ok(info) => self.learn(info),
                Err(problem) => self.info.update(|info| info.problem = Some(problem)),
            }
            self.retry_later();
        });
    }

    fn learn(self, new: WorkbenchInfo) {
        let was_silent = self.info.with_untracked(|info| info.problem.is_some());
        if was_silent && new.problem.is_none() {
            self.announcement.set("The workspace answers again.".to_owned());
        }
        self.info.update(|info| {
            let mut old = std::mem::take(&mut info.tables);
            let asked = info.asked.take();
            let tables = if new.problem.is_some() {
                old
            } else {
                // The server lists one schema; the table that was asked for may be in another.
                let mut tables = new.tables;
                old.retain(|table| Some(&table.name) == asked.as_ref());
                old.retain(|table| !tables.iter().any(|other| other.name == table.name));
                tables.append(&mut old);
                tables
            };
            *info = WorkbenchInfo { tables, asked, ..new };
        });
        if self.table_info.with_untracked(Option::is_none) {
            self.table.set(self.info.with_untracked(first_choice));
        }
        if self.writer.with_untracked(Option::is_none) {
            let ready = |info: &WorkbenchInfo| {
                info.writers.iter().find(|card| card.state == WriterState::Ready).map(|card| card.kind)
            };
            self.writer.set(self.info.with_untracked(ready));
        }
    }

    /// Comes back in a while if the workspace is silent.
    pub fn retry_later(self) {
        let silent = self.info.with_untracked(|info| info.problem.is_some());
        if !silent || self.retry_planned.get_untracked() {
            return;
        }
        self.retry_planned.set(true);
        let again = move || {
            self.retry_planned.set(false);
            self.ask_again();
        };
        set_timeout(again, RETRY);
    }
}

/// The submission that is followed.
struct Submitted {
    bench: Bench,
    id: String,
}

impl Follower for Submitted {
    fn is_waiting(&self) -> bool {
        let known = self.bench.snapshot;
        known.with_untracked(|known| known.as_ref().is_some_and(|known| known.id == self.id && !known.finished))
    }

    fn accept(&self, snapshot: &serde_json::Value) {
        if let Some(snapshot) = SubmissionSnapshot::receive(snapshot) {
            self.bench.accept(snapshot);
        }
    }

    fn linked(&self, link: Link) {
        if matches!(link, Link::Lost(_)) {
            self.bench.announcement.set("The server no longer knows this submission.".to_owned());
        }
        self.bench.link.set(link);
    }
}

/// The table that was asked for; else the products table if there is one, else the first.
fn first_choice(info: &WorkbenchInfo) -> Option<TableName> {
    if info.asked.is_some() {
        return info.asked.clone();
    }
    let products = info.tables.iter().find(|table| table.takes_products());
    products.or(info.tables.first()).map(|table| table.name.clone())
}

/// What has changed between two snapshots that is worth saying aloud.
fn announcement(old: Option<&SubmissionSnapshot>, new: &SubmissionSnapshot) -> Option<String> {
    let was = |stage| {
        old.is_some_and(|old| {
            old.stages.iter().any(|report| {
                report.stage == stage && report.state != StageState::Active && report.state != StageState::Waiting
            })
        })
    };
    let state_before = old.map(|old| old.state);
    match new.state {
        SubmissionState::Failed if state_before != Some(SubmissionState::Failed) => {
            let why = new.error.as_ref().map_or("", |error| error.message.as_str());
            return Some(format!("Failed: {} not durable. {why}", count_of(new.records.failed, "record")));
        }
        SubmissionState::Running if old.is_none() => return Some("The records are on their way.".to_owned()),
        _ => {}
    }
    let visible = journey::reached_us(&new.stages, Stage::Visible).filter(|_| !was(Stage::Visible));
    if let Some(micros) = visible {
        return Some(format!("Visible after {}.", duration(micros)));
    }
    let became_durable = new.state == SubmissionState::Succeeded && state_before != Some(SubmissionState::Succeeded);
    became_durable
        .then(|| format!("{} durable after {}.", count_of(new.records.durable, "record"), duration(new.processing_us)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::journey::tests::snapshot;

    #[test]
    fn state_changes_are_said_once() {
        let running = snapshot(&[(Stage::Validated, Some(10))]);
        assert!(announcement(None, &running).is_some());
        assert_eq!(announcement(Some(&running), &running), None);
        let mut durable = snapshot(&[(Stage::Durable, Some(2_000))]);
        durable.state = SubmissionState::Succeeded;
        durable.records.durable = 5;
        durable.processing_us = 2_000;
        assert_eq!(announcement(Some(&running), &durable).as_deref(), Some("5 records durable after 2.00 ms."));
        let mut visible = durable.clone();
        visible.stages = snapshot(&[(Stage::Durable, Some(2_000)), (Stage::Visible, Some(1_000))]).stages;
        assert_eq!(announcement(Some(&durable), &visible).as_deref(), Some("Visible after 3.00 ms."));
        assert_eq!(announcement(Some(&visible), &visible), None);
    }
}
