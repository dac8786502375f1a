//! Takes records from the source when they are due, encodes them and queues them for the writer.
//!
//! Taking and encoding is work for a processor and goes to a thread of its own, so that no acknowledgement waits for it. When
//! the queue is full nothing is taken; the intended times of the records go on regardless.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::figures::Extent;
use super::rows::{RowOrdinals, Timetable};
use super::source::{Source, Taken};
use crate::model::FieldError;
use crate::writer::{Encoded, Session, WriterError};

/// Encoded batches that wait for the writer when there is no rate.
pub(super) const QUEUE: usize = 4;

/// The same under a rate. A batch is taken as late as possible: while the writer is busy, more records become due, and they
/// share the next batch instead of queueing in small ones.
pub(super) const QUEUE_UNDER_A_RATE: usize = 1;

/// Under a rate, how long after the end of the time what was due may still be taken.
const GRACE: Duration = Duration::from_secs(1);

/// Records on their way from the source to the writer.
pub(super) struct Consignment {
    /// Of the rows of `encoded`.
    pub(super) rows: RowOrdinals,
    /// How many of the rows are there for the second time.
    pub(super) repeated: u64,
    /// What is sent.
    pub(super) encoded: Encoded,
    /// How long that took.
    pub(super) encode_took: Duration,
}

/// Why no more records come.
#[derive(Debug)]
pub(super) enum Problem {
    /// The source has failed.
    Source(String),
    /// The writer cannot carry the records.
    Encode(WriterError),
}

/// Takes records.
pub(super) struct Producer {
    pub(super) source: Box<dyn Source>,
    pub(super) session: Arc<dyn Session>,
    pub(super) timetable: Timetable,
    pub(super) extent: Extent,
    /// Most records in a batch.
    pub(super) batch: u64,
    pub(super) board: Arc<Board>,
    pub(super) queue: mpsc::Sender<Consignment>,
}

impl Producer {
    /// Goes on until all records are taken, the time is over, or `stop`.
    pub(super) async fn produce(self, stop: CancellationToken) -> Result<(), Problem> {
        let board = self.board.clone();
        let ended = stop.run_until_cancelled_owned(self.take_all()).await;
        board.taken_to(None);
        ended.unwrap_or(Ok(()))
    }

    async fn take_all(mut self) -> Result<(), Problem> {
        let deadline = self.deadline();
        let mut next = 0;
        let mut before = None;
        loop {
            let left = self.extent.records.map_or(u64::MAX, |records| records.saturating_sub(next));
            let most = self.batch.min(left);
            if most == 0 {
                return Ok(());
            }
            // Without a receiver there is nobody to send.
            let Some(Ok(place)) = until(deadline, self.queue.clone().reserve_owned()).await else {
                self.tell_what_is_late(next);
                return Ok(());
            };
            let departure = self.timetable.start + self.timetable.pacer.departure(next, before, most);
            if Instant::now() < departure && until(deadline, tokio::time::sleep_until(departure)).await.is_none() {
                return Ok(());
            }
            let elapsed = Instant::now().saturating_duration_since(self.timetable.start);
            let due = self.timetable.pacer.due(elapsed).saturating_sub(next).clamp(1, most);
            let want_details = self.board.wants_invalid();
            let (source, made) = make(self.source, self.session.clone(), due, want_details).await?;
            self.source = source;
            let Some(made) = made else { return Ok(()) };
            before = Some(elapsed);
            next = made.next;
            self.board.taken_to(Some(next));
            if made.invalid.rows() > 0 {
                self.board.invalid(&made.invalid, &made.details);
            }
            if made.own_ids {
                self.board.ids_are_foreign();
            }
            if let Some(consignment) = made.consignment {
                place.send(consignment);
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let grace = if self.timetable.pacer.is_limited() { GRACE } else { Duration::ZERO };
        self.extent.time.map(|time| self.timetable.start + time + grace)
    }

    fn tell_what_is_late(&self, next: u64) {
        if let Some(records) = self.extent.records.filter(|records| *records > next && !self.queue.is_closed()) {
            self.board.not_sent(records - next);
        }
    }
}

/// Waits for `work`, but not beyond `deadline`.
async fn until<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) if Instant::now() >= deadline => None,
        Some(deadline) => tokio::time::timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

struct Made {
    /// The record behind the last one taken.
    next: u64,
    invalid: RowOrdinals,
    details: Vec<FieldError>,
    own_ids: bool,
    /// `None` when all of them are invalid.
    consignment: Option<Consignment>,
}

/// Takes up to `count` records and encodes them, on a thread for such work. Without a [`Made`] the source is at its end.
async fn make(
    mut source: Box<dyn Source>,
    session: Arc<dyn Session>,
    count: u64,
    want_details: bool,
) -> Result<(Box<dyn Source>, Option<Made>), Problem> {
    let work = move || {
        let Some(taken) = source.take(count, want_details).map_err(Problem::Source)? else {
            return Ok((source, None));
        };
        let made = encode(taken, &*session)?;
        Ok((source, Some(made)))
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(made) => made,
        Err(error) => Err(Problem::Source(format!("making records ended unexpectedly ({error})"))),
    }
}

fn encode(taken: Taken, session: &dyn Session) -> Result<Made, Problem> {
    let Taken { records, rows, repeated, invalid, details, own_ids, next } = taken;
    if rows.rows() == 0 {
        return Ok(Made { next, invalid, details, own_ids, consignment: None });
    }
    let began = Instant::now();
    let encoded = session.encode(&records).map_err(Problem::Encode)?;
    let consignment = Consignment { rows, repeated, encoded, encode_took: began.elapsed() };
    Ok(Made { next, invalid, details, own_ids, consignment: Some(consignment) })
}
