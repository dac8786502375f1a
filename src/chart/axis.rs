//! What stands along axes: ticks of times and amounts, in as few digits as they need.

use super::scale::round_step;
use crate::model::number::{amount, milliseconds};

/// What the values of a picture are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Rows in a second.
    RowsPerSecond,
    /// Milliseconds.
    Milliseconds,
    /// How many.
    Count,
}

impl Unit {
    /// A tick's text. Tick values are round, so digits that say nothing are left out: `0`, `20 ms`, `1 k`.
    pub fn tick(self, value: f64) -> String {
        match self {
            Self::RowsPerSecond | Self::Count => shortened(&amount(value)),
            Self::Milliseconds if value == 0.0 => "0".to_owned(),
            // Decades of seconds are round as seconds only.
            Self::Milliseconds if value >= 60_000.0 && value % 60_000.0 != 0.0 => format!("{} s", amount(value / 1e3)),
            Self::Milliseconds => shortened(&milliseconds(value)),
        }
    }
}

/// A number without the zeros at the end of its fraction: `20.0 ms` is `20 ms`.
pub fn shortened(text: &str) -> String {
    let (digits, unit) = text.split_once(' ').unwrap_or((text, ""));
    let short = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    if unit.is_empty() { short.to_owned() } else { format!("{short} {unit}") }
}

/// Round times from zero to about `end_ms`, in milliseconds: at most `wanted` steps, in tens of seconds or of minutes when
/// it takes that long.
pub fn time_ticks(end_ms: f64, wanted: usize) -> Vec<f64> {
    let unit = if end_ms > 180_000.0 { 60_000.0 } else { 1.0 };
    let step = round_step(end_ms / unit, wanted) * unit;
    let count = (end_ms / step + 1e-9).floor() as usize;
    (0..=count).map(|index| index as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_no_needless_digits() {
        for (value, text) in [
            (0.0, "0"),
            (20.0, "20 ms"),
            (2_500.0, "2.5 s"),
            (0.1, "100 µs"),
            (120_000.0, "2 min"),
            (100_000.0, "100 s"),
        ] {
            assert_eq!(Unit::Milliseconds.tick(value), text);
        }
        assert_eq!(Unit::RowsPerSecond.tick(1_000.0), "1 k");
    }

    #[test]
    fn times_are_round() {
        assert_eq!(time_ticks(6_450.0, 5), [0.0, 2_000.0, 4_000.0, 6_000.0]);
        assert_eq!(time_ticks(600_000.0, 5), [0.0, 120_000.0, 240_000.0, 360_000.0, 480_000.0, 600_000.0]);
        assert_eq!(time_ticks(0.0, 5), [0.0]);
    }
}
