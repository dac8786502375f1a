//! Amounts as people write them in plans: `250ms`, `1.5m`, `5k`, `10MB/s`.

/// A number without sign or exponent, and what stands behind it.
fn number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let plain = digits.starts_with(|letter: char| letter.is_ascii_digit()) && !digits.ends_with('.');
    plain.then(|| digits.parse().ok()).flatten().map(|number| (number, rest.trim()))
}

/// Milliseconds of a time such as `250ms`, `30s`, `1.5m` or `1h`; `None` without one of these units.
pub fn duration_ms(text: &str) -> Option<f64> {
    let (number, unit) = number(text)?;
    let unit_ms = match unit {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return None,
    };
    Some(number * unit_ms)
}

/// A count such as `20000`, `5k` or `1.5M`.
pub fn count(text: &str) -> Option<f64> {
    let (number, unit) = number(text)?;
    let thousands = match unit {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        _ => return None,
    };
    Some(number * thousands)
}

/// Rows per second, `5k` or `5k/s`.
pub fn rows_per_second(text: &str) -> Option<f64> {
    count(per_second(text))
}

/// Bytes per second: `500kB/s`, `10MB/s`, `1GiB/s`; the `/s` and the `B` may be left out.
pub fn bytes_per_second(text: &str) -> Option<f64> {
    let (number, unit) = number(per_second(text))?;
    let bytes = match unit.strip_suffix('B').unwrap_or(unit) {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        _ => return None,
    };
    Some(number * bytes)
}

fn per_second(text: &str) -> &str {
    let text = text.trim();
    text.strip_suffix("/s").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let cases = [
            ("250ms", 250.0),
            ("30s", 30_000.0),
            (" 1.5 m ", 90_000.0),
            ("1h", 3_600_000.0),
            ("0s", 0.0),
            ("0.5ms", 0.5),
        ];
        for (text, expected) in cases {
            assert_eq!(duration_ms(text), Some(expected), "{text}");
        }
        for bad in ["", "5", "s", "-1s", "+1s", "1e3s", "1.s", ".5s", "1.2.3s", "1 day", "5S", "1m30s", "١s", "1,5s"] {
            assert_eq!(duration_ms(bad), None, "{bad}");
        }
    }

    #[test]
    fn counts_and_rates_may_have_thousands() {
        for (text, expected) in [("0", 0.0), ("20000", 20_000.0), ("5k", 5_000.0), ("1.5M", 1_500_000.0), ("2 G", 2e9)]
        {
            assert_eq!(count(text), Some(expected), "{text}");
        }
        for (text, expected) in [("5k/s", 5_000.0), ("5k", 5_000.0), ("100 /s", 100.0)] {
            assert_eq!(rows_per_second(text), Some(expected), "{text}");
        }
        let bytes =
            [("10MB/s", 1e7), ("10MiB/s", 10_485_760.0), ("500kB", 5e5), ("7", 7.0), ("7B/s", 7.0), ("1G/s", 1e9)];
        for (text, expected) in bytes {
            assert_eq!(bytes_per_second(text), Some(expected), "{text}");
        }
        for bad in ["", "MB/s", "-1MB", "5 mB", "5ms", "5kb/h", "1e6"] {
            assert_eq!(bytes_per_second(bad), None, "{bad}");
        }
    }
}
