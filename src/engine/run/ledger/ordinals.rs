//! A set of ordinals that stays small: what is dense costs nothing, what is full of holes costs a bit for each ordinal.
//!
//! Ordinals are kept in blocks of 4,096, as many as a chunk of the reconciliation has. Rows of full blocks are ranges that
//! coalesce; the others are bitmaps. Beyond a limit of bitmaps the set says that it is no longer exact.

use std::collections::BTreeMap;
use std::ops::Range;

/// Ordinals in a block.
pub(in crate::engine::run) const BLOCK: u64 = 4096;

const WORDS: usize = 64;

/// Bitmaps of a set, 512 bytes each: 32 MiB, which is 268 million ordinals with holes between them.
const MOST_BITMAPS: usize = 65_536;

/// Which ordinals of a block there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::run) struct Bits([u64; WORDS]);

impl Bits {
    pub(in crate::engine::run) const NONE: Self = Self([0; WORDS]);
    pub(in crate::engine::run) const ALL: Self = Self([u64::MAX; WORDS]);

    /// Those of `range`, which is counted from the beginning of the block.
    pub(in crate::engine::run) fn of(range: Range<u64>) -> Self {
        let mut bits = Self::NONE;
        for (word, first) in bits.0.iter_mut().zip((0..).step_by(64)) {
            let start = range.start.clamp(first, first + 64) - first;
            let end = range.end.clamp(first, first + 64) - first;
            if end > start {
                *word = (u64::MAX >> (64 - (end - start))) << start;
            }
        }
        bits
    }

    /// How many.
    pub(in crate::engine::run) fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Those of either.
    pub(in crate::engine::run) fn or(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
        self
    }

    /// Those of both.
    pub(in crate::engine::run) fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
        self
    }

    /// Those that `other` lacks.
    pub(in crate::engine::run) fn without(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= !other);
        self
    }

    /// Whether this one is there.
    pub(in crate::engine::run) fn has(&self, index: u64) -> bool {
        self.0[(index / 64) as usize % WORDS] & 1 << (index % 64) != 0
    }

    /// Adds one.
    pub(in crate::engine::run) fn set(&mut self, index: u64) {
        self.0[(index / 64) as usize % WORDS] |= 1 << (index % 64);
    }

    /// Each of them, counted from the beginning of the block.
    pub(in crate::engine::run) fn iter(&self) -> impl Iterator<Item = u64> {
        (0..BLOCK).filter(|index| self.has(*index))
    }
}

/// A set of ordinals.
pub(in crate::engine::run) struct OrdinalSet {
    /// Numbers of full blocks, as ranges: the first and the one behind the last.
    full: BTreeMap<u64, u64>,
    /// Of blocks that are neither full nor empty.
    partial: BTreeMap<u64, Box<Bits>>,
    len: u64,
    most_bitmaps: usize,
    exact: bool,
}

impl Default for OrdinalSet {
    fn default() -> Self {
        Self::with_limit(MOST_BITMAPS)
    }
}

impl OrdinalSet {
    fn with_limit(most_bitmaps: usize) -> Self {
        Self { full: BTreeMap::new(), partial: BTreeMap::new(), len: 0, most_bitmaps, exact: true }
    }

    /// How many.
    pub(in crate::engine::run) fn len(&self) -> u64 {
        self.len
    }

    /// Whether every insertion was kept. When there were too many holes, those that came later are left out.
    pub(in crate::engine::run) fn is_exact(&self) -> bool {
        self.exact
    }

    /// Behind the highest.
    pub(in crate::engine::run) fn end(&self) -> u64 {
        let full = self.full.last_key_value().map_or(0, |(_, end)| end * BLOCK);
        let partial = self
            .partial
            .last_key_value()
            .map_or(0, |(block, bits)| block * BLOCK + bits.iter().last().map_or(0, |index| index + 1));
        full.max(partial)
    }

    /// Adds a range.
    pub(in crate::engine::run) fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let whole = range.start.div_ceil(BLOCK)..range.end / BLOCK;
        if whole.is_empty() {
            // Within a block, or across the border of two.
            let border = range.start.next_multiple_of(BLOCK).clamp(range.start, range.end);
            self.insert_within(range.start..border);
            self.insert_within(border..range.end);
            return;
        }
        self.insert_within(range.start..whole.start * BLOCK);
        self.insert_blocks(whole.clone());
        self.insert_within(whole.end * BLOCK..range.end);
    }

    fn insert_within(&mut self, range: Range<u64>) {
        if !range.is_empty() {
            let block = range.start / BLOCK;
            self.insert_bits(block, &Bits::of(range.start - block * BLOCK..range.end - block * BLOCK));
        }
    }

    /// Adds ordinals of one block.
    pub(in crate::engine::run) fn insert_bits(&mut self, block: u64, bits: &Bits) {
        if *bits == Bits::NONE || self.is_full(block) {
            return;
        }
        let before = self.partial.get(&block).map_or(Bits::NONE, |bits| **bits);
        let after = before.or(bits);
        if after == Bits::ALL {
            self.insert_blocks(block..block + 1);
        } else if before != Bits::NONE || self.partial.len() < self.most_bitmaps {
            self.len += after.count() - before.count();
            self.partial.insert(block, Box::new(after));
        } else {
            self.exact = false;
        }
    }

    fn insert_blocks(&mut self, mut blocks: Range<u64>) {
        self.len += (blocks.end - blocks.start) * BLOCK;
        while let Some((block, bits)) = self.partial.range(blocks.clone()).next().map(|(block, bits)| (*block, **bits))
        {
            self.len -= bits.count();
            self.partial.remove(&block);
        }
        // Every range that overlaps or touches becomes part of the new one.
        while let Some((start, end)) = self.full.range(..=blocks.end).next_back().map(|(start, end)| (*start, *end)) {
            if end < blocks.start {
                break;
            }
            let overlap = end.min(blocks.end).saturating_sub(start.max(blocks.start));
            self.len -= overlap * BLOCK;
            self.full.remove(&start);
            blocks = start.min(blocks.start)..end.max(blocks.end);
        }
        self.full.insert(blocks.start, blocks.end);
    }

    fn is_full(&self, block: u64) -> bool {
        self.full.range(..=block).next_back().is_some_and(|(_, end)| block < *end)
    }

    /// The first block from this one on that is not full.
    pub(in crate::engine::run) fn next_not_full(&self, block: u64) -> u64 {
        self.full.range(..=block).next_back().map_or(block, |(_, end)| block.max(*end))
    }

    /// What there is of a block.
    pub(in crate::engine::run) fn block(&self, block: u64) -> Bits {
        if self.is_full(block) {
            return Bits::ALL;
        }
        self.partial.get(&block).map_or(Bits::NONE, |bits| **bits)
    }

    /// How many there are of a range.
    pub(in crate::engine::run) fn count_in(&self, range: Range<u64>) -> u64 {
        let mut count = 0;
        let mut from = range.start;
        while from < range.end {
            let block = from / BLOCK;
            let full_to = self.full.range(..=block).next_back().map_or(0, |(_, end)| end * BLOCK);
            if full_to > from {
                count += full_to.min(range.end) - from;
                from = full_to;
                continue;
            }
            let end = ((block + 1) * BLOCK).min(range.end);
            if let Some(bits) = self.partial.get(&block) {
                count += bits.and(&Bits::of(from - block * BLOCK..end - block * BLOCK)).count();
            }
            from = end;
        }
        count
    }

    /// Bytes that it takes up, about.
    #[cfg(test)]
    pub(in crate::engine::run) fn bytes(&self) -> usize {
        self.full.len() * 16 + self.partial.len() * (size_of::<Bits>() + 16)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ranges() -> impl Strategy<Value = Vec<Range<u64>>> {
        let short = (0..40_000_u64, 1..300_u64);
        let long = (0..40_000_u64, 1..12_000_u64);
        proptest::collection::vec(prop_oneof![4 => short, 1 => long].prop_map(|(start, len)| start..start + len), 0..30)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn it_has_what_a_plain_set_has(ranges in ranges(), asked in 0..60_000_u64, width in 0..20_000_u64) {
            let mut set = OrdinalSet::default();
            let mut model = BTreeSet::new();
            for range in ranges {
                set.insert(range.clone());
                model.extend(range);
                prop_assert_eq!(set.len(), model.len() as u64);
            }
            prop_assert_eq!(set.end(), model.last().map_or(0, |last| last + 1));
            prop_assert_eq!(set.count_in(asked..asked + width), model.range(asked..asked + width).count() as u64);
            let block = asked / BLOCK;
            let expected: Vec<u64> = model.range(block * BLOCK..(block + 1) * BLOCK).map(|one| one % BLOCK).collect();
            prop_assert_eq!(set.block(block).iter().collect::<Vec<_>>(), expected);
            prop_assert!(set.is_exact());
        }
    }

    #[test]
    fn what_arrives_out_of_order_coalesces_to_almost_nothing() {
        let mut set = OrdinalSet::default();
        for pair in 0..50_000 {
            // Batches of 500, every two of them the wrong way round.
            set.insert(pair * 1000 + 500..pair * 1000 + 1000);
            set.insert(pair * 1000..pair * 1000 + 500);
        }
        assert_eq!(set.len(), 50_000_000);
        assert!(set.bytes() < 2048, "{} bytes", set.bytes());
    }

    #[test]
    fn holes_cost_a_bit_each_and_have_a_limit_that_is_told() {
        let mut set = OrdinalSet::with_limit(100);
        for ordinal in (0..100 * BLOCK).step_by(2) {
            set.insert(ordinal..ordinal + 1);
        }
        assert!(set.is_exact());
        let full = set.bytes();
        set.insert(200 * BLOCK..200 * BLOCK + 1);
        assert!(!set.is_exact());
        assert_eq!((set.bytes(), set.len()), (full, 50 * BLOCK));
    }
}
