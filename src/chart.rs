//! Pictures of numbers as SVG text: the same on a page, in a report that opens offline, and in a test.
//!
//! Pure geometry and markup; knows the words of [`crate::model`], no leptos, no files. Colours, type and themes come from
//! style/tokens.css and style/picture.css by class and by `data-hue`; nothing needs a script. Every picture has a label
//! and is meant to stand beside a table of its values.

pub mod axis;
pub mod bars;
pub mod markup;
pub mod path;
pub mod scale;
pub mod time;
pub mod track;

use crate::model::WriterKind;

/// What tells one run's line from another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The writer, which has one hue and one marker everywhere.
    pub writer: WriterKind,
    /// 0 for the first run of that writer, 1 for the second: each has its own dashes.
    pub nth: usize,
}

impl Look {
    /// The looks of runs by their writers, in order.
    pub fn of(writers: impl IntoIterator<Item = WriterKind>) -> Vec<Self> {
        let mut looks: Vec<Self> = Vec::new();
        for writer in writers {
            let nth = looks.iter().filter(|look| look.writer == writer).count();
            looks.push(Self { writer, nth });
        }
        looks
    }

    /// Its marker.
    pub fn marker(self) -> path::Marker {
        path::Marker::of(self.writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_writer_differ() {
        let looks = Look::of([WriterKind::Sql, WriterKind::Zerobus, WriterKind::Sql]);
        assert_eq!(looks.iter().map(|look| look.nth).collect::<Vec<_>>(), [0, 0, 1]);
    }
}
