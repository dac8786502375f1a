//! What must hold of a run, `durable.p99 < 5s`, and whether it does.

use super::units;
use super::{Latencies, Percentiles, RunReport, ThresholdResult};

/// One line of a plan's thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// As written: `durable.p99 < 5s`.
    pub name: String,
    /// What is looked at.
    pub metric: Metric,
    /// How it is compared.
    pub operator: Comparison,
    /// With what: milliseconds, records, rows per second or bytes per second.
    pub value: f64,
}

/// A number of a run's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// All that went wrong, of every class.
    Errors,
    /// Records that were not acknowledged.
    Failed,
    /// Of these, records that may be in the table all the same.
    InDoubt,
    /// Durable ids that the table does not have.
    Missing,
    /// Rows beyond the first of an id.
    Duplicates,
    /// Records taken from the source.
    Sent,
    /// Records acknowledged as durable.
    Durable,
    /// Ids that a SELECT returned.
    Visible,
    /// Attempts that were repeated.
    Retries,
    /// Durable rows in a second.
    RowsPerSecond,
    /// Durable bytes in a second.
    BytesPerSecond,
    /// Time from the first send to the last answer.
    Elapsed,
    /// A latency.
    Latency(MeasuredStage, Statistic),
}

/// A stage whose latency is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasuredStage {
    /// Records to bytes.
    Encode,
    /// Handed to the workspace.
    Send,
    /// Acknowledged as durable.
    Durable,
    /// Returned by a SELECT.
    Visible,
}

/// A number that stands for a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Smallest.
    Min,
    /// Average.
    Mean,
    /// 50 %.
    P50,
    /// 90 %.
    P90,
    /// 95 %.
    P95,
    /// 99 %.
    P99,
    /// 99.9 %.
    P999,
    /// Largest.
    Max,
}

/// How a measured value is held against a threshold's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}

impl Threshold {
    /// Reads a plan's line: the metric's name is its key, the condition its value, `< 5s`.
    ///
    /// # Errors
    /// A sentence about the first thing that is wrong.
    pub fn parse(metric: &str, condition: &str) -> Result<Self, String> {
        let Some(known) = Metric::parse(metric) else {
            return Err(format!("There is no metric of this name; there are {METRICS}."));
        };
        let condition = condition.trim();
        let Some((operator, rest)) = Comparison::strip(condition) else {
            return Err("A condition begins with <, <=, >, >=, == or !=, such as \"< 5s\".".to_owned());
        };
        let Some(value) = known.read_value(rest) else {
            return Err(format!("Behind the operator must be {}.", known.value_words()));
        };
        Ok(Self { name: format!("{metric} {condition}"), metric: known, operator, value })
    }

    /// Whether it holds of a run; `label` is the run's writer. What was not measured does not hold.
    pub fn judge(&self, run: &RunReport, label: &str) -> ThresholdResult {
        let value = self.metric.of(run);
        let held = value.is_some_and(|value| self.operator.holds(value, self.value));
        ThresholdResult { name: self.name.clone(), writer: label.to_owned(), held, value }
    }
}

/// For people who wrote another.
const METRICS: &str = "errors, failed, in_doubt, missing, duplicates, sent, durable, visible, retries, rows_per_s, bytes_per_s, \
     elapsed, and encode, send, durable or visible with .min, .mean, .p50, .p90, .p95, .p99, .p99_9 or .max";

impl Metric {
    /// Reads a name of a plan: `errors`, `durable.p99`.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some((stage, statistic)) = name.split_once('.') {
            return Some(Self::Latency(MeasuredStage::parse(stage)?, Statistic::parse(statistic)?));
        }
        Some(match name {
            "errors" => Self::Errors,
            "failed" => Self::Failed,
            "in_doubt" => Self::InDoubt,
            "missing" => Self::Missing,
            "duplicates" => Self::Duplicates,
            "sent" => Self::Sent,
            "durable" => Self::Durable,
            "visible" => Self::Visible,
            "retries" => Self::Retries,
            "rows_per_s" => Self::RowsPerSecond,
            "bytes_per_s" => Self::BytesPerSecond,
            "elapsed" => Self::Elapsed,
            _ => return None,
        })
    }

    /// What a run's report says of it; `None` when it was not measured.
    ///
    /// A run that sent nothing has measured nothing: only what did go wrong counts. The table's part is known when the
    /// reconciliation is done.
    pub fn of(self, run: &RunReport) -> Option<f64> {
        let records = &run.records;
        let sent = |value: f64| (records.sent > 0).then_some(value);
        let asked = |count: u64| run.reconciliation.done.then_some(count as f64);
        match self {
            Self::Errors => {
                let errors: u64 = run.errors.iter().map(|error| error.count).sum();
                (records.sent > 0 || errors > 0).then_some(errors as f64)
            }
            Self::Failed => sent(records.failed as f64),
            Self::InDoubt => sent(records.in_doubt as f64),
            Self::Missing => asked(records.missing),
            Self::Duplicates => asked(records.duplicates),
            Self::Sent => Some(records.sent as f64),
            Self::Durable => Some(records.durable as f64),
            Self::Visible => asked(records.visible),
            Self::Retries => sent(run.retries as f64),
            Self::RowsPerSecond => sent(run.throughput.rows_per_s),
            Self::BytesPerSecond => sent(run.throughput.bytes_per_s),
            Self::Elapsed => sent(run.elapsed_ms),
            Self::Latency(stage, statistic) => {
                let percentiles = stage.of(&run.latency_ms);
                (percentiles.count > 0).then(|| statistic.of(percentiles))
            }
        }
    }

    fn read_value(self, text: &str) -> Option<f64> {
        match self {
            Self::Elapsed | Self::Latency(..) => units::duration_ms(text),
            Self::RowsPerSecond => units::rows_per_second(text),
            Self::BytesPerSecond => units::bytes_per_second(text),
            _ => units::count(text).filter(|count| count.fract() == 0.0),
        }
    }

    fn value_words(self) -> &'static str {
        match self {
            Self::Elapsed | Self::Latency(..) => "a time such as 250ms, 5s or 1.5m",
            Self::RowsPerSecond => "rows per second such as 5000 or 5k",
            Self::BytesPerSecond => "bytes per second such as 500kB/s or 10MB/s",
            _ => "a whole number such as 0, 20000 or 5k",
        }
    }
}

impl MeasuredStage {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "encode" => Self::Encode,
            "send" => Self::Send,
            "durable" => Self::Durable,
            "visible" => Self::Visible,
            _ => return None,
        })
    }

    fn of(self, latencies: &Latencies) -> &Percentiles {
        match self {
            Self::Encode => &latencies.encode,
            Self::Send => &latencies.send,
            Self::Durable => &latencies.durable,
            Self::Visible => &latencies.visible,
        }
    }
}

impl Statistic {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "min" => Self::Min,
            "mean" => Self::Mean,
            "p50" => Self::P50,
            "p90" => Self::P90,
            "p95" => Self::P95,
            "p99" => Self::P99,
            "p99_9" => Self::P999,
            "max" => Self::Max,
            _ => return None,
        })
    }

    fn of(self, percentiles: &Percentiles) -> f64 {
        match self {
            Self::Min => percentiles.min,
            Self::Mean => percentiles.mean,
            Self::P50 => percentiles.p50,
            Self::P90 => percentiles.p90,
            Self::P95 => percentiles.p95,
            Self::P99 => percentiles.p99,
            Self::P999 => percentiles.p99_9,
            Self::Max => percentiles.max,
        }
    }
}

impl Comparison {
    /// Takes an operator from the beginning of a condition.
    fn strip(condition: &str) -> Option<(Self, &str)> {
        // The longer ones first: `<` is the beginning of `<=`.
        let operators = [
            ("<=", Self::AtMost),
            (">=", Self::AtLeast),
            ("==", Self::Equal),
            ("!=", Self::Unequal),
            ("<", Self::Less),
            (">", Self::More),
        ];
        operators.into_iter().find_map(|(sign, operator)| Some((operator, condition.strip_prefix(sign)?)))
    }

    fn holds(self, measured: f64, wanted: f64) -> bool {
        match self {
            Self::Less => measured < wanted,
            Self::AtMost => measured <= wanted,
            Self::More => measured > wanted,
            Self::AtLeast => measured >= wanted,
            Self::Equal => measured == wanted,
            Self::Unequal => measured != wanted,
        }
    }
}

#[cfg(test)]
mod tests;
