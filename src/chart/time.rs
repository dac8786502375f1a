//! Lines over the time of a run, each with a band above it where there are two values; gaps where there are none.

use super::Look;
use super::axis::{Unit, time_ticks};
use super::markup::{Anchor, Svg};
use super::path;
use super::scale::Scale;

/// Pixels a letter takes at 12 px, with room to spare.
const LETTER: f64 = 7.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;
/// Markers of a line: enough to tell lines apart without their colour.
const MARKERS: usize = 6;

/// A picture of lines.
#[derive(Clone, Debug, PartialEq)]
pub struct TimePlot {
    /// The lines.
    pub lines: Vec<TimeLine>,
    /// What the values are.
    pub unit: Unit,
    /// The y axis; shared by pictures that are compared.
    pub scale: Scale,
    /// Milliseconds at the right end; shared likewise.
    pub end_ms: f64,
    /// Whether names stand at the right.
    pub named: bool,
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeLine {
    /// Its name.
    pub name: String,
    /// Its hue, dashes and marker.
    pub look: Look,
    /// The second of two measures of one run: thinner, dotted, without markers and without a name.
    pub second: bool,
    /// In the order of time.
    pub points: Vec<TimePoint>,
}

/// A moment of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimePoint {
    /// Milliseconds since the run began to send.
    pub at_ms: f64,
    /// The value; `None` breaks the line.
    pub value: Option<f64>,
    /// The upper end of the band above it.
    pub high: Option<f64>,
}

/// Draws it.
pub fn draw(plot: &TimePlot, size: (f64, f64), label: &str) -> String {
    let frame = Frame::of(plot, size);
    let mut svg = Svg::new(size.0, size.1);
    frame.axes(&mut svg);
    for line in &plot.lines {
        frame.line(&mut svg, line);
    }
    if plot.named {
        frame.names(&mut svg);
    }
    svg.finish(label)
}

/// Where everything of a picture goes, in pixels.
pub struct Frame<'a> {
    right: f64,
    bottom: f64,
    plot: &'a TimePlot,
}

impl<'a> Frame<'a> {
    /// The frame of a picture of that width and height.
    pub fn of(plot: &'a TimePlot, (width, height): (f64, f64)) -> Self {
        let longest = plot.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        let names = if plot.named { longest as f64 * LETTER + 34.0 } else { 8.0 };
        Self { right: (width - names).max(LEFT + 80.0), bottom: height - BOTTOM, plot }
    }

    /// Where a moment is.
    pub fn x(&self, at_ms: f64) -> f64 {
        LEFT + (self.right - LEFT) * (at_ms / self.plot.end_ms.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
    }

    /// Where a value is.
    pub fn y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - TOP) * self.plot.scale.place(value)
    }

    /// The moment at a place; the nearest end when it is outside.
    pub fn at_ms(&self, x: f64) -> f64 {
        ((x - LEFT) / (self.right - LEFT)).clamp(0.0, 1.0) * self.plot.end_ms
    }

    /// The upper and the lower end of the plotted area.
    pub fn ends(&self) -> (f64, f64) {
        (TOP, self.bottom)
    }

    fn axes(&self, svg: &mut Svg) {
        for tick in self.plot.scale.ticks(4) {
            let y = self.y(tick);
            svg.line("grid", (LEFT, y), (self.right, y));
            svg.text("tick", (LEFT - 8.0, y + 4.0), Anchor::End, &self.plot.unit.tick(tick));
        }
        let wanted = ((self.right - LEFT) / 70.0).clamp(2.0, 6.0) as usize;
        for tick in time_ticks(self.plot.end_ms, wanted) {
            let x = self.x(tick);
            svg.line("grid", (x, self.bottom), (x, self.bottom + 4.0));
            svg.text("tick", (x, self.bottom + 18.0), Anchor::Middle, &Unit::Milliseconds.tick(tick));
        }
    }

    fn line(&self, svg: &mut Svg, line: &TimeLine) {
        let places: Vec<Option<(f64, f64)>> =
            line.points.iter().map(|point| Some((self.x(point.at_ms), self.y(point.value?)))).collect();
        let edges =
            line.points.iter().map(|point| Some((self.x(point.at_ms), self.y(point.value?), self.y(point.high?))));
        let edges: Vec<Option<(f64, f64, f64)>> = edges.collect();
        let tops: Vec<Option<(f64, f64)>> = edges.iter().map(|edge| edge.map(|(x, _, high)| (x, high))).collect();
        let known: Vec<&(f64, f64)> = places.iter().flatten().collect();
        let every = known.len().div_ceil(MARKERS).max(1);
        // Counted from the end, so that the last value has its marker.
        let marked = known.iter().rev().step_by(every);
        let markers: String = marked.map(|(x, y)| path::marker(line.look.marker(), *x, *y)).collect();
        let (class, markers) = if line.second { ("series second", String::new()) } else { ("series", markers) };
        svg.group(class, line.look, |svg| {
            svg.path("band", &path::band(&edges));
            svg.path("edge", &path::line(&tops));
            svg.path("line", &path::line(&places));
            svg.path("dot", &path::dots(&places));
            svg.path("marker", &markers);
        });
    }

    /// Names at the right, as near to the line's last value as the others leave room for.
    fn names(&self, svg: &mut Svg) {
        let last = |line: &TimeLine| line.points.iter().rev().find_map(|point| point.value);
        let named: Vec<&TimeLine> = self.plot.lines.iter().filter(|line| !line.second).collect();
        let wanted: Vec<f64> = named.iter().map(|line| last(line).map_or(self.bottom, |last| self.y(last))).collect();
        let places = path::spread(&wanted, 16.0, self.bottom);
        for (line, y) in named.into_iter().zip(places) {
            let x = self.right + 12.0;
            svg.group("series", line.look, |svg| {
                svg.path("line", &path::line(&[Some((x - 6.0, y)), Some((x + 8.0, y))]));
                svg.path("marker", &path::marker(line.look.marker(), x + 1.0, y));
                svg.text("label", (x + 14.0, y + 4.0), Anchor::Start, &line.name);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WriterKind;

    fn plot() -> TimePlot {
        let point = |at_ms, value: Option<f64>| TimePoint { at_ms, value, high: value.map(|value| value * 2.0) };
        let points = vec![point(0.0, Some(10.0)), point(500.0, None), point(1_000.0, Some(20.0))];
        TimePlot {
            lines: vec![TimeLine {
                name: "a & b".to_owned(),
                look: Look { writer: WriterKind::Sql, nth: 0 },
                second: false,
                points,
            }],
            unit: Unit::Milliseconds,
            scale: Scale::Linear { top: 40.0 },
            end_ms: 1_000.0,
            named: true,
        }
    }

    #[test]
    fn values_are_where_their_axes_say() {
        let markup = draw(&plot(), (400.0, 136.0), "durable");
        // 100 px high from y 10 to 110: 10 of 40 is at 85, 20 at 60; the x axis begins at 56.
        assert!(markup.contains(r#"class="line" d="M56.0 85.0M"#), "{markup}");
        assert!(markup.contains("60.0\"/>"), "{markup}");
        assert!(markup.contains("a &amp; b</text>"), "{markup}");
    }

    #[test]
    fn places_lead_back_to_moments() {
        let plot = plot();
        let frame = Frame::of(&plot, (400.0, 136.0));
        for at_ms in [0.0, 250.0, 1_000.0] {
            assert!((frame.at_ms(frame.x(at_ms)) - at_ms).abs() < 1e-9, "{at_ms}");
        }
        assert_eq!((frame.at_ms(-5.0), frame.at_ms(5_000.0)), (0.0, 1_000.0));
    }

    #[test]
    fn a_second_measure_has_neither_markers_nor_a_name() {
        let mut plot = plot();
        plot.lines[0].second = true;
        let markup = draw(&plot, (400.0, 136.0), "visible");
        assert!(markup.contains("class=\"series second\""), "{markup}");
        assert!(!markup.contains("class=\"marker\"") && !markup.contains("a &amp; b</text>"), "{markup}");
    }

    #[test]
    fn silence_breaks_line_and_band() {
        let markup = draw(&plot(), (400.0, 136.0), "durable");
        let band = markup.split("class=\"band\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(band.matches('Z').count(), 2, "{band}");
    }

    #[test]
    fn nothing_to_draw_is_no_trouble() {
        let empty = TimePlot { lines: Vec::new(), end_ms: 0.0, ..plot() };
        let markup = draw(&empty, (300.0, 120.0), "none");
        assert!(!markup.contains("NaN"), "{markup}");
    }
}
