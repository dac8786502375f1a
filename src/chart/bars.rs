//! Bars from zero, one below the other, each with its name above and its value behind it.

use super::Look;
use super::markup::{Anchor, Svg};
use super::path;

const ROW: f64 = 40.0;
/// Room for the value behind the longest bar.
const VALUE: f64 = 104.0;

/// A bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What it is of.
    pub name: String,
    /// Its hue and marker.
    pub look: Look,
    /// Its length; `None` when it is not known.
    pub value: Option<f64>,
    /// The value with its unit, or why there is none.
    pub text: String,
}

/// Draws them to one scale.
pub fn draw(bars: &[Bar], width: f64, label: &str) -> String {
    let most = bars.iter().filter_map(|bar| bar.value).fold(0.0, f64::max);
    let mut svg = Svg::new(width, bars.len() as f64 * ROW + 4.0);
    for (index, bar) in bars.iter().enumerate() {
        let y = index as f64 * ROW;
        let share = bar.value.filter(|_| most > 0.0).map_or(0.0, |value| (value / most).clamp(0.0, 1.0));
        let length = (width - VALUE) * share;
        svg.group("bar", bar.look, |svg| {
            svg.path("marker", &path::marker(bar.look.marker(), 5.0, y + 11.0));
            svg.text("label", (16.0, y + 15.0), Anchor::Start, &bar.name);
            svg.rect("fill", (0.0, y + 23.0), (length, 10.0));
            svg.text("value", (length + 8.0, y + 32.0), Anchor::Start, &bar.text);
        });
    }
    svg.finish(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WriterKind;

    #[test]
    fn bars_are_to_scale() {
        let bar = |value: Option<f64>| Bar {
            name: "zerobus".to_owned(),
            look: Look { writer: WriterKind::Zerobus, nth: 0 },
            value,
            text: "4".to_owned(),
        };
        let markup = draw(&[bar(Some(4.0)), bar(Some(1.0)), bar(None)], 504.0, "rows");
        for width in ["width=\"400.0\"", "width=\"100.0\"", "width=\"0.0\""] {
            assert!(markup.contains(width), "{width} in {markup}");
        }
        assert!(!draw(&[bar(None)], 300.0, "rows").contains("NaN"));
    }
}
