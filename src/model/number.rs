//! Numbers as pages, reports and the command line write them: three significant digits with their unit.
//!
//! Pure text; knows nothing of locales, so that server and browser render the same. Exact values belong
//! in tooltips and tables, through [`grouped`].

/// A number with that many decimals, at most three, as `{:.1}` writes it, but for numbers within a hair of the middle of
/// two. Rust's own formatting of such numbers is exact to any number of digits, and large
/// (docs/decisions/0002-wasm-diet.md).
pub fn fixed(value: f64, decimals: usize) -> String {
    let scale = [1_u64, 10, 100, 1_000][decimals.min(3)];
    if !value.is_finite() {
        return if value.is_nan() { "NaN" } else { "∞" }.to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let scaled = (value.abs() * scale as f64).round_ties_even() as u64;
    match decimals {
        0 => format!("{sign}{scaled}"),
        _ => format!("{sign}{}.{:0decimals$}", scaled / scale, scaled % scale),
    }
}

/// Three significant digits: `1.24`, `48.3`, `499`. Above a thousand the digits before the point are all kept.
pub fn three_digits(value: f64) -> String {
    let size = value.abs();
    // The bounds are where rounding would add a fourth digit: 9.996 is 10.0.
    let decimals = match size {
        _ if size < 9.995 => 2,
        _ if size < 99.95 => 1,
        _ => 0,
    };
    fixed(value, decimals)
}

/// A duration given in microseconds: `840 µs`, `1.24 ms`, `12.6 s`, `3.20 min`.
pub fn duration(micros: u64) -> String {
    let value = micros as f64;
    match micros {
        0 => "< 1 µs".to_owned(),
        1..=999 => format!("{micros} µs"),
        _ if value < 999_500.0 => format!("{} ms", three_digits(value / 1e3)),
        _ if value < 99_950_000.0 => format!("{} s", three_digits(value / 1e6)),
        _ => format!("{} min", three_digits(value / 6e7)),
    }
}

/// A duration given in milliseconds, as [`duration`].
pub fn milliseconds(value: f64) -> String {
    duration((value * 1e3).round().max(0.0) as u64)
}

/// A change in percent with its sign: `+12.3 %`, `−4.0 %`, `±0 %`; four-digit changes without decimals.
pub fn percent_change(percent: f64) -> String {
    let decimals = if percent.abs() < 99.95 { 1 } else { 0 };
    let size = format!("{:.decimals$}", percent.abs());
    if size == "0.0" {
        return "±0 %".to_owned();
    }
    format!("{}{size} %", if percent < 0.0 { '−' } else { '+' })
}

/// An amount with a decimal prefix: `48.3 k`, `1.20 M`; whole numbers below a thousand stay whole.
pub fn amount(value: f64) -> String {
    const STEPS: [(f64, &str); 4] = [(1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, "")];
    let (divisor, prefix) = STEPS.into_iter().find(|(step, _)| value.abs() >= step * 0.9995).unwrap_or((1.0, ""));
    let scaled = value / divisor;
    if prefix.is_empty() && scaled.fract() == 0.0 {
        fixed(scaled, 0)
    } else {
        format!("{}{prefix}", three_digits(scaled))
    }
}

/// An amount of `unit`: `48.3 k records/s`, `12.6 MB`. The prefix is joined to units of one or two letters.
pub fn with_unit(value: f64, unit: &str) -> String {
    let number = amount(value);
    let prefixed = number.ends_with(|last: char| last.is_ascii_alphabetic());
    if prefixed && unit.starts_with('B') { format!("{number}{unit}") } else { format!("{number} {unit}") }
}

/// Bytes in decimal units: `312 B`, `1.20 kB`.
pub fn bytes(count: u64) -> String {
    with_unit(count as f64, "B")
}

/// All digits, in groups of three parted by thin spaces: `1 234 567`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// `1 record`, `5 records`.
pub fn count_of(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_survive_rounding() {
        let cases = [
            (0.0, "0.00"),
            (1.2345, "1.23"),
            (9.994, "9.99"),
            (9.996, "10.0"),
            (48.26, "48.3"),
            (99.96, "100"),
            (499.4, "499"),
        ];
        for (value, text) in cases {
            assert_eq!(three_digits(value), text, "{value}");
        }
    }

    #[test]
    fn decimals_are_those_of_the_library() {
        let values = [0.0, -0.0, 0.06, 0.25, 1.0, 4.25, 9.996, -12.375, 99.96, 520.0, 1e6 / 3.0, 123_456_789.125];
        for value in values {
            for decimals in 0..=3 {
                assert_eq!(fixed(value, decimals), format!("{value:.decimals$}"), "{value}");
            }
        }
        assert_eq!((fixed(f64::NAN, 1).as_str(), fixed(f64::INFINITY, 1).as_str()), ("NaN", "∞"));
    }

    #[test]
    fn durations_choose_their_unit() {
        let cases = [
            (0, "< 1 µs"),
            (7, "7 µs"),
            (999, "999 µs"),
            (1_000, "1.00 ms"),
            (1_240, "1.24 ms"),
            (999_400, "999 ms"),
            (999_600, "1.00 s"),
            (12_600_000, "12.6 s"),
            (99_960_000, "1.67 min"),
            (192_000_000, "3.20 min"),
        ];
        for (micros, text) in cases {
            assert_eq!(duration(micros), text, "{micros}");
        }
    }

    #[test]
    fn amounts_carry_prefixes() {
        assert_eq!(amount(5.0), "5");
        assert_eq!(amount(0.25), "0.25");
        assert_eq!(amount(999.6), "1.00 k");
        assert_eq!(with_unit(48_321.0, "records/s"), "48.3 k records/s");
        assert_eq!(with_unit(12_600_000.0, "B/s"), "12.6 MB/s");
        assert_eq!(bytes(312), "312 B");
        assert_eq!(bytes(1_200), "1.20 kB");
    }

    #[test]
    fn changes_carry_their_sign() {
        for (percent, text) in
            [(12.34, "+12.3 %"), (-4.0, "−4.0 %"), (0.01, "±0 %"), (250.4, "+250 %"), (-99.99, "−100 %")]
        {
            assert_eq!(percent_change(percent), text, "{percent}");
        }
        assert_eq!(milliseconds(1.24), "1.24 ms");
        assert_eq!(milliseconds(-1.0), "< 1 µs");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(count_of(1, "record"), "1 record");
        assert_eq!(count_of(1_000, "row"), "1\u{2009}000 rows");
    }
}
