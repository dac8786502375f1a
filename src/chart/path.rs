//! Shapes as SVG path text: lines and bands with gaps where there is no data, markers, labels pushed apart. Pure.

use std::fmt::Write;

use crate::model::WriterKind;

/// What a point looks like; each writer has one, so that colour is never the only difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A circle.
    Circle,
    /// A triangle that points up.
    Triangle,
    /// A square.
    Square,
    /// A square on its corner.
    Diamond,
}

impl Marker {
    /// The marker of a writer, everywhere.
    pub fn of(writer: WriterKind) -> Self {
        match writer {
            WriterKind::Zerobus => Self::Circle,
            WriterKind::ZerobusRest => Self::Triangle,
            WriterKind::Sql => Self::Square,
            WriterKind::CopyInto => Self::Diamond,
        }
    }
}

/// A line through the points, broken where one is missing.
pub fn line(points: &[Option<(f64, f64)>]) -> String {
    let mut text = String::new();
    let mut pen_is_down = false;
    for point in points {
        if let Some((x, y)) = point {
            let command = if pen_is_down { 'L' } else { 'M' };
            // Writing to a String cannot fail.
            let _ = write!(text, "{command}{x:.1} {y:.1}");
        }
        pen_is_down = point.is_some();
    }
    text
}

/// The area between two lines that share their x, broken where one is missing: `(x, low, high)`.
pub fn band(points: &[Option<(f64, f64, f64)>]) -> String {
    let mut text = String::new();
    for stretch in points.split(Option::is_none) {
        let stretch: Vec<_> = stretch.iter().flatten().collect();
        let Some((x, low, _)) = stretch.first() else {
            continue;
        };
        let _ = write!(text, "M{x:.1} {low:.1}");
        for (x, _, high) in &stretch {
            let _ = write!(text, "L{x:.1} {high:.1}");
        }
        for (x, low, _) in stretch.iter().rev() {
            let _ = write!(text, "L{x:.1} {low:.1}");
        }
        text.push('Z');
    }
    text
}

/// A marker of 3 px radius around a point.
pub fn marker(shape: Marker, x: f64, y: f64) -> String {
    match shape {
        Marker::Circle => format!("M{:.1} {y:.1}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z", x - 3.0),
        Marker::Triangle => format!("M{x:.1} {:.1}l3.6 6.4h-7.2Z", y - 3.8),
        Marker::Square => format!("M{:.1} {:.1}h5.6v5.6h-5.6Z", x - 2.8, y - 2.8),
        Marker::Diamond => format!("M{x:.1} {:.1}l3.8 3.8l-3.8 3.8l-3.8 -3.8Z", y - 3.8),
    }
}

/// Moves labels apart until each is at least `gap` from the next, keeping their order and staying within 0 to `height`.
pub fn spread(wanted: &[f64], gap: f64, height: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut places = wanted.to_vec();
    let mut floor = f64::NEG_INFINITY;
    for &index in &order {
        places[index] = places[index].max(floor + gap).max(0.0);
        floor = places[index];
    }
    let mut ceiling = height + gap;
    for &index in order.iter().rev() {
        places[index] = places[index].min(ceiling - gap);
        ceiling = places[index];
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_goes_through_silence() {
        let points = [Some((0.0, 1.0)), Some((10.0, 2.0)), None, Some((30.0, 4.25)), Some((40.0, 5.0))];
        assert_eq!(line(&points), "M0.0 1.0L10.0 2.0M30.0 4.2L40.0 5.0");
        assert_eq!(line(&[]), "");
    }

    #[test]
    fn a_band_breaks_where_its_lines_do() {
        let points = [Some((0.0, 1.0, 3.0)), Some((10.0, 2.0, 4.0)), None, Some((30.0, 5.0, 6.0))];
        assert_eq!(band(&points), "M0.0 1.0L0.0 3.0L10.0 4.0L10.0 2.0L0.0 1.0ZM30.0 5.0L30.0 6.0L30.0 5.0Z");
        assert_eq!(band(&[None]), "");
    }

    #[test]
    fn labels_keep_their_distance_and_their_order() {
        assert_eq!(spread(&[50.0, 52.0, 10.0], 14.0, 100.0), [50.0, 64.0, 10.0]);
        assert_eq!(spread(&[99.0, 98.0], 14.0, 100.0), [100.0, 86.0]);
        assert_eq!(spread(&[], 14.0, 100.0), Vec::<f64>::new());
    }
}
