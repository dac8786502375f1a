//! One stream of a session. Recovery is the SDK's job; a stream that it has given up stays ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow_array::RecordBatch;
use databricks_zerobus_ingest_sdk::{OffsetId, ZerobusArrowStream, ZerobusError, ZerobusResult, ZerobusStream};
use tokio_util::task::AbortOnDropHandle;

use super::acks::Acks;

/// A stream of either kind.
#[expect(clippy::large_enum_variant, reason = "it is only ever held in an Arc")]
pub(super) enum Stream {
    /// Protobuf or JSON records, over the Zerobus service itself.
    Records(ZerobusStream),
    /// Arrow batches, over Arrow Flight.
    Batches(ZerobusArrowStream),
}

/// What one call of the SDK hands over; it has one offset.
pub(super) enum Call {
    Protobuf(Vec<Vec<u8>>),
    Json(Vec<String>),
    Arrow(RecordBatch),
}

impl Stream {
    /// Hands records to the SDK's queue. The offset is known to [`Acks`] at once: nothing is awaited in between.
    pub(super) async fn ingest(&self, call: Call) -> ZerobusResult<OffsetId> {
        let offset = match (self, call) {
            (Self::Records(stream), Call::Protobuf(records)) => stream.ingest_records_offset(records).await?,
            (Self::Records(stream), Call::Json(records)) => stream.ingest_records_offset(records).await?,
            (Self::Batches(stream), Call::Arrow(batch)) => Some(stream.ingest_batch(batch).await?),
            (Self::Records(_), Call::Arrow(_)) | (Self::Batches(_), Call::Protobuf(_) | Call::Json(_)) => {
                return Err(ZerobusError::InvalidArgument("the stream carries another encoding".to_owned()));
            }
        };
        offset.ok_or_else(|| ZerobusError::InvalidArgument("there are no records".to_owned()))
    }

    /// Whether an offset was acknowledged; waits while that may still happen.
    pub(super) async fn verdict(&self, offset: OffsetId) -> ZerobusResult<()> {
        match self {
            Self::Records(stream) => stream.wait_for_offset(offset).await,
            Self::Batches(stream) => stream.wait_for_offset(offset).await,
        }
    }

    /// Whether the SDK has given it up.
    pub(super) fn has_ended(&self) -> bool {
        match self {
            Self::Records(stream) => stream.is_closed(),
            Self::Batches(stream) => stream.is_closed(),
        }
    }

    async fn flush(&self) -> ZerobusResult<()> {
        match self {
            Self::Records(stream) => stream.flush().await,
            Self::Batches(stream) => stream.flush().await,
        }
    }

    async fn close(self) -> ZerobusResult<()> {
        match self {
            Self::Records(mut stream) => stream.close().await,
            Self::Batches(mut stream) => stream.close().await,
        }
    }
}

/// A stream with its acknowledgements.
pub(super) struct Lane {
    pub(super) acks: Arc<Acks>,
    open: Mutex<Option<Open>>,
}

struct Open {
    stream: Arc<Stream>,
    /// Tells the acknowledgements when the stream ends.
    watch: AbortOnDropHandle<()>,
}

impl Lane {
    pub(super) fn new(stream: Stream, acks: Arc<Acks>) -> Self {
        let stream = Arc::new(stream);
        let (watched, told) = (stream.clone(), acks.clone());
        let watch = AbortOnDropHandle::new(tokio::spawn(async move {
            // No offset is ever so high, so this is over when the stream is.
            let _ = watched.verdict(OffsetId::MAX).await;
            told.end();
        }));
        Self { acks, open: Mutex::new(Some(Open { stream, watch })) }
    }

    /// The stream; `None` when the lane was closed.
    pub(super) fn stream(&self) -> Option<Arc<Stream>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|open| open.stream.clone())
    }

    /// Waits for what is under way, at most so long, and closes the stream.
    pub(super) async fn close(&self, at_most: Duration) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Open { stream, watch }) = open else { return };
        let flushed = tokio::time::timeout(at_most, stream.flush()).await;
        watch.abort();
        let _ = watch.await;
        let problem = match flushed {
            Ok(Ok(())) => {
                // While a batch still looks at its acknowledgement, the stream ends with that.
                let Some(stream) = Arc::into_inner(stream) else { return };
                stream.close().await.err().map(|error| error.to_string())
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no acknowledgement within {} s", at_most.as_secs())),
        };
        if let Some(problem) = problem {
            tracing::warn!(problem, "a stream ended with records that were not acknowledged");
            self.acks.end();
        }
    }
}
