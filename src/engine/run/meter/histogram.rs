//! Distributions of latencies: HDR histograms in microseconds, and small copies of them for the points of a series.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::model::Percentiles;

/// An hour: longer latencies count as one.
const HIGHEST_US: u64 = 3_600_000_000;

/// How latencies are distributed. A value is recorded as at least 1 us and at most an hour.
pub(in crate::engine::run) struct Recorder {
    histogram: Histogram<u64>,
}

impl Recorder {
    /// Keeps this many significant digits.
    pub(super) fn new(digits: u8) -> Self {
        #[expect(clippy::expect_used, reason = "the bounds are constants that the crate accepts")]
        let histogram = Histogram::new_with_bounds(1, HIGHEST_US, digits).expect("1 us to 1 h");
        Self { histogram }
    }

    /// Adds `count` latencies of the same length.
    pub(super) fn record(&mut self, latency: Duration, count: u64) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(HIGHEST_US);
        self.histogram.saturating_record_n(micros.clamp(1, HIGHEST_US), count);
    }

    /// In milliseconds.
    pub(super) fn percentiles(&self) -> Percentiles {
        let histogram = &self.histogram;
        if histogram.is_empty() {
            return Percentiles::default();
        }
        // All in one pass, in rising order.
        let mut values = histogram.value_at_quantiles([0.50, 0.90, 0.95, 0.99, 0.999]).map(millis);
        let mut next = || values.next().unwrap_or_default();
        Percentiles {
            count: histogram.len(),
            min: millis(histogram.min()),
            mean: histogram.mean() / 1000.0,
            p50: next(),
            p90: next(),
            p95: next(),
            p99: next(),
            p99_9: next(),
            max: millis(histogram.max()),
        }
    }

    /// What was recorded since the last time, and begins anew.
    pub(super) fn take(&mut self) -> Sparse {
        let values = self.histogram.iter_recorded();
        let pair = |micros: u64, count: u64| (u32::try_from(micros).unwrap_or(u32::MAX), count);
        let sparse = Sparse(values.map(|value| pair(value.value_iterated_to(), value.count_at_value())).collect());
        self.histogram.reset();
        sparse
    }
}

/// Values with their counts, in rising order: of a point of a series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sparse(Vec<(u32, u64)>);

impl Sparse {
    /// The values of both.
    pub(super) fn merge(self, other: Self) -> Self {
        let mut values = self.0;
        values.extend(other.0);
        values.sort_unstable();
        values.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        Self(values)
    }

    /// The value that this share is not above, in milliseconds; `None` without values.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let total: u64 = self.0.iter().map(|(_, count)| count).sum();
        let rank = ((total as f64 * quantile).ceil() as u64).max(1);
        let mut counted = 0;
        let reached = self.0.iter().find(|(_, count)| {
            counted += count;
            counted >= rank
        });
        reached.map(|(micros, _)| millis(u64::from(*micros)))
    }

    /// Different values.
    #[cfg(test)]
    pub(super) fn values(&self) -> usize {
        self.0.len()
    }
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_one_says_nothing_and_a_full_one_what_was_recorded() {
        let mut recorder = Recorder::new(3);
        assert_eq!(recorder.percentiles(), Percentiles::default());
        recorder.record(Duration::from_millis(10), 90);
        recorder.record(Duration::from_millis(500), 9);
        recorder.record(Duration::from_secs(7200), 1);
        let found = recorder.percentiles();
        let near = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.001;
        assert_eq!(found.count, 100);
        assert!(near(found.p50, 10.0) && near(found.p90, 10.0) && near(found.p95, 500.0), "{found:?}");
        assert!(near(found.max, 3_600_000.0), "what takes longer counts as an hour");
        assert!(near(found.mean, 0.9 * 10.0 + 0.09 * 500.0 + 36_000.0));
    }

    #[test]
    fn merged_points_have_the_percentiles_of_all_their_values() {
        let mut recorder = Recorder::new(2);
        recorder.record(Duration::from_millis(1), 99);
        let quick = recorder.take();
        recorder.record(Duration::from_millis(1), 1);
        recorder.record(Duration::from_millis(900), 100);
        let slow = recorder.take();
        assert_eq!(recorder.take(), Sparse::default());
        let both = quick.clone().merge(slow);
        let near = |value: Option<f64>, expected: f64| value.is_some_and(|value| (value / expected - 1.0).abs() < 0.01);
        assert!(near(quick.quantile(0.99), 1.0) && near(both.quantile(0.5), 1.0) && near(both.quantile(0.51), 900.0));
        assert_eq!(both.values(), 2);
    }
}
