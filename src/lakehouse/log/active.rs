//! The segment that is being written; everything here blocks.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use deltalake::arrow::datatypes::SchemaRef;
use tokio::time::Instant;

use super::kept::KeptRows;
use super::segment::{Entry, FRAME, SegmentId, padded};
use super::space::SpaceShare;
use super::{SealedSegment, recovery};
use crate::lakehouse::disk::pages::{self, PageBuffer, Pages};
use crate::lakehouse::disk::{create_folders, sync_folder};
use crate::lakehouse::error::LakehouseError;
use crate::lakehouse::weather::{CrashPoint, Faults};
use crate::model::TableName;

/// Why a group commit failed; none of its entries are in the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteFailure {
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    #[error("{0}")]
    Other(String),
}

impl WriteFailure {
    pub(super) fn into_error(self, table: &TableName) -> LakehouseError {
        match self {
            Self::Full => LakehouseError::Full(table.clone()),
            Self::Other(cause) => LakehouseError::NotWritten { table: table.clone(), cause: cause.into() },
        }
    }
}

impl From<std::io::Error> for WriteFailure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Other(error.to_string()),
        }
    }
}

/// A segment's file with what is durable in it.
pub(super) struct ActiveSegment {
    id: SegmentId,
    path: PathBuf,
    file: File,
    buffer: PageBuffer,
    /// What is on the disk. Bytes behind it belong to nobody.
    durable: u64,
    /// Whether a failed write may have left bytes behind `durable`.
    ragged: bool,
    sealed: bool,
    rows: u64,
    /// When its first rows were durable.
    pub(super) since: Instant,
    pub(super) space: SpaceShare,
    /// Its rows once more, in memory.
    pub(super) kept: Option<KeptRows>,
}

impl ActiveSegment {
    /// Makes the file. It gets its name when its header is on the disk.
    pub(super) fn create(folder: &Path, id: SegmentId, schema: &SchemaRef) -> Result<Self, WriteFailure> {
        create_folders(folder)?;
        let header = id.header(schema).map_err(|error| WriteFailure::Other(error.to_string()))?;
        let path = recovery::path(folder, id.sequence);
        let staging = path.with_extension("new");
        let file = pages::create(&staging, true)?;
        let mut buffer = PageBuffer::default();
        let mut pages = Pages::at(&file, 0, header.len(), &mut buffer);
        pages.push(&header)?;
        pages.finish()?;
        file.sync_all()?;
        std::fs::rename(&staging, &path)?;
        sync_folder(folder)?;
        Ok(Self {
            id,
            path,
            file,
            buffer,
            durable: header.len() as u64,
            ragged: false,
            sealed: false,
            rows: 0,
            since: Instant::now(),
            space: SpaceShare::default(),
            kept: None,
        })
    }

    pub(super) fn id(&self) -> SegmentId {
        self.id
    }

    pub(super) fn length(&self) -> u64 {
        self.durable
    }

    /// Appends the entries and syncs them; returns how long the sync took. After a failure the file is as before, or will be before anything else is
    /// written to it.
    pub(super) fn write(&mut self, entries: &[Entry], faults: &Faults) -> Result<Duration, WriteFailure> {
        self.repair()?;
        faults.reach(CrashPoint::BeforeLogWrite);
        if faults.disk_is_full() {
            return Err(WriteFailure::Full);
        }
        self.ragged = true;
        let end = self.write_frames(entries, faults)?;
        faults.reach(CrashPoint::AfterLogWrite);
        let begin = Instant::now();
        self.file.sync_data()?;
        let took = begin.elapsed();
        faults.reach(CrashPoint::AfterLogSync);
        if self.rows == 0 {
            self.since = Instant::now();
        }
        self.ragged = false;
        self.durable = end;
        self.rows += entries.iter().map(|entry| u64::from(entry.rows)).sum::<u64>();
        Ok(took)
    }

    fn write_frames(&mut self, entries: &[Entry], faults: &Faults) -> Result<u64, WriteFailure> {
        let (id, group) = (self.id, self.durable);
        let bytes = entries.iter().map(Entry::size).sum();
        let mut pages = Pages::at(&self.file, group, bytes, &mut self.buffer);
        let mut position = group;
        for (index, entry) in entries.iter().enumerate() {
            pages.push(&id.frame(entry, position, group))?;
            for part in &entry.payload {
                pages.push(part)?;
            }
            pages.push(&[0; 8][..padded(entry.length) - entry.length])?;
            position += (FRAME + padded(entry.length)) as u64;
            if index == entries.len() / 2 {
                faults.reach_after(CrashPoint::InLogWrite, || pages.write_whole());
            }
        }
        let filling = id.filling(position, group, 0);
        pages.push(&filling)?;
        pages.finish()?;
        Ok(position + filling.len() as u64)
    }

    /// Cuts off what a failed write has left.
    fn repair(&mut self) -> Result<(), WriteFailure> {
        if self.ragged {
            self.file.set_len(self.durable)?;
            self.file.sync_data()?;
            self.ragged = false;
        }
        Ok(())
    }

    /// Writes the seal.
    pub(super) fn seal(&mut self, faults: &Faults) -> Result<(), WriteFailure> {
        self.repair()?;
        if self.rows == 0 {
            return Ok(());
        }
        faults.reach(CrashPoint::BeforeSeal);
        self.ragged = true;
        let filling = self.id.filling(self.durable, self.durable, FRAME);
        let position = self.durable + filling.len() as u64;
        let mut pages = Pages::at(&self.file, self.durable, filling.len() + FRAME, &mut self.buffer);
        pages.push(&filling)?;
        pages.push(&self.id.seal(self.rows, position, self.durable))?;
        pages.finish()?;
        self.file.sync_data()?;
        self.ragged = false;
        self.durable = position + FRAME as u64;
        self.sealed = true;
        faults.reach(CrashPoint::AfterSeal);
        Ok(())
    }

    /// The sealed segment; an empty one is removed instead.
    pub(super) fn into_sealed(self) -> Option<SealedSegment> {
        if !self.sealed {
            // Its name alone is left: nothing was ever in it.
            let _ = std::fs::remove_file(&self.path);
            return None;
        }
        Some(SealedSegment {
            path: self.path,
            sequence: self.id.sequence,
            rows: self.rows,
            bytes: self.durable,
            since: Some(self.since),
            space: self.space,
            kept: self.kept,
        })
    }
}
