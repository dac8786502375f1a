//! What became of every record of a run: durable, failed, in doubt, visible; and what of it the table is asked for next.
//!
//! Knows ordinals only, no record, writer or clock. Its memory does not grow with the run but with the holes in it.

pub(super) mod ordinals;

use std::ops::Range;

use ordinals::{BLOCK, Bits, OrdinalSet};

use super::rows::RowOrdinals;
use super::table::ChunkCount;

/// Rows that a look at the table may return.
const MOST_CHUNKS: u64 = 4096;

/// The sizes of chunks: a record id ends in hexadecimal digits, so a prefix of it holds 1, 16, 256 or 4,096 of them.
const CHUNKS: [u64; 4] = [1, 16, 256, 4096];

/// What became of the records so far.
#[derive(Default)]
pub(super) struct Ledger {
    durable: OrdinalSet,
    failed: OrdinalSet,
    in_doubt: OrdinalSet,
    visible: OrdinalSet,
    /// All blocks below this one are settled, and what is durable of them is visible.
    floor: u64,
    /// Where the next look begins when the last one did not reach the end.
    cursor: Option<u64>,
}

/// A question to the table: which of these ordinals it has, counted by chunk.
pub(super) struct Look {
    /// Which.
    pub(super) ordinals: Range<u64>,
    /// How many ordinals a chunk has.
    pub(super) chunk: u64,
    /// What was durable when the question was made, of each block with something that is not known to be visible.
    expected: Vec<(u64, Bits)>,
}

impl Ledger {
    /// Rows that were acknowledged.
    pub(super) fn durable(&mut self, rows: &RowOrdinals) {
        rows.runs().for_each(|run| self.durable.insert(run));
    }

    /// Rows that are not in the table.
    pub(super) fn failed(&mut self, rows: &RowOrdinals) {
        rows.runs().for_each(|run| self.failed.insert(run));
    }

    /// Rows that may be in the table, though nobody said so.
    pub(super) fn in_doubt(&mut self, rows: &RowOrdinals) {
        rows.runs().for_each(|run| self.in_doubt.insert(run));
    }

    /// How many different records are known to be visible.
    pub(super) fn visible_count(&self) -> u64 {
        self.visible.len()
    }

    /// Whether everything durable is known to be visible.
    pub(super) fn all_visible(&self) -> bool {
        self.visible.len() == self.durable.len()
    }

    /// Whether nothing was left out; see [`OrdinalSet::is_exact`].
    pub(super) fn is_exact(&self) -> bool {
        self.durable.is_exact() && self.failed.is_exact() && self.in_doubt.is_exact()
    }

    /// Behind the highest ordinal of all.
    pub(super) fn end(&self) -> u64 {
        self.durable.end().max(self.in_doubt.end()).max(self.failed.end())
    }

    /// Durable records of a block.
    pub(super) fn durable_of(&self, block: u64) -> Bits {
        self.durable.block(block)
    }

    /// Records of a block that are in doubt; not those of which another copy is durable.
    pub(super) fn in_doubt_of(&self, block: u64) -> Bits {
        self.in_doubt.block(block).without(&self.durable.block(block))
    }

    /// Whether all of these durable records are known to be visible.
    pub(super) fn is_visible(&self, ordinals: Range<u64>) -> bool {
        self.visible.count_in(ordinals.clone()) >= self.durable.count_in(ordinals)
    }

    /// What to ask the table next: the oldest part of what is durable and not known to be visible. `None` when there is nothing.
    ///
    /// Chunks are the smaller the less there is to ask for, so that waiting for a whole chunk makes a record look later by at
    /// most 1/64 of the time that records take to become visible.
    pub(super) fn next_look(&mut self) -> Option<Look> {
        self.raise_floor();
        let end = self.durable.end().div_ceil(BLOCK);
        let begin = self.cursor.take().filter(|cursor| *cursor < end).unwrap_or(self.floor);
        let mut expected = self.unseen_blocks(begin, end);
        if expected.is_empty() {
            expected = self.unseen_blocks(self.floor, end);
        }
        let ((first_block, first_bits), (last_block, last_bits)) = (expected.first()?, expected.last()?);
        let unseen = |block: u64, bits: &Bits| bits.without(&self.visible.block(block));
        let first = first_block * BLOCK + unseen(*first_block, first_bits).iter().next()?;
        let last = last_block * BLOCK + unseen(*last_block, last_bits).iter().last()?;
        let ordinals = first..last + 1;
        let width = ordinals.end - ordinals.start;
        let chunk = CHUNKS.into_iter().find(|chunk| width <= chunk * (MOST_CHUNKS / 4)).unwrap_or(BLOCK);
        if last_block + 1 < end {
            self.cursor = Some(last_block + 1);
        }
        Some(Look { ordinals, chunk, expected })
    }

    /// Blocks with durable records that are not known to be visible, as many as one look may span.
    fn unseen_blocks(&self, begin: u64, end: u64) -> Vec<(u64, Bits)> {
        let mut found: Vec<(u64, Bits)> = Vec::new();
        let mut block = self.visible.next_not_full(begin);
        while block < end && found.first().is_none_or(|(first, _)| block - first < MOST_CHUNKS) {
            let durable = self.durable.block(block);
            if durable != self.visible.block(block) {
                found.push((block, durable));
            }
            block = self.visible.next_not_full(block + 1);
        }
        found
    }

    fn raise_floor(&mut self) {
        loop {
            self.floor = self.visible.next_not_full(self.floor);
            let durable = self.durable.block(self.floor);
            let settled = durable.or(&self.failed.block(self.floor)).or(&self.in_doubt.block(self.floor));
            if settled != Bits::ALL || durable != self.visible.block(self.floor) {
                return;
            }
            self.floor += 1;
        }
    }

    /// Takes in what the table answered. A chunk counts as visible when it has as many ids as were durable when the question
    /// was made. Records that are in doubt may stand in for others here; the reconciliation at the end goes by ids.
    pub(super) fn seen(&mut self, look: &Look, answer: &[ChunkCount]) {
        for counted in answer {
            let block = counted.first / BLOCK;
            let Ok(index) = look.expected.binary_search_by_key(&block, |(block, _)| *block) else { continue };
            let start = counted.first.max(look.ordinals.start) - block * BLOCK;
            let end = (counted.first + look.chunk).min(look.ordinals.end) - block * BLOCK;
            let expected = look.expected[index].1.and(&Bits::of(start..end));
            if counted.ids >= expected.count() {
                self.visible.insert_bits(block, &expected);
            }
        }
    }

    /// Bytes that it takes up, about.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        [&self.durable, &self.failed, &self.in_doubt, &self.visible].iter().map(|set| set.bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(range: Range<u64>) -> RowOrdinals {
        RowOrdinals::from_range(range)
    }

    /// What a table answers that has the ordinals of `has`.
    fn answer(look: &Look, has: Range<u64>) -> Vec<ChunkCount> {
        let first_chunk = look.ordinals.start / look.chunk * look.chunk;
        (first_chunk..look.ordinals.end)
            .step_by(look.chunk as usize)
            .map(|first| {
                let start = first.max(look.ordinals.start).max(has.start);
                let end = (first + look.chunk).min(look.ordinals.end).min(has.end);
                let ids = end.saturating_sub(start);
                ChunkCount { first, ids, rows: ids }
            })
            .filter(|counted| counted.ids > 0)
            .collect()
    }

    #[test]
    fn little_is_asked_for_by_id_and_much_by_chunk() {
        let mut ledger = Ledger::default();
        assert!(ledger.next_look().is_none());
        for (durable, chunk) in [(1000, 1), (16_000, 16), (200_000, 256), (4_000_000, 4096)] {
            ledger.durable(&rows(0..durable));
            let look = ledger.next_look().unwrap();
            assert_eq!((look.ordinals.clone(), look.chunk), (0..durable, chunk));
        }
    }

    #[test]
    fn only_the_part_that_is_not_visible_is_asked_for_again() {
        let mut ledger = Ledger::default();
        ledger.durable(&rows(0..10_000));
        let look = ledger.next_look().unwrap();
        ledger.seen(&look, &answer(&look, 0..5_000));
        assert_eq!(ledger.visible_count(), 5_000 / 16 * 16, "the chunk with the border is not whole");
        assert!(ledger.is_visible(0..4_992) && !ledger.is_visible(0..5_000));
        ledger.durable(&rows(10_000..12_000));
        assert_eq!(ledger.next_look().unwrap().ordinals, 4_992..12_000);
    }

    #[test]
    fn what_becomes_durable_during_a_look_is_not_taken_for_visible() {
        let mut ledger = Ledger::default();
        ledger.durable(&rows(0..100));
        let look = ledger.next_look().unwrap();
        ledger.durable(&rows(100..200));
        ledger.seen(&look, &answer(&look, 0..200));
        assert_eq!(ledger.visible_count(), 100);
    }

    #[test]
    fn a_record_that_never_comes_does_not_keep_later_ones_from_being_asked_for() {
        let mut ledger = Ledger::default();
        let far = 40 * MOST_CHUNKS * BLOCK;
        ledger.durable(&rows(0..far));
        let mut reached = 0;
        // Forty to get through, and three on the way to the one record, by ever smaller chunks.
        for _ in 0..43 {
            let look = ledger.next_look().unwrap();
            ledger.seen(&look, &answer(&look, 1..far));
            reached = reached.max(look.ordinals.end);
        }
        assert_eq!(reached, far);
        assert_eq!(ledger.visible_count(), far - 1);
    }

    #[test]
    fn where_every_block_has_holes_a_record_costs_a_bit_in_each_set() {
        let mut ledger = Ledger::default();
        let batches = 5000;
        for batch in 0..batches {
            ledger.durable(&rows(batch * 5000..batch * 5000 + 4990));
            ledger.failed(&rows(batch * 5000 + 4990..batch * 5000 + 5000));
            if batch % 200 == 0 {
                let look = ledger.next_look().unwrap();
                ledger.seen(&look, &answer(&look, 0..u64::MAX));
            }
        }
        assert!(ledger.is_exact());
        let bits = batches * 5000 * 3;
        assert!((ledger.bytes() as u64) < bits / 8 * 11 / 10, "{} bytes", ledger.bytes());
    }
}
