//! Repeats calls that may succeed later: exponential pauses with jitter, the workspace's own Retry-After, a budget for
//! the whole run, and a circuit that spares a workspace which fails. For writers that speak HTTP; the Zerobus SDK
//! recovers by itself.
//!
//! Knows attempts and their errors; knows nothing of what is sent.

mod circuit;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::{Instant, sleep};

use self::circuit::Circuit;
use super::session::{BatchProgress, CircuitChange};
use super::{WriteFailure, WriterError};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A call is given up this long after its first trouble.
const PATIENCE: Duration = Duration::from_secs(60);
/// Retries that a run may make however few calls it has made.
const FEWEST_RETRIES: u64 = 20;
/// Beyond those, one retry for this many calls.
const CALLS_FOR_A_RETRY: u64 = 10;

/// An attempt that failed.
#[derive(Debug)]
pub(super) struct AttemptFailed {
    /// Why.
    pub(super) error: WriterError,
    /// Whether the workspace may have carried it out all the same: its answer was lost.
    pub(super) in_doubt: bool,
}

impl AttemptFailed {
    /// A failure of a request; `handed_over` when its last byte went to the connection.
    pub(super) fn new(error: impl Into<WriterError>, handed_over: bool) -> Self {
        let error = error.into();
        Self { in_doubt: handed_over && error.leaves_doubt(), error }
    }
}

/// What came of a call.
#[derive(Debug)]
pub(super) struct Answered<T> {
    /// The answer.
    pub(super) value: T,
    /// Attempts it took.
    pub(super) calls: u64,
}

/// A call that is not repeated any more.
#[derive(Debug)]
pub(super) struct GaveUp {
    /// Why the last attempt failed, and why there is none after it.
    pub(super) error: WriterError,
    /// Whether any of the attempts may have been carried out.
    pub(super) in_doubt: bool,
}

impl GaveUp {
    /// The failure of a batch of which `durable` rows are durable, and this call was about `rows` more.
    pub(super) fn of_rows(self, durable: u64, rows: u64) -> WriteFailure {
        WriteFailure { error: self.error, durable, in_doubt: if self.in_doubt { rows } else { 0 } }
    }
}

/// Makes a call that is not repeated whatever comes of it, for callers who decide themselves.
///
/// # Errors
/// [`GaveUp`] with the error of the one attempt.
pub(super) async fn once<T, Attempting>(attempt: impl FnOnce() -> Attempting) -> Result<Answered<T>, GaveUp>
where
    Attempting: Future<Output = Result<T, AttemptFailed>>,
{
    match attempt().await {
        Ok(value) => Ok(Answered { value, calls: 1 }),
        Err(AttemptFailed { error, in_doubt }) => Err(GaveUp { error, in_doubt }),
    }
}

/// What the calls of one run share.
pub(super) struct Resilience {
    circuit: Circuit,
    pauses: ExponentialBuilder,
    repeats_in_doubt: bool,
    calls: AtomicU64,
    retries: AtomicU64,
}

impl Resilience {
    /// Calls whose answer was lost are repeated: every row arrives at least once.
    pub(super) fn at_least_once() -> Self {
        Self::new(true)
    }

    /// Calls whose answer was lost are not repeated: no row arrives twice.
    pub(super) fn never_twice() -> Self {
        Self::new(false)
    }

    fn new(repeats_in_doubt: bool) -> Self {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .without_max_times()
            .with_jitter();
        Self { circuit: Circuit::new(), pauses, repeats_in_doubt, calls: AtomicU64::new(0), retries: AtomicU64::new(0) }
    }

    /// Makes a call, again and again while that may help.
    ///
    /// # Errors
    /// [`GaveUp`] with the error of the last attempt.
    pub(super) async fn call<T, Attempt, Attempting>(
        &self,
        progress: &dyn BatchProgress,
        mut attempt: Attempt,
    ) -> Result<Answered<T>, GaveUp>
    where
        Attempt: FnMut() -> Attempting,
        Attempting: Future<Output = Result<T, AttemptFailed>>,
    {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut pauses = self.pauses.build();
        let mut give_up_at = None;
        let mut in_doubt = false;
        let mut calls = 0;
        let tell = |change: Option<CircuitChange>| {
            if let Some(change) = change {
                progress.circuit(&change);
            }
        };
        loop {
            let deadline = give_up_at.unwrap_or_else(|| Instant::now() + PATIENCE);
            let pass = self.circuit.enter(deadline).await.map_err(|error| {
                let error = error.and("the circuit is open: no attempt was made for too long");
                GaveUp { error, in_doubt }
            })?;
            calls += 1;
            let AttemptFailed { error, in_doubt: doubtful } = match attempt().await {
                Ok(value) => {
                    tell(pass.answered());
                    return Ok(Answered { value, calls });
                }
                Err(failed) => failed,
            };
            in_doubt |= doubtful;
            if !error.is_retryable() {
                tell(pass.answered());
                return Err(GaveUp { error, in_doubt });
            }
            tell(pass.failed(&error));
            if doubtful && !self.repeats_in_doubt {
                let error = error.and("not sent again, because it may have been carried out");
                return Err(GaveUp { error, in_doubt });
            }
            let deadline = *give_up_at.get_or_insert_with(|| Instant::now() + PATIENCE);
            let pause = pauses.next().unwrap_or(LONGEST_PAUSE).max(error.retry_after().unwrap_or_default());
            if Instant::now() + pause > deadline {
                return Err(GaveUp { error: error.and(&format!("given up after {calls} attempts")), in_doubt });
            }
            if !self.may_retry() {
                let error = error.and("given up, because the run has used up its budget of retries");
                return Err(GaveUp { error, in_doubt });
            }
            progress.retried(&error);
            sleep(pause).await;
        }
    }

    /// Takes a retry from the budget.
    fn may_retry(&self) -> bool {
        let most = FEWEST_RETRIES.max(self.calls.load(Ordering::Relaxed) / CALLS_FOR_A_RETRY);
        let taken = self
            .retries
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |retries| (retries < most).then_some(retries + 1));
        taken.is_ok()
    }
}
