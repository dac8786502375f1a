//! The signature of the product, for runs: the journey of the median record to scale, the 99th percentile thinner below.
//!
//! All tracks share one time axis that begins when a record was due; it is logarithmic when the range asks for it.

use super::Look;
use super::axis::Unit;
use super::markup::{Anchor, Svg};
use super::path;
use super::scale::Scale;
use crate::model::Latencies;
use crate::model::number::milliseconds;

const ROW: f64 = 96.0;
const AXIS: f64 = 24.0;
/// Where a record is due.
const BEGIN: f64 = 8.0;
/// Pixels a letter takes at 12 px, with room to spare.
const LETTER: f64 = 7.2;
/// From this width on every stop has its label.
const WIDE: f64 = 560.0;

/// The journey of a run's records.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// The run's writer label.
    pub name: String,
    /// Its hue and marker.
    pub look: Look,
    /// In the order they are reached; those that were not measured are left out.
    pub stops: Vec<Stop>,
}

/// A stop of a journey.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// `encoded`, `sent`, `durable`, `visible`
    pub name: &'static str,
    /// Milliseconds since the record was due, median.
    pub p50_ms: f64,
    /// The same, 99 %.
    pub p99_ms: f64,
}

/// The axis that all these tracks fit on.
pub fn scale_of(tracks: &[Track]) -> Scale {
    let values: Vec<f64> =
        tracks.iter().flat_map(|track| &track.stops).flat_map(|stop| [stop.p50_ms, stop.p99_ms]).collect();
    Scale::fitting(values.into_iter())
}

/// The stops of a run's records that were measured.
pub fn stops(latencies: &Latencies) -> Vec<Stop> {
    let names = ["encoded", "sent", "durable", "visible"];
    let measured = names.into_iter().zip(latencies.stages()).filter(|(_, (_, values))| values.count > 0);
    measured.map(|(name, (_, values))| Stop { name, p50_ms: values.p50, p99_ms: values.p99 }).collect()
}

/// Draws them one below the other.
pub fn draw(tracks: &[Track], width: f64) -> Svg {
    let frame = Frame { width, scale: scale_of(tracks) };
    let height = tracks.len() as f64 * ROW + AXIS;
    let mut svg = Svg::new(width, height);
    frame.axis(&mut svg, height);
    for (index, track) in tracks.iter().enumerate() {
        frame.track(&mut svg, track, index as f64 * ROW);
    }
    svg
}

struct Frame {
    width: f64,
    scale: Scale,
}

impl Frame {
    fn x(&self, value: f64) -> f64 {
        BEGIN + (self.width - 2.0 * BEGIN) * self.scale.place(value)
    }

    fn axis(&self, svg: &mut Svg, height: f64) {
        let ticks = self.scale.ticks(if self.width < WIDE { 3 } else { 5 });
        let last = ticks.len().saturating_sub(1);
        for (index, tick) in ticks.into_iter().enumerate() {
            let x = self.x(tick);
            svg.line("grid", (x, 0.0), (x, height - AXIS + 4.0));
            let (anchor, x) = match index {
                0 => (Anchor::Start, 0.0),
                _ if index == last => (Anchor::End, self.width),
                _ => (Anchor::Middle, x),
            };
            svg.text("tick", (x, height - 6.0), anchor, &Unit::Milliseconds.tick(tick));
        }
    }

    fn track(&self, svg: &mut Svg, track: &Track, top: f64) {
        svg.group("track", track.look, |svg| {
            svg.path("marker", &path::marker(track.look.marker(), 5.0, top + 12.0));
            svg.text("name", (16.0, top + 16.0), Anchor::Start, &track.name);
            self.median(svg, track, top + 40.0);
            self.tail(svg, track, top + 56.0);
        });
    }

    fn median(&self, svg: &mut Svg, track: &Track, top: f64) {
        let mut from = BEGIN;
        for (index, stop) in track.stops.iter().enumerate() {
            let to = self.x(stop.p50_ms).max(from);
            if index == 0 && matches!(self.scale, Scale::Log { .. }) {
                // Zero is not on a logarithmic axis: the way from there has no length.
                svg.line("lead", (from, top + 4.0), (to, top + 4.0));
            } else {
                svg.rect(&format!("segment {}", stop.name), (from, top), (to - from, 8.0));
            }
            from = to;
        }
        for x in std::iter::once(BEGIN).chain(track.stops.iter().map(|stop| self.x(stop.p50_ms))) {
            svg.line("post", (x, top - 4.0), (x, top + 12.0));
        }
        let narrow = self.width < WIDE;
        let mut labels = if narrow { Vec::new() } else { vec![(BEGIN, "validated".to_owned())] };
        let stops = track.stops.iter().filter(|stop| !narrow || is_promise(stop));
        labels.extend(stops.map(|stop| (self.x(stop.p50_ms), format!("{} {}", stop.name, milliseconds(stop.p50_ms)))));
        self.labels(svg, "label", &labels, top - 8.0);
    }

    fn tail(&self, svg: &mut Svg, track: &Track, top: f64) {
        let Some(end) = track.stops.iter().map(|stop| stop.p99_ms).reduce(f64::max) else {
            svg.text("quiet", (BEGIN, top), Anchor::Start, "nothing became durable");
            return;
        };
        svg.line("tail", (BEGIN, top), (self.x(end), top));
        let stops: Vec<&Stop> = track.stops.iter().filter(|stop| is_promise(stop)).collect();
        for stop in &stops {
            let x = self.x(stop.p99_ms);
            svg.line("tail", (x, top - 4.0), (x, top + 4.0));
        }
        let label = |stop: &&Stop| (self.x(stop.p99_ms), format!("p99 {} {}", stop.name, milliseconds(stop.p99_ms)));
        let labels: Vec<(f64, String)> = stops.iter().map(label).collect();
        self.labels(svg, "quiet", &labels, top + 18.0);
    }

    /// Texts centred below or above their places, spread so that none runs into the next or out of the picture.
    fn labels(&self, svg: &mut Svg, class: &str, labels: &[(f64, String)], base: f64) {
        let longest = labels.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0);
        let room = longest as f64 * LETTER;
        let wanted: Vec<f64> = labels.iter().map(|(x, _)| x - room / 2.0).collect();
        let places = path::spread(&wanted, room, self.width - room);
        for ((_, text), x) in labels.iter().zip(places) {
            svg.text(class, (x + room / 2.0, base), Anchor::Middle, text);
        }
    }
}

/// What a writer promises something about; these stops are always labelled.
fn is_promise(stop: &Stop) -> bool {
    matches!(stop.name, "durable" | "visible")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WriterKind;

    fn track(stops: &[(&'static str, f64)]) -> Track {
        let stop = |(name, p50_ms): &(&'static str, f64)| Stop { name, p50_ms: *p50_ms, p99_ms: p50_ms * 2.0 };
        Track {
            name: "zerobus".to_owned(),
            look: Look { writer: WriterKind::Zerobus, nth: 0 },
            stops: stops.iter().map(stop).collect(),
        }
    }

    #[test]
    fn segments_are_to_scale() {
        // Up to 20 ms, evenly, on 100 px from 8 on: the axis has no reason to be logarithmic.
        let markup = draw(&[track(&[("sent", 2.0), ("durable", 10.0)])], 116.0).finish("journey");
        assert!(markup.contains(r#"class="segment sent" x="8.0" y="40.0" width="10.0""#), "{markup}");
        assert!(markup.contains(r#"class="segment durable" x="18.0" y="40.0" width="40.0""#), "{markup}");
    }

    #[test]
    fn all_tracks_share_an_axis() {
        let tracks = [track(&[("durable", 10.0)]), track(&[("durable", 1_000.0)])];
        assert_eq!(scale_of(&tracks), Scale::Log { low: 10.0, high: 10_000.0 });
        let markup = draw(&tracks, 600.0).finish("journey");
        assert_eq!(markup.matches(r#"class="lead""#).count(), 2, "a logarithmic axis has no zero: {markup}");
        assert_eq!(markup.matches(">validated<").count(), 2);
    }

    #[test]
    fn a_run_without_records_says_so() {
        let markup = draw(&[track(&[])], 300.0).finish("journey");
        assert!(markup.contains("nothing became durable"), "{markup}");
        assert!(!markup.contains("NaN"));
    }
}
