//! Axes: from values to places, and which values deserve a tick. Pure.

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// From zero to the given value, evenly.
    Linear {
        /// The value at the far end, above zero.
        top: f64,
    },
    /// From `low` to `high`, each decade as long as the next.
    Log {
        /// The value at the near end, above zero.
        low: f64,
        /// The value at the far end, above `low`.
        high: f64,
    },
}

impl Scale {
    /// From zero to a round number at or above every value.
    pub fn linear(values: impl Iterator<Item = f64>) -> Self {
        let most = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        let step = round_step(most, 4);
        Self::Linear { top: if most > 0.0 { (most / step).ceil() * step } else { 1.0 } }
    }

    /// Logarithmic when the values span more than a factor of 20, from zero otherwise.
    pub fn fitting(values: impl Iterator<Item = f64> + Clone) -> Self {
        let positive = values.clone().filter(|value| value.is_finite() && *value > 0.0);
        let (low, high) = positive.fold((f64::INFINITY, 0.0), |(low, high), value| (value.min(low), value.max(high)));
        if high / low <= 20.0 || high == 0.0 {
            return Self::linear(values);
        }
        let above = power_at_most(high);
        Self::Log { low: power_at_most(low), high: if above < high { above * 10.0 } else { above } }
    }

    /// Where a value is, 0 at the near end and 1 at the far end; values outside are held at the ends.
    pub fn place(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear { top } => value / top,
            Self::Log { low, high } => (value.max(low) / low).ln() / (high / low).ln(),
        };
        share.clamp(0.0, 1.0)
    }

    /// About `wanted` round values along the axis, the ends included.
    pub fn ticks(self, wanted: usize) -> Vec<f64> {
        match self {
            Self::Linear { top } => {
                let step = round_step(top, wanted);
                let count = (top / step).round() as usize;
                (0..=count).map(|index| index as f64 * step).collect()
            }
            Self::Log { low, high } => {
                let powers = std::iter::successors(Some(low), |power| Some(power * 10.0));
                powers.take_while(|power| *power < high * 1.5).collect()
            }
        }
    }
}

/// The smallest of 1, 2, 5 times a power of ten that parts `span` into at most `wanted` steps.
pub fn round_step(span: f64, wanted: usize) -> f64 {
    if span <= 0.0 || !span.is_finite() {
        return 1.0;
    }
    let rough = span / wanted.max(1) as f64;
    let power = power_at_most(rough);
    // A hair of tolerance: 0.2 / 0.1 must not come out above 2.
    let step = [1.0, 2.0, 5.0].into_iter().find(|step| rough / power <= step * 1.000_001).unwrap_or(10.0);
    step * power
}

/// The largest power of ten that is not above `value`, which is above zero. Counted, not computed: this way the library's
/// powers and logarithms stay out of the browser.
fn power_at_most(value: f64) -> f64 {
    let value = value.clamp(1e-300, 1e300);
    let mut power = 1.0;
    while power > value {
        power /= 10.0;
    }
    while power * 10.0 <= value {
        power *= 10.0;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_axes_begin_at_zero_and_end_round() {
        assert_eq!(Scale::linear([3.0, 187.0].into_iter()), Scale::Linear { top: 200.0 });
        assert_eq!(Scale::linear([].into_iter()), Scale::Linear { top: 1.0 });
        assert_eq!(Scale::Linear { top: 200.0 }.ticks(4), [0.0, 50.0, 100.0, 150.0, 200.0]);
        assert_eq!(Scale::Linear { top: 200.0 }.place(50.0), 0.25);
        assert_eq!(Scale::Linear { top: 200.0 }.place(-1.0), 0.0);
    }

    #[test]
    fn wide_ranges_become_logarithmic() {
        let scale = Scale::fitting([0.8, 940.0].into_iter());
        assert_eq!(scale, Scale::Log { low: 0.1, high: 1000.0 });
        assert_eq!(scale.ticks(4).len(), 5);
        assert!((scale.place(10.0) - 0.5).abs() < 1e-9);
        assert_eq!(scale.place(0.0), 0.0);
        assert_eq!(Scale::fitting([1e-3, 1e6].into_iter()), Scale::Log { low: 1e-3, high: 1e6 });
        assert_eq!(Scale::fitting([10.0, 90.0].into_iter()), Scale::Linear { top: 100.0 });
        assert_eq!(Scale::fitting([0.0, 0.0].into_iter()), Scale::Linear { top: 1.0 });
    }

    #[test]
    fn steps_are_round() {
        for (span, step) in [(1.0, 0.5), (4.0, 1.0), (7.0, 2.0), (19.0, 5.0), (100.0, 50.0), (0.8, 0.2), (0.0, 1.0)] {
            assert!((round_step(span, 4) - step).abs() < 1e-9, "{span}: {}", round_step(span, 4));
        }
    }
}
