//! Shapes as SVG path text: lines and bands with gaps where there is no data, markers, labels pushed apart. Pure.

use crate::model::WriterKind;
use crate::model::number::fixed;

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
    for (index, point) in points.iter().enumerate() {
        if let Some(point) = *point
            && !(pen_is_down && is_level(points[index - 1], point.1, points.get(index + 1).copied().flatten()))
        {
            step(&mut text, if pen_is_down { 'L' } else { 'M' }, point);
        }
        pen_is_down = point.is_some();
    }
    text
}

/// Whether a point lies on a level stretch, so that the line needs it not.
fn is_level(before: Option<(f64, f64)>, y: f64, after: Option<(f64, f64)>) -> bool {
    before.zip(after).is_some_and(|(before, after)| before.1 == y && after.1 == y)
}

/// Adds a command with its point, in tenths of a pixel. Lines have thousands of points and are drawn four times a second: this is
/// many times faster than formatting.
fn step(text: &mut String, command: char, (x, y): (f64, f64)) {
    text.push(command);
    tenths(text, x);
    text.push(' ');
    tenths(text, y);
}

fn tenths(text: &mut String, value: f64) {
    let scaled = (value.abs() * 10.0).round_ties_even() as u64;
    if value.is_sign_negative() && scaled > 0 {
        text.push('-');
    }
    let (mut rest, mut digits, mut first) = (scaled / 10, [b'0'; 20], 20);
    while rest > 0 || first == 20 {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    for digit in &digits[first..] {
        text.push(char::from(*digit));
    }
    text.push('.');
    text.push(char::from(b'0' + (scaled % 10) as u8));
}

/// The points that stand alone between two gaps, where a line has no length: each a line of none, which round ends make a dot.
pub fn dots(points: &[Option<(f64, f64)>]) -> String {
    let mut text = String::new();
    let is_there = |index: Option<usize>| index.and_then(|index| points.get(index)).is_some_and(Option::is_some);
    for (index, point) in points.iter().enumerate() {
        if let Some((x, y)) = point
            && !is_there(index.checked_sub(1))
            && !is_there(Some(index + 1))
        {
            step(&mut text, 'M', (*x, *y));
            text.push_str("h0");
        }
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
        step(&mut text, 'M', (*x, *low));
        for (x, _, high) in &stretch {
            step(&mut text, 'L', (*x, *high));
        }
        for (x, low, _) in stretch.iter().rev() {
            step(&mut text, 'L', (*x, *low));
        }
        text.push('Z');
    }
    text
}

/// A marker of 3 px radius around a point.
pub fn marker(shape: Marker, x: f64, y: f64) -> String {
    let (left, top, outline) = match shape {
        Marker::Circle => (x - 3.0, y, "a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z"),
        Marker::Triangle => (x, y - 3.8, "l3.6 6.4h-7.2Z"),
        Marker::Square => (x - 2.8, y - 2.8, "h5.6v5.6h-5.6Z"),
        Marker::Diamond => (x, y - 3.8, "l3.8 3.8l-3.8 3.8l-3.8 -3.8Z"),
    };
    format!("M{} {}{outline}", fixed(left, 1), fixed(top, 1))
}

/// Moves labels apart until each is at least `gap` from the next, keeping their order and staying within 0 to `height`.
/// Labels that crowd share the shift: their middle stays where it was.
pub fn spread(wanted: &[f64], gap: f64, height: f64) -> Vec<f64> {
    // Labels are few; the library's sort is a large piece of WebAssembly.
    let mut order: Vec<usize> = Vec::new();
    for index in 0..wanted.len() {
        let place = order.iter().position(|other| wanted[*other] > wanted[index]);
        order.insert(place.unwrap_or(order.len()), index);
    }
    let mut clusters: Vec<Cluster> = Vec::new();
    for index in order {
        let mut last = Cluster { members: vec![index], sum: wanted[index] };
        while let Some(before) = clusters.pop_if(|before| before.end(gap, height) > last.start(gap, height)) {
            last = before.joined(last, gap);
        }
        clusters.push(last);
    }
    let mut places = wanted.to_vec();
    for cluster in clusters {
        let start = cluster.start(gap, height);
        for (position, index) in cluster.members.iter().enumerate() {
            places[*index] = start + position as f64 * gap;
        }
    }
    places
}

/// Labels that stand at the gap from one another.
struct Cluster {
    members: Vec<usize>,
    /// Of where each member wants the first one to be.
    sum: f64,
}

impl Cluster {
    fn start(&self, gap: f64, height: f64) -> f64 {
        let count = self.members.len() as f64;
        (self.sum / count).min(height - (count - 1.0) * gap).max(0.0)
    }

    fn end(&self, gap: f64, height: f64) -> f64 {
        self.start(gap, height) + self.members.len() as f64 * gap
    }

    fn joined(mut self, next: Self, gap: f64) -> Self {
        let shift = self.members.len() as f64 * gap;
        self.sum += next.sum - shift * next.members.len() as f64;
        self.members.extend(next.members);
        self
    }
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
    fn a_level_stretch_needs_its_ends_only() {
        let points: Vec<Option<(f64, f64)>> = [5.0, 5.0, 5.0, 5.0, 7.0, 5.0, 5.0]
            .into_iter()
            .enumerate()
            .map(|(index, y)| Some((index as f64, y)))
            .collect();
        assert_eq!(line(&points), "M0.0 5.0L3.0 5.0L4.0 7.0L5.0 5.0L6.0 5.0");
        assert_eq!(line(&[Some((0.0, 5.0)), Some((1.0, 5.0)), None]), "M0.0 5.0L1.0 5.0");
    }

    #[test]
    fn tenths_are_those_of_the_formatting() {
        for value in [0.0, -0.0, 0.04, 0.25, 9.96, 12.34, -3.25, 568.0, 1e6 / 3.0] {
            let mut text = String::new();
            tenths(&mut text, value);
            let formatted = fixed(value, 1);
            assert_eq!(text, if formatted == "-0.0" { "0.0" } else { &formatted }, "{value}");
        }
    }

    #[test]
    fn what_stands_alone_is_a_dot() {
        let points = [Some((0.0, 1.0)), None, Some((20.0, 2.0)), Some((30.0, 3.0)), None, Some((50.0, 5.0))];
        assert_eq!(dots(&points), "M0.0 1.0h0M50.0 5.0h0");
        assert_eq!(dots(&[]), "");
    }

    #[test]
    fn a_band_breaks_where_its_lines_do() {
        let points = [Some((0.0, 1.0, 3.0)), Some((10.0, 2.0, 4.0)), None, Some((30.0, 5.0, 6.0))];
        assert_eq!(band(&points), "M0.0 1.0L0.0 3.0L10.0 4.0L10.0 2.0L0.0 1.0ZM30.0 5.0L30.0 6.0L30.0 5.0Z");
        assert_eq!(band(&[None]), "");
    }

    #[test]
    fn labels_keep_their_distance_and_their_order() {
        assert_eq!(spread(&[50.0, 52.0, 10.0], 14.0, 100.0), [44.0, 58.0, 10.0]);
        assert_eq!(spread(&[99.0, 98.0], 14.0, 100.0), [100.0, 86.0]);
        assert_eq!(spread(&[1.0, 2.0, 30.0], 14.0, 100.0), [0.0, 14.0, 30.0]);
        assert_eq!(spread(&[1.0, 2.0, 20.0], 14.0, 100.0), [0.0, 14.0, 28.0], "the third is pushed by the first two");
        assert_eq!(spread(&[], 14.0, 100.0), Vec::<f64>::new());
    }
}
