//! Who waits for which acknowledgement of one stream.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use databricks_zerobus_ingest_sdk::{AckCallback, OffsetId, StatsExporter, StreamStat};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Told by the SDK of every acknowledgement, inside its own task: the moment is taken there, not after a wake-up of the
/// batch that waits for it.
#[derive(Debug, Default)]
pub(super) struct Acks {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Acknowledgements are cumulative, so offsets up to here have theirs.
    latest: Option<(OffsetId, Instant)>,
    waiting: BTreeMap<OffsetId, oneshot::Sender<Instant>>,
    ended: bool,
}

impl Acks {
    /// Resolves to the moment of the offset's acknowledgement; to an error when the stream ends without it.
    pub(super) fn wait_for(&self, offset: OffsetId) -> oneshot::Receiver<Instant> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        match state.latest {
            // It came before the SDK had told us the offset.
            Some((acknowledged, at)) if acknowledged >= offset => drop(sender.send(at)),
            _ if state.ended => {}
            _ => drop(state.waiting.insert(offset, sender)),
        }
        receiver
    }

    /// No further acknowledgement will come.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        state.waiting.clear();
    }

    fn acknowledge(&self, offset: OffsetId) {
        let at = Instant::now();
        let mut state = self.state();
        state.latest = Some((offset, at));
        while let Some(first) = state.waiting.first_entry().filter(|first| *first.key() <= offset) {
            // Who gave the batch up does not listen any more.
            let _ = first.remove().send(at);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For streams of protobuf and JSON records.
impl AckCallback for Acks {
    fn on_ack(&self, offset: OffsetId) {
        self.acknowledge(offset);
    }

    /// The stream is watched for its end: that error has a type, this one is text.
    fn on_error(&self, _: OffsetId, _: &str) {}
}

/// For streams of Arrow batches, which have no callback.
impl StatsExporter for Acks {
    fn record(&self, stat: StreamStat) {
        if let StreamStat::BatchAcked { offset } = stat {
            self.acknowledge(offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_acknowledgement_is_for_all_offsets_up_to_its_own_and_keeps_its_moment() {
        let acks = Acks::default();
        let [first, second, third] = [0, 1, 2].map(|offset| acks.wait_for(offset));
        let began = Instant::now();
        acks.on_ack(1);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!((first.await, second.await), (Ok(began), Ok(began)));
        acks.record(StreamStat::BatchAcked { offset: 2 });
        assert_eq!(third.await.unwrap() - began, Duration::from_secs(5));
    }

    #[tokio::test]
    async fn an_acknowledgement_may_come_before_its_offset_is_known() {
        let acks = Acks::default();
        acks.on_ack(3);
        assert!(acks.wait_for(3).await.is_ok());
        assert!(acks.wait_for(2).await.is_ok());
    }

    #[tokio::test]
    async fn nobody_waits_for_a_stream_that_has_ended() {
        let acks = Acks::default();
        let waiting = acks.wait_for(7);
        acks.on_ack(6);
        acks.end();
        assert!(waiting.await.is_err());
        assert!(acks.wait_for(8).await.is_err());
        assert!(acks.wait_for(6).await.is_ok(), "what was acknowledged before stays so");
    }
}
