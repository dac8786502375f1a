//! Numbers that people type.

/// Whether [`parse_number`] reads it.
pub fn is_number(text: &str) -> bool {
    kind_of(text).is_some()
}

/// Reads what `f64::from_str` reads: digits with or without sign, point and exponent, `inf`, `infinity`, `nan`.
pub fn parse_number(text: &str) -> Option<f64> {
    match kind_of(text)? {
        Kind::Digits => Some(digits(text)),
        Kind::Infinite => Some(f64::INFINITY),
        Kind::NotANumber => Some(f64::NAN),
    }
}

#[derive(Debug, PartialEq)]
enum Kind {
    Digits,
    Infinite,
    NotANumber,
}

fn kind_of(text: &str) -> Option<Kind> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["inf", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        return Some(Kind::Infinite);
    }
    if unsigned.eq_ignore_ascii_case("nan") {
        return Some(Kind::NotANumber);
    }
    let (number, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let good = !exponent.is_empty()
        && whole.len() + fraction.len() > 0
        && [exponent, whole, fraction].into_iter().all(all_digits);
    good.then_some(Kind::Digits)
}

/// The browser has a reader of its own; Rust's brings tables of 10 kB that do not compress.
#[cfg(feature = "hydrate")]
fn digits(text: &str) -> f64 {
    js_sys::parse_float(text)
}

#[cfg(not(feature = "hydrate"))]
fn digits(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_reads_the_same() {
        let texts = [
            "0",
            "-0",
            "+5",
            ".5",
            "5.",
            "499.99",
            "1e5",
            "1E-5",
            "-1.5e+3",
            "1e999",
            "007",
            "inf",
            "-Infinity",
            "NaN",
            "",
            ".",
            "-",
            "e5",
            "1e",
            "1e+",
            "1.2.3",
            "--1",
            "+-1",
            " 1",
            "1 ",
            "1,5",
            "0x10",
            "cheap",
            "infinit",
            "1e5.0",
            "١",
        ];
        for text in texts {
            let theirs = text.parse::<f64>().ok();
            let ours = parse_number(text);
            assert_eq!(ours.map(f64::to_bits).is_some(), theirs.is_some(), "{text}");
            assert_eq!(ours.map(f64::is_finite), theirs.map(f64::is_finite), "{text}");
            assert_eq!(is_number(text), theirs.is_some(), "{text}");
        }
    }
}
