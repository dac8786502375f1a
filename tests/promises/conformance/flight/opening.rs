//! The schema and the headers around it: who may open what, and what is no opening.

use std::sync::Arc;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{FlightData, Ticket};
use databricks_zerobus_ingest_sdk::{SchemaValidationCause, ZerobusError, ZerobusSdk};
use deltalake::arrow::datatypes::{DataType, Field, Schema};
use futures::future::BoxFuture;
use secrecy::ExposeSecret;
use tonic::Code;
use tonic_types::StatusExt;

use super::{CLIENT, Ended, Flight, batch_message, schema_message};
use crate::conformance::case::row;
use crate::conformance::places::{COLUMNS, Place, Places};
use crate::conformance::raw::with_headers;
use crate::conformance::shape::Shape;
use crate::conformance::sheet::Cell;

const TABLE_HEADER: &str = "x-databricks-zerobus-table-name";
const UNKNOWN: &str = "main.conformance.nowhere";

/// A way to open a stream that must fail.
struct Refusal {
    case: &'static str,
    columns: &'static str,
    /// From the table's name, a token for it and one for another.
    headers: fn(&str, String, String) -> Vec<(&'static str, String)>,
    first: fn(&Shape) -> Option<FlightData>,
    code: Code,
    words: &'static [&'static str],
    /// The causes in the status's details.
    causes: Option<&'static str>,
}

pub(super) fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for refusal in refusals() {
        let places = Arc::clone(places);
        cells.push(Cell::new(CLIENT, refusal.case, async move { refusal.play(&places.calm).await }));
    }
    let mut cell = |case: &str, run: fn(Arc<Places>) -> BoxFuture<'static, ()>| {
        cells.push(Cell::new(CLIENT, case, run(Arc::clone(places))));
    };
    cell("the headers come before the first message", |places| {
        Box::pin(async move { headers_first(&places.calm).await })
    });
    cell("a missing grant is refused with 4024", |places| Box::pin(async move { revoked(&places.calm).await }));
    cell("only putting is served over Flight", |places| Box::pin(async move { only_puts(&places.calm).await }));
    let places = Arc::clone(places);
    let case = "the causes of a schema's refusal are understood";
    cells.push(Cell::new("Rust Arrow", case, async move { causes(&places.calm).await }));
    cells
}

fn refusals() -> Vec<Refusal> {
    let refusal = |case, first, words| Refusal {
        case,
        columns: COLUMNS,
        headers: |table, bearer, _| vec![("authorization", bearer), (TABLE_HEADER, table.to_owned())],
        first,
        code: Code::InvalidArgument,
        words,
        causes: None,
    };
    let misfit = |case, first, words, causes| Refusal { causes: Some(causes), ..refusal(case, first, words) };
    let with = |case, headers, code, words| Refusal {
        headers,
        code,
        ..refusal(case, |shape: &Shape| Some(schema_message(&shape.arrow)), words)
    };
    vec![
        refusal(
            "the first message is a batch",
            |shape| Some(batch_message(&shape.batch(&[row(0)]), 0)),
            &["first message of a stream must be the schema"],
        ),
        refusal("the first message carries nothing", |_| Some(FlightData::default()), &["not Arrow IPC"]),
        refusal(
            "the first message is of arbitrary bytes",
            |_| Some(FlightData { data_header: vec![0x5a; 100].into(), ..Default::default() }),
            &["not Arrow IPC"],
        ),
        refusal("the stream is closed before it was opened", |_| None, &["ended before its schema came"]),
        refusal(
            "the schema contradicts itself",
            |_| Some(impossible_schema()),
            &["schema cannot be read", "bit width of 24"],
        ),
        misfit(
            "a field of the schema is no column",
            |_| Some(schema_of(vec![("id", DataType::LargeUtf8), ("colour", DataType::LargeUtf8)])),
            &["field 'colour': the table has no such column", "Error Code: 8001, Error State: 1."],
            "FIELD_NOT_IN_TABLE",
        ),
        misfit(
            "a field of the schema is of another type",
            |_| Some(schema_of(vec![("amount", DataType::LargeUtf8)])),
            &["field 'amount'", "LargeUtf8", "INT", "Error Code: 8001, Error State: 1."],
            "TYPE_INCOMPATIBLE",
        ),
        misfit(
            "everything that is wrong with a schema is told",
            |_| Some(schema_of(vec![("amount", DataType::Utf8), ("x", DataType::Utf8), ("amount", DataType::Utf8)])),
            &["'amount'", "'x'", "twice"],
            "FIELD_COUNT_MISMATCH,FIELD_NOT_IN_TABLE,TYPE_INCOMPATIBLE",
        ),
        Refusal {
            columns: "id STRING, amount INT NOT NULL",
            ..misfit(
                "the schema lacks a column that must have a value",
                |_| Some(schema_of(vec![("id", DataType::LargeUtf8)])),
                &["field 'amount'", "must have a value", "Error Code: 8001, Error State: 1."],
                "MISSING_REQUIRED_COLUMN",
            )
        },
        misfit("the schema has no fields", |_| Some(schema_of(vec![])), &["no fields"], "FIELD_COUNT_MISMATCH"),
        misfit(
            "the schema's faults are too long for a header",
            |_| {
                Some(schema_message(&Schema::new(
                    (0..2000).map(|n| field(&format!("unknown_{n}"))).collect::<Vec<_>>(),
                )))
            },
            &["bytes left out", "Error Code: 8001, Error State: 1."],
            "FIELD_NOT_IN_TABLE",
        ),
        with(
            "the table's name is missing",
            |_, bearer, _| vec![("authorization", bearer)],
            Code::InvalidArgument,
            &["x-databricks-zerobus-table-name is missing"],
        ),
        with(
            "an unknown table is not found and not made",
            |_, _, other| vec![("authorization", other), (TABLE_HEADER, UNKNOWN.to_owned())],
            Code::NotFound,
            &[UNKNOWN],
        ),
        with(
            "there is no token",
            |table, _, _| vec![(TABLE_HEADER, table.to_owned())],
            Code::Unauthenticated,
            &["No bearer token"],
        ),
        with(
            "the token is made up",
            |table, _, _| vec![("authorization", "Bearer made.up".to_owned()), (TABLE_HEADER, table.to_owned())],
            Code::Unauthenticated,
            &["not known or has expired"],
        ),
        with(
            "the token is for another table",
            |table, _, other| vec![("authorization", other), (TABLE_HEADER, table.to_owned())],
            Code::PermissionDenied,
            &["issued for table 'main.conformance.nowhere'", "Error Code: 4024, Error State: 1."],
        ),
    ]
}

fn field(name: &str) -> Field {
    Field::new(name, DataType::LargeUtf8, true)
}

fn schema_of(fields: Vec<(&str, DataType)>) -> FlightData {
    let fields: Vec<Field> = fields.into_iter().map(|(name, kind)| Field::new(name, kind, true)).collect();
    schema_message(&Schema::new(fields))
}

/// A schema whose only number has 24 bits, which no type of Arrow has.
fn impossible_schema() -> FlightData {
    let mut message = schema_of(vec![("amount", DataType::Int32)]);
    let bytes = message.data_header.to_vec();
    let width = |bytes: &[u8]| {
        let message = deltalake::arrow::ipc::root_as_message(bytes).ok()?;
        Some(message.header_as_schema()?.fields()?.get(0).type_as_int()?.bitWidth())
    };
    let changed = (0..bytes.len()).filter(|place| bytes[*place] == 32).find_map(|place| {
        let mut changed = bytes.clone();
        changed[place] = 24;
        (width(&changed) == Some(24)).then_some(changed)
    });
    message.data_header = changed.expect("the width is somewhere").into();
    message
}

impl Refusal {
    async fn play(self, place: &Place) {
        let table = place.table(&format!("{CLIENT} {}", self.case), self.columns).await;
        let shape = Shape::of(place, &table).await;
        let headers = (self.headers)(&table, place.bearer(&table).await, place.bearer(UNKNOWN).await);
        let first = (self.first)(&shape);
        let then = batch_message(&shape.batch(&[row(0)]), 0);
        let ended = say(place, &headers, first.into_iter().chain([then]).collect()).await;
        if self.case != "the stream is closed before it was opened" {
            ended.with(self.code, self.words);
        }
        assert_eq!(ended.said, [], "nothing is said before it");
        let info = ended.status.get_details_error_info();
        if let Some(causes) = self.causes {
            let info = info.expect("details of the error");
            assert_eq!(
                (info.reason.as_str(), info.domain.as_str()),
                ("SCHEMA_VALIDATION_FAILED", "zerobus.databricks.com")
            );
            assert_eq!((info.metadata["causes"].as_str(), info.metadata["error_code"].as_str()), (causes, "8001"));
        }
        if self.columns == COLUMNS {
            place.holds(CLIENT, &table, &[] as &[&str]).await;
        }
    }
}

/// Says all that and hears what comes.
async fn say(place: &Place, headers: &[(&'static str, String)], messages: Vec<FlightData>) -> Ended {
    match Flight::call(place.channel().await, headers).await {
        Ok(mut stream) => {
            for message in messages {
                stream.send(message).await;
            }
            stream.sender = None;
            stream.heard_out().await
        }
        Err(status) => Ended { said: Vec::new(), status },
    }
}

async fn headers_first(place: &Place) {
    let table = place.table("raw Flight headers first", COLUMNS).await;
    let shape = Shape::of(place, &table).await;
    // Returns when they are there, and nothing was sent yet; the schema is answered before there is a batch.
    let mut stream = Flight::begin(place, &table, &shape.arrow).await.unwrap();
    stream.close().await.unwrap();
    place.holds(CLIENT, &table, &[] as &[&str]).await;
}

async fn revoked(place: &Place) {
    let table = place.table("raw Flight revoked", COLUMNS).await;
    let shape = Shape::of(place, &table).await;
    let headers = place.headers(&table).await;
    place.admin.rows(&format!("REVOKE SELECT ON TABLE {table} FROM administrator")).await;
    let ended = say(place, &headers, vec![schema_message(&shape.arrow)]).await;
    ended.with(Code::PermissionDenied, &["SELECT", "GRANT SELECT ON TABLE", "Error Code: 4024, Error State: 1."]);
    place.admin.rows(&format!("GRANT SELECT ON TABLE {table} TO administrator")).await;
    place.holds(CLIENT, &table, &[] as &[&str]).await;
}

async fn only_puts(place: &Place) {
    let table = place.table("raw Flight only puts", COLUMNS).await;
    let request = with_headers(Ticket { ticket: "SELECT 1".into() }, &place.headers(&table).await);
    let refused = FlightServiceClient::new(place.channel().await).do_get(request).await.err().unwrap();
    Ended { said: Vec::new(), status: refused }.with(Code::Unimplemented, &["Only DoPut is served here"]);
}

/// By the official client, as its own words for them.
async fn causes(place: &Place) {
    let table = place.table("rust arrow causes", COLUMNS).await;
    let sdk = ZerobusSdk::builder().endpoint(&place.url).unity_catalog_url(&place.url);
    let sdk = sdk.connector_factory(Arc::new(|_| None)).build().unwrap();
    let schema = Schema::new(vec![field("amount"), field("colour")]);
    let stream =
        sdk.stream_builder().table(&table).oauth(&place.admin.client_id, place.admin.client_secret.expose_secret());
    let refused = stream.arrow(Arc::new(schema)).build_arrow().await.err().unwrap();
    let ZerobusError::InvalidSchema { causes, error_code, .. } = refused else { panic!("{refused}") };
    assert_eq!(causes, [SchemaValidationCause::FieldNotInTable, SchemaValidationCause::TypeIncompatible]);
    assert_eq!(error_code.as_deref(), Some("8001"));
    place.holds("Rust Arrow", &table, &[] as &[&str]).await;
}
