//! What a plot draws: series of values over a row of numbered positions. Knows no submissions and no pixels.

use super::path::Marker;
use super::scale::Scale;

/// One line of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its label at the end of the line and in the table.
    pub name: String,
    /// The writer's name, from which the style sheet takes the hue.
    pub hue: &'static str,
    /// The shape of its points.
    pub marker: Marker,
    /// Hollow points and a dashed line: the second of two measures of one writer.
    pub second: bool,
    /// A value for each position; `Absent` where the position belongs to another series.
    pub points: Vec<Point>,
}

/// The value of a series at one position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Point {
    /// The position is not about this series; its line may pass.
    Absent,
    /// There should be a value and there is none; the line breaks.
    Missing,
    /// A value in the plot's unit.
    Value(f64),
}

impl Point {
    /// The value, if there is one.
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Missing => None,
        }
    }
}

/// Everything a plot draws.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlotData {
    /// The number of each position along the x axis.
    pub positions: Vec<u32>,
    /// The lines.
    pub series: Vec<Series>,
    /// Whether the y axis may become logarithmic when the range asks for it.
    pub may_be_log: bool,
}

impl PlotData {
    /// The y axis.
    pub fn scale(&self) -> Scale {
        let values = self.series.iter().flat_map(|series| series.points.iter().filter_map(|point| point.value()));
        if self.may_be_log { Scale::fitting(values) } else { Scale::linear(values) }
    }

    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }
}
