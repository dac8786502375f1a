//! Decimal numbers from text, exactly.

/// How a decimal number may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    /// `-12.50`
    Plain,
    /// `-12.50` or `-1.25e+1`: what JSON writers make of large and small numbers.
    WithExponent,
}

/// A decimal number without its point, when it fits `DECIMAL(precision, scale)` without rounding.
pub(super) fn parse(text: &str, precision: u8, scale: i8, notation: Notation) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (digits, exponent) = match digits.split_once(['e', 'E']) {
        Some((digits, exponent)) if notation == Notation::WithExponent => (digits, exponent_of(exponent)?),
        _ => (digits, 0),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (digits, ""),
    };
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let shift = i64::from(scale) + exponent - i64::try_from(fraction.len()).ok()?;
    let unscaled = unscaled(whole, fraction, shift, precision)?;
    Some(if negative { -unscaled } else { unscaled })
}

/// The digits as one number, times ten to the power of `shift`.
fn unscaled(whole: &str, fraction: &str, shift: i64, precision: u8) -> Option<i128> {
    let mut digits = whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0');
    let count = digits.clone().count();
    if count == 0 {
        return Some(0);
    }
    let wanted = i64::try_from(count).ok()?.checked_add(shift)?;
    // More digits than i128 holds are no column's, whatever its precision says.
    if !(1..=i64::from(precision.min(38))).contains(&wanted) {
        return None;
    }
    let wanted = usize::try_from(wanted).ok()?;
    let kept = digits.by_ref().take(wanted.min(count));
    let number = kept.fold(0i128, |number, digit| number * 10 + i128::from(digit - b'0'));
    if digits.any(|digit| digit != b'0') {
        return None;
    }
    (count..wanted).try_fold(number, |number, _| number.checked_mul(10))
}

fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Anything that large fits no column; the bound keeps the sums above from overflowing.
    let size = digits.parse::<i64>().ok().filter(|size| *size <= 1_000_000_000)?;
    Some(if text.starts_with('-') { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_fits_without_rounding_or_not_at_all() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0.00", Some(0)),
            ("12.5", Some(1250)),
            ("-12.50000", Some(-1250)),
            ("0001.2", Some(120)),
            ("99.99", Some(9999)),
            ("100", None),
            ("1.234", None),
            ("", None),
            ("-", None),
            (".5", None),
            ("5.", None),
            ("+5", None),
            ("1e1", None),
            ("1 ", None),
            ("--1", None),
            ("1.2.3", None),
        ] {
            assert_eq!(parse(text, 4, 2, Notation::Plain), expected, "{text}");
        }
        let largest = "9".repeat(38);
        assert_eq!(parse(&largest, 38, 0, Notation::Plain), largest.parse().ok());
        assert_eq!(parse(&format!("{largest}0"), 38, 0, Notation::Plain), None);
        assert_eq!(parse(&format!("1.{}", "0".repeat(500)), 38, 0, Notation::Plain), Some(1));
    }

    #[test]
    fn exponents_move_the_point() {
        for (text, expected) in [
            ("1e1", Some(1000)),
            ("1.5E+1", Some(1500)),
            ("1500e-2", Some(1500)),
            ("125e-1", Some(1250)),
            ("1e-2", Some(1)),
            ("1e-3", None),
            ("1e2", None),
            ("0e999999999", Some(0)),
            ("1e99999999999999999999", None),
            ("1e", None),
            ("1e+", None),
            ("1e1.5", None),
        ] {
            assert_eq!(parse(text, 4, 2, Notation::WithExponent), expected, "{text}");
        }
    }
}
