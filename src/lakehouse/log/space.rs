//! How much disk the logs of all tables may take together.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// The unit it is counted in: a semaphore hands out at most 2^32 permits at once.
const UNIT: usize = 1 << 10;

/// The room for log files. Clones share it.
#[derive(Clone)]
pub(crate) struct Space {
    units: Arc<Semaphore>,
    total: usize,
}

/// A taken part of it, given back when dropped.
#[derive(Debug, Default)]
pub(crate) struct SpaceShare {
    from: Option<Arc<Semaphore>>,
    units: usize,
}

impl Space {
    pub(crate) fn new(bytes: u64) -> Self {
        let total = usize::try_from(bytes / UNIT as u64).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(total)), total }
    }

    /// Bytes that are taken.
    pub(crate) fn taken(&self) -> u64 {
        (self.total.saturating_sub(self.units.available_permits()) * UNIT) as u64
    }

    /// Waits until so many bytes are free and takes them. More than there are in all counts as all.
    pub(crate) async fn take(&self, bytes: usize) -> SpaceShare {
        let units = bytes.div_ceil(UNIT).clamp(1, self.total.min(u32::MAX as usize));
        if let Ok(permit) = self.units.acquire_many(units as u32).await {
            permit.forget();
        }
        SpaceShare { from: Some(Arc::clone(&self.units)), units }
    }

    /// Takes what is there of so many bytes: for files that are on the disk already.
    pub(crate) fn take_available(&self, bytes: u64) -> SpaceShare {
        let wanted = usize::try_from(bytes.div_ceil(UNIT as u64)).unwrap_or(usize::MAX);
        SpaceShare { from: Some(Arc::clone(&self.units)), units: self.units.forget_permits(wanted) }
    }
}

impl SpaceShare {
    /// Adds another share of the same space to this one.
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.from = self.from.take().or(other.from.take());
        self.units += std::mem::take(&mut other.units);
    }
}

impl Drop for SpaceShare {
    fn drop(&mut self) {
        if let Some(from) = &self.from {
            from.add_permits(self.units);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shares_come_back_and_more_than_there_is_counts_as_all() {
        let space = Space::new(10 << 10);
        let backlog = space.take_available(100 << 10);
        assert_eq!(space.taken(), 10 << 10);
        let waiting = tokio::spawn({
            let space = space.clone();
            async move { space.take(1 << 30).await }
        });
        drop(backlog);
        let mut all = waiting.await.expect("taken");
        assert_eq!(space.taken(), 10 << 10);
        let mut merged = SpaceShare::default();
        merged.merge(std::mem::take(&mut all));
        drop(all);
        assert_eq!(space.taken(), 10 << 10);
        drop(merged);
        assert_eq!(space.taken(), 0);
    }
}
