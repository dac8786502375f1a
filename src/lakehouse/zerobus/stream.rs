//! A stream between its opening and its end: reading, logging and acknowledging overlap.

use std::time::Duration;

use futures::future::{BoxFuture, Fuse};
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::ingest::{Decoded, Ingest};
use super::status_of;
use super::wire::Wire;
use crate::lakehouse::LakehouseError;
use crate::lakehouse::log::Pending;
use crate::lakehouse::weather::{CrashPoint, Event, Faults};

/// Entries of one stream on their way to the disk; beyond this it stops reading, and HTTP/2 slows the client down.
const UNDER_WAY: usize = 8;
/// How long clients have to finish when the lakehouse stops.
const STOPPING: Duration = Duration::from_secs(4);
/// How long clients have to finish when their stream's time is over.
const ROTATING: Duration = Duration::from_secs(10);

/// What ends streams from outside.
pub(super) struct Ends {
    /// The lakehouse is stopping.
    pub(super) stopping: CancellationToken,
    /// Another connection has taken the stream over, or it was retired.
    pub(super) replaced: CancellationToken,
    /// How long a stream lives.
    pub(super) rotation: Duration,
}

/// Where answers go.
pub(super) type Answers<W> = Sender<Result<<W as Wire>::Response, Status>>;

/// Hands an answer to the client.
pub(super) async fn say<T>(answers: &Sender<Result<T, Status>>, answer: T) -> Result<(), Status> {
    answers.send(Ok(answer)).await.map_err(|_| Status::cancelled("the client has gone"))
}

type Durable = BoxFuture<'static, Result<i64, LakehouseError>>;
type Queueing = BoxFuture<'static, Result<(Pending, i64), LakehouseError>>;

/// Serves a stream that was opened until the client or something else ends it.
///
/// # Errors
/// The status it ends with, after everything that was taken before it has been acknowledged.
pub(super) async fn run<W: Wire>(
    mut ingest: Ingest,
    mut inbound: Streaming<W::Request>,
    answers: &Answers<W>,
    ends: Ends,
) -> Result<(), Status> {
    let faults = ingest.table().faults().clone();
    let mut events = faults.events();
    let mut durable = FuturesOrdered::<Durable>::new();
    let mut queueing: Fuse<Queueing> = Fuse::terminated();
    let mut closing = std::pin::pin!(Fuse::terminated());
    let mut rotation = std::pin::pin!(tokio::time::sleep(ends.rotation).fuse());
    let mut stopping = std::pin::pin!(ends.stopping.cancelled_owned().fuse());
    let mut over = String::new();
    let ended = loop {
        use futures::future::FusedFuture;
        let reads = queueing.is_terminated() && durable.len() < UNDER_WAY;
        tokio::select! {
            Some(done) = durable.next() => acknowledge::<W>(done, &mut durable, answers, &faults).await?,
            queued = &mut queueing => match queued {
                Ok((pending, offset)) => durable.push_back(when_durable(pending, offset, faults.clone())),
                Err(error) => break Err(status_of(&error)),
            },
            message = inbound.next(), if reads => {
                let outcome = take::<W>(&mut ingest, message, &mut inbound);
                match ingest.take() {
                    Ok(Some(decoded)) => queueing = queue(&ingest, decoded).fuse(),
                    Ok(None) => {}
                    Err(status) => break Err(status),
                }
                match outcome {
                    Ok(More) => {}
                    Ok(NoMore) => break Ok(()),
                    Err(status) => break Err(status),
                }
            }
            () = &mut stopping => {
                over = "The lakehouse is stopping. Send what was not acknowledged again.".to_owned();
                say(answers, W::close_signal(STOPPING)).await?;
                closing.set(tokio::time::sleep(STOPPING).fuse());
            }
            () = &mut rotation => {
                over = rotated(ends.rotation);
                say(answers, W::close_signal(ROTATING)).await?;
                closing.set(tokio::time::sleep(ROTATING).fuse());
            }
            event = events.next() => match event {
                Event::CloseStreams => return Err(Status::unavailable("The stream was closed by the weather.")),
                Event::RotateStreams => rotation.set(tokio::time::sleep(Duration::ZERO).fuse()),
                Event::ExpireTokens => {}
            },
            () = &mut closing => break Err(Status::unavailable(over)),
            () = ends.replaced.cancelled() => break Err(Status::aborted("Another connection has taken this stream over, or it was retired.")),
        }
    };
    // What was taken before the end is acknowledged before the end is told.
    if !futures::future::FusedFuture::is_terminated(&queueing) {
        let (pending, offset) = queueing.await.map_err(|error| status_of(&error))?;
        durable.push_back(when_durable(pending, offset, faults.clone()));
    }
    while let Some(done) = durable.next().await {
        acknowledge::<W>(done, &mut durable, answers, &faults).await?;
    }
    ended
}

fn rotated(after: Duration) -> String {
    format!(
        "Stream timeout reached. Streams live {} s; open a new one. Error Code: 6002, Error State: 1.",
        after.as_secs()
    )
}

enum Continuation {
    More,
    NoMore,
}
use Continuation::{More, NoMore};

/// Decodes a message and those that have arrived behind it, up to an entry's size.
fn take<W: Wire>(
    ingest: &mut Ingest,
    first: Option<Result<W::Request, Status>>,
    inbound: &mut Streaming<W::Request>,
) -> Result<Continuation, Status> {
    let mut message = first;
    loop {
        let Some(request) = message else { return Ok(NoMore) };
        ingest.decode(W::call(request?)?)?;
        if ingest.is_full() {
            return Ok(More);
        }
        match inbound.next().now_or_never() {
            Some(next) => message = next,
            None => return Ok(More),
        }
    }
}

fn queue(ingest: &Ingest, decoded: Decoded) -> Queueing {
    let table = ingest.table().clone();
    async move { Ok((table.append(decoded.entry).await?, decoded.last_offset)) }.boxed()
}

fn when_durable(pending: Pending, offset: i64, faults: Faults) -> Durable {
    let wait = async move {
        pending.durable().await?;
        if let Some(latency) = faults.latency() {
            tokio::time::sleep(latency).await;
        }
        Ok(offset)
    };
    wait.boxed()
}

/// Acknowledges an entry and those behind it that are durable as well, at once.
async fn acknowledge<W: Wire>(
    first: Result<i64, LakehouseError>,
    durable: &mut FuturesOrdered<Durable>,
    answers: &Answers<W>,
    faults: &Faults,
) -> Result<(), Status> {
    let mut failed = None;
    let mut offset = first.map_err(|error| status_of(&error))?;
    while let Some(Some(next)) = durable.next().now_or_never() {
        match next {
            Ok(next) => offset = next,
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    if !faults.loses_ack() {
        faults.reach(CrashPoint::BeforeAck);
        say(answers, W::acknowledgement(offset)).await?;
        faults.reach(CrashPoint::AfterAck);
    }
    failed.map_or(Ok(()), |error| Err(status_of(&error)))
}
