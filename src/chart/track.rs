//! The signature of the product, for runs: the journey of the median record to scale, the 99th percentile thinner below.
//!
//! All tracks share one time axis that begins when a record was due; it is logarithmic when the range asks for it.

use super::Look;
use super::axis::Unit;
use super::markup::{Anchor, Svg};
use super::path;
use super::scale::Scale;
use crate::model::number::milliseconds;

const ROW: f64 = 96.0;
const AXIS: f64 = 24.0;
/// Pixels a label takes at 12 px, with room to spare: `durable 12.4 ms`.
const LABEL: f64 = 116.0;
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

/// Draws them one below the other.
pub fn draw(tracks: &[Track], width: f64, label: &str) -> String {
    let frame = Frame { width, scale: scale_of(tracks) };
    let height = tracks.len() as f64 * ROW + AXIS;
    let mut svg = Svg::new(width, height);
    frame.axis(&mut svg, height);
    for (index, track) in tracks.iter().enumerate() {
        frame.track(&mut svg, track, index as f64 * ROW);
    }
    svg.finish(label)
}

struct Frame {
    width: f64,
    scale: Scale,
}

impl Frame {
    fn x(&self, value: f64) -> f64 {
        8.0 + (self.width - 16.0) * self.scale.place(value)
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
        let mut from = 8.0;
        for stop in &track.stops {
            let to = self.x(stop.p50_ms).max(from);
            svg.rect(&format!("segment {}", stop.name), (from, top), (to - from, 8.0));
            from = to;
        }
        for stop in &track.stops {
            let x = self.x(stop.p50_ms);
            svg.line("post", (x, top - 4.0), (x, top + 12.0));
        }
        self.labels(svg, "label", track, top - 8.0, |stop| {
            (stop.p50_ms, format!("{} {}", stop.name, milliseconds(stop.p50_ms)))
        });
    }

    fn tail(&self, svg: &mut Svg, track: &Track, top: f64) {
        let Some(end) = track.stops.iter().map(|stop| stop.p99_ms).reduce(f64::max) else {
            svg.text("quiet", (8.0, top), Anchor::Start, "nothing became durable");
            return;
        };
        svg.line("tail", (8.0, top), (self.x(end), top));
        for stop in self.labelled(track) {
            let x = self.x(stop.p99_ms);
            svg.line("tail", (x, top - 4.0), (x, top + 4.0));
        }
        self.labels(svg, "quiet", track, top + 18.0, |stop| {
            (stop.p99_ms, format!("p99 {}", milliseconds(stop.p99_ms)))
        });
    }

    /// Stops that have room for a label; durable and visible always do.
    fn labelled<'a>(&self, track: &'a Track) -> Vec<&'a Stop> {
        let narrow = self.width < WIDE;
        track.stops.iter().filter(|stop| !narrow || matches!(stop.name, "durable" | "visible")).collect()
    }

    fn labels(&self, svg: &mut Svg, class: &str, track: &Track, base: f64, text: impl Fn(&Stop) -> (f64, String)) {
        let labels: Vec<(f64, String)> = self.labelled(track).into_iter().map(text).collect();
        // Centres are spread so that no label runs into the next or out of the picture.
        let wanted: Vec<f64> = labels.iter().map(|(value, _)| self.x(*value) - LABEL / 2.0).collect();
        let places = path::spread(&wanted, LABEL, self.width - LABEL);
        for ((_, text), x) in labels.iter().zip(places) {
            svg.text(class, (x + LABEL / 2.0, base), Anchor::Middle, text);
        }
    }
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
        let markup = draw(&[track(&[("sent", 2.0), ("durable", 10.0)])], 116.0, "journey");
        assert!(markup.contains(r#"class="segment sent" x="8.0" y="40.0" width="10.0""#), "{markup}");
        assert!(markup.contains(r#"class="segment durable" x="18.0" y="40.0" width="40.0""#), "{markup}");
    }

    #[test]
    fn all_tracks_share_an_axis() {
        let tracks = [track(&[("durable", 10.0)]), track(&[("durable", 1_000.0)])];
        assert_eq!(scale_of(&tracks), Scale::Log { low: 10.0, high: 10_000.0 });
    }

    #[test]
    fn a_run_without_records_says_so() {
        let markup = draw(&[track(&[])], 300.0, "journey");
        assert!(markup.contains("nothing became durable"), "{markup}");
        assert!(!markup.contains("NaN"));
    }
}
