//! Text to the values of scalar types, strictly: what does not read as a whole is nothing.

use deltalake::arrow::compute::kernels::cast_utils::{Parser, string_to_datetime};
use deltalake::arrow::datatypes::Date32Type;

use chrono::Utc;

/// Days since 1970-01-01.
pub(super) fn date(text: &str) -> Option<i32> {
    // The parser would also take a timestamp and forget its time.
    if text.len() > 10 && !text.starts_with(['+', '-']) { None } else { Date32Type::parse(text) }
}

/// Microseconds since 1970-01-01 UTC; text without a zone is in UTC.
pub(super) fn instant(text: &str) -> Option<i64> {
    string_to_datetime(&Utc, text).ok().map(|time| time.timestamp_micros())
}

/// Microseconds since 1970-01-01 of a time without a zone; text with one is not such a time.
pub(super) fn local_time(text: &str) -> Option<i64> {
    let has_zone = text.get(10..)?.contains(|letter: char| {
        matches!(letter, '+' | '-') || (letter.is_alphabetic() && !matches!(letter, 'T' | 't'))
    });
    if has_zone { None } else { instant(text) }
}

/// Spark's words for truth.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// Spark's words for what is no number but a DOUBLE.
pub(super) fn special_float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" | "+Infinity" | "INF" | "+INF" => Some(f64::INFINITY),
        "-Infinity" | "-INF" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// What to do with digits after the last place of a DECIMAL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    /// Refuse the number.
    Exact,
    /// Round half away from zero, as Spark does.
    Round,
}

/// A decimal number without its point; `None` when it has too many digits or is no number.
pub(super) fn decimal(text: &str, precision: u8, scale: i8, digits: Digits) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, plain) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    if all().next().is_none() || !all().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // The digit at position p of `all` stands for 10^(whole.len() - 1 - p + exponent); it is kept when that is at least
    // 10^-scale.
    let kept = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(scale);
    let mut value: i128 = 0;
    for (position, digit) in (0_i64..).zip(all()) {
        let digit = i128::from(digit - b'0');
        if position < kept {
            value = value.checked_mul(10)?.checked_add(digit)?;
        } else if digits == Digits::Exact {
            if digit != 0 {
                return None;
            }
        } else if position == kept {
            value += i128::from(digit >= 5);
        }
    }
    let count = i64::try_from(whole.len() + fraction.len()).ok()?;
    if value != 0 && kept > count {
        let zeros = u32::try_from(kept - count).ok()?;
        value = value.checked_mul(10_i128.checked_pow(zeros)?)?;
    }
    let fits = value < 10_i128.checked_pow(u32::from(precision))?;
    fits.then_some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_every_digit_or_are_refused() {
        for (text, exact, rounded) in [
            ("12.3", Some(1230), Some(1230)),
            ("-12.30", Some(-1230), Some(-1230)),
            ("+7", Some(700), Some(700)),
            (".5", Some(50), Some(50)),
            ("5.", Some(500), Some(500)),
            ("1.5e1", Some(1500), Some(1500)),
            ("150E-2", Some(150), Some(150)),
            ("0e999999999", Some(0), Some(0)),
            ("1e-999999999", None, Some(0)),
            ("12.345", None, Some(1235)),
            ("12.344", None, Some(1234)),
            ("-0.005", None, Some(-1)),
            ("0.004", None, Some(0)),
            ("999.99", Some(99999), Some(99999)),
            ("999.995", None, None),
            ("1000", None, None),
            ("1e999999999", None, None),
            ("99999999999999999999999999999999999999999999", None, None),
            ("", None, None),
            ("-", None, None),
            (".", None, None),
            ("1.2.3", None, None),
            ("1e", None, None),
            ("e5", None, None),
            ("0x10", None, None),
            ("１", None, None),
            ("NaN", None, None),
        ] {
            assert_eq!(decimal(text, 5, 2, Digits::Exact), exact, "{text} exact");
            assert_eq!(decimal(text, 5, 2, Digits::Round), rounded, "{text} rounded");
        }
        let longest = "12345678901234567890123456789012345678";
        assert_eq!(decimal(longest, 38, 0, Digits::Exact), longest.parse().ok());
    }

    #[test]
    fn dates_and_times_read_as_a_whole_or_not_at_all() {
        assert_eq!((date("1970-01-02"), date("1970-01-02T00:00:00"), date("1970-13-02")), (Some(1), None, None));
        assert_eq!(instant("1970-01-01T00:00:01.5Z"), Some(1_500_000));
        assert_eq!(instant("1970-01-01 01:00:00+01:00"), Some(0));
        assert_eq!((instant("1970-01-01"), instant("1970"), instant("now")), (Some(0), None, None));
        assert_eq!(local_time("1970-01-01T00:00:01"), Some(1_000_000));
        assert_eq!((local_time("1970-01-01T00:00:01Z"), local_time("1970-01-01 00:00:00+01:00")), (None, None));
        assert_eq!(local_time("1970-01-02"), Some(86_400_000_000));
        assert_eq!((boolean("TRUE"), boolean("n"), boolean("on")), (Some(true), Some(false), None));
    }

    #[test]
    fn any_text_is_a_value_or_nothing() {
        use rand::rngs::StdRng;
        use rand::{Rng, SeedableRng};
        let letters = ['0', '1', '2', '9', '-', '+', '.', ':', 'T', 'Z', 'e', ' ', 'ü', '😀', '\0'];
        let mut random = StdRng::seed_from_u64(19);
        for _ in 0..100_000 {
            let mut text = String::from(if random.random_bool(0.5) { "2025-01-31T10:00:00" } else { "" });
            text.truncate(random.random_range(0..=text.len()));
            text.extend((0..random.random_range(0..20)).map(|_| letters[random.random_range(0..letters.len())]));
            let _ = (date(&text), instant(&text), local_time(&text), boolean(&text), special_float(&text));
            for digits in [Digits::Exact, Digits::Round] {
                let value = decimal(&text, 10, 3, digits);
                assert!(value.is_none_or(|value| value.abs() < 10_i128.pow(10)), "{text}: {value:?}");
            }
        }
    }
}
