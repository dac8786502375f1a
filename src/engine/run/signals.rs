//! How a run is ended from outside: a stop leaves it some time to bring home what is under way, the end of the program less.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// After a stop, what is in flight may take so long, and then the table.
pub(super) const AFTER_STOP: Duration = Duration::from_secs(10);

/// The same at the end of the program, which the platform ends by force after 15 s; the table is not asked then.
const AT_SHUTDOWN: Duration = Duration::from_secs(4);

/// What can end a run from outside.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Signals {
    /// Somebody stopped it.
    pub(in crate::engine) stop: CancellationToken,
    /// The program ends; this stops the run, too.
    pub(in crate::engine) shutdown: CancellationToken,
}

impl Signals {
    /// Those of a run in a program that ends with `shutdown`.
    pub(in crate::engine) fn new(shutdown: CancellationToken) -> Self {
        Self { stop: shutdown.child_token(), shutdown }
    }

    /// Waits for a signal that `limit` does not know of.
    pub(super) async fn changed(&self, limit: &Limit) {
        match limit.at {
            None => self.stop.cancelled().await,
            Some(_) if limit.in_a_hurry => std::future::pending().await,
            Some(_) => self.shutdown.cancelled().await,
        }
    }
}

/// Until when what is under way is waited for: without end until a signal comes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limit {
    at: Option<Instant>,
    in_a_hurry: bool,
}

impl Limit {
    /// The limit, or `otherwise` if that is earlier.
    pub(super) fn until(&self, otherwise: Instant) -> Instant {
        self.at.map_or(otherwise, |at| at.min(otherwise))
    }

    /// A signal came.
    pub(super) fn shorten(&mut self, signals: &Signals) {
        self.in_a_hurry = signals.shutdown.is_cancelled();
        let at = Instant::now() + if self.in_a_hurry { AT_SHUTDOWN } else { AFTER_STOP };
        self.at = Some(self.until(at));
    }
}
