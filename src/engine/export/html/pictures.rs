//! The charts of a report, each drawn for wide and for narrow screens; the style sheet shows the one that fits.

use super::section;
use crate::chart::axis::Unit;
use crate::chart::markup::escape;
use crate::chart::scale::Scale;
use crate::chart::time::{TimeLine, TimePlot, TimePoint};
use crate::chart::track::Track;
use crate::chart::{Look, bars, time, track};
use crate::model::number::with_unit;
use crate::model::{Report, RunReport, SeriesPoint};

const FULL: f64 = 1168.0;
const HALF: f64 = 568.0;
const NARROW: f64 = 358.0;

/// A picture for both widths with its caption.
fn figure(title: &str, caption: &str, wide: &str, narrow: &str) -> String {
    format!(
        "<figure><figcaption><b>{}</b> {caption}</figcaption><div class=\"wide\">{wide}</div><div class=\"narrow\">{narrow}</div></figure>\n",
        escape(title)
    )
}

/// The looks of a report's runs.
pub(super) fn looks(report: &Report) -> Vec<Look> {
    Look::of(report.runs.iter().map(|run| run.options.kind))
}

pub(super) fn journey_section(report: &Report) -> String {
    let tracks: Vec<Track> = report
        .runs
        .iter()
        .zip(looks(report))
        .map(|(run, look)| Track { name: run.writer.clone(), look, stops: track::stops(&run.latency_ms) })
        .collect();
    let scale = if matches!(track::scale_of(&tracks), Scale::Log { .. }) { ", logarithmic" } else { "" };
    let caption = format!(
        "Milliseconds since a validated record was due{scale}; the thin line is the 99th percentile. \
         <span class=\"key\"><span class=\"swatch encoded\">encoded</span><span class=\"swatch sent\">sent</span>\
         <span class=\"swatch\">durable</span><span class=\"swatch visible\">visible</span></span>"
    );
    let label = "The journey of the median record of each run. Its values are in the table of percentiles.";
    let picture = |width| track::draw(&tracks, width).finish(label);
    section("journey", "A record's journey", &figure("The median record", &caption, &picture(FULL), &picture(NARROW)))
}

pub(super) fn course_section(report: &Report) -> String {
    let body = format!(
        "<div class=\"pictures\">\n{}{}{}</div>\n",
        throughput_over_time(report),
        throughput_bars(report),
        latency_over_time(report)
    );
    section("course", "The course of the runs", &body)
}

fn lines(report: &Report, point: impl Fn(&SeriesPoint) -> TimePoint) -> Vec<TimeLine> {
    let line = |(run, look): (&RunReport, Look)| TimeLine {
        name: run.writer.clone(),
        look,
        second: false,
        points: run.series.iter().map(&point).collect(),
    };
    report.runs.iter().zip(looks(report)).map(line).collect()
}

fn end_of(report: &Report) -> f64 {
    report.runs.iter().filter_map(|run| run.series.last()).map(|point| point.at_ms).fold(0.0, f64::max)
}

fn throughput_over_time(report: &Report) -> String {
    let values = report.runs.iter().flat_map(|run| &run.series).map(|point| point.rows_per_s);
    let plot = TimePlot {
        lines: lines(report, |point| TimePoint { at_ms: point.at_ms, value: Some(point.rows_per_s), high: None }),
        unit: Unit::RowsPerSecond,
        scale: Scale::linear(values),
        end_ms: end_of(report),
        named: true,
    };
    let label = "Durable rows per second over the time of each run. Its values are in the tables of the runs.";
    let wide = time::draw(&plot, (HALF, 264.0), label);
    // The bars beside it name the runs; a narrow picture has no room for names.
    let narrow = time::draw(&TimePlot { named: false, ..plot }, (NARROW, 200.0), label);
    figure("Throughput", "durable rows a second, since each run began to send", &wide, &narrow)
}

fn throughput_bars(report: &Report) -> String {
    let bar = |(run, look): (&RunReport, Look)| bars::Bar {
        name: run.writer.clone(),
        look,
        value: (run.throughput.rows_per_s > 0.0).then_some(run.throughput.rows_per_s),
        text: with_unit(run.throughput.rows_per_s, "rows/s"),
    };
    let bars: Vec<bars::Bar> = report.runs.iter().zip(looks(report)).map(bar).collect();
    let picture =
        |width| bars::draw(&bars, width, "Durable rows per second of each run. Its values are in the table of runs.");
    figure("Throughput", "durable rows a second, over the whole run", &picture(HALF), &picture(NARROW))
}

/// A small picture for each run, all on the same axes.
fn latency_over_time(report: &Report) -> String {
    let both = |point: &SeriesPoint| [point.durable_p50_ms, point.durable_p99_ms];
    let values: Vec<f64> = report.runs.iter().flat_map(|run| &run.series).flat_map(both).flatten().collect();
    let scale = Scale::fitting(values.into_iter());
    let logarithmic = if matches!(scale, Scale::Log { .. }) { ", logarithmic" } else { "" };
    let point =
        |point: &SeriesPoint| TimePoint { at_ms: point.at_ms, value: point.durable_p50_ms, high: point.durable_p99_ms };
    let figure = |line: TimeLine| {
        let name = line.name.clone();
        let plot =
            TimePlot { lines: vec![line], unit: Unit::Milliseconds, scale, end_ms: end_of(report), named: false };
        let label = format!(
            "Time to durable over the run of {name}, median and 99th percentile. Its values are in the table of the run."
        );
        let caption = format!("time to durable, p50 to p99{logarithmic}");
        figure(&name, &caption, &time::draw(&plot, (HALF, 184.0), &label), &time::draw(&plot, (NARROW, 160.0), &label))
    };
    lines(report, point).into_iter().map(figure).collect()
}
