//! A segment: one file of the log, rows of one table that are durable and not yet in Delta.
//!
//! ```text
//! header   magic 8 | log id 16 | sequence 8 | schema length 4 | checksum 4 | schema (Arrow IPC message), to 8 bytes
//! frame    length 4 | kind 4 | rows 4 | checksum of the payload 4 | stream 16 | offset 8 | group 8 | checksum of this header 4 | 0 4
//!          payload (Arrow IPC message of one record batch), to 8 bytes
//! ...
//! filling  a frame of zeros behind the header and behind each group commit, up to a multiple of 4096: so they can be
//!          written in whole pages, and never touch a page that was synced before
//! seal     a frame without payload; `rows` counts the segment's
//! ```
//!
//! Numbers are little-endian. Checksums are CRC-32 and begin with the log's id, the sequence and the position, so that no
//! frame is taken for one of another place. `group` is the length of the file when the group commit that wrote the frame
//! began: everything before it was on the disk by then. That tells a tail torn by a crash, which nobody was promised, from
//! damage to what was promised.

use std::ops::Range;

use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::buffer::Buffer;
use deltalake::arrow::datatypes::{Schema, SchemaRef};
use deltalake::arrow::error::ArrowError;
use deltalake::arrow::ipc::reader::StreamDecoder;
use deltalake::arrow::ipc::writer::StreamEncoder;
use uuid::Uuid;

use crate::lakehouse::disk::pages::PAGE;

const MAGIC: [u8; 8] = *b"DWLOG\0\0\x01";
const HEADER: usize = 40;
/// Bytes of a frame before its payload.
pub(super) const FRAME: usize = 56;
const ROWS: u32 = 1;
const SEAL: u32 = 2;
const FILLING: u32 = 3;
/// What Arrow's stream format ends with; a segment's schema message goes without.
const END_OF_STREAM: usize = 8;
/// A longer payload is never written, so a longer one that is read is damage.
pub(crate) const LARGEST_PAYLOAD: usize = 192 << 20;

/// Whose rows an entry holds, when the client's offsets have to survive: the stream, and the offsets of its first and
/// last call. On the disk only the last is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) stream: Uuid,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// How far a persistent stream has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamOffset {
    pub(super) stream: Uuid,
    pub(super) offset: i64,
}

/// Rows on their way into the log, encoded.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(super) rows: u32,
    pub(super) origin: Option<Origin>,
    pub(super) payload: Vec<Buffer>,
    pub(super) length: usize,
    /// Of the payload. Made where the rows are, so that many streams share the work and the log's task only writes.
    checksum: u32,
    /// The same rows, which share their memory with the payload.
    pub(super) batch: RecordBatch,
}

impl Entry {
    /// Bytes it takes in the log.
    pub(crate) fn size(&self) -> usize {
        FRAME + padded(self.length)
    }
}

/// Encodes the rows of one stream for the log.
pub(crate) struct EntryEncoder {
    encoder: StreamEncoder,
}

impl EntryEncoder {
    /// # Errors
    /// When Arrow's IPC format does not know one of the column types.
    pub(crate) fn new(schema: &SchemaRef) -> Result<Self, ArrowError> {
        let mut encoder = StreamEncoder::try_new(schema)?;
        // The first encoding carries the schema, which segments have in their header.
        encoder.encode(&RecordBatch::new_empty(schema.clone()))?;
        Ok(Self { encoder })
    }

    /// # Errors
    /// When the batch is not of the schema, or too large for one frame.
    pub(crate) fn encode(&mut self, batch: &RecordBatch, origin: Option<Origin>) -> Result<Entry, ArrowError> {
        let payload = self.encoder.encode(batch)?;
        let length = payload.iter().map(Buffer::len).sum();
        let rows = u32::try_from(batch.num_rows()).ok().filter(|_| length <= LARGEST_PAYLOAD);
        let too_large = || ArrowError::InvalidArgumentError(format!("{length} bytes of rows at once; send fewer"));
        let rows = rows.ok_or_else(too_large)?;
        let mut checksum = crc32fast::Hasher::new();
        payload.iter().for_each(|part| checksum.update(part));
        Ok(Entry { rows, origin, payload, length, checksum: checksum.finalize(), batch: batch.clone() })
    }
}

/// What names a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentId {
    pub(super) log: Uuid,
    pub(super) sequence: u64,
}

impl SegmentId {
    fn checksum(self, position: u64) -> crc32fast::Hasher {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(self.log.as_bytes());
        hasher.update(&self.sequence.to_le_bytes());
        hasher.update(&position.to_le_bytes());
        hasher
    }

    /// The first bytes of the file, up to a multiple of [`PAGE`].
    pub(super) fn header(self, schema: &Schema) -> Result<Vec<u8>, ArrowError> {
        let message: Vec<u8> =
            StreamEncoder::try_new(schema)?.finish()?.iter().flat_map(|buffer| buffer.iter().copied()).collect();
        let message = &message[..message.len() - END_OF_STREAM];
        let length = u32::try_from(message.len()).map_err(|error| ArrowError::IpcError(error.to_string()))?;
        let mut bytes = Vec::with_capacity(HEADER + padded(message.len()));
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(self.log.as_bytes());
        bytes.extend_from_slice(&self.sequence.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        let mut checksum = self.checksum(0);
        checksum.update(&MAGIC);
        checksum.update(message);
        bytes.extend_from_slice(&checksum.finalize().to_le_bytes());
        bytes.extend_from_slice(message);
        bytes.resize(HEADER + padded(message.len()), 0);
        let position = bytes.len() as u64;
        bytes.extend_from_slice(&self.filling(position, position, 0));
        Ok(bytes)
    }

    /// The frame that fills the file from `position` up to `before_end` bytes before a multiple of [`PAGE`]; nothing where
    /// nothing is to be filled.
    pub(super) fn filling(self, position: u64, group: u64, before_end: usize) -> Vec<u8> {
        let gap = |least: usize| {
            let end = (position as usize + least + before_end).next_multiple_of(PAGE) - before_end;
            end - position as usize
        };
        // A gap that is too small for a frame goes on over the next page.
        let gap = if gap(0) == 0 { return Vec::new() } else { gap(FRAME) };
        let zeros = vec![0; gap - FRAME];
        let head = FrameHead {
            length: zeros.len() as u32,
            kind: FILLING,
            rows: 0,
            payload: crc32fast::hash(&zeros),
            stream: Uuid::nil(),
            offset: 0,
            group,
        };
        [head.write(self, position).as_slice(), &zeros].concat()
    }

    /// The header of the frame that stands at `position`, written by the group commit that began at `group`.
    pub(super) fn frame(self, entry: &Entry, position: u64, group: u64) -> [u8; FRAME] {
        let (stream, offset) = entry.origin.map_or((Uuid::nil(), 0), |origin| (origin.stream, origin.last));
        let head = FrameHead {
            length: entry.length as u32,
            kind: ROWS,
            rows: entry.rows,
            payload: entry.checksum,
            stream,
            offset,
            group,
        };
        head.write(self, position)
    }

    /// The frame that ends a segment, written together with what stands between `group` and it.
    pub(super) fn seal(self, rows: u64, position: u64, group: u64) -> [u8; FRAME] {
        let head = FrameHead {
            length: 0,
            kind: SEAL,
            rows: u32::try_from(rows).unwrap_or(u32::MAX),
            payload: 0,
            stream: Uuid::nil(),
            offset: 0,
            group,
        };
        head.write(self, position)
    }
}

/// Bytes with their padding.
pub(super) fn padded(length: usize) -> usize {
    length.next_multiple_of(8)
}

struct FrameHead {
    length: u32,
    kind: u32,
    rows: u32,
    payload: u32,
    stream: Uuid,
    offset: i64,
    group: u64,
}

impl FrameHead {
    fn write(&self, segment: SegmentId, position: u64) -> [u8; FRAME] {
        let mut bytes = [0; FRAME];
        bytes[0..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.kind.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.rows.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.payload.to_le_bytes());
        bytes[16..32].copy_from_slice(self.stream.as_bytes());
        bytes[32..40].copy_from_slice(&self.offset.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.group.to_le_bytes());
        let mut checksum = segment.checksum(position);
        checksum.update(&bytes[..48]);
        bytes[48..52].copy_from_slice(&checksum.finalize().to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8], segment: SegmentId, position: usize) -> Option<Self> {
        let bytes = bytes.get(position..position.checked_add(FRAME)?)?;
        let mut checksum = segment.checksum(position as u64);
        checksum.update(&bytes[..48]);
        if u32_at(bytes, 48) != checksum.finalize() || u32_at(bytes, 52) != 0 {
            return None;
        }
        Some(Self {
            length: u32_at(bytes, 0),
            kind: u32_at(bytes, 4),
            rows: u32_at(bytes, 8),
            payload: u32_at(bytes, 12),
            stream: Uuid::from_bytes(bytes[16..32].try_into().ok()?),
            offset: i64::from_le_bytes(bytes[32..40].try_into().ok()?),
            group: u64_at(bytes, 40),
        })
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].iter().take(4).rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].iter().take(8).rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A frame whose checksums hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) rows: u32,
    pub(super) origin: Option<StreamOffset>,
    payload: Range<usize>,
}

/// How a segment's file ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With its seal: it is whole.
    Sealed,
    /// After a frame, as a crash between two group commits leaves it.
    Open,
    /// In the middle of the last group commit. What follows `valid` was never acknowledged.
    Torn { valid: usize },
    /// Bytes that were on the disk have changed or are gone.
    Damaged { what: String },
}

/// A segment that was read.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) id: SegmentId,
    pub(super) frames: Vec<Frame>,
    pub(super) ending: Ending,
    /// Where the next frame would be, when the ending is clean.
    pub(super) length: usize,
    schema: Range<usize>,
    bytes: Buffer,
}

impl Segment {
    /// Reads a file's bytes. `is_last` says that no later segment exists: only the last may go without a seal.
    ///
    /// # Errors
    /// [`BadHeader`]: without its schema nothing in it can be read. A segment gets its name after its header is on the
    /// disk, so no crash explains that.
    pub(super) fn read(bytes: impl Into<Buffer>, sequence: u64, is_last: bool) -> Result<Self, BadHeader> {
        let bytes = bytes.into();
        let (id, schema) = read_header(&bytes, sequence)?;
        let mut segment =
            Self { id, frames: Vec::new(), ending: Ending::Open, length: padded(schema.end), schema, bytes };
        segment.read_frames(is_last);
        Ok(segment)
    }

    fn read_frames(&mut self, is_last: bool) {
        let mut rows = 0_u64;
        let mut position = self.length;
        while position < self.bytes.len() {
            match self.frame_at(position) {
                Some((head, frame)) if head.kind == ROWS => {
                    rows += u64::from(frame.rows);
                    position = padded(frame.payload.end);
                    self.frames.push(frame);
                }
                Some((head, frame)) if head.kind == FILLING => position = frame.payload.end,
                Some((head, _)) => {
                    let counted = u64::from(head.rows) == rows.min(u64::from(u32::MAX));
                    self.length = position;
                    self.ending = match (counted, position + FRAME == self.bytes.len()) {
                        (true, true) => Ending::Sealed,
                        (false, _) => damaged(format!("its seal counts {} rows, {rows} are there", head.rows)),
                        (true, false) => damaged(format!("bytes follow its seal at {position}")),
                    };
                    return;
                }
                None => return self.end_at_bad_frame(position, is_last),
            }
        }
        self.length = position;
        self.ending = if is_last { Ending::Open } else { damaged("its seal is missing".to_owned()) };
    }

    fn frame_at(&self, position: usize) -> Option<(FrameHead, Frame)> {
        let head = FrameHead::read(&self.bytes, self.id, position)?;
        let start = position + FRAME;
        let end = start.checked_add(head.length as usize).filter(|_| head.length as usize <= LARGEST_PAYLOAD)?;
        let payload = self.bytes.get(start..end)?;
        if !matches!(head.kind, ROWS | SEAL | FILLING)
            || padded(end) > self.bytes.len()
            || crc32fast::hash(payload) != head.payload
        {
            return None;
        }
        let origin = (!head.stream.is_nil()).then_some(StreamOffset { stream: head.stream, offset: head.offset });
        let frame = Frame { rows: head.rows, origin, payload: start..end };
        Some((head, frame))
    }

    /// A bad frame is a torn tail when everything sound behind it was written by the same group commit, or nothing sound
    /// follows; otherwise it had been on the disk, and is damage. Sound frames behind damage are kept.
    fn end_at_bad_frame(&mut self, bad: usize, is_last: bool) {
        let mut behind = Vec::new();
        let mut promised = !is_last;
        let mut position = bad + 8;
        while position + FRAME <= self.bytes.len() {
            if FrameHead::read(&self.bytes, self.id, position).is_none() {
                position += 8;
                continue;
            }
            match self.frame_at(position) {
                Some((head, frame)) => {
                    promised |= head.group > bad as u64;
                    position = padded(frame.payload.end);
                    behind.extend((head.kind == ROWS).then_some(frame));
                }
                None => position += 8,
            }
        }
        self.length = bad;
        self.ending = if promised {
            self.frames.append(&mut behind);
            damaged(format!("the frame at {bad} does not match its checksum"))
        } else {
            Ending::Torn { valid: bad }
        };
    }

    /// The rows, frame by frame.
    ///
    /// # Errors
    /// When Arrow cannot read what the checksums vouch for.
    pub(super) fn batches(&self) -> Result<Vec<RecordBatch>, ArrowError> {
        let mut decoder = StreamDecoder::new();
        decoder.decode(&mut self.slice(&self.schema))?;
        let batches = self.frames.iter().map(|frame| {
            let batch = decoder.decode(&mut self.slice(&frame.payload))?;
            batch.ok_or_else(|| ArrowError::IpcError("a frame holds no record batch".to_owned()))
        });
        batches.collect()
    }

    fn slice(&self, range: &Range<usize>) -> Buffer {
        self.bytes.slice_with_length(range.start, range.len())
    }
}

fn damaged(what: String) -> Ending {
    Ending::Damaged { what }
}

/// Why a file cannot be read as a segment at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadHeader {
    #[error("it is shorter than its header")]
    Short,
    #[error("it does not begin as a segment does")]
    Magic,
    #[error("it says it is segment {0}")]
    Sequence(u64),
    #[error("its header does not match its checksum")]
    Checksum,
}

fn read_header(bytes: &[u8], expected: u64) -> Result<(SegmentId, Range<usize>), BadHeader> {
    if bytes.len() < HEADER {
        return Err(BadHeader::Short);
    }
    if bytes[..8] != MAGIC {
        return Err(BadHeader::Magic);
    }
    let mut log = [0; 16];
    log.copy_from_slice(&bytes[8..24]);
    let id = SegmentId { log: Uuid::from_bytes(log), sequence: u64_at(bytes, 24) };
    let schema = HEADER..HEADER.saturating_add(u32_at(bytes, 32) as usize);
    let message = bytes.get(schema.clone()).filter(|_| padded(schema.end) <= bytes.len()).ok_or(BadHeader::Short)?;
    let mut checksum = id.checksum(0);
    checksum.update(&MAGIC);
    checksum.update(message);
    if u32_at(bytes, 36) != checksum.finalize() {
        return Err(BadHeader::Checksum);
    }
    if id.sequence != expected {
        return Err(BadHeader::Sequence(id.sequence));
    }
    Ok((id, schema))
}
