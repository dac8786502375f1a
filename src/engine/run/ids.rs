//! Record ids: fixed-width text made of the seed and the record's ordinal, `{seed:08x}-{ordinal:012x}`.
//!
//! The same for every writer of a plan, in the order of the ordinals, and readable in both directions, so that a table's rows
//! can be held against a run without remembering a single id. Of the seed its lower 32 bits are there.

/// Bytes of a record id.
pub const RECORD_ID_LENGTH: usize = 21;
/// Hexadecimal digits of the ordinal; so many ordinals fit.
const ORDINAL_DIGITS: usize = 12;
/// `00` to `ff`.
const HEX: [[u8; 2]; 256] = hex();

/// The record id of an ordinal below 2^48.
pub fn record_id(seed: u64, ordinal: u64) -> String {
    format!("{:08x}-{:012x}", seed as u32, ordinal)
}

/// The ordinal of a record id that was made with this seed; `None` for every other text.
pub fn ordinal_of(seed: u64, record_id: &str) -> Option<u64> {
    if record_id.len() != RECORD_ID_LENGTH {
        return None;
    }
    let (of_seed, of_ordinal) = record_id.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if of_ordinal.len() != ORDINAL_DIGITS || !digits(of_seed) || !digits(of_ordinal) {
        return None;
    }
    (u32::from_str_radix(of_seed, 16).ok()? == seed as u32).then(|| u64::from_str_radix(of_ordinal, 16).ok()).flatten()
}

/// Writes the record ids of one seed, quickly.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordIds {
    /// An id with ordinal 0.
    template: [u8; RECORD_ID_LENGTH],
}

impl RecordIds {
    pub(super) fn new(seed: u64) -> Self {
        let mut template = [b'0'; RECORD_ID_LENGTH];
        let seed_bytes = (seed as u32).to_be_bytes();
        for (at, byte) in seed_bytes.into_iter().enumerate() {
            template[2 * at..2 * at + 2].copy_from_slice(&HEX[usize::from(byte)]);
        }
        template[8] = b'-';
        Self { template }
    }

    /// The bytes of [`record_id`].
    #[inline]
    pub(super) fn id(&self, ordinal: u64) -> [u8; RECORD_ID_LENGTH] {
        let mut id = self.template;
        let bytes = ordinal.to_be_bytes();
        for (at, byte) in bytes[2..].iter().enumerate() {
            id[9 + 2 * at..11 + 2 * at].copy_from_slice(&HEX[usize::from(*byte)]);
        }
        id
    }
}

const fn hex() -> [[u8; 2]; 256] {
    let digits = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_have_a_fixed_shape_and_only_that_is_read() {
        assert_eq!(record_id(7, 255), "00000007-0000000000ff");
        assert_eq!(record_id(0xdead_beef_0000_0001, 0), "00000001-000000000000");
        for other in [
            "",
            "00000008-0000000000ff",
            "00000007-0000000000FF",
            "00000007-000000000ff",
            "0000007-00000000000ff",
            "00000007_0000000000ff",
            "00000007-+000000000ff",
            "00000007-0000000000fé",
        ] {
            assert_eq!(ordinal_of(7, other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn ids_and_ordinals_convert_both_ways_and_sort_alike(seed: u64, one in 0..1_u64 << 48, other in 0..1_u64 << 48) {
            let id = record_id(seed, one);
            prop_assert_eq!(id.len(), RECORD_ID_LENGTH);
            prop_assert_eq!(ordinal_of(seed, &id), Some(one));
            prop_assert_eq!(ordinal_of(seed ^ 1, &id), None);
            let quick = RecordIds::new(seed).id(one);
            prop_assert_eq!(quick.as_slice(), id.as_bytes());
            prop_assert_eq!(id.cmp(&record_id(seed, other)), one.cmp(&other));
        }
    }
}
