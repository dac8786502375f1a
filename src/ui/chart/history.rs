//! The two charts of the workbench: throughput and latency of the last submissions of this session.

use leptos::prelude::*;

use super::data::{PlotData, Point, Series};
use super::path::Marker;
use super::plot::Plot;
use crate::model::WriterKind;
use crate::ui::session::{MOST, Sample};

/// Both charts, side by side where there is room.
#[component]
pub fn Charts(
    /// Oldest first.
    samples: RwSignal<Vec<Sample>>,
) -> impl IntoView {
    view! {
        <section class="charts" aria-label="Charts of this session">
            <Plot id="throughput" title="Throughput" unit="records/s" known=samples of=throughput_of empty=teaching("durable records per second") />
            <Plot id="latency" title="Time to durable and visible" unit="ms" known=samples of=latency_of empty=teaching("the time to durable and to visible") />
        </section>
    }
}

fn teaching(what: &str) -> String {
    format!("Each submission of this session becomes a point: {what}. The last {MOST} are kept, also over a reload.")
}

fn series(samples: &[Sample], writer: WriterKind, name: &str, pick: impl Fn(&Sample) -> Option<f64>) -> Option<Series> {
    let points = samples.iter().map(|sample| match pick(sample) {
        _ if sample.writer != writer => Point::Absent,
        Some(value) => Point::Value(value),
        None => Point::Missing,
    });
    let points: Vec<Point> = points.collect();
    let any = points.iter().any(|point| point.value().is_some());
    any.then(|| Series { name: name.to_owned(), hue: writer.name(), marker: Marker::of(writer), second: false, points })
}

fn throughput_of(samples: &[Sample]) -> PlotData {
    let lines = WriterKind::ALL.into_iter();
    PlotData {
        positions: samples.iter().map(|sample| sample.number).collect(),
        series: lines
            .filter_map(|writer| series(samples, writer, writer.name(), |sample| sample.records_per_second))
            .collect(),
        may_be_log: false,
    }
}

fn latency_of(samples: &[Sample]) -> PlotData {
    let lines = WriterKind::ALL.into_iter().flat_map(|writer| {
        let durable = series(samples, writer, &format!("{writer} durable"), |sample| sample.durable_ms);
        let visible = series(samples, writer, &format!("{writer} visible"), |sample| sample.visible_ms);
        [durable, visible.map(|visible| Series { second: true, ..visible })]
    });
    PlotData {
        positions: samples.iter().map(|sample| sample.number).collect(),
        series: lines.flatten().collect(),
        may_be_log: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_submission_breaks_its_own_line_only() {
        let sample = |number, writer, durable_ms| Sample {
            id: String::new(),
            number,
            writer,
            records_per_second: durable_ms,
            durable_ms,
            visible_ms: None,
        };
        let samples = [
            sample(1, WriterKind::Zerobus, Some(10.0)),
            sample(2, WriterKind::Sql, Some(90.0)),
            sample(3, WriterKind::Zerobus, None),
        ];
        let data = latency_of(&samples);
        assert_eq!(data.series.len(), 2, "nothing was visible, so there is no such line");
        assert_eq!(data.series[0].points, [Point::Value(10.0), Point::Absent, Point::Missing]);
        assert_eq!(data.series[1].points, [Point::Absent, Point::Value(90.0), Point::Absent]);
        assert_eq!(throughput_of(&samples).positions, [1, 2, 3]);
    }
}
