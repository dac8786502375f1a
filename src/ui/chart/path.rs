//! Shapes as SVG path text: lines with gaps where there is no data, markers, labels pushed apart. Pure.

use std::fmt::Write;

use crate::ui::number::fixed;

/// What a point looks like; each writer has one, so that colour is never the only difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A circle.
    Circle,
    /// A square.
    Square,
}

/// A line through the points, broken where one is missing.
pub fn line(points: &[Option<(f64, f64)>]) -> String {
    let mut text = String::new();
    let mut pen_is_down = false;
    for point in points {
        if let Some((x, y)) = point {
            let command = if pen_is_down { 'L' } else { 'M' };
            // Writing to a String cannot fail.
            let _ = write!(text, "{command}{} {}", fixed(*x, 1), fixed(*y, 1));
        }
        pen_is_down = point.is_some();
    }
    text
}

/// A marker of 3 px radius around a point.
pub fn marker(shape: Marker, x: f64, y: f64) -> String {
    let (left, top, outline) = match shape {
        Marker::Circle => (x - 3.0, y, "a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z"),
        Marker::Square => (x - 2.8, y - 2.8, "h5.6v5.6h-5.6Z"),
    };
    format!("M{} {}{outline}", fixed(left, 1), fixed(top, 1))
}

/// Moves labels apart until each is at least `gap` from the next, keeping their order and staying within 0 to `height`.
pub fn spread(wanted: &[f64], gap: f64, height: f64) -> Vec<f64> {
    // Labels are few; the library's sort is a large piece of WebAssembly.
    let mut order: Vec<usize> = Vec::new();
    for index in 0..wanted.len() {
        let place = order.iter().position(|other| wanted[*other] > wanted[index]);
        order.insert(place.unwrap_or(order.len()), index);
    }
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
    fn labels_keep_their_distance_and_their_order() {
        assert_eq!(spread(&[50.0, 52.0, 10.0], 14.0, 100.0), [50.0, 64.0, 10.0]);
        assert_eq!(spread(&[99.0, 98.0], 14.0, 100.0), [100.0, 86.0]);
        assert_eq!(spread(&[], 14.0, 100.0), Vec::<f64>::new());
    }
}
