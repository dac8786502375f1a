//! The clients that are driven from here: the official Rust SDK in all its kinds of stream, and the raw ones as far as they
//! behave.

use std::sync::Arc;
use std::time::Duration;

use databricks_zerobus_ingest_sdk::{
    EncodedRecord, MessageId, MultiplexedStream, PersistentStream, ZerobusArrowStream, ZerobusError, ZerobusSdk,
    ZerobusStream,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use tonic::Code;

use super::case::{Case, Report, Who, all, row};
use super::flight::Flight;
use super::places::{COLUMNS, Place, Places};
use super::raw::{Kind, Raw};
use super::shape::Shape;
use super::sheet::Cell;

/// What pauses a slow client between two calls; many calls go through several rotations.
const PAUSE: Duration = Duration::from_millis(10);

/// A client, which is a column of the sheet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Client {
    Proto,
    Json,
    Arrow,
    Persistent,
    Multiplexed,
    RawEphemeral,
    RawPersistent,
    RawFlight,
}

/// A client's error.
pub struct Refused {
    pub text: String,
    pub is_final: bool,
}

impl From<ZerobusError> for Refused {
    fn from(error: ZerobusError) -> Self {
        Self { text: error.to_string(), is_final: !error.is_retryable() }
    }
}

impl From<tonic::Status> for Refused {
    fn from(status: tonic::Status) -> Self {
        let last = [Code::InvalidArgument, Code::Unauthenticated, Code::PermissionDenied, Code::OutOfRange]
            .into_iter()
            .chain([Code::Unimplemented, Code::NotFound]);
        Self { text: status.message().to_owned(), is_final: last.into_iter().any(|code| code == status.code()) }
    }
}

pub fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for client in Client::ALL {
        for case in all().into_iter().filter(|case| client.can(case)) {
            let places = Arc::clone(places);
            cells.push(Cell::new(client.name(), case.name, async move {
                let place = case.place(&places, false);
                let table = case.table(place, client.name()).await;
                let report = client.drive(&case, place, &table).await;
                case.judge(place, client.name(), &table, &report, &client.says(&case)).await;
            }));
        }
    }
    for client in [Client::Persistent, Client::RawPersistent] {
        let places = Arc::clone(places);
        let case = "a stream that is resumed goes on where it was";
        cells.push(Cell::new(client.name(), case, async move { resumes(client, &places.calm).await }));
    }
    cells
}

async fn resumes(client: Client, place: &Place) {
    let table = place.table(&format!("{} resumes", client.name()), COLUMNS).await;
    let shape = Shape::of(place, &table).await;
    let mut stream = client.open(place, &table, &shape, Who::Administrator, None).await.ok().unwrap();
    let id = stream.id().unwrap();
    for part in 0..3 {
        if part > 0 {
            stream = client.open(place, &table, &shape, Who::Administrator, Some(&id)).await.ok().unwrap();
            assert_eq!(stream.resumed_at(), Some(part * 20 - 1));
        }
        for index in part * 20..(part + 1) * 20 {
            stream.write(&shape, &[row(index.try_into().unwrap())]).await.ok().unwrap();
        }
        stream.close().await.ok().unwrap();
    }
    let ids: Vec<String> = (0..60).map(|index| row(index)["id"].as_str().unwrap().to_owned()).collect();
    place.holds(client.name(), &table, &ids).await;
}

impl Client {
    const ALL: [Self; 8] = [
        Self::Proto,
        Self::Json,
        Self::Arrow,
        Self::Persistent,
        Self::Multiplexed,
        Self::RawEphemeral,
        Self::RawPersistent,
        Self::RawFlight,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Proto => "Rust proto",
            Self::Json => "Rust JSON",
            Self::Arrow => "Rust Arrow",
            Self::Persistent => "Rust persistent",
            Self::Multiplexed => "Rust multiplexed",
            Self::RawEphemeral => "raw ephemeral",
            Self::RawPersistent => "raw persistent",
            Self::RawFlight => "raw Flight",
        }
    }

    fn is_raw(self) -> bool {
        matches!(self, Self::RawEphemeral | Self::RawPersistent | Self::RawFlight)
    }

    /// The raw ones have no secrets of their own and no recovery: what they do then are cases of their own.
    fn can(self, case: &Case) -> bool {
        !self.is_raw() || (case.who == Who::Administrator && !case.rotating && case.table_exists)
    }

    /// The words of a refusal that the client must pass on.
    fn says(self, case: &Case) -> Vec<&'static str> {
        match (case.who, case.table_exists, case.has_batches()) {
            (Who::WrongSecret, ..) => vec!["invalid_client"],
            (Who::Nobody, ..) => vec!["Error Code: 4024, Error State: 1."],
            (_, false, _) => vec!["nowhere"],
            // Each lane counts for itself.
            _ if self == Self::Multiplexed => vec!["field 'price'"],
            _ if matches!(self, Self::Arrow | Self::RawFlight) => vec!["field 'price'", "row "],
            (_, _, true) => vec!["offset 1, record 1: field 'price'"],
            (_, _, false) => vec!["offset 3, record 0: field 'price'"],
        }
    }

    async fn drive(self, case: &Case, place: &Place, table: &str) -> Report {
        let columns = if case.table_exists { table } else { "main.direct_write.products" };
        let shape = Shape::of(place, columns).await;
        let mut report = Report::default();
        let outcome = async {
            let mut stream = self.open(place, table, &shape, case.who, None).await?;
            report.opened = true;
            for call in &case.calls {
                stream.write(&shape, call).await?;
                if case.slowly {
                    stream.wait().await?;
                    report.acknowledged += 1;
                    tokio::time::sleep(PAUSE).await;
                }
            }
            stream.close().await?;
            report.acknowledged = case.calls.len();
            Ok::<(), Refused>(())
        };
        if let Err(refused) = outcome.await {
            (report.error, report.is_final) = (Some(refused.text), refused.is_final);
        }
        report
    }

    async fn open(
        self,
        place: &Place,
        table: &str,
        shape: &Shape,
        who: Who,
        resume: Option<&str>,
    ) -> Result<Stream, Refused> {
        let caller = if who == Who::Nobody { &place.nobody } else { &place.admin };
        let secret = if who == Who::WrongSecret { "wrong" } else { caller.client_secret.expose_secret() };
        let sdk = ZerobusSdk::builder().endpoint(&place.url).unity_catalog_url(&place.url);
        let sdk = sdk.connector_factory(Arc::new(|_| None)).build()?;
        let plain = || {
            let stream = sdk.stream_builder().table(table).oauth(&caller.client_id, secret);
            stream.recovery_backoff_ms(20).recovery_retries(50)
        };
        Ok(match self {
            Self::Proto => Stream::Proto(plain().compiled_proto(shape.descriptor.clone()).build().await?, 0),
            Self::Json => Stream::Json(plain().json().build().await?, 0),
            Self::Arrow => Stream::Arrow(plain().arrow(Arc::clone(&shape.arrow)).build_arrow().await?, 0),
            Self::Multiplexed => Stream::Multiplexed(plain().json().multiplexed(3).build().await?, None),
            Self::Persistent => {
                let stream = sdk.persistent_stream_builder().table(table).oauth(&caller.client_id, secret);
                let stream = stream.recovery_backoff_ms(20).recovery_retries(50);
                let stream = stream.compiled_proto(shape.descriptor.clone());
                let stream = match resume {
                    Some(id) => stream.resume(id).await?,
                    None => stream.build().await?,
                };
                Stream::Persistent(stream, 0)
            }
            Self::RawEphemeral => Stream::Raw(Raw::begin(place, Kind::Ephemeral, table, None, None).await?),
            Self::RawPersistent => {
                Stream::Raw(Raw::begin(place, Kind::Persistent, table, Some(&shape.descriptor), resume).await?)
            }
            Self::RawFlight => Stream::Flight(Flight::begin(place, table, &shape.arrow).await?),
        })
    }
}

/// An open stream and, where it is needed for waiting, what was written last.
enum Stream {
    Proto(ZerobusStream, i64),
    Json(ZerobusStream, i64),
    Arrow(ZerobusArrowStream, i64),
    Persistent(PersistentStream, i64),
    Multiplexed(MultiplexedStream, Option<MessageId>),
    Raw(Raw),
    Flight(Flight),
}

impl Stream {
    fn id(&self) -> Option<String> {
        match self {
            Self::Persistent(stream, _) => stream.stream_id().map(str::to_owned),
            Self::Raw(stream) => stream.id.clone(),
            _ => None,
        }
    }

    fn resumed_at(&self) -> Option<i64> {
        match self {
            Self::Persistent(stream, _) => stream.resume_watermark(),
            Self::Raw(stream) => stream.resumed_at,
            _ => None,
        }
    }

    /// One call: a single record or a batch.
    async fn write(&mut self, shape: &Shape, rows: &[Value]) -> Result<(), Refused> {
        let json = || rows.iter().map(|row| EncodedRecord::Json(row.to_string())).collect::<Vec<_>>();
        let proto = || rows.iter().map(|row| EncodedRecord::Proto(shape.proto(row))).collect::<Vec<_>>();
        let one = |mut records: Vec<EncodedRecord>| (records.len() == 1).then(|| records.remove(0));
        match self {
            Self::Proto(stream, last) => match one(proto()) {
                Some(record) => *last = stream.ingest_record_offset(record).await?,
                None => *last = stream.ingest_records_offset(proto()).await?.unwrap(),
            },
            Self::Json(stream, last) => match one(json()) {
                Some(record) => *last = stream.ingest_record_offset(record).await?,
                None => *last = stream.ingest_records_offset(json()).await?.unwrap(),
            },
            Self::Persistent(stream, last) => match one(proto()) {
                Some(record) => *last = stream.ingest_record_offset(record).await?,
                None => *last = stream.ingest_records_offset(proto()).await?.unwrap(),
            },
            Self::Multiplexed(stream, last) => match one(json()) {
                Some(record) => *last = Some(stream.ingest_record(record).await?),
                None => *last = stream.ingest_records(json()).await?,
            },
            Self::Arrow(stream, last) => *last = stream.ingest_batch(shape.batch(rows)).await?,
            Self::Raw(stream) if stream.kind == Kind::Persistent => {
                stream.write_proto(rows.iter().map(|row| shape.proto(row)).collect()).await;
            }
            Self::Raw(stream) => stream.write_json(rows.iter().map(Value::to_string).collect()).await,
            Self::Flight(stream) => stream.write(&shape.batch(rows)).await,
        }
        Ok(())
    }

    /// Until what was written last is acknowledged.
    async fn wait(&mut self) -> Result<(), Refused> {
        match self {
            Self::Proto(stream, last) | Self::Json(stream, last) => stream.wait_for_offset(*last).await?,
            Self::Arrow(stream, last) => stream.wait_for_offset(*last).await?,
            Self::Persistent(stream, last) => stream.wait_for_offset(*last).await?,
            Self::Multiplexed(stream, last) => stream.wait_for_message_id(last.unwrap()).await?,
            Self::Raw(stream) => stream.wait().await?,
            Self::Flight(stream) => stream.wait().await?,
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Refused> {
        match self {
            Self::Proto(stream, _) | Self::Json(stream, _) => stream.close().await?,
            Self::Arrow(stream, _) => stream.close().await?,
            Self::Persistent(stream, _) => stream.close().await?,
            Self::Multiplexed(stream, _) => stream.close().await?,
            Self::Raw(stream) => stream.close().await?,
            Self::Flight(stream) => stream.close().await?,
        }
        Ok(())
    }
}
