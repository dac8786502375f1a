//! The course of a run: at most 240 points, evenly spaced. When they are used up, every two become one and the spacing doubles,
//! so that a long run takes up no more memory than a short one.

use std::time::Duration;

use super::histogram::{Recorder, Sparse};
use crate::model::SeriesPoint;

/// Points of a series.
pub(super) const MOST_POINTS: usize = 240;

/// Spacing of the points of a short run.
const FIRST_SPACING: Duration = Duration::from_millis(250);

/// Digits of a point's percentiles: 1 %, finer than a chart can show.
const DIGITS: u8 = 2;

/// A point that is closed.
struct Point {
    /// Its end, from the beginning of the run.
    at: Duration,
    /// How much time it stands for.
    over: Duration,
    rows: u64,
    bytes: u64,
    errors: u64,
    in_flight: u64,
    durable: Sparse,
    visible: Sparse,
}

impl Point {
    /// This one and the one behind it as one.
    fn join(self, next: Self) -> Self {
        Self {
            at: next.at,
            over: self.over + next.over,
            rows: self.rows + next.rows,
            bytes: self.bytes + next.bytes,
            errors: self.errors + next.errors,
            in_flight: self.in_flight.max(next.in_flight),
            durable: self.durable.merge(next.durable),
            visible: self.visible.merge(next.visible),
        }
    }

    fn shown(&self) -> SeriesPoint {
        let seconds = self.over.as_secs_f64().max(1e-6);
        SeriesPoint {
            at_ms: thousandths(self.at.as_secs_f64() * 1000.0),
            rows_per_s: thousandths(self.rows as f64 / seconds),
            bytes_per_s: thousandths(self.bytes as f64 / seconds),
            durable_p50_ms: self.durable.quantile(0.5),
            durable_p99_ms: self.durable.quantile(0.99),
            visible_p50_ms: self.visible.quantile(0.5),
            visible_p99_ms: self.visible.quantile(0.99),
            in_flight: self.in_flight,
            errors: self.errors,
        }
    }
}

/// What is measured is not more exact, and digits travel four times a second.
fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The course of a run.
pub(super) struct Series {
    spacing: Duration,
    points: Vec<Point>,
    /// The same, as they are shown; a point is worked out once.
    shown: Vec<SeriesPoint>,
    /// What happened since the last point.
    rows: u64,
    bytes: u64,
    errors: u64,
    in_flight: u64,
    durable: Recorder,
    visible: Recorder,
}

impl Series {
    pub(super) fn new() -> Self {
        Self {
            spacing: FIRST_SPACING,
            points: Vec::new(),
            shown: Vec::new(),
            rows: 0,
            bytes: 0,
            errors: 0,
            in_flight: 0,
            durable: Recorder::new(DIGITS),
            visible: Recorder::new(DIGITS),
        }
    }

    /// Durable rows.
    pub(super) fn durable(&mut self, rows: u64, bytes: u64) {
        self.rows += rows;
        self.bytes += bytes;
    }

    /// A durable latency.
    pub(super) fn durable_latency(&mut self, latency: Duration, rows: u64) {
        self.durable.record(latency, rows);
    }

    /// A visible latency.
    pub(super) fn visible_latency(&mut self, latency: Duration, rows: u64) {
        self.visible.record(latency, rows);
    }

    /// Something went wrong.
    pub(super) fn error(&mut self, count: u64) {
        self.errors += count;
    }

    /// Batches wait; the point shows the highest number.
    pub(super) fn in_flight(&mut self, batches: u64) {
        self.in_flight = self.in_flight.max(batches);
    }

    /// Closes a point if it is time to, `elapsed` after the beginning; `in_flight` batches wait now.
    pub(super) fn tick(&mut self, elapsed: Duration, in_flight: u64) {
        if elapsed >= self.end() + self.spacing {
            self.close(elapsed, in_flight);
        }
    }

    /// Closes the last point, whatever its length.
    pub(super) fn finish(&mut self, elapsed: Duration) {
        if elapsed > self.end() {
            self.close(elapsed, 0);
        }
    }

    fn end(&self) -> Duration {
        self.points.last().map_or(Duration::ZERO, |point| point.at)
    }

    fn close(&mut self, elapsed: Duration, in_flight: u64) {
        let point = Point {
            at: elapsed,
            over: elapsed - self.end(),
            rows: std::mem::take(&mut self.rows),
            bytes: std::mem::take(&mut self.bytes),
            errors: std::mem::take(&mut self.errors),
            in_flight: std::mem::replace(&mut self.in_flight, in_flight),
            durable: self.durable.take(),
            visible: self.visible.take(),
        };
        self.shown.push(point.shown());
        self.points.push(point);
        if self.points.len() == MOST_POINTS {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.spacing *= 2;
        let mut points = std::mem::take(&mut self.points).into_iter();
        while let Some(point) = points.next() {
            self.points.push(match points.next() {
                Some(next) => point.join(next),
                None => point,
            });
        }
        self.shown = self.points.iter().map(Point::shown).collect();
    }

    /// The points so far.
    pub(super) fn points(&self) -> Vec<SeriesPoint> {
        self.shown.clone()
    }

    /// Values that its points hold.
    #[cfg(test)]
    pub(super) fn values(&self) -> usize {
        self.points.iter().map(|point| point.durable.values() + point.visible.values()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_a_day_has_no_more_points_than_one_of_a_minute() {
        let mut series = Series::new();
        for tick in 1..=(86_400 * 4_u32) {
            series.durable(10, 1000);
            series.durable_latency(Duration::from_millis(u64::from(tick % 900 + 1)), 10);
            series.tick(FIRST_SPACING * tick, 3);
        }
        series.finish(Duration::from_secs(86_401));
        let points = series.points();
        assert!((MOST_POINTS / 2..=MOST_POINTS).contains(&points.len()), "{} points", points.len());
        assert!(series.values() < MOST_POINTS * 900, "{} values", series.values());
        let spacing = points[0].at_ms;
        for (point, number) in points.iter().zip(1..points.len()) {
            assert!((point.at_ms - spacing * number as f64).abs() < 1e-6, "evenly spaced");
            assert!((point.rows_per_s - 40.0).abs() < 1e-6 && (point.bytes_per_s - 4000.0).abs() < 1e-6);
        }
        let rows: f64 = points
            .iter()
            .scan(0.0, |before, point| {
                Some(point.rows_per_s * (point.at_ms - std::mem::replace(before, point.at_ms)) / 1000.0)
            })
            .sum();
        assert!((rows - 86_400.0 * 40.0).abs() < 1.0, "no row is lost on the way: {rows}");
    }

    #[test]
    fn points_without_anything_durable_have_no_latency() {
        let mut series = Series::new();
        series.in_flight(4);
        series.tick(FIRST_SPACING, 2);
        series.tick(FIRST_SPACING + FIRST_SPACING / 2, 2);
        series.error(1);
        series.tick(FIRST_SPACING * 2, 1);
        let points = series.points();
        assert_eq!(points.len(), 2);
        assert_eq!((points[0].in_flight, points[0].durable_p50_ms, points[0].errors), (4, None, 0));
        assert_eq!((points[1].in_flight, points[1].errors), (2, 1));
    }
}
