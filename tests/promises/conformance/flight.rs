//! An Arrow Flight client of ours: it puts whatever a test wants put, and keeps what it hears.

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::utils::batches_to_flight_data;
use arrow_flight::{FlightData, PutResult, SchemaAsIpc};
use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::{Schema, SchemaRef};
use deltalake::arrow::ipc::writer::IpcWriteOptions;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::places::{Place, Places};
use super::raw::with_headers;
use super::sheet::Cell;

mod batches;
mod opening;
mod rotation;

/// Its column.
const CLIENT: &str = "raw Flight";

pub fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let mut cells = opening::cells(places);
    cells.extend(batches::cells(places));
    cells
}

pub use rotation::cells as rotation_cells;

/// What the lakehouse answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Said {
    ack_up_to_offset: i64,
    ack_up_to_records: u64,
    close_stream_duration_ms: Option<u64>,
}

/// The first answer.
const READY: Said = Said { ack_up_to_offset: -1, ack_up_to_records: 0, close_stream_duration_ms: None };

/// A stream that is open, from the client's side.
pub struct Flight {
    next_offset: i64,
    rows: u64,
    reached: Said,
    sender: Option<mpsc::Sender<FlightData>>,
    answers: BoxStream<'static, Result<PutResult, Status>>,
    _channel: Channel,
}

/// How a stream went to its end.
#[derive(Debug)]
pub struct Ended {
    said: Vec<Said>,
    status: Status,
}

impl Ended {
    /// Asserts how it ended, and that the text has these words.
    fn with(&self, code: Code, words: &[&str]) {
        let text = self.status.message();
        assert_eq!(self.status.code(), code, "{text}");
        for word in words {
            assert!(text.contains(word), "'{word}' is not in '{text}'");
        }
    }
}

impl Flight {
    /// Opens the call and waits for the answer's headers before it says anything.
    pub async fn call(channel: Channel, headers: &[(&'static str, String)]) -> Result<Self, Status> {
        let (sender, receiver) = mpsc::channel(64);
        let request = with_headers(ReceiverStream::new(receiver), headers);
        let mut client = FlightServiceClient::new(channel.clone());
        let answers = client.do_put(request).await?.into_inner().boxed();
        Ok(Self { next_offset: 0, rows: 0, reached: READY, sender: Some(sender), answers, _channel: channel })
    }

    /// Opens a stream as it should be opened.
    pub async fn begin(place: &Place, table: &str, schema: &SchemaRef) -> Result<Self, Status> {
        let mut stream = Self::call(place.channel().await, &place.headers(table).await).await?;
        stream.send(schema_message(schema)).await;
        assert_eq!(stream.next().await?, Some(READY));
        Ok(stream)
    }

    /// Sends a message. When the lakehouse has ended the stream it goes nowhere; why is heard by whoever listens.
    pub async fn send(&mut self, message: FlightData) {
        let _ = self.sender.as_ref().expect("still open").send(message).await;
    }

    pub async fn write(&mut self, batch: &RecordBatch) {
        self.send(batch_message(batch, self.next_offset)).await;
        self.next_offset += 1;
        self.rows += batch.num_rows() as u64;
    }

    /// The next answer; `None` when the lakehouse has ended the stream well. Acknowledgements must never go back.
    pub async fn next(&mut self) -> Result<Option<Said>, Status> {
        let Some(answer) = self.answers.next().await.transpose()? else { return Ok(None) };
        let said: Said = serde_json::from_slice(&answer.app_metadata).expect("an answer in JSON");
        let grows = said.ack_up_to_offset >= self.reached.ack_up_to_offset
            && said.ack_up_to_records >= self.reached.ack_up_to_records;
        assert!(grows, "{said:?} after {:?}", self.reached);
        self.reached = said;
        Ok(Some(said))
    }

    /// Until what was written last is acknowledged, with all its rows.
    pub async fn wait(&mut self) -> Result<(), Status> {
        while self.reached.ack_up_to_offset < self.next_offset - 1 {
            self.next().await?.expect("no end before the last acknowledgement");
        }
        self.has_all();
        Ok(())
    }

    /// Ends its half; the lakehouse must end the other well, after the last acknowledgement.
    pub async fn close(&mut self) -> Result<(), Status> {
        self.sender = None;
        while self.next().await?.is_some() {}
        self.has_all();
        Ok(())
    }

    fn has_all(&self) {
        let reached = (self.reached.ack_up_to_offset, self.reached.ack_up_to_records);
        assert_eq!(reached, (self.next_offset - 1, self.rows), "offset and rows acknowledged");
    }

    /// Until the lakehouse says that the stream is to be closed; within which time.
    async fn signal(&mut self) -> Duration {
        loop {
            let said = self.next().await.unwrap().expect("no end before the signal");
            if let Some(within) = said.close_stream_duration_ms {
                return Duration::from_millis(within);
            }
        }
    }

    /// What is said from here on, to the end.
    async fn heard_out(mut self) -> Ended {
        let mut said = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(message)) => said.push(message),
                Ok(None) => return Ended { said, status: Status::ok("") },
                Err(status) => return Ended { said, status },
            }
        }
    }
}

/// The message that opens a stream.
fn schema_message(schema: &Schema) -> FlightData {
    SchemaAsIpc::new(schema, &IpcWriteOptions::default()).into()
}

fn batch_message(batch: &RecordBatch, offset: i64) -> FlightData {
    let messages = batches_to_flight_data(&batch.schema(), vec![batch.clone()]).unwrap();
    at(offset, messages.into_iter().nth(1).unwrap())
}

/// The message with that offset.
fn at(offset: i64, message: FlightData) -> FlightData {
    message.with_app_metadata(format!(r#"{{"offset_id":{offset}}}"#))
}
