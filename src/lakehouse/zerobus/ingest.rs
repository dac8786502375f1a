//! Calls to log entries: offsets checked, records decoded, many calls put together.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tonic::Status;
use uuid::Uuid;

use super::status_of;
use super::wire::{Call, Records, Wire};
use crate::lakehouse::decode::{BatchBuilder, Decoder, Encoded};
use crate::lakehouse::log::{Entry, EntryEncoder, Origin};
use crate::lakehouse::table::Table;

/// The service's limit for one record.
const LARGEST_RECORD: usize = 10 * 1024 * 1024;
/// Calls are put together until their rows have so many bytes.
const ENTRY_BYTES: usize = 4 << 20;
/// What one call's rows may take when they are decoded: few bytes on the wire can be very many in columns.
const LARGEST_CALL: usize = 128 << 20;

/// What a stream's messages become, whatever they look like on the wire.
pub(super) trait Source: Send {
    type Request: Send + 'static;
    type Response: Send + 'static;

    fn table(&self) -> &Arc<Table>;
    /// Decodes a message. After an error those before it can still be [taken](Source::take).
    fn decode(&mut self, request: Self::Request) -> Result<(), Status>;
    /// Whether enough has come for an entry.
    fn is_full(&self) -> bool;
    /// What has been decoded so far; `None` when nothing has.
    fn take(&mut self) -> Result<Option<Decoded>, Status>;
    fn acknowledgement(mark: Mark) -> Self::Response;
    /// Tells the client to finish within a time; `mark` is what is acknowledged so far.
    fn close_signal(within: Duration, mark: Mark) -> Self::Response;
}

/// How far a stream is: the offset of a call and the rows up to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) offset: i64,
    pub(super) rows: u64,
}

/// Calls as the two kinds of gRPC stream send them.
pub(super) struct Calls<W> {
    ingest: Ingest,
    wire: PhantomData<fn() -> W>,
}

impl<W> Calls<W> {
    pub(super) fn new(ingest: Ingest) -> Self {
        Self { ingest, wire: PhantomData }
    }
}

impl<W: Wire> Source for Calls<W> {
    type Request = W::Request;
    type Response = W::Response;

    fn table(&self) -> &Arc<Table> {
        &self.ingest.table
    }

    fn decode(&mut self, request: W::Request) -> Result<(), Status> {
        self.ingest.decode(W::call(request)?)
    }

    fn is_full(&self) -> bool {
        self.ingest.rows.bytes() >= ENTRY_BYTES
    }

    fn take(&mut self) -> Result<Option<Decoded>, Status> {
        self.ingest.take()
    }

    fn acknowledgement(mark: Mark) -> W::Response {
        W::acknowledgement(mark.offset)
    }

    fn close_signal(within: Duration, _: Mark) -> W::Response {
        W::close_signal(within)
    }
}

/// Decodes what comes on one stream.
pub(super) struct Ingest {
    table: Arc<Table>,
    decoder: Decoder,
    encoder: EntryEncoder,
    /// For persistent streams, whose offsets go into the log with their rows.
    stream: Option<Uuid>,
    next_offset: i64,
    rows: BatchBuilder,
    /// Rows of whole calls; rows of a call that failed in its middle come after them.
    whole: usize,
    first_offset: i64,
    taken: u64,
}

/// Rows of whole calls, ready for the log, and what acknowledges them.
pub(super) struct Decoded {
    pub(super) entry: Entry,
    pub(super) mark: Mark,
}

impl Ingest {
    /// For calls from `next_offset` on.
    pub(super) fn new(
        table: Arc<Table>,
        decoder: Decoder,
        stream: Option<Uuid>,
        next_offset: i64,
    ) -> Result<Self, Status> {
        let encoder = table.encoder().map_err(|error| status_of(&error))?;
        let rows = BatchBuilder::new(table.arrow_schema());
        Ok(Self { table, decoder, encoder, stream, next_offset, rows, whole: 0, first_offset: next_offset, taken: 0 })
    }

    /// Decodes a call. After an error the calls before it can still be [taken](Ingest::take).
    pub(super) fn decode(&mut self, call: Call) -> Result<(), Status> {
        self.check_offset(call.offset)?;
        match &call.records {
            Records::Protobuf(records) => {
                self.decode_records(records.iter().map(|record| Encoded::Protobuf(record)))?;
            }
            Records::Json(records) => self.decode_records(records.iter().map(|record| Encoded::Json(record)))?,
        }
        self.whole = self.rows.rows();
        self.next_offset += 1;
        Ok(())
    }

    fn decode_records<'a>(&mut self, records: impl Iterator<Item = Encoded<'a>>) -> Result<(), Status> {
        for (index, record) in records.enumerate() {
            let size = record.size();
            let wrong =
                |what: String| Status::invalid_argument(format!("offset {}, record {index}: {what}", self.next_offset));
            if size > LARGEST_RECORD {
                return Err(wrong(format!("{size} bytes; a record may have {LARGEST_RECORD}.")));
            }
            self.decoder.decode(record, &mut self.rows).map_err(|error| wrong(format!("{error}.")))?;
            if self.rows.bytes() > LARGEST_CALL + ENTRY_BYTES {
                return Err(wrong(format!(
                    "the rows of this call take more than {LARGEST_CALL} bytes; send fewer at once."
                )));
            }
        }
        Ok(())
    }

    fn check_offset(&self, offset: Option<i64>) -> Result<(), Status> {
        match offset {
            Some(offset) if offset == self.next_offset => Ok(()),
            other => {
                let came = other.map_or_else(|| "none".to_owned(), |offset| offset.to_string());
                Err(Status::invalid_argument(format!("Offset {} was expected, {came} came.", self.next_offset)))
            }
        }
    }

    /// What has been decoded so far; `None` when no whole call has.
    pub(super) fn take(&mut self) -> Result<Option<Decoded>, Status> {
        let (first, last_offset) = (self.first_offset, self.next_offset - 1);
        if last_offset < first {
            return Ok(None);
        }
        let internal = |error: &dyn std::fmt::Display| Status::internal(format!("decoded rows are no entry: {error}"));
        let batch = self.rows.finish().map_err(|error| internal(&error))?.slice(0, self.whole);
        let origin = self.stream.map(|stream| Origin { stream, first, last: last_offset });
        let entry = self.encoder.encode(&batch, origin).map_err(|error| internal(&error))?;
        self.taken += self.whole as u64;
        self.whole = 0;
        self.first_offset = self.next_offset;
        Ok(Some(Decoded { entry, mark: Mark { offset: last_offset, rows: self.taken } }))
    }
}
