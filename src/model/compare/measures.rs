//! The measures of a run that reports are compared by.

use serde::{Deserialize, Serialize};

use super::super::number::{grouped, milliseconds, with_unit};
use super::super::{Percentiles, RunReport};

/// A measure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Durable rows per second.
    RowsPerSecond,
    /// Bytes of durable records per second.
    BytesPerSecond,
    /// Milliseconds of encoding a batch, median.
    EncodeP50,
    /// Milliseconds until sent, median.
    SendP50,
    /// Milliseconds until durable, median.
    DurableP50,
    /// The same, 90 %.
    DurableP90,
    /// The same, 95 %.
    DurableP95,
    /// The same, 99 %.
    DurableP99,
    /// The same, 99.9 %.
    DurableP999,
    /// The same, the largest.
    DurableMax,
    /// Milliseconds until visible, median.
    VisibleP50,
    /// The same, 99 %.
    VisibleP99,
    /// Records taken from the source.
    Sent,
    /// Records acknowledged as durable.
    Durable,
    /// Records not acknowledged.
    Failed,
    /// Durable rows that are not in the table.
    Missing,
    /// Rows beyond the first of an id.
    Duplicates,
    /// Attempts that were repeated.
    Retries,
}

/// Which way a measure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More of it.
    More,
    /// Less of it.
    Less,
    /// It is neither good nor bad.
    Neither,
}

impl Measure {
    /// Every measure, in the order they are listed.
    pub const ALL: [Self; 18] = [
        Self::RowsPerSecond,
        Self::BytesPerSecond,
        Self::EncodeP50,
        Self::SendP50,
        Self::DurableP50,
        Self::DurableP90,
        Self::DurableP95,
        Self::DurableP99,
        Self::DurableP999,
        Self::DurableMax,
        Self::VisibleP50,
        Self::VisibleP99,
        Self::Sent,
        Self::Durable,
        Self::Failed,
        Self::Missing,
        Self::Duplicates,
        Self::Retries,
    ];

    /// The name people read.
    pub fn title(self) -> &'static str {
        match self {
            Self::RowsPerSecond => "Durable rows",
            Self::BytesPerSecond => "Durable bytes",
            Self::EncodeP50 => "p50 encode",
            Self::SendP50 => "p50 send",
            Self::DurableP50 => "p50 durable",
            Self::DurableP90 => "p90 durable",
            Self::DurableP95 => "p95 durable",
            Self::DurableP99 => "p99 durable",
            Self::DurableP999 => "p99.9 durable",
            Self::DurableMax => "max durable",
            Self::VisibleP50 => "p50 visible",
            Self::VisibleP99 => "p99 visible",
            Self::Sent => "Records sent",
            Self::Durable => "Records durable",
            Self::Failed => "Records failed",
            Self::Missing => "Rows missing",
            Self::Duplicates => "Rows duplicated",
            Self::Retries => "Retries",
        }
    }

    /// Which way it is better.
    pub fn direction(self) -> Direction {
        match self {
            Self::RowsPerSecond | Self::BytesPerSecond => Direction::More,
            Self::Sent | Self::Durable => Direction::Neither,
            _ => Direction::Less,
        }
    }

    /// Whether it counts things, of which every one matters, rather than measuring with noise.
    pub fn is_count(self) -> bool {
        matches!(self, Self::Sent | Self::Durable | Self::Failed | Self::Missing | Self::Duplicates | Self::Retries)
    }

    /// Its value in a run; `None` when it was not measured.
    pub fn of(self, run: &RunReport) -> Option<f64> {
        let latency = &run.latency_ms;
        let of = |values: &Percentiles, pick: fn(&Percentiles) -> f64| (values.count > 0).then(|| pick(values));
        match self {
            Self::RowsPerSecond => Some(run.throughput.rows_per_s),
            Self::BytesPerSecond => Some(run.throughput.bytes_per_s),
            Self::EncodeP50 => of(&latency.encode, |values| values.p50),
            Self::SendP50 => of(&latency.send, |values| values.p50),
            Self::DurableP50 => of(&latency.durable, |values| values.p50),
            Self::DurableP90 => of(&latency.durable, |values| values.p90),
            Self::DurableP95 => of(&latency.durable, |values| values.p95),
            Self::DurableP99 => of(&latency.durable, |values| values.p99),
            Self::DurableP999 => of(&latency.durable, |values| values.p99_9),
            Self::DurableMax => of(&latency.durable, |values| values.max),
            Self::VisibleP50 => of(&latency.visible, |values| values.p50),
            Self::VisibleP99 => of(&latency.visible, |values| values.p99),
            Self::Sent => Some(run.records.sent as f64),
            Self::Durable => Some(run.records.durable as f64),
            Self::Failed => Some(run.records.failed as f64),
            Self::Missing => Some(run.records.missing as f64),
            Self::Duplicates => Some(run.records.duplicates as f64),
            Self::Retries => Some(run.retries as f64),
        }
    }

    /// A value with its unit.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::RowsPerSecond => with_unit(value, "rows/s"),
            Self::BytesPerSecond => with_unit(value, "B/s"),
            _ if self.is_count() => grouped(value.max(0.0) as u64),
            _ => milliseconds(value),
        }
    }
}

/// What a change is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worth {
    /// Better than before.
    Better,
    /// Worse than before.
    Worse,
    /// The same, within noise.
    Same,
}

impl Worth {
    /// What a change from one value to another is worth; counts are exact, other measures have noise.
    pub fn of(measure: Measure, before: f64, now: f64) -> Self {
        let same = if measure.is_count() {
            before == now
        } else {
            before.max(now) <= before.min(now) * (1.0 + super::super::verdict::NOISE)
        };
        match (same, measure.direction(), now > before) {
            (true, _, _) | (_, Direction::Neither, _) => Self::Same,
            (_, Direction::More, true) | (_, Direction::Less, false) => Self::Better,
            _ => Self::Worse,
        }
    }

    /// The word on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_within_noise_are_the_same_and_counts_are_exact() {
        assert_eq!(Worth::of(Measure::DurableP99, 100.0, 109.0), Worth::Same);
        assert_eq!(Worth::of(Measure::DurableP99, 100.0, 120.0), Worth::Worse);
        assert_eq!(Worth::of(Measure::DurableP99, 120.0, 100.0), Worth::Better);
        assert_eq!(Worth::of(Measure::RowsPerSecond, 100.0, 120.0), Worth::Better);
        assert_eq!(Worth::of(Measure::Missing, 0.0, 1.0), Worth::Worse);
        assert_eq!(Worth::of(Measure::Sent, 1.0, 5.0), Worth::Same);
    }
}
