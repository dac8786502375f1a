//! The statements that run and the results that wait to be fetched, both bounded.
//!
//! A result waits for [`RESULT_LIFETIME`], and less when newer ones need the room; then its statement is CLOSED, and at
//! last, when enough newer ones have ended, it is not known any more.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::failure::Failure;
use super::history::About;
use super::output::Output;
use super::run::{Job, Runner};
use crate::lakehouse::weather::EVERYWHERE;

/// Statements that are remembered, running or not.
const KEPT: usize = 1024;
/// Bytes of results that are remembered.
const KEPT_BYTES: usize = 256 << 20;
/// How long a result is kept, as on the real API.
pub(super) const RESULT_LIFETIME: Duration = Duration::from_secs(3600);
/// Statements that may be unfinished.
const UNFINISHED: usize = 256;
/// Bytes of the texts and parameters of statements that may be unfinished.
const UNFINISHED_BYTES: usize = 256 << 20;
/// Statements that run at once; the rest are PENDING.
const RUNNING: usize = 64;

/// Where a statement stands.
#[derive(Clone, Debug)]
pub(super) enum StatementState {
    /// Waiting for its turn.
    Pending,
    Running,
    /// With the result, and since when it waits.
    Succeeded(Arc<Output>, Instant),
    /// It succeeded and its result is gone.
    Closed,
    /// FAILED, or CANCELED.
    Failed(Failure),
}

impl StatementState {
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Succeeded(..) | Self::Closed | Self::Failed(_))
    }

    fn result_bytes(&self) -> usize {
        match self {
            Self::Succeeded(output, _) => output.bytes,
            _ => 0,
        }
    }

    fn is_expired(&self, now: Instant) -> bool {
        matches!(self, Self::Succeeded(_, since) if now.duration_since(*since) >= RESULT_LIFETIME)
    }
}

/// A statement that was taken.
#[derive(Clone)]
pub(super) struct Submitted {
    pub(super) id: String,
    /// Who submitted it: nobody else hears of it.
    user: String,
    /// For the query history.
    pub(super) about: Arc<About>,
    state: Arc<watch::Sender<StatementState>>,
    cancel: CancellationToken,
    /// Of its text and parameters, which it holds until its end.
    bytes: usize,
}

impl Submitted {
    pub(super) fn state(&self) -> StatementState {
        self.state_at(Instant::now())
    }

    pub(super) fn state_at(&self, now: Instant) -> StatementState {
        if self.state.borrow().is_expired(now) {
            self.close_result();
        }
        self.state.borrow().clone()
    }

    /// Asks the statement to stop; its state says what came of it.
    pub(super) fn cancel(&self) {
        self.cancel.cancel();
    }

    /// The state when it is final, or when the time is over.
    pub(super) async fn wait(&self, limit: Duration) -> StatementState {
        let mut state = self.state.subscribe();
        // Over in time or not: `state` says it.
        let _ = tokio::time::timeout(limit, state.wait_for(StatementState::is_final)).await;
        self.state()
    }

    fn is_final(&self) -> bool {
        self.state.borrow().is_final()
    }

    /// The state to be answered with. A result that is handed out only once goes with this: whoever asks for it next, or
    /// at the same time and later, finds the statement CLOSED.
    pub(super) fn hand_out(&self, state: StatementState) -> StatementState {
        match state {
            StatementState::Succeeded(output, _) if output.once && !self.close_result() => StatementState::Closed,
            other => other,
        }
    }

    /// Lets the result go; `false` when there was none any more.
    fn close_result(&self) -> bool {
        self.state.send_if_modified(|state| {
            let had_result = matches!(state, StatementState::Succeeded(..));
            if had_result {
                *state = StatementState::Closed;
            }
            had_result
        })
    }
}

/// A statement's task; whatever becomes of it, it leaves a final state.
struct Ending {
    state: Arc<watch::Sender<StatementState>>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.state.send_if_modified(|state| {
            let died = !state.is_final();
            if died {
                let message = "The statement's task died; whether it changed anything is unknown.";
                *state = StatementState::Failed(Failure::internal(message));
            }
            died
        });
    }
}

/// All statements. Clones share them.
#[derive(Clone)]
pub(super) struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    runner: Runner,
    /// Oldest first.
    kept: Mutex<VecDeque<Submitted>>,
    turns: Semaphore,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Registry {
    pub(super) fn new(runner: Runner) -> Self {
        let inner = Inner {
            runner,
            kept: Mutex::default(),
            turns: Semaphore::new(RUNNING),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts a statement; `None` when too many are unfinished.
    pub(super) fn submit(&self, job: Job) -> Option<Submitted> {
        let state = Arc::new(watch::Sender::new(StatementState::Pending));
        let cancel = self.inner.closing.child_token();
        let submitted = Submitted {
            id: uuid::Uuid::now_v7().to_string(),
            user: job.user.clone(),
            about: Arc::new(About::of(&job)),
            state: Arc::clone(&state),
            cancel: cancel.clone(),
            bytes: job.bytes(),
        };
        let mut kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !make_room(&mut kept, submitted.bytes) {
            return None;
        }
        kept.push_back(submitted.clone());
        drop(kept);
        let inner = Arc::clone(&self.inner);
        self.inner.tasks.spawn(async move {
            let ending = Ending { state };
            let result = take_turn(&inner, &job, &cancel, &ending.state).await;
            ending.state.send_replace(match result {
                Ok(output) => StatementState::Succeeded(Arc::new(output), Instant::now()),
                Err(failure) => StatementState::Failed(failure),
            });
            close_results(&inner.kept.lock().unwrap_or_else(PoisonError::into_inner));
        });
        Some(submitted)
    }

    /// The statement, if that user submitted it.
    pub(super) fn find(&self, id: &str, user: &str) -> Option<Submitted> {
        let kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|submitted| submitted.id == id && submitted.user == user).cloned()
    }

    /// The statements of a user, newest first.
    pub(super) fn of_user(&self, user: &str) -> Vec<Submitted> {
        let kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().filter(|submitted| submitted.user == user).cloned().collect()
    }

    pub(super) async fn close(&self) {
        self.inner.closing.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

async fn take_turn(
    inner: &Inner,
    job: &Job,
    cancel: &CancellationToken,
    state: &watch::Sender<StatementState>,
) -> Result<Output, Failure> {
    let turn = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Failure::Canceled),
        turn = inner.turns.acquire() => turn,
    };
    let _turn = turn.map_err(|_closed| Failure::Canceled)?;
    if let Some(wait) = inner.runner.store.weather().at(EVERYWHERE).cold_warehouse() {
        tokio::select! {
            () = cancel.cancelled() => return Err(Failure::Canceled),
            () = tokio::time::sleep(wait) => {}
        }
    }
    state.send_replace(StatementState::Running);
    inner.runner.run(job, cancel).await
}

/// Forgets the oldest finished statements until there is room for one more; unfinished ones are never forgotten, and too
/// many of them leave no room.
fn make_room(kept: &mut VecDeque<Submitted>, bytes: usize) -> bool {
    let unfinished = kept.iter().filter(|submitted| !submitted.is_final());
    let (count, waiting) = unfinished.fold((0, bytes), |(count, sum), submitted| (count + 1, sum + submitted.bytes));
    if count >= UNFINISHED || (count > 0 && waiting > UNFINISHED_BYTES) {
        return false;
    }
    close_results(kept);
    while kept.len() >= KEPT {
        let Some(oldest) = kept.iter().position(Submitted::is_final) else { return false };
        kept.remove(oldest);
    }
    true
}

/// Closes what has waited too long, and the oldest results while all together take too much memory.
fn close_results(kept: &VecDeque<Submitted>) {
    let bytes_of = |submitted: &Submitted| submitted.state.borrow().result_bytes();
    let mut bytes: usize = kept.iter().map(bytes_of).sum();
    let now = Instant::now();
    for submitted in kept {
        if bytes > KEPT_BYTES || submitted.state.borrow().is_expired(now) {
            bytes -= bytes_of(submitted);
            submitted.close_result();
        }
    }
}
