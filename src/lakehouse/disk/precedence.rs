//! Who goes first to the disk: the logs, whose rows clients wait for, and then data files, which nobody waits for.
//!
//! A disk shares its bandwidth among whoever writes, and each row is written twice: into the log and into Parquet. When rows come
//! faster than half of what the disk takes, acknowledgements would wait for data files. So these give way, each part for a
//! bounded time. When the log's space is taken, the logs stand still and data files have the disk to themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The longest that a part of a data file waits.
const PATIENCE: Duration = Duration::from_millis(50);
/// Logs that have written nothing for so long are not about to.
const QUIET: Duration = Duration::from_millis(4);

/// Shared by the logs and the data files of one disk.
#[derive(Clone, Debug)]
pub(crate) struct Precedence(Arc<State>);

#[derive(Debug)]
struct State {
    begun: Instant,
    /// Logs that are writing now.
    writing: AtomicUsize,
    /// When one has ended last, in microseconds after `begun`; 0 for never.
    ended: AtomicU64,
}

/// A log writes for as long as this is there.
pub(crate) struct LogWrites<'a>(&'a State);

impl Precedence {
    pub(crate) fn new() -> Self {
        Self(Arc::new(State { begun: Instant::now(), writing: AtomicUsize::new(0), ended: AtomicU64::new(0) }))
    }

    /// Says that a log writes.
    pub(crate) fn log_writes(&self) -> LogWrites<'_> {
        self.0.writing.fetch_add(1, Ordering::Relaxed);
        LogWrites(&self.0)
    }

    /// Lets the logs go first; blocks, but not longer than [`PATIENCE`].
    pub(super) fn give_way(&self) {
        let until = Instant::now() + PATIENCE;
        while self.0.is_busy() && Instant::now() < until {
            std::thread::sleep(QUIET / 4);
        }
    }
}

impl State {
    fn is_busy(&self) -> bool {
        let ended = self.ended.load(Ordering::Relaxed);
        self.writing.load(Ordering::Relaxed) > 0
            || (ended > 0 && self.begun.elapsed() < Duration::from_micros(ended) + QUIET)
    }
}

impl Drop for LogWrites<'_> {
    fn drop(&mut self) {
        self.0.ended.store(self.0.begun.elapsed().as_micros() as u64, Ordering::Relaxed);
        self.0.writing.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_busy_while_they_write_and_a_moment_longer() {
        let precedence = Precedence::new();
        assert!(!precedence.0.is_busy(), "nothing was ever written");
        let (one, other) = (precedence.log_writes(), precedence.log_writes());
        drop(one);
        assert!(precedence.0.is_busy());
        // Bounded: this returns although a log writes.
        precedence.give_way();
        drop(other);
        // Ends by itself: nothing else makes it quiet again.
        while precedence.0.is_busy() {
            std::thread::sleep(QUIET);
        }
    }
}
