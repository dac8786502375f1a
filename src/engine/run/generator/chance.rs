//! Chance that repeats: numbers for one record that depend on the seed and its ordinal, keys by Zipf's law, and shares that
//! are exact.

use rand::RngCore;
use rand_distr::{Distribution, Zipf};
use rand_pcg::Pcg64Mcg;

use crate::model::{EdgeError, SourceSpec};

/// 2^64 over the golden ratio: neighbours become strangers.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of the answer depends on every bit of the number.
#[inline]
pub(super) fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(GOLDEN);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The random numbers of one record.
#[inline]
pub(super) fn of_record(seed: u64, ordinal: u64) -> Pcg64Mcg {
    let high = mix(mix(seed) ^ ordinal.wrapping_mul(GOLDEN));
    let low = mix(high ^ ordinal);
    Pcg64Mcg::new((u128::from(high) << 64) | u128::from(low))
}

/// A number from 0 to `end - 1`, all alike to one part in 2^64 / `end`.
#[inline]
pub(super) fn below(chance: &mut impl RngCore, end: u64) -> u64 {
    ((u128::from(chance.next_u64()) * u128::from(end)) >> 64) as u64
}

/// Which key a record has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keys {
    /// All alike.
    Even(u64),
    /// Key 0 most often, then 1, and so on.
    Skewed(Zipf<f64>),
}

impl Keys {
    /// As many keys, as uneven, as the source is to have.
    ///
    /// # Errors
    /// For a skew or number that a checked plan does not have.
    pub(super) fn new(spec: &SourceSpec) -> Result<Self, EdgeError> {
        if spec.key_skew == 0.0 {
            return Ok(Self::Even(u64::from(spec.keys).max(1)));
        }
        Zipf::new(f64::from(spec.keys), spec.key_skew).map(Self::Skewed).map_err(|error| {
            let message = format!("{} keys with skew {} cannot be drawn: {error}.", spec.keys, spec.key_skew);
            EdgeError::new("INVALID_PARAMETER_VALUE", message)
        })
    }

    /// A key, counted from 0.
    #[inline]
    pub(super) fn draw(&self, chance: &mut Pcg64Mcg) -> u64 {
        match self {
            Self::Even(keys) => below(chance, *keys),
            Self::Skewed(zipf) => (zipf.sample(chance) as u64).saturating_sub(1),
        }
    }
}

/// A share of all indexes, spread evenly: of any first n it takes n times the share, rounded up or down.
///
/// Index i is taken when the multiples of the share pass a whole number between i and i + 1; where they begin depends on the
/// seed. Numbers are fractions of 2^64, so that whole numbers are overflows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    step: u64,
    begin: u64,
    everything: bool,
}

impl Share {
    /// Of `share` 0 to 1.
    pub(super) fn new(share: f64, seed: u64) -> Self {
        const WHOLE: f64 = 18_446_744_073_709_551_616.0;
        Self { step: (share * WHOLE) as u64, begin: mix(seed), everything: share >= 1.0 }
    }

    /// Whether the index is one of them.
    #[inline]
    pub(super) fn takes(&self, index: u64) -> bool {
        let at = self.begin.wrapping_add(index.wrapping_mul(self.step));
        self.everything || at.checked_add(self.step).is_none()
    }

    /// How many of the indexes below this one are.
    #[inline]
    pub(super) fn before(&self, index: u64) -> u64 {
        if self.everything {
            return index;
        }
        ((u128::from(index) * u128::from(self.step) + u128::from(self.begin)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn a_share_is_exact_over_any_first_part(share in 0.0..=1.0_f64, seed: u64, count in 1..5_000_u64) {
            let share_of = Share::new(share, seed);
            let mut taken = 0;
            for index in 0..count {
                prop_assert_eq!(share_of.before(index), taken);
                taken += u64::from(share_of.takes(index));
            }
            prop_assert!((taken as f64 - share * count as f64).abs() <= 1.0, "{} of {}", taken, count);
        }
    }

    #[test]
    fn nothing_and_everything_are_shares_too() {
        for seed in 0..100 {
            assert!((0..1_000).all(|index| !Share::new(0.0, seed).takes(index)));
            assert!((0..1_000).all(|index| Share::new(1.0, seed).takes(index)));
        }
    }

    #[test]
    fn numbers_of_neighbours_have_nothing_in_common() {
        // Of 64 bits of a draw, 32 differ between neighbours on average; so do they over 1,000 neighbours, within 1.
        let differing: u32 = (0..1_000)
            .map(|ordinal| (of_record(7, ordinal).next_u64() ^ of_record(7, ordinal + 1).next_u64()).count_ones())
            .sum();
        assert!((31_000..33_000).contains(&differing), "{differing}");
    }

    #[test]
    fn draws_fill_their_range_evenly() {
        let mut counts = [0_u32; 10];
        for ordinal in 0..100_000 {
            counts[below(&mut of_record(1, ordinal), 10) as usize] += 1;
        }
        // Six standard deviations of a count of 10,000.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 600), "{counts:?}");
    }
}
