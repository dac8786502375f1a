//! What a finished statement leaves: rows in chunks.

use std::ops::Range;

use super::values::{ResultColumn, Row, row_bytes};

/// An inline result holds at most this much, as on the real API.
pub(super) const RESULT_BYTES: usize = 25 << 20;
/// A chunk takes no further rows once it holds this much. The real API does not say what its chunks hold; this is ours.
pub(super) const CHUNK_BYTES: usize = 4 << 20;

/// A finished statement's result.
#[derive(Clone, Debug, Default)]
pub(super) struct Output {
    pub(super) columns: Vec<ResultColumn>,
    pub(super) rows: Vec<Row>,
    /// Whether rows were left out.
    pub(super) truncated: bool,
    /// Bytes of the rows.
    pub(super) bytes: usize,
    /// Whether it is gone as soon as it was handed out, because a secret is in it.
    pub(super) once: bool,
    /// The first row of each chunk.
    chunks: Vec<usize>,
}

impl Output {
    pub(super) fn new(columns: Vec<ResultColumn>, rows: Vec<Row>, truncated: bool) -> Self {
        let mut chunks = Vec::new();
        let (mut bytes, mut in_chunk) = (0, usize::MAX);
        for (index, row) in rows.iter().enumerate() {
            if in_chunk >= CHUNK_BYTES {
                chunks.push(index);
                in_chunk = 0;
            }
            in_chunk += row_bytes(row);
            bytes += row_bytes(row);
        }
        Self { columns, rows, truncated, bytes, once: false, chunks }
    }

    /// The same, to be handed out once.
    pub(super) fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// Rows of texts.
    pub(super) fn strings(columns: &[&str], rows: Vec<Row>) -> Self {
        let columns = columns.iter().map(|name| ResultColumn::new(name, "STRING", "STRING")).collect();
        Self::new(columns, rows, false)
    }

    /// One column of names.
    pub(super) fn names(column: &str, names: Vec<String>) -> Self {
        Self::strings(&[column], names.into_iter().map(|name| vec![Some(name)]).collect())
    }

    /// One row of counts.
    pub(super) fn counts(counts: &[(&str, usize)]) -> Self {
        let columns = counts.iter().map(|(name, _)| ResultColumn::new(name, "LONG", "BIGINT")).collect();
        let row = counts.iter().map(|(_, count)| Some(count.to_string())).collect();
        Self::new(columns, vec![row], false)
    }

    /// The rows of a chunk; `None` when there is no such chunk.
    pub(super) fn chunk(&self, index: usize) -> Option<Range<usize>> {
        let start = *self.chunks.get(index)?;
        let end = self.chunks.get(index.checked_add(1)?).copied().unwrap_or(self.rows.len());
        Some(start..end)
    }
}
