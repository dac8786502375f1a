//! A circuit: opens after several failures in a row, then lets one call through after a pause that grows until one
//! is answered.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::super::WriterError;
use super::super::session::CircuitChange;

/// Failures in a row that open it.
const MOST_FAILURES: u32 = 5;
const FIRST_OPEN: Duration = Duration::from_secs(1);
const LONGEST_OPEN: Duration = Duration::from_secs(30);
/// A circuit that has not been closed for so long is waited for by nobody: calls that cannot go out now fail at once.
const WAITED_FOR: Duration = Duration::from_secs(30);

/// Shared by all calls of a run.
pub(super) struct Circuit {
    state: watch::Sender<State>,
}

enum State {
    /// Calls go out.
    Closed { failures: u32 },
    /// No call goes out before `until`.
    Open { until: Instant, trouble: Trouble },
    /// One call is out to see; the others wait for what comes of it.
    HalfOpen { trouble: Trouble },
}

#[derive(Clone)]
struct Trouble {
    since: Instant,
    /// The pause that came last.
    pause: Duration,
    /// The failure that came last.
    error: WriterError,
}

/// What a call meets.
enum Gate {
    Enter { probe: bool },
    Wait { until: Option<Instant>, trouble: Trouble },
}

/// Leave to make an attempt. Dropped without a word, it was given up.
pub(super) struct Pass<'a> {
    circuit: &'a Circuit,
    /// The one call of a half-open circuit.
    probe: bool,
}

impl Circuit {
    pub(super) fn new() -> Self {
        Self { state: watch::Sender::new(State::Closed { failures: 0 }) }
    }

    /// Waits until a call may go out.
    ///
    /// # Errors
    /// The failure that opened the circuit, when it would stay open until after `deadline` or has been open for long.
    pub(super) async fn enter(&self, deadline: Instant) -> Result<Pass<'_>, WriterError> {
        let mut changes = self.state.subscribe();
        loop {
            // Before looking, so that no change after the look is missed.
            changes.mark_unchanged();
            let (until, trouble) = match self.gate() {
                Gate::Enter { probe } => return Ok(Pass { circuit: self, probe }),
                Gate::Wait { until, trouble } => (until, trouble),
            };
            let deadline = deadline.min(trouble.since + WAITED_FOR);
            if until.is_some_and(|until| until > deadline) || Instant::now() >= deadline {
                return Err(trouble.error);
            }
            tokio::select! {
                () = sleep_until(until.unwrap_or(deadline)) => {}
                // The sender is in `self`.
                _ = changes.changed() => {}
            }
        }
    }

    fn gate(&self) -> Gate {
        let mut gate = Gate::Enter { probe: false };
        self.state.send_if_modified(|state| match state {
            State::Closed { .. } => false,
            State::Open { until, trouble } if Instant::now() >= *until => {
                gate = Gate::Enter { probe: true };
                *state = State::HalfOpen { trouble: trouble.clone() };
                true
            }
            State::Open { until, trouble } => {
                gate = Gate::Wait { until: Some(*until), trouble: trouble.clone() };
                false
            }
            State::HalfOpen { trouble } => {
                gate = Gate::Wait { until: None, trouble: trouble.clone() };
                false
            }
        });
        gate
    }
}

impl Pass<'_> {
    /// The workspace answered, whatever it said.
    pub(super) fn answered(mut self) -> Option<CircuitChange> {
        self.probe = false;
        let mut change = None;
        self.circuit.state.send_if_modified(|state| {
            let was_open = match state {
                State::Closed { failures } => {
                    *failures = 0;
                    false
                }
                State::Open { trouble, .. } | State::HalfOpen { trouble } => {
                    change = Some(CircuitChange::Closed { after: trouble.since.elapsed() });
                    true
                }
            };
            if was_open {
                *state = State::Closed { failures: 0 };
            }
            was_open
        });
        change
    }

    /// The attempt failed in a way that time may heal.
    pub(super) fn failed(mut self, error: &WriterError) -> Option<CircuitChange> {
        let probe = std::mem::take(&mut self.probe);
        let now = Instant::now();
        let mut change = None;
        self.circuit.state.send_if_modified(|state| {
            let (since, pause) = match state {
                State::Closed { failures } => {
                    *failures += 1;
                    if *failures < MOST_FAILURES {
                        return false;
                    }
                    (now, FIRST_OPEN)
                }
                State::HalfOpen { trouble } if probe => (trouble.since, (trouble.pause * 2).min(LONGEST_OPEN)),
                // It went out before the circuit opened and says nothing new.
                State::Open { .. } | State::HalfOpen { .. } => return false,
            };
            let closed_for = pause.max(error.retry_after().unwrap_or_default());
            change = Some(CircuitChange::Opened { pause: closed_for, reason: error.to_string() });
            let trouble = Trouble { since, pause, error: error.clone() };
            *state = State::Open { until: now + closed_for, trouble };
            true
        });
        change
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.probe {
            return;
        }
        self.circuit.state.send_if_modified(|state| match state {
            State::HalfOpen { trouble } => {
                *state = State::Open { until: Instant::now(), trouble: trouble.clone() };
                true
            }
            State::Closed { .. } | State::Open { .. } => false,
        });
    }
}
