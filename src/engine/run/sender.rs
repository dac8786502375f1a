//! Hands batches to the writer, so many at a time, and books what comes back.
//!
//! A failure that time may heal costs its batch and nothing else; one that it cannot heal ends the sending. So does a writer that
//! has made nothing durable for long, and one that does not answer at all: a run never hangs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::board::Board;
use super::producer::Consignment;
use super::rows::{RowOrdinals, Span};
use super::signals::{Limit, Signals};
use crate::writer::{Acknowledged, BatchProgress, CircuitChange, Session, WriteFailure, WriterError};

/// When nothing but failures came back for so long, from so many batches in a row, the writer is given up.
const MOST_PATIENCE: Duration = Duration::from_secs(30);
const FAILURES_IN_A_ROW: u32 = 5;

/// When nothing came back at all for so long: more than the longest a statement or an acknowledgement is waited for.
const SILENCE: Duration = Duration::from_secs(150);

/// How sending has ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// Everything that came from the queue was answered.
    AllAnswered,
    /// Not everything was sent or answered before somebody stopped it.
    Stopped,
    /// The writer has failed for good.
    Failed(WriterError),
}

type Answer = (u64, Result<Acknowledged, WriteFailure>);

/// A batch in flight.
struct Flight {
    rows: RowOrdinals,
    begun: Instant,
    bytes: u64,
}

/// Sends what comes from the queue.
pub(super) struct Sender {
    session: Arc<dyn Session>,
    board: Arc<Board>,
    /// Batches in flight at the same time.
    limit: usize,
    writes: FuturesUnordered<BoxFuture<'static, Answer>>,
    flights: HashMap<u64, Flight>,
    /// Batches handed over so far.
    number: u64,
    last_answer: Instant,
    last_success: Instant,
    failures_in_a_row: u32,
    /// The first failure that waiting does not heal.
    final_failure: Option<WriterError>,
}

impl Sender {
    pub(super) fn new(session: Arc<dyn Session>, board: Arc<Board>, limit: u32, now: Instant) -> Self {
        Self {
            session,
            board,
            limit: limit.max(1) as usize,
            writes: FuturesUnordered::new(),
            flights: HashMap::new(),
            number: 0,
            last_answer: now,
            last_success: now,
            failures_in_a_row: 0,
            final_failure: None,
        }
    }

    /// Sends until the queue is closed, a stop, or the writer has failed for good. What is in flight then stays in flight.
    /// Answers whether everything was sent.
    pub(super) async fn send_all(&mut self, mut queue: mpsc::Receiver<Consignment>, signals: &Signals) -> bool {
        while self.final_failure.is_none() {
            tokio::select! {
                biased;
                () = signals.stop.cancelled() => return false,
                Some(answer) = self.writes.next() => self.book(answer),
                next = queue.recv(), if self.writes.len() < self.limit => match next {
                    Some(consignment) => self.hand_over(consignment),
                    None => return true,
                },
                () = tokio::time::sleep_until(self.last_answer + SILENCE), if !self.writes.is_empty() => return false,
            }
        }
        false
    }

    /// Waits for what is in flight; after a stop only for a while. What is not answered by then is in doubt.
    pub(super) async fn drain(mut self, all_sent: bool, signals: &Signals) -> Ended {
        let mut limit = Limit::default();
        while !self.writes.is_empty() {
            let silent = self.last_answer + SILENCE;
            tokio::select! {
                biased;
                Some(answer) = self.writes.next() => self.book(answer),
                () = tokio::time::sleep_until(limit.until(silent)) => break,
                () = signals.changed(&limit) => limit.shorten(signals),
            }
        }
        let stopped = signals.stop.is_cancelled();
        let given_up = self.give_up(stopped);
        match self.final_failure {
            Some(error) => Ended::Failed(error),
            None if all_sent && !given_up => Ended::AllAnswered,
            None => Ended::Stopped,
        }
    }

    fn hand_over(&mut self, consignment: Consignment) {
        let Consignment { rows, repeated, encoded, encode_took } = consignment;
        let now = Instant::now();
        if self.writes.is_empty() {
            // Silence is counted from here: nothing was to be answered before.
            self.last_answer = now;
        }
        self.board.handed_over(rows.rows(), repeated, encode_took, now);
        let begun = now.checked_sub(encode_took).unwrap_or(now);
        let progress =
            Arc::new(OnItsWay { board: self.board.clone(), span: rows.span(begun), sent: AtomicBool::new(false) });
        self.number += 1;
        let (number, session) = (self.number, self.session.clone());
        self.flights.insert(number, Flight { rows, begun, bytes: encoded.bytes });
        self.writes.push(Box::pin(async move { (number, session.write(encoded, progress).await) }));
    }

    fn book(&mut self, (number, result): Answer) {
        let Some(flight) = self.flights.remove(&number) else { return };
        let now = Instant::now();
        self.last_answer = now;
        match result {
            Ok(answer) => {
                self.failures_in_a_row = 0;
                self.last_success = now;
                let span = flight.rows.span(flight.begun);
                self.board.durable(&flight.rows, span, flight.bytes, answer.calls, answer.at);
            }
            Err(failure) => self.book_failure(&flight, failure, now),
        }
    }

    fn book_failure(&mut self, flight: &Flight, failure: WriteFailure, now: Instant) {
        self.board.failed(&flight.rows, flight.begun, flight.bytes, &failure, now);
        if failure.durable > 0 {
            (self.failures_in_a_row, self.last_success) = (0, now);
        }
        self.failures_in_a_row += 1;
        let hopeless =
            self.failures_in_a_row >= FAILURES_IN_A_ROW && now.duration_since(self.last_success) >= MOST_PATIENCE;
        if !failure.error.is_retryable() || hopeless {
            self.final_failure.get_or_insert(failure.error);
        } else if self.failures_in_a_row == 1 {
            self.board.log("warn", format!("A batch failed: {}", failure.error));
        }
    }

    /// Whatever is still in flight is in doubt: dropping its future gives it up, but it may have arrived.
    /// Answers whether there was something.
    fn give_up(&mut self, stopped: bool) -> bool {
        self.writes.clear();
        if self.flights.is_empty() {
            return false;
        }
        let error = if stopped {
            WriterError::Timeout("the run was stopped before the acknowledgement came".to_owned())
        } else {
            WriterError::Timeout(format!("nothing was acknowledged for {} s", SILENCE.as_secs()))
        };
        let now = Instant::now();
        let mut unanswered: Vec<(u64, Flight)> = self.flights.drain().collect();
        unanswered.sort_by_key(|(number, _)| *number);
        for (_, flight) in unanswered {
            let failure = WriteFailure { error: error.clone(), durable: 0, in_doubt: flight.rows.rows() };
            self.board.failed(&flight.rows, flight.begun, flight.bytes, &failure, now);
        }
        if !stopped {
            self.final_failure.get_or_insert(error);
        }
        true
    }
}

/// A batch on its way, as the session sees it.
struct OnItsWay {
    board: Arc<Board>,
    span: Span,
    sent: AtomicBool,
}

impl BatchProgress for OnItsWay {
    fn sent(&self, at: Instant) {
        if !self.sent.swap(true, Ordering::Relaxed) {
            self.board.sent(&self.span, at);
        }
    }

    fn retried(&self, error: &WriterError) {
        self.board.retried(error);
    }

    fn circuit(&self, change: &CircuitChange) {
        self.board.circuit(change);
    }
}
