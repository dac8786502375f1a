//! The four charts of a comparison as [`TimePlot`]s: what is drawn, on which axes. Pure.

use crate::chart::Look;
use crate::chart::axis::Unit;
use crate::chart::scale::{Scale, round_step};
use crate::chart::time::{TimeLine, TimePlot, TimePoint};
use crate::model::{LiveRun, LiveView, SeriesPoint};
use crate::ui::run::lanes::looks;

/// One of the four charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Durable rows in a second.
    Throughput,
    /// Time to durable, and to visible.
    Latency,
    /// Batches that wait for an acknowledgement.
    InFlight,
    /// Errors.
    Errors,
}

impl Course {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 4] = [Self::Throughput, Self::Latency, Self::InFlight, Self::Errors];

    /// Its name in ids.
    pub fn id(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Latency => "latency",
            Self::InFlight => "in-flight",
            Self::Errors => "errors",
        }
    }

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Throughput => "Throughput",
            Self::Latency => "Time to durable",
            Self::InFlight => "In flight",
            Self::Errors => "Errors",
        }
    }

    /// What its values are.
    pub fn about(self) -> &'static str {
        match self {
            Self::Throughput => "durable rows a second",
            Self::Latency => "p50, band up to p99; dotted: p50 to visible",
            Self::InFlight => "batches that wait for an acknowledgement",
            Self::Errors => "since the moment before",
        }
    }
}

/// What a chart draws.
pub fn plot(view: &LiveView, course: Course) -> TimePlot {
    let mut lines = Vec::new();
    for (run, look) in view.runs.iter().zip(looks(view)) {
        lines.push(line(run, look, false, |point| values(course, point)));
        if course == Course::Latency && run.series.iter().any(|point| point.visible_p50_ms.is_some()) {
            lines.push(line(run, look, true, |point| (point.visible_p50_ms, None)));
        }
    }
    let known: Vec<f64> =
        lines.iter().flat_map(|line| &line.points).flat_map(|point| [point.value, point.high]).flatten().collect();
    let (unit, scale) = match course {
        Course::Throughput => (Unit::RowsPerSecond, Scale::linear(known.into_iter())),
        Course::Latency => (Unit::Milliseconds, Scale::fitting(known.into_iter())),
        // Less than one batch or one error means nothing: the axis goes to 4 at least.
        Course::InFlight | Course::Errors => (Unit::Count, Scale::linear(known.into_iter().chain([4.0]))),
    };
    TimePlot { lines, unit, scale, end_ms: end_of(view), named: false }
}

fn values(course: Course, point: &SeriesPoint) -> (Option<f64>, Option<f64>) {
    match course {
        Course::Throughput => (Some(point.rows_per_s), None),
        Course::Latency => (point.durable_p50_ms, point.durable_p99_ms),
        Course::InFlight => (Some(point.in_flight as f64), None),
        Course::Errors => (Some(point.errors as f64), None),
    }
}

fn line(
    run: &LiveRun,
    look: Look,
    second: bool,
    values: impl Fn(&SeriesPoint) -> (Option<f64>, Option<f64>),
) -> TimeLine {
    let point = |point: &SeriesPoint| {
        let (value, high) = values(point);
        TimePoint { at_ms: point.at_ms, value, high }
    };
    TimeLine { name: run.writer.clone(), look, second, points: run.series.iter().map(point).collect() }
}

/// The right end of the time axis. While runs go on it moves in steps, so that lines grow into free space and what is drawn
/// already stays where it is.
fn end_of(view: &LiveView) -> f64 {
    let last = view.runs.iter().filter_map(|run| run.series.last()).map(|point| point.at_ms).fold(0.0, f64::max);
    if view.finished {
        return last;
    }
    let step = round_step(last.max(1_000.0), 4);
    (last / step).floor() * step + step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::run::board::tests::view;

    #[test]
    fn the_axis_of_time_moves_in_steps() {
        let mut view = view();
        view.runs.truncate(1);
        let mut end_at = |last: f64| {
            view.runs[0].series = vec![SeriesPoint { at_ms: last, ..SeriesPoint::default() }];
            end_of(&view)
        };
        assert_eq!([250.0, 750.0, 3_900.0, 4_000.0].map(&mut end_at), [500.0, 1_000.0, 4_000.0, 5_000.0]);
        view.finished = true;
        assert_eq!(end_of(&view), 4_000.0, "an ended run fills the picture");
    }

    #[test]
    fn what_never_became_visible_has_no_line() {
        let mut view = view();
        for point in view.runs.iter_mut().flat_map(|run| &mut run.series) {
            point.visible_p50_ms = None;
        }
        let plot = plot(&view, Course::Latency);
        assert_eq!(plot.lines.len(), view.runs.len());
        assert!(plot.lines.iter().all(|line| !line.second));
    }

    #[test]
    fn a_chart_without_errors_has_whole_numbers_on_its_axis() {
        let mut view = view();
        for point in view.runs.iter_mut().flat_map(|run| &mut run.series) {
            point.errors = 0;
        }
        assert_eq!(plot(&view, Course::Errors).scale, Scale::Linear { top: 4.0 });
        assert!(plot(&LiveView::default(), Course::InFlight).lines.is_empty());
    }
}
