//! The proof at the end of a run: every durable record is in the table, and what is there twice or not at all is named.
//!
//! Chunks of 4,096 ids are counted; where the counts do not settle a chunk its ids are listed. Knows the ledger and the
//! table's answers; nothing of writers.

use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

use super::ids;
use super::ledger::Ledger;
use super::ledger::ordinals::{BLOCK, Bits};
use super::table::{ChunkCount, RunTable};
use crate::model::Reconciliation;
use crate::workspace::WorkspaceError;

/// Ids that are named.
const MOST_IDS: usize = 100;

/// Ordinals that one question covers: 4,096 chunks.
const WINDOW: u64 = 4096 * BLOCK;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const SLOWEST_PAUSE: Duration = Duration::from_secs(2);

/// Until when what is missing is waited for, and until when the table may answer at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Records that are not there by then are missing.
    pub(super) patience: Instant,
    /// The last answer is waited for until then.
    pub(super) end: Instant,
}

/// What the table said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reconciled {
    /// Different ids of the run that the table has.
    pub(super) visible: u64,
    /// Durable ids that it does not have.
    pub(super) missing: u64,
    /// Rows beyond the first of an id.
    pub(super) duplicates: u64,
    /// The same in words, with ids.
    pub(super) report: Reconciliation,
}

/// Counts over all chunks so far.
#[derive(Clone, Default)]
struct Tally {
    visible: u64,
    missing: u64,
    duplicates: u64,
    /// In doubt, and in the table.
    came_true: u64,
    /// Refused, and in the table all the same.
    strangers: u64,
    missing_ids: Vec<u64>,
    duplicate_ids: Vec<u64>,
}

/// Asks the table until nothing is missing or patience is over. `seed` is that of the record ids, `in_doubt` how many rows are,
/// `sent_twice` how many rows were sent a second time on purpose.
///
/// # Errors
/// Why it could not be found out, a sentence; nothing is known then.
pub(super) async fn reconcile(
    table: &dyn RunTable,
    ledger: &Ledger,
    seed: u64,
    in_doubt: u64,
    sent_twice: u64,
    limits: Limits,
) -> Result<Reconciled, String> {
    if !ledger.is_exact() {
        return Err("Too many records failed here and there to keep count of each; the table was not asked.".to_owned());
    }
    let asking = Asking { table, ledger, limits };
    let tally = match tokio::time::timeout_at(limits.end, asking.all()).await {
        Ok(Ok(tally)) => tally,
        Ok(Err(error)) => return Err(format!("The table could not be asked: {error}.")),
        Err(_) => return Err("The table did not answer in time.".to_owned()),
    };
    let named = |ordinals: &[u64]| ordinals.iter().map(|ordinal| ids::record_id(seed, *ordinal)).collect();
    Ok(Reconciled {
        visible: tally.visible,
        missing: tally.missing,
        duplicates: tally.duplicates,
        report: Reconciliation {
            done: true,
            note: note(&tally, in_doubt, sent_twice),
            missing_ids: named(&tally.missing_ids),
            duplicate_ids: named(&tally.duplicate_ids),
        },
    })
}

fn note(tally: &Tally, in_doubt: u64, sent_twice: u64) -> Option<String> {
    let mut notes = Vec::new();
    if tally.missing > 0 {
        notes.push(format!("{} durable records are not in the table.", tally.missing));
    }
    if in_doubt > 0 {
        notes.push(format!("Of {in_doubt} rows in doubt, {} records are in the table.", tally.came_true));
    }
    if tally.strangers > 0 {
        notes.push(format!("{} records that were refused are in the table all the same.", tally.strangers));
    }
    if tally.duplicates < sent_twice && in_doubt == 0 {
        notes.push(format!("{sent_twice} records were sent twice, {} second rows are in the table.", tally.duplicates));
    }
    (!notes.is_empty()).then(|| notes.join(" "))
}

struct Asking<'a> {
    table: &'a dyn RunTable,
    ledger: &'a Ledger,
    limits: Limits,
}

impl Asking<'_> {
    async fn all(&self) -> Result<Tally, WorkspaceError> {
        let mut tally = Tally::default();
        let end = self.ledger.end();
        for start in (0..end).step_by(WINDOW as usize) {
            self.window(start..(start + WINDOW).min(end), &mut tally).await?;
        }
        Ok(tally)
    }

    async fn window(&self, ordinals: Range<u64>, tally: &mut Tally) -> Result<(), WorkspaceError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let last_chance = Instant::now() >= self.limits.patience;
            let mut counts = self.ask(ordinals.clone(), BLOCK).await?;
            counts.sort_unstable_by_key(|counted| counted.first);
            if last_chance || self.missing_for_sure(&ordinals, &counts) == 0 {
                let before = tally.missing;
                let found = self.tally(&ordinals, &counts, tally).await?;
                if last_chance || found.missing == before {
                    *tally = found;
                    return Ok(());
                }
            }
            tokio::time::sleep_until((Instant::now() + pause).min(self.limits.patience)).await;
            pause = (pause * 2).min(SLOWEST_PAUSE);
        }
    }

    /// Asks once, and again for as long as time may heal what goes wrong and there is patience.
    async fn ask(&self, ordinals: Range<u64>, chunk: u64) -> Result<Vec<ChunkCount>, WorkspaceError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.table.chunk_counts(ordinals.clone(), chunk).await {
                Err(error) if error.is_retryable() && Instant::now() + pause < self.limits.patience => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(SLOWEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }

    /// Durable records that the counts alone prove to be missing.
    fn missing_for_sure(&self, ordinals: &Range<u64>, counts: &[ChunkCount]) -> u64 {
        let missing = |block| self.ledger.durable_of(block).count().saturating_sub(count_of(counts, block).ids);
        blocks(ordinals).map(missing).sum()
    }

    /// Adds what the counts say, after listing the ids of chunks that the counts do not settle.
    async fn tally(
        &self,
        ordinals: &Range<u64>,
        counts: &[ChunkCount],
        before: &Tally,
    ) -> Result<Tally, WorkspaceError> {
        let mut tally = before.clone();
        for block in blocks(ordinals) {
            let durable = self.ledger.durable_of(block);
            let in_doubt = self.ledger.in_doubt_of(block);
            let ChunkCount { ids, rows, .. } = count_of(counts, block);
            let unclear = in_doubt != Bits::NONE && ids > 0 || ids > durable.count();
            let name_missing = ids < durable.count() && tally.missing_ids.len() < MOST_IDS;
            let name_duplicates = rows > ids && tally.duplicate_ids.len() < MOST_IDS;
            tally.visible += ids;
            tally.duplicates += rows - ids;
            if unclear || name_missing || name_duplicates {
                let listed = self.ask(block * BLOCK..((block + 1) * BLOCK).min(ordinals.end), 1).await?;
                tally.add_ids(block, &durable, &in_doubt, &listed);
            } else {
                tally.missing += durable.count().saturating_sub(ids);
            }
        }
        Ok(tally)
    }
}

impl Tally {
    /// Takes in the ids of one chunk.
    fn add_ids(&mut self, block: u64, durable: &Bits, in_doubt: &Bits, listed: &[ChunkCount]) {
        let mut there = Bits::NONE;
        for one in listed {
            there.set(one.first - block * BLOCK);
            if one.rows > 1 && self.duplicate_ids.len() < MOST_IDS {
                self.duplicate_ids.push(one.first);
            }
        }
        let missing = durable.without(&there);
        self.missing += missing.count();
        let room = MOST_IDS.saturating_sub(self.missing_ids.len());
        self.missing_ids.extend(missing.iter().take(room).map(|index| block * BLOCK + index));
        self.came_true += there.and(in_doubt).count();
        self.strangers += there.without(&durable.or(in_doubt)).count();
    }
}

/// What the table has of a block; `counts` are sorted.
fn count_of(counts: &[ChunkCount], block: u64) -> ChunkCount {
    let first = block * BLOCK;
    let index = counts.binary_search_by_key(&first, |counted| counted.first);
    index.map_or(ChunkCount { first, ids: 0, rows: 0 }, |index| counts[index])
}

fn blocks(ordinals: &Range<u64>) -> Range<u64> {
    ordinals.start / BLOCK..ordinals.end.div_ceil(BLOCK)
}

#[cfg(test)]
mod tests;
