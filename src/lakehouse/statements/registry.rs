//! The statements that run and the results that wait to be fetched, both bounded.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::failure::Failure;
use super::run::{Job, Output, Runner};
use crate::lakehouse::weather::EVERYWHERE;

/// Statements that are remembered, running or not.
const KEPT: usize = 256;
/// Bytes of results that are remembered.
const KEPT_BYTES: usize = 256 << 20;
/// Statements that run at once; the rest are PENDING.
const RUNNING: usize = 64;

/// Where a statement stands.
#[derive(Clone, Debug)]
pub(super) enum StatementState {
    /// Waiting for its turn.
    Pending,
    Running,
    Succeeded(Arc<Output>),
    /// FAILED, or CANCELED.
    Failed(Failure),
}

impl StatementState {
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Succeeded(_) | Self::Failed(_))
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Succeeded(output) => output.bytes,
            _ => 0,
        }
    }
}

/// A statement that was taken.
#[derive(Clone)]
pub(super) struct Submitted {
    pub(super) id: String,
    /// Who submitted it: nobody else hears of it.
    user: String,
    state: watch::Receiver<StatementState>,
    cancel: CancellationToken,
}

impl Submitted {
    pub(super) fn state(&self) -> StatementState {
        // Looked at first: a task that ends between the two looks has left its final state.
        let task_is_gone = self.state.has_changed().is_err();
        let state = self.state.borrow().clone();
        if task_is_gone && !state.is_final() {
            let message = "The statement's task died; whether it changed anything is unknown.".to_owned();
            return StatementState::Failed(Failure::Error { code: "INTERNAL_ERROR", message });
        }
        state
    }

    /// Asks the statement to stop; its state says what came of it.
    pub(super) fn cancel(&self) {
        self.cancel.cancel();
    }

    /// The state when it is final, or when the time is over.
    pub(super) async fn wait(&self, limit: Duration) -> StatementState {
        let mut state = self.state.clone();
        // Over in time or not, and dead or not: `state` says it.
        let _ = tokio::time::timeout(limit, state.wait_for(StatementState::is_final)).await;
        self.state()
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
    turns: Arc<Semaphore>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Registry {
    pub(super) fn new(runner: Runner) -> Self {
        let inner = Inner {
            runner,
            kept: Mutex::default(),
            turns: Arc::new(Semaphore::new(RUNNING)),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts a statement; `None` when too many are unfinished.
    pub(super) fn submit(&self, job: Job) -> Option<Submitted> {
        let (sender, state) = watch::channel(StatementState::Pending);
        let cancel = self.inner.closing.child_token();
        let (id, user) = (uuid::Uuid::now_v7().to_string(), job.user.clone());
        let submitted = Submitted { id, user, state, cancel: cancel.clone() };
        let mut kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !make_room(&mut kept) {
            return None;
        }
        kept.push_back(submitted.clone());
        drop(kept);
        let (runner, turns) = (self.inner.runner.clone(), Arc::clone(&self.inner.turns));
        self.inner.tasks.spawn(async move {
            let result = take_turn(&runner, &turns, &job, &cancel, &sender).await;
            sender.send_replace(match result {
                Ok(output) => StatementState::Succeeded(Arc::new(output)),
                Err(failure) => StatementState::Failed(failure),
            });
        });
        Some(submitted)
    }

    /// The statement, if that user submitted it.
    pub(super) fn find(&self, id: &str, user: &str) -> Option<Submitted> {
        let kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|submitted| submitted.id == id && submitted.user == user).cloned()
    }

    /// Forgets a statement; `false` when somebody else was faster.
    pub(super) fn forget(&self, id: &str) -> bool {
        let mut kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|submitted| submitted.id == id);
        found.and_then(|index| kept.remove(index)).is_some()
    }

    pub(super) async fn close(&self) {
        self.inner.closing.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

async fn take_turn(
    runner: &Runner,
    turns: &Semaphore,
    job: &Job,
    cancel: &CancellationToken,
    state: &watch::Sender<StatementState>,
) -> Result<Output, Failure> {
    let turn = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Failure::Canceled),
        turn = turns.acquire() => turn,
    };
    let _turn = turn.map_err(|_closed| Failure::Canceled)?;
    if let Some(wait) = runner.store.weather().at(EVERYWHERE).cold_warehouse() {
        tokio::select! {
            () = cancel.cancelled() => return Err(Failure::Canceled),
            () = tokio::time::sleep(wait) => {}
        }
    }
    state.send_replace(StatementState::Running);
    runner.run(job, cancel).await
}

/// Forgets the oldest finished statements until there is room; unfinished ones are never forgotten.
fn make_room(kept: &mut VecDeque<Submitted>) -> bool {
    let mut bytes: usize = kept.iter().map(|submitted| submitted.state.borrow().bytes()).sum();
    while kept.len() >= KEPT || bytes > KEPT_BYTES {
        let Some(oldest) = kept.iter().position(|submitted| submitted.state().is_final()) else {
            return kept.len() < KEPT;
        };
        bytes -= kept.remove(oldest).map_or(0, |submitted| submitted.state.borrow().bytes());
    }
    true
}
