//! A stream between its opening and its end: reading, logging and acknowledging overlap.

use std::time::Duration;

use futures::future::{BoxFuture, Fuse};
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::ingest::{Decoded, Mark, Source};
use super::status_of;
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
pub(super) type Answers<T> = Sender<Result<T, Status>>;

/// Hands an answer to the client.
pub(super) async fn say<T>(answers: &Answers<T>, answer: T) -> Result<(), Status> {
    answers.send(Ok(answer)).await.map_err(|_| Status::cancelled("the client has gone"))
}

type Durable = BoxFuture<'static, Result<Mark, LakehouseError>>;
type Queueing = BoxFuture<'static, Result<(Pending, Mark), LakehouseError>>;

/// Serves a stream that was opened until the client or something else ends it.
///
/// # Errors
/// The status it ends with, after everything that was taken before it has been acknowledged; at once when the stream
/// belongs to another connection.
pub(super) async fn run<S: Source>(
    source: S,
    inbound: Streaming<S::Request>,
    answers: &Answers<S::Response>,
    ends: Ends,
) -> Result<(), Status> {
    let replaced = ends.replaced.clone();
    tokio::select! {
        biased;
        () = replaced.cancelled() => {
            Err(Status::aborted("Another connection has taken this stream over, or it was retired."))
        }
        ended = serve(source, inbound, answers, ends) => ended,
    }
}

async fn serve<S: Source>(
    mut source: S,
    mut inbound: Streaming<S::Request>,
    answers: &Answers<S::Response>,
    ends: Ends,
) -> Result<(), Status> {
    let _counted = source.table().metrics().open_stream();
    let faults = source.table().faults().clone();
    let mut events = faults.events();
    let mut durable = FuturesOrdered::<Durable>::new();
    let mut queueing: Fuse<Queueing> = Fuse::terminated();
    let mut closing = std::pin::pin!(Fuse::terminated());
    let mut rotation = std::pin::pin!(tokio::time::sleep(ends.rotation).fuse());
    let mut stopping = std::pin::pin!(ends.stopping.cancelled_owned().fuse());
    let mut over = String::new();
    let mut reached = Mark { offset: -1, rows: 0 };
    let ended = loop {
        use futures::future::FusedFuture;
        let reads = queueing.is_terminated() && durable.len() < UNDER_WAY;
        tokio::select! {
            Some(done) = durable.next() => reached = acknowledge::<S>(done, &mut durable, answers, &faults).await?,
            queued = &mut queueing => match queued {
                Ok((pending, mark)) => durable.push_back(when_durable(pending, mark, faults.clone())),
                Err(error) => break Err(status_of(&error)),
            },
            message = inbound.next(), if reads => {
                let outcome = take(&mut source, message, &mut inbound);
                match source.take() {
                    Ok(Some(decoded)) => queueing = queue(&source, decoded).fuse(),
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
                say(answers, S::close_signal(STOPPING, reached)).await?;
                closing.set(tokio::time::sleep(STOPPING).fuse());
            }
            () = &mut rotation => {
                over = rotated(ends.rotation);
                say(answers, S::close_signal(ROTATING, reached)).await?;
                closing.set(tokio::time::sleep(ROTATING).fuse());
            }
            event = events.next() => match event {
                Event::CloseStreams => return Err(Status::unavailable("The stream was closed by the weather.")),
                Event::RotateStreams => rotation.set(tokio::time::sleep(Duration::ZERO).fuse()),
                Event::ExpireTokens => {}
            },
            () = &mut closing => break Err(Status::unavailable(over)),
        }
    };
    // What was taken before the end is acknowledged before the end is told.
    if !futures::future::FusedFuture::is_terminated(&queueing) {
        let (pending, mark) = queueing.await.map_err(|error| status_of(&error))?;
        durable.push_back(when_durable(pending, mark, faults.clone()));
    }
    while let Some(done) = durable.next().await {
        acknowledge::<S>(done, &mut durable, answers, &faults).await?;
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
fn take<S: Source>(
    source: &mut S,
    first: Option<Result<S::Request, Status>>,
    inbound: &mut Streaming<S::Request>,
) -> Result<Continuation, Status> {
    let mut message = first;
    loop {
        let Some(request) = message else { return Ok(NoMore) };
        source.decode(request?)?;
        if source.is_full() {
            return Ok(More);
        }
        match inbound.next().now_or_never() {
            Some(next) => message = next,
            None => return Ok(More),
        }
    }
}

fn queue(source: &impl Source, decoded: Decoded) -> Queueing {
    let table = source.table().clone();
    async move { Ok((table.append(decoded.entry).await?, decoded.mark)) }.boxed()
}

fn when_durable(pending: Pending, mark: Mark, faults: Faults) -> Durable {
    let wait = async move {
        pending.durable().await?;
        if let Some(latency) = faults.latency() {
            tokio::time::sleep(latency).await;
        }
        Ok(mark)
    };
    wait.boxed()
}

/// Acknowledges an entry and those behind it that are durable as well, at once; says how far that is.
async fn acknowledge<S: Source>(
    first: Result<Mark, LakehouseError>,
    durable: &mut FuturesOrdered<Durable>,
    answers: &Answers<S::Response>,
    faults: &Faults,
) -> Result<Mark, Status> {
    let mut failed = None;
    let mut mark = first.map_err(|error| status_of(&error))?;
    while let Some(Some(next)) = durable.next().now_or_never() {
        match next {
            Ok(next) => mark = next,
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    if !faults.loses_ack() {
        faults.reach(CrashPoint::BeforeAck);
        say(answers, S::acknowledgement(mark)).await?;
        faults.reach(CrashPoint::AfterAck);
    }
    failed.map_or(Ok(mark), |error| Err(status_of(&error)))
}
