//! When a run's rows become visible: the table is asked every so often for the oldest part that was not visible yet.
//!
//! The moment is that of the answer, so a latency is at most one look too long and never too short. Knows nothing of writers;
//! decides nothing about the end of a run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::board::Board;
use super::ledger::Ledger;
use super::rows::Span;
use super::table::RunTable;

/// Batches whose send times are kept until they are visible. Beyond that every second one is let go and its neighbour counts
/// for it, as often as needed.
const MOST_WAITING: usize = 65_536;

/// After answers that time may heal, the table is asked less often, down to this.
const SLOWEST: Duration = Duration::from_secs(5);

/// Durable batches that are not visible yet, by their first ordinal.
#[derive(Default)]
pub(super) struct Waiting {
    batches: BTreeMap<u64, Span>,
    /// Batches that came.
    came: u64,
    /// One of 2^thinned is kept.
    thinned: u32,
}

impl Waiting {
    /// A batch became durable.
    pub(super) fn add(&mut self, span: Span) {
        self.came += 1;
        let stands_for_itself = self.came.trailing_zeros() >= self.thinned;
        match self.batches.last_entry() {
            Some(mut last) if !stands_for_itself => last.get_mut().rows += span.rows,
            _ => {
                self.batches.insert(span.ordinals.start, span);
            }
        }
        if self.batches.len() > MOST_WAITING {
            self.thin();
        }
    }

    fn thin(&mut self) {
        self.thinned += 1;
        let mut kept: BTreeMap<u64, Span> = BTreeMap::new();
        for (index, (first, span)) in std::mem::take(&mut self.batches).into_iter().enumerate() {
            match kept.last_entry() {
                Some(mut last) if index % 2 == 1 => last.get_mut().rows += span.rows,
                _ => {
                    kept.insert(first, span);
                }
            }
        }
        self.batches = kept;
    }

    /// Takes out those that are visible now.
    pub(super) fn take_visible(&mut self, ledger: &Ledger) -> Vec<Span> {
        self.batches.extract_if(.., |_, span| ledger.is_visible(span.ordinals.clone())).map(|(_, span)| span).collect()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.batches.len()
    }
}

/// Until when to look: no end while the run sends, then a moment after which nothing more is waited for.
pub(super) type Patience = watch::Receiver<Option<Instant>>;

/// Asks the table every `every` until all is visible after the end of the run, or patience is over.
///
/// # Errors
/// Why the table cannot be asked, when waiting does not help.
pub(super) async fn watch_table(
    table: Arc<dyn RunTable>,
    board: Arc<Board>,
    every: Duration,
    patience: Patience,
) -> Result<(), String> {
    tokio::select! {
        found = look_again_and_again(&*table, &board, every, patience.clone()) => found,
        () = over(patience) => Ok(()),
    }
}

async fn look_again_and_again(
    table: &dyn RunTable,
    board: &Board,
    every: Duration,
    mut patience: Patience,
) -> Result<(), String> {
    let mut pause = every;
    loop {
        let ending = patience.borrow_and_update().is_some();
        if let Some(look) = board.next_look() {
            match table.chunk_counts(look.ordinals.clone(), look.chunk).await {
                Ok(answer) => {
                    board.seen(&look, &answer, Instant::now());
                    pause = every;
                }
                Err(error) if error.is_retryable() => {
                    if pause == every {
                        board.log(
                            "warn",
                            format!("The table could not be asked what is visible: {error}. It is asked again."),
                        );
                    }
                    pause = (pause * 2).min(SLOWEST.max(every));
                }
                Err(error) => return Err(format!("The table could not be asked what is visible: {error}.")),
            }
        }
        if ending && board.all_visible() {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => (),
            // What became durable last is looked for at once, but not again and again.
            _ = patience.changed(), if !ending => (),
        }
    }
}

async fn over(mut patience: Patience) {
    let known = patience.wait_for(Option::is_some).await.map(|deadline| *deadline);
    // The sender of it is gone only when the run is.
    if let Ok(Some(deadline)) = known {
        tokio::time::sleep_until(deadline).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::run::rows::RowOrdinals;

    #[tokio::test(start_paused = true)]
    async fn when_visibility_lags_behind_for_long_batches_are_sampled_and_no_row_loses_its_weight() {
        let mut waiting = Waiting::default();
        let mut ledger = Ledger::default();
        let begun = Instant::now();
        for batch in 0..150_000 {
            let rows = RowOrdinals::from_range(batch * 500..(batch + 1) * 500);
            ledger.durable(&rows);
            waiting.add(rows.span(begun));
        }
        assert!((MOST_WAITING / 2..=MOST_WAITING).contains(&waiting.len()), "{}", waiting.len());
        assert_eq!(waiting.take_visible(&ledger).len(), 0);
        let rows: u64 = waiting.batches.values().map(|span| span.rows).sum();
        assert_eq!(rows, 150_000 * 500);
    }
}
