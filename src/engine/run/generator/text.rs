//! Numbers, days and times as text, written straight into a column's bytes.

use rand::RngCore;

/// `00` to `99`.
const PAIRS: [[u8; 2]; 100] = pairs();

const fn pairs() -> [[u8; 2]; 100] {
    let mut table = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        table[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    table
}

/// A number of two digits; only the last two of larger ones.
#[inline]
pub(super) fn push_two(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend_from_slice(&PAIRS[(number % 100) as usize]);
}

/// A number with zeros in front up to six digits, and with more when it has more.
#[inline]
pub(super) fn push_six(bytes: &mut Vec<u8>, number: u64) {
    if number >= 1_000_000 {
        push_number(bytes, number / 1_000_000);
    }
    let [high, middle, low] = [number / 10_000, number / 100, number].map(|part| PAIRS[(part % 100) as usize]);
    bytes.extend_from_slice(&[high[0], high[1], middle[0], middle[1], low[0], low[1]]);
}

/// A number, with as many digits as it has.
pub(super) fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut begin = digits.len();
    loop {
        begin -= 1;
        digits[begin] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    bytes.extend_from_slice(&digits[begin..]);
}

/// A day of the years 0 to 9999 as `YYYY-MM-DD`; the argument counts from 1970-01-01.
pub(super) fn push_day(bytes: &mut Vec<u8>, day: i64) {
    // Howard Hinnant's civil_from_days: years counted from March so that the leap day comes last.
    let from_year_0 = day + 719_468;
    let era = from_year_0.div_euclid(146_097);
    let day_of_era = from_year_0.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = (era * 400 + year_of_era + i64::from(month <= 2)).unsigned_abs();
    push_two(bytes, year / 100);
    push_two(bytes, year);
    bytes.push(b'-');
    push_two(bytes, month.unsigned_abs());
    bytes.push(b'-');
    push_two(bytes, day_of_month.unsigned_abs());
}

/// Microseconds since 1970 as `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
pub(super) fn push_time(bytes: &mut Vec<u8>, micros: i64) {
    const DAY: i64 = 86_400_000_000;
    push_day(bytes, micros.div_euclid(DAY));
    let of_day = micros.rem_euclid(DAY).unsigned_abs();
    let seconds = of_day / 1_000_000;
    for (sign, part) in [(b'T', seconds / 3_600), (b':', seconds / 60 % 60), (b':', seconds % 60)] {
        bytes.push(sign);
        push_two(bytes, part);
    }
    bytes.push(b'.');
    push_six(bytes, of_day % 1_000_000);
    bytes.push(b'Z');
}

/// Text without meaning: `A` to `P` and `a` to `p` by chance, eight letters for each number. Nothing that JSON or SQL would
/// escape, and no compressor makes it shorter than five eighths.
pub(super) fn push_filler(bytes: &mut Vec<u8>, length: usize, chance: &mut impl RngCore) {
    let end = bytes.len() + length;
    bytes.reserve(length + 8);
    while bytes.len() < end {
        let bits = chance.next_u64();
        // Four bits choose the letter, the fifth its case: 0x20 more is lower case. No sum is carried to the next byte.
        let letters = (bits & 0x0f0f_0f0f_0f0f_0f0f) + 0x4141_4141_4141_4141 + ((bits & 0x1010_1010_1010_1010) << 1);
        bytes.extend_from_slice(&letters.to_le_bytes());
    }
    bytes.truncate(end);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{CalendarDate, timestamp_micros};

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    proptest! {
        #[test]
        fn days_and_times_are_read_back(day in -719_162_i64..2_932_897, of_day in 0..86_400_000_000_i64) {
            let text = written(|bytes| push_day(bytes, day));
            prop_assert_eq!(CalendarDate::parse(&text).map(|date| i64::from(date.days_since_epoch())), Some(day), "{}", text);
            let micros = day * 86_400_000_000 + of_day;
            let text = written(|bytes| push_time(bytes, micros));
            prop_assert_eq!(timestamp_micros(&text), Some(micros), "{}", text);
        }

        #[test]
        fn numbers_are_as_rust_writes_them(number: u64) {
            prop_assert_eq!(written(|bytes| push_number(bytes, number)), number.to_string());
            prop_assert_eq!(written(|bytes| push_six(bytes, number)), format!("{number:06}"));
        }

        #[test]
        fn filler_has_the_length_that_was_asked_for(length in 0..200_usize, seed: u64) {
            let mut chance = rand_pcg::Pcg64Mcg::new(seed.into());
            let text = written(|bytes| push_filler(bytes, length, &mut chance));
            prop_assert_eq!(text.len(), length);
            prop_assert!(text.bytes().all(|byte| matches!(byte, b'A'..=b'P' | b'a'..=b'p')), "{}", text);
        }
    }
}
