//! Rows of segments kept in memory until they are in Delta, so that nothing has to be read back from the log: as long as there
//! is room for them. The log alone makes rows durable; what is kept here only saves work.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::SegmentRows;
use super::segment::Entry;

/// Bytes of rows that are kept, over all tables.
pub const KEPT_BYTES: usize = 192 << 20;
const UNIT: usize = 1 << 10;

/// The room for kept rows. Clones share it.
#[derive(Clone)]
pub(crate) struct KeepingRoom {
    units: Arc<Semaphore>,
}

impl KeepingRoom {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { units: Arc::new(Semaphore::new(bytes / UNIT)) }
    }

    /// Begins to keep the rows of a segment.
    pub(super) fn begin(&self) -> KeptRows {
        KeptRows { room: self.clone(), taken: None, rows: SegmentRows::default() }
    }
}

/// All rows of a segment.
pub(crate) struct KeptRows {
    room: KeepingRoom,
    taken: Option<OwnedSemaphorePermit>,
    rows: SegmentRows,
}

impl KeptRows {
    /// Keeps further rows; `None` when there is no room for them, and then for none of the segment's.
    pub(super) fn with(mut self, entries: Vec<Entry>) -> Option<Self> {
        let bytes: usize = entries.iter().map(|entry| entry.batch.get_array_memory_size()).sum();
        let units = u32::try_from(bytes.div_ceil(UNIT)).ok()?;
        let permit = Arc::clone(&self.room.units).try_acquire_many_owned(units).ok()?;
        match &mut self.taken {
            Some(taken) => taken.merge(permit),
            None => self.taken = Some(permit),
        }
        let offsets = entries.iter().filter_map(|entry| entry.origin).map(|origin| (origin.stream, origin.last));
        let offsets: HashMap<_, _> = offsets.collect();
        let batches = entries.into_iter().map(|entry| entry.batch).collect();
        self.rows.merge(SegmentRows { batches, offsets, room: Vec::new() });
        Some(self)
    }

    /// The rows, which take their room until they are dropped.
    pub(super) fn into_rows(self) -> SegmentRows {
        SegmentRows { room: self.taken.into_iter().collect(), ..self.rows }
    }
}

impl std::fmt::Debug for KeptRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptRows").field("batches", &self.rows.batches.len()).finish_non_exhaustive()
    }
}
