//! The course of a run on its way to the page: each value's name once, then all of its values.
//!
//! Four times a second up to 240 points of each run travel. As columns they are less than half the bytes of a list of points, and a
//! fraction of the work to read: there is no object for each point.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::SeriesPoint;
use super::receive::{Receive, receive_structs};

/// The columns; all of the same length.
#[derive(Default, Serialize, Deserialize)]
struct Columns {
    at_ms: Vec<f64>,
    rows_per_s: Vec<f64>,
    bytes_per_s: Vec<f64>,
    durable_p50_ms: Vec<Option<f64>>,
    durable_p99_ms: Vec<Option<f64>>,
    visible_p50_ms: Vec<Option<f64>>,
    visible_p99_ms: Vec<Option<f64>>,
    in_flight: Vec<u64>,
    errors: Vec<u64>,
}

receive_structs! {
    Columns {
        at_ms, rows_per_s, bytes_per_s, durable_p50_ms, durable_p99_ms, visible_p50_ms, visible_p99_ms, in_flight, errors,
    }
}

impl From<&[SeriesPoint]> for Columns {
    fn from(points: &[SeriesPoint]) -> Self {
        let mut columns = Self::default();
        for point in points {
            columns.at_ms.push(point.at_ms);
            columns.rows_per_s.push(point.rows_per_s);
            columns.bytes_per_s.push(point.bytes_per_s);
            columns.durable_p50_ms.push(point.durable_p50_ms);
            columns.durable_p99_ms.push(point.durable_p99_ms);
            columns.visible_p50_ms.push(point.visible_p50_ms);
            columns.visible_p99_ms.push(point.visible_p99_ms);
            columns.in_flight.push(point.in_flight);
            columns.errors.push(point.errors);
        }
        columns
    }
}

impl Columns {
    /// The points; `None` when a column is too short.
    fn points(&self) -> Option<Vec<SeriesPoint>> {
        let point = |index: usize| {
            Some(SeriesPoint {
                at_ms: self.at_ms[index],
                rows_per_s: *self.rows_per_s.get(index)?,
                bytes_per_s: *self.bytes_per_s.get(index)?,
                durable_p50_ms: *self.durable_p50_ms.get(index)?,
                durable_p99_ms: *self.durable_p99_ms.get(index)?,
                visible_p50_ms: *self.visible_p50_ms.get(index)?,
                visible_p99_ms: *self.visible_p99_ms.get(index)?,
                in_flight: *self.in_flight.get(index)?,
                errors: *self.errors.get(index)?,
            })
        };
        (0..self.at_ms.len()).map(point).collect()
    }
}

/// For `#[serde(with)]`.
pub(super) fn serialize<S: Serializer>(points: &[SeriesPoint], serializer: S) -> Result<S::Ok, S::Error> {
    Columns::from(points).serialize(serializer)
}

/// For `#[serde(with)]`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SeriesPoint>, D::Error> {
    let columns = Columns::deserialize(deserializer)?;
    columns.points().ok_or_else(|| serde::de::Error::custom("the columns of a series are not of one length"))
}

/// A list of points has no other form on its way to the browser.
impl Receive for Vec<SeriesPoint> {
    fn receive(value: &Value) -> Option<Self> {
        Columns::receive(value)?.points()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn points_arrive_as_they_were_and_halves_of_them_do_not() {
        let first = SeriesPoint { at_ms: 250.0, durable_p50_ms: Some(1.5), errors: 2, ..SeriesPoint::default() };
        let points = vec![first, SeriesPoint { at_ms: 500.0, in_flight: 3, ..SeriesPoint::default() }];
        let mut sent = serialize(&points, serde_json::value::Serializer).unwrap();
        assert_eq!(sent["durable_p50_ms"], json!([1.5, null]));
        assert_eq!(Vec::<SeriesPoint>::receive(&sent), Some(points.clone()));
        assert_eq!(deserialize(sent.clone()).unwrap(), points);
        sent["errors"] = json!([2]);
        assert_eq!(Vec::<SeriesPoint>::receive(&sent), None);
        assert!(deserialize(sent).unwrap_err().to_string().contains("one length"));
    }
}
