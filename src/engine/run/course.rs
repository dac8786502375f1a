//! A run with an open session, from its first record to the last word of the table.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::task::AbortOnDropHandle;

use super::board::{Board, Found};
use super::producer::{Problem, Producer, QUEUE, QUEUE_UNDER_A_RATE};
use super::reconcile::{self, Limits, Reconciled};
use super::rows::Timetable;
use super::sender::{Ended, Sender};
use super::signals::AFTER_STOP;
use super::{End, Extent, RunTable, Signals, Source, TICK, visible, words};
use crate::model::{Reconciliation, RunState, WriterOptions};
use crate::writer::Session;

/// A session that does not close by then is left alone; at the end of the program it gets less time.
const CLOSE: Duration = Duration::from_secs(10);
const CLOSE_AT_SHUTDOWN: Duration = Duration::from_secs(2);

/// When patience is over the table still has this long to answer.
const LAST_ANSWER: Duration = Duration::from_secs(30);

/// Why a file that names its own rows is not reconciled.
const FOREIGN_IDS: &str = "The file brings record ids or run ids of its own, so its rows cannot be told from others: the table was not asked.";

/// What a run needs once its writer is open.
pub(super) struct Course {
    pub(super) board: Arc<Board>,
    pub(super) label: String,
    pub(super) options: WriterOptions,
    pub(super) extent: Extent,
    pub(super) seed: u64,
    pub(super) table: Result<Arc<dyn RunTable>, String>,
    pub(super) check_every: Duration,
    pub(super) patience: Duration,
    pub(super) signals: Signals,
}

/// How long the table is asked, and whether that is so short because somebody stopped the run.
#[derive(Clone, Copy)]
struct LastWord {
    limits: Limits,
    hurried: bool,
}

impl Course {
    /// Sends, waits for what is under way, and asks the table. How it went is written to `end`.
    pub(super) async fn run(self, session: Arc<dyn Session>, source: Box<dyn Source>, end: &mut End) {
        let timetable = Timetable { pacer: self.extent.pacer, start: Instant::now() };
        let watched = self.table.clone().ok().filter(|_| !self.check_every.is_zero());
        self.board.begin(timetable, watched.is_some());
        self.board.enter(RunState::Running, None);
        let ticker = AbortOnDropHandle::new(tokio::spawn(tick(self.board.clone(), timetable.start)));
        let (patience, until) = watch::channel(None);
        let watcher = watched.map(|table| {
            let watching = visible::watch_table(table, self.board.clone(), self.check_every, until);
            AbortOnDropHandle::new(tokio::spawn(watching))
        });

        let (ended, produced) = self.send(session.clone(), source, timetable).await;
        (end.state, end.reason) = words::ending(&self.label, ended, produced, &self.board.counts());
        let last_word = self.last_word();
        let close = if self.signals.shutdown.is_cancelled() { CLOSE_AT_SHUTDOWN } else { CLOSE };
        if tokio::time::timeout(close, session.close()).await.is_err() {
            self.board.log("warn", format!("The session was not closed after {} s.", close.as_secs()));
        }

        patience.send_replace(Some(last_word.limits.patience));
        let not_watched = match watcher {
            Some(watcher) => self.wait_until_visible(watcher, last_word).await.err(),
            None => None,
        };
        drop(ticker);
        end.reconciliation = self.reconcile(last_word, not_watched).await;
    }

    async fn send(
        &self,
        session: Arc<dyn Session>,
        source: Box<dyn Source>,
        timetable: Timetable,
    ) -> (Ended, Result<(), Problem>) {
        let places = if timetable.pacer.is_limited() { QUEUE_UNDER_A_RATE } else { QUEUE };
        let (queue, waiting) = mpsc::channel(places);
        let producing = self.signals.stop.child_token();
        let producer = Producer {
            source,
            session: session.clone(),
            timetable,
            extent: self.extent,
            batch: u64::from(self.options.batch.max(1)),
            board: self.board.clone(),
            queue,
        };
        let producer = AbortOnDropHandle::new(tokio::spawn(producer.produce(producing.clone())));
        let mut sender = Sender::new(session, self.board.clone(), self.options.in_flight, Instant::now());
        let all_sent = sender.send_all(waiting, &self.signals).await;
        producing.cancel();
        self.board.enter(RunState::Draining, None);
        let ended = sender.drain(all_sent, &self.signals).await;
        let produced = producer.await;
        let died = |error| Err(Problem::Source(format!("making records ended unexpectedly ({error})")));
        (ended, produced.unwrap_or_else(died))
    }

    /// Counted from the last acknowledgement.
    fn last_word(&self) -> LastWord {
        let now = Instant::now();
        if self.signals.stop.is_cancelled() {
            let limits = Limits { patience: now + AFTER_STOP * 8 / 10, end: now + AFTER_STOP };
            return LastWord { limits, hurried: true };
        }
        let patience = now + self.patience;
        LastWord { limits: Limits { patience, end: patience + LAST_ANSWER }, hurried: false }
    }

    /// Goes on with `work` until a signal comes that `last_word` does not know of; `None` then.
    async fn unless_hurried<T>(&self, last_word: LastWord, work: impl Future<Output = T>) -> Option<T> {
        let signal = if last_word.hurried { &self.signals.shutdown } else { &self.signals.stop };
        signal.run_until_cancelled(work).await
    }

    /// Waits until everything durable is visible, patience is over, or somebody does not want to wait.
    async fn wait_until_visible(
        &self,
        watcher: AbortOnDropHandle<Result<(), String>>,
        last_word: LastWord,
    ) -> Result<(), String> {
        let died = |error| Err(format!("Asking the table what is visible ended unexpectedly ({error})."));
        let watched = self.unless_hurried(last_word, watcher).await;
        watched.map_or(Ok(()), |watched| watched.unwrap_or_else(died))
    }

    async fn reconcile(&self, last_word: LastWord, not_watched: Option<String>) -> Reconciliation {
        let ledger = self.board.close(Instant::now());
        let counts = self.board.counts();
        let not_done = |note: String| Reconciliation { note: Some(note), ..Reconciliation::default() };
        let table = match &self.table {
            Ok(table) => &**table,
            Err(why_not) => return not_done(why_not.clone()),
        };
        if self.board.has_foreign_ids() {
            return not_done(FOREIGN_IDS.to_owned());
        }
        if counts.sent == 0 {
            return not_done("Nothing was sent.".to_owned());
        }
        let ask =
            |limits| reconcile::reconcile(table, &ledger, self.seed, counts.in_doubt, counts.duplicates_sent, limits);
        let mut answered = self.unless_hurried(last_word, ask(last_word.limits)).await;
        if answered.is_none() {
            // Somebody stopped it while the table was waited for: what is there now counts.
            let now = Instant::now();
            let at_once = ask(Limits { patience: now, end: now + AFTER_STOP });
            answered = self.signals.shutdown.run_until_cancelled(at_once).await;
        }
        match answered {
            Some(Ok(Reconciled { visible, missing, duplicates, mut report })) => {
                self.board.reconciled(Found { visible, missing, duplicates });
                let notes: Vec<String> = report.note.into_iter().chain(not_watched).collect();
                report.note = (!notes.is_empty()).then(|| notes.join(" "));
                report
            }
            Some(Err(why_not)) => not_done(why_not),
            None => not_done("The program ended before the table was asked.".to_owned()),
        }
    }
}

/// Lets the meter see the time pass.
async fn tick(board: Arc<Board>, start: Instant) {
    let mut ticks = tokio::time::interval_at(start + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        board.tick(Instant::now());
    }
}
