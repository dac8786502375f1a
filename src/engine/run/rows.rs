//! Which records the rows of a batch are, and when they were meant to be sent.
//!
//! Knows ordinals and the pacer; nothing of what a record contains.

use std::ops::Range;

use tokio::time::Instant;

use super::pacer::Pacer;

/// Values of a histogram that one batch may become. Up to so many records each has its own intended time; of larger batches
/// every so many neighbours have that of the first of them, which makes them look later, never earlier.
const MOST_SLICES: u64 = 1024;

/// Ordinals of the rows of a batch, in the order of the rows. A record that is sent twice is there twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct RowOrdinals {
    /// Each without a hole or a repetition.
    runs: Vec<Range<u64>>,
    rows: u64,
}

impl RowOrdinals {
    /// Rows without a hole.
    #[cfg(test)]
    pub(super) fn from_range(range: Range<u64>) -> Self {
        let rows = range.end.saturating_sub(range.start);
        Self { runs: if rows > 0 { vec![range] } else { Vec::new() }, rows }
    }

    /// How many rows.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Runs of ordinals that follow on each other.
    pub(super) fn runs(&self) -> impl Iterator<Item = Range<u64>> {
        self.runs.iter().cloned()
    }

    fn push(&mut self, run: Range<u64>) {
        if run.is_empty() {
            return;
        }
        self.rows += run.end - run.start;
        match self.runs.last_mut() {
            Some(last) if last.end == run.start => last.end = run.end,
            _ => self.runs.push(run),
        }
    }

    /// The first `rows` of them, and the others.
    pub(super) fn split_at(&self, rows: u64) -> (Self, Self) {
        let (mut front, mut back) = (Self::default(), Self::default());
        for run in self.runs() {
            let border = run.start + rows.saturating_sub(front.rows).min(run.end - run.start);
            front.push(run.start..border);
            back.push(border..run.end);
        }
        (front, back)
    }

    /// What the meter needs to know of them.
    pub(super) fn span(&self, begun: Instant) -> Span {
        let first = self.runs.iter().map(|run| run.start).min().unwrap_or_default();
        let end = self.runs.iter().map(|run| run.end).max().unwrap_or_default();
        Span { ordinals: first..end, rows: self.rows, begun }
    }
}

impl FromIterator<Range<u64>> for RowOrdinals {
    fn from_iter<T: IntoIterator<Item = Range<u64>>>(runs: T) -> Self {
        let mut rows = Self::default();
        runs.into_iter().for_each(|run| rows.push(run));
        rows
    }
}

impl FromIterator<u64> for RowOrdinals {
    fn from_iter<T: IntoIterator<Item = u64>>(ordinals: T) -> Self {
        ordinals.into_iter().map(|ordinal| ordinal..ordinal + 1).collect()
    }
}

/// Rows of a batch, as far as their latency needs them.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// From the lowest to behind the highest.
    pub(super) ordinals: Range<u64>,
    /// How many rows; others than there are ordinals when some are bad or sent twice.
    pub(super) rows: u64,
    /// When work on the batch began.
    pub(super) begun: Instant,
}

/// When the records of a run are meant to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timetable {
    /// By ordinal.
    pub(super) pacer: Pacer,
    /// When the first record was due.
    pub(super) start: Instant,
}

impl Timetable {
    /// When a record is due.
    pub(super) fn due_at(&self, ordinal: u64) -> Instant {
        self.start + self.pacer.offset(ordinal)
    }

    /// Calls `take` with the intended time of rows and how many have it.
    ///
    /// Exact for batches of up to [`MOST_SLICES`] records without bad or repeated ones. Where there are such, the rows are
    /// spread evenly over the ordinals of the batch.
    pub(super) fn each_intended(&self, span: &Span, mut take: impl FnMut(Instant, u64)) {
        if !self.pacer.is_limited() {
            take(span.begun, span.rows);
            return;
        }
        let width = span.ordinals.end - span.ordinals.start;
        let stride = width.div_ceil(MOST_SLICES).max(1);
        let rows_before =
            |ordinals: u64| (u128::from(span.rows) * u128::from(ordinals) / u128::from(width.max(1))) as u64;
        let mut taken = 0;
        for begin in (0..width).step_by(stride as usize) {
            let rows = rows_before((begin + stride).min(width));
            if rows > taken {
                take(self.due_at(span.ordinals.start + begin), rows - taken);
                taken = rows;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ordinals(list: &[u64]) -> RowOrdinals {
        list.iter().copied().collect()
    }

    #[test]
    fn rows_keep_their_order_when_they_are_split() {
        // 4 is bad, 6 is sent twice.
        let rows = ordinals(&[2, 3, 5, 6, 6, 7]);
        assert_eq!(rows.runs().collect::<Vec<_>>(), [2..4, 5..7, 6..8]);
        let (front, back) = rows.split_at(4);
        assert_eq!((front, back), (ordinals(&[2, 3, 5, 6]), ordinals(&[6, 7])));
        assert_eq!(rows.split_at(0), (RowOrdinals::default(), rows.clone()));
        assert_eq!(rows.split_at(99), (rows.clone(), RowOrdinals::default()));
    }

    #[tokio::test(start_paused = true)]
    async fn each_record_has_its_own_intended_time() {
        let start = Instant::now();
        let table = Timetable { pacer: Pacer::Constant { per_second: 1000.0 }, start };
        let mut times = Vec::new();
        table.each_intended(&ordinals(&[5, 6, 7]).span(start), |at, rows| times.push(((at - start).as_millis(), rows)));
        assert_eq!(times, [(5, 1), (6, 1), (7, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn large_batches_are_taken_in_slices_that_lose_no_row_and_are_never_early() {
        let start = Instant::now();
        let table = Timetable { pacer: Pacer::Constant { per_second: 1000.0 }, start };
        let rows: RowOrdinals = (0..5000).filter(|ordinal| ordinal % 7 != 0).collect();
        let mut taken = 0;
        let mut slices = 0;
        table.each_intended(&rows.span(start), |at, rows| {
            assert!(at - start <= Duration::from_millis(taken * 7 / 6 + 2), "{taken}");
            taken += rows;
            slices += 1;
        });
        assert_eq!(taken, rows.rows());
        assert!(slices <= MOST_SLICES);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_a_batch_has_the_time_at_which_it_was_begun() {
        let start = Instant::now();
        let begun = start + Duration::from_secs(3);
        let mut times = Vec::new();
        let table = Timetable { pacer: Pacer::Unlimited, start };
        table.each_intended(&RowOrdinals::from_range(0..500).span(begun), |at, rows| times.push((at, rows)));
        assert_eq!(times, [(begun, 500)]);
    }
}
