//! What a crash has left in a table's log folder: read, judged, put in order; everything here blocks.
//!
//! A tail that was torn while it was written is cut off: nobody was told that it is durable. A segment that is not what
//! was written goes to the folder `quarantine` beside the log, whole, and is reported; the rows in it whose checksums hold
//! are written to a new segment and are not lost. Nothing is guessed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use deltalake::arrow::datatypes::SchemaRef;
use uuid::Uuid;

use super::SealedSegment;
use super::active::ActiveSegment;
use super::segment::{Ending, EntryEncoder, Frame, Origin, Segment};
use super::space::Space;
use crate::lakehouse::disk::{create_folders, pages, sync_folder};
use crate::lakehouse::error::LakehouseError;
use crate::lakehouse::weather::Faults;

/// The state a log goes on from.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) next_sequence: u64,
    /// To be committed, oldest first; all sealed.
    pub(crate) segments: Vec<SealedSegment>,
    /// The last durable offset of each persistent stream that has rows in these segments.
    pub(crate) offsets: HashMap<Uuid, i64>,
    /// One sentence for each file that is not what was written.
    pub(crate) damage: Vec<String>,
}

/// A segment's file.
pub(super) fn path(folder: &Path, sequence: u64) -> PathBuf {
    folder.join(format!("{sequence:020}.log"))
}

/// The last offset of each persistent stream in these frames.
pub(super) fn offsets(frames: &[Frame]) -> HashMap<Uuid, i64> {
    frames.iter().filter_map(|frame| frame.origin).map(|origin| (origin.stream, origin.offset)).collect()
}

/// Reads the folder. Segments up to `committed` are in Delta already: their files are leftovers.
///
/// # Errors
/// [`LakehouseError::Io`] when files cannot be listed, read, written or moved. Running it again continues.
pub(crate) fn recover(
    folder: &Path,
    schema: &SchemaRef,
    committed: u64,
    space: &Space,
) -> Result<Recovered, LakehouseError> {
    let mut recovered = Recovered { next_sequence: committed + 1, ..Default::default() };
    let sequences = sequences(folder).map_err(LakehouseError::io(folder, "Listing the log in"))?;
    let last = sequences.last().copied();
    for sequence in sequences {
        let path = path(folder, sequence);
        recovered.next_sequence = recovered.next_sequence.max(sequence + 1);
        if sequence <= committed {
            std::fs::remove_file(&path).map_err(LakehouseError::io(&path, "Removing"))?;
            continue;
        }
        let bytes = pages::read(&path).map_err(LakehouseError::io(&path, "Reading"))?;
        let segment = Segment::read(bytes, sequence, Some(sequence) == last);
        let keep = match segment {
            Ok(segment) => judge(&path, segment, schema, &mut recovered),
            Err(what) => quarantine(&path, &what.to_string(), "none of its rows can be read", &mut recovered),
        };
        keep.map_err(LakehouseError::io(&path, "Recovering"))?;
    }
    for segment in &mut recovered.segments {
        segment.space = space.take_available(segment.bytes);
    }
    Ok(recovered)
}

/// A segment of this process that cannot be read any more: what is sound in it, in a segment that takes its place.
///
/// # Errors
/// [`LakehouseError::Io`] when its file cannot be read or moved.
pub(crate) fn rescue(
    folder: &Path,
    segment: &SealedSegment,
    schema: &SchemaRef,
) -> Result<Option<SealedSegment>, LakehouseError> {
    let path = path(folder, segment.sequence);
    let bytes = pages::read(&path).map_err(LakehouseError::io(&path, "Reading"))?;
    let mut rescued = Recovered::default();
    let keep = match Segment::read(bytes, segment.sequence, false) {
        Ok(segment) => judge(&path, segment, schema, &mut rescued),
        Err(what) => quarantine(&path, &what.to_string(), "none of its rows can be read", &mut rescued),
    };
    keep.map_err(LakehouseError::io(&path, "Recovering"))?;
    Ok(rescued.segments.pop())
}

fn sequences(folder: &Path) -> std::io::Result<Vec<u64>> {
    let mut sequences = Vec::new();
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(sequences),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        match (path.extension().and_then(|extension| extension.to_str()), stem) {
            (Some("log"), Some(sequence)) => sequences.push(sequence),
            // A segment that never got its name has never held a row.
            (Some("new"), _) => std::fs::remove_file(&path)?,
            _ => {}
        }
    }
    sequences.sort_unstable();
    Ok(sequences)
}

fn judge(path: &Path, segment: Segment, schema: &SchemaRef, recovered: &mut Recovered) -> std::io::Result<()> {
    recovered.offsets.extend(offsets(&segment.frames));
    let rows: u64 = segment.frames.iter().map(|frame| u64::from(frame.rows)).sum();
    match &segment.ending {
        Ending::Sealed => {}
        Ending::Open => seal(path, &segment, rows)?,
        Ending::Torn { valid } => {
            let torn = std::fs::metadata(path)?.len() - *valid as u64;
            tracing::warn!(path = %path.display(), rows, torn_bytes = torn, "a crash tore the log's tail, which nobody was promised; cut off");
            seal(path, &segment, rows)?;
        }
        Ending::Damaged { what } => {
            let what = what.clone();
            return salvage(path, &segment, &what, rows, schema, recovered);
        }
    }
    if rows == 0 {
        return std::fs::remove_file(path);
    }
    let bytes = std::fs::metadata(path)?.len();
    let sequence = segment.id.sequence;
    recovered.segments.push(SealedSegment {
        path: path.to_owned(),
        sequence,
        rows,
        bytes,
        since: None,
        space: Default::default(),
        kept: None,
    });
    Ok(())
}

/// Cuts off what is behind the last whole frame and writes the seal.
fn seal(path: &Path, segment: &Segment, rows: u64) -> std::io::Result<()> {
    let mut file = File::options().read(true).write(true).open(path)?;
    file.set_len(segment.length as u64)?;
    file.seek(SeekFrom::End(0))?;
    let end = segment.length as u64;
    file.write_all(&segment.id.seal(rows, end, end))?;
    file.sync_all()
}

/// Puts the sound rows of a damaged segment into one that takes its place, and the damaged one away. Until the last step
/// the damaged one stays where it is, so a crash in between only means doing it again.
fn salvage(
    path: &Path,
    segment: &Segment,
    what: &str,
    rows: u64,
    schema: &SchemaRef,
    recovered: &mut Recovered,
) -> std::io::Result<()> {
    let other = |error: &dyn std::fmt::Display| std::io::Error::other(error.to_string());
    let batches = match segment.batches() {
        Ok(batches) if !batches.is_empty() => batches,
        Ok(_) => return quarantine(path, what, "there was no sound row in it", recovered),
        Err(error) => return quarantine(path, &format!("{what}; {error}"), "none of its rows can be read", recovered),
    };
    let mut encoder = EntryEncoder::new(schema).map_err(|error| other(&error))?;
    let entries = batches.iter().zip(&segment.frames).map(|(batch, frame)| {
        let origin =
            frame.origin.map(|origin| Origin { stream: origin.stream, first: origin.offset, last: origin.offset });
        encoder.encode(batch, origin)
    });
    let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|error| other(&error))?;
    let folder = path.parent().unwrap_or(path).join("salvage");
    let mut copy = ActiveSegment::create(&folder, segment.id, schema).map_err(|error| other(&error))?;
    copy.write(&entries, &Faults::none())
        .and_then(|_took| copy.seal(&Faults::none()))
        .map_err(|error| other(&error))?;
    let Some(mut sealed) = copy.into_sealed() else { return Ok(()) };
    let damaged = path.with_extension("damaged");
    let _ = std::fs::remove_file(&damaged);
    std::fs::hard_link(path, &damaged)?;
    std::fs::rename(&sealed.path, path)?;
    quarantine(&damaged, what, &format!("{rows} rows in it whose checksums hold were kept"), recovered)?;
    path.clone_into(&mut sealed.path);
    recovered.segments.push(sealed);
    Ok(())
}

/// Moves a file out of the log and says so.
fn quarantine(path: &Path, what: &str, kept: &str, recovered: &mut Recovered) -> std::io::Result<()> {
    let log = path.parent().unwrap_or(path);
    let folder = log.with_file_name("quarantine");
    create_folders(&folder)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let target = folder.join(format!("{}-{name}", Uuid::now_v7().simple()));
    std::fs::rename(path, &target)?;
    sync_folder(&folder)?;
    sync_folder(log)?;
    let sentence = format!(
        "The log segment {} is damaged ({what}); {kept}. It was moved to {}.",
        path.display(),
        target.display()
    );
    tracing::error!("{sentence}");
    recovered.damage.push(sentence);
    Ok(())
}
