//! The first message and the headers around it: who may open what, and what is no opening.

use std::sync::Arc;
use std::time::Duration;

use direct_write::lakehouse::LakehouseOptions;
use tonic::{Code, Status};

use super::proto::CreateIngestStreamRequest;
use super::{Ended, Kind, Raw, Sent, create_json, json, json_batch};
use crate::conformance::case::row;
use crate::conformance::places::{COLUMNS, Place, Places};
use crate::conformance::sheet::Cell;

const TABLE_HEADER: &str = "x-databricks-zerobus-table-name";
const UNKNOWN: &str = "main.conformance.nowhere";

/// A way to open a stream that must fail: headers, and messages for a table.
struct Refusal {
    case: &'static str,
    headers: fn(Names<'_>) -> Vec<(&'static str, String)>,
    messages: fn(&str) -> Vec<Sent>,
    code: Code,
    words: &'static [&'static str],
}

/// What headers are made of.
struct Names<'a> {
    table: &'a str,
    bearer: &'a str,
    /// For another table.
    other_bearer: &'a str,
    /// For everything but Zerobus.
    general_bearer: &'a str,
}

pub(super) fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for kind in Kind::BOTH {
        for refusal in refusals() {
            let places = Arc::clone(places);
            cells.push(Cell::new(kind.client(), refusal.case, async move { refusal.play(&places.calm, kind).await }));
        }
        let mut cell = |case: &'static str, run: futures::future::BoxFuture<'static, ()>| {
            cells.push(Cell::new(kind.client(), case, run));
        };
        let place = Arc::clone(places);
        cell(
            "the headers come before the first message",
            Box::pin(async move { headers_first(&place.calm, kind).await }),
        );
        let place = Arc::clone(places);
        cell(
            "the header for the table may be missing",
            Box::pin(async move { without_header(&place.calm, kind).await }),
        );
        let place = Arc::clone(places);
        cell("a missing grant is refused with 4024", Box::pin(async move { revoked(&place.calm, kind).await }));
        cell("an expired token is refused", Box::pin(expired(kind)));
    }
    cells
}

fn standard(names: Names<'_>) -> Vec<(&'static str, String)> {
    vec![("authorization", names.bearer.to_owned()), (TABLE_HEADER, names.table.to_owned())]
}

fn refusals() -> Vec<Refusal> {
    let create = |table: &str| vec![create_json(table), json(0, &row(0).to_string())];
    let first =
        |case, messages, words| Refusal { case, headers: standard, messages, code: Code::InvalidArgument, words };
    let with = |case, headers, code, words| Refusal { case, headers, messages: create, code, words };
    let must: &[&str] = &["first message of a stream must be create_stream"];
    let no_token: &[&str] = &["No bearer token"];
    let bad_token: &[&str] = &["not known or has expired"];
    vec![
        first("the first message is a record", |_| vec![json(0, &row(0).to_string())], must),
        first("the first message is a batch", |_| vec![json_batch(0, &[row(0).to_string()])], must),
        first("the first message carries nothing", |_| vec![Sent::Empty], must),
        first("the stream is closed before it was opened", |_| Vec::new(), must),
        first("the table's name is missing", |_| vec![Sent::Create(Default::default())], &["'' is not a table name"]),
        first("the table's name is none", |_| vec![create_json("main; DROP")], &["'main; DROP' is not a table name"]),
        Refusal {
            case: "an unknown table is not found and not made",
            headers: |names| vec![("authorization", names.other_bearer.to_owned())],
            messages: |_| vec![create_json(UNKNOWN)],
            code: Code::NotFound,
            words: &[UNKNOWN],
        },
        first(
            "the header names another table",
            |_| vec![create_json(UNKNOWN)],
            &["The header names table 'main.conformance.", "the stream 'main.conformance.nowhere'"],
        ),
        Refusal {
            code: Code::Unimplemented,
            ..first(
                "the record type is missing",
                |table| typed(table, None),
                &["RECORD_TYPE_UNSPECIFIED", "PROTO or JSON"],
            )
        },
        Refusal {
            code: Code::Unimplemented,
            ..first("the record type is unspecified", |table| typed(table, Some(0)), &["RECORD_TYPE_UNSPECIFIED"])
        },
        Refusal {
            code: Code::Unimplemented,
            ..first("the record type is not known", |table| typed(table, Some(3)), &["PROTO or JSON"])
        },
        Refusal {
            code: Code::Unimplemented,
            ..first("the record type is AVRO", |table| typed(table, Some(4)), &["AVRO", "PROTO or JSON"])
        },
        with(
            "there is no token",
            |names| vec![(TABLE_HEADER, names.table.to_owned())],
            Code::Unauthenticated,
            no_token,
        ),
        with(
            "the token is of another scheme",
            |names| vec![("authorization", names.bearer.replace("Bearer", "Basic"))],
            Code::Unauthenticated,
            no_token,
        ),
        with("the token is empty", |_| vec![("authorization", "Bearer ".to_owned())], Code::Unauthenticated, bad_token),
        with(
            "the token is made up",
            |_| vec![("authorization", "Bearer made.up".to_owned())],
            Code::Unauthenticated,
            bad_token,
        ),
        with(
            "the token was tampered with",
            |names| vec![("authorization", format!("{}A", names.bearer))],
            Code::Unauthenticated,
            bad_token,
        ),
        with(
            "the token is for another table",
            |names| vec![("authorization", names.other_bearer.to_owned())],
            Code::PermissionDenied,
            &["issued for table 'main.conformance.nowhere'", "Error Code: 4024, Error State: 1."],
        ),
        with(
            "the token is not for Zerobus",
            |names| vec![("authorization", names.general_bearer.to_owned())],
            Code::PermissionDenied,
            &["without authorization_details", "Error Code: 4024, Error State: 1."],
        ),
    ]
}

fn typed(table: &str, record_type: Option<i32>) -> Vec<Sent> {
    let table_name = Some(table.to_owned());
    vec![Sent::Create(CreateIngestStreamRequest { table_name, record_type, ..Default::default() })]
}

impl Refusal {
    async fn play(self, place: &Place, kind: Kind) {
        let table = place.table(&format!("{} {}", kind.client(), self.case), COLUMNS).await;
        let (bearer, other) = (place.bearer(&table).await, place.bearer(UNKNOWN).await);
        let general = format!("Bearer {}", place.admin.bearer());
        let names = Names { table: &table, bearer: &bearer, other_bearer: &other, general_bearer: &general };
        let ended = say(place, kind, &(self.headers)(names), (self.messages)(&table)).await;
        ended.with(self.code, self.words);
        assert_eq!(ended.said, [], "nothing is said before it");
        place.holds(kind.client(), &table, &[] as &[&str]).await;
        assert!(!place.admin.rows("SHOW TABLES IN main.conformance").await.to_string().contains("nowhere"));
    }
}

/// Says all that and hears what comes.
async fn say(place: &Place, kind: Kind, headers: &[(&'static str, String)], messages: Vec<Sent>) -> Ended {
    match Raw::call(place.channel().await, kind, headers).await {
        Ok(mut stream) => {
            for message in messages {
                stream.send(message).await;
            }
            stream.finish();
            stream.heard_out().await
        }
        Err(status) => Ended { said: Vec::new(), status },
    }
}

async fn headers_first(place: &Place, kind: Kind) {
    let table = place.table(&format!("{} headers first", kind.client()), COLUMNS).await;
    // Returns when they are there, and nothing was sent yet.
    let mut stream = Raw::call(place.channel().await, kind, &place.headers(&table).await).await.unwrap();
    stream.send(create_json(&table)).await;
    assert!(matches!(stream.next().await, Ok(Some(super::Said::Created(_)))));
    stream.close().await.unwrap();
    place.holds(kind.client(), &table, &[] as &[&str]).await;
}

async fn without_header(place: &Place, kind: Kind) {
    let table = place.table(&format!("{} no table header", kind.client()), COLUMNS).await;
    let headers = [("authorization", place.bearer(&table).await)];
    let ended = say(place, kind, &headers, vec![create_json(&table), json(0, &row(0).to_string())]).await;
    ended.with(Code::Ok, &[]);
    assert_eq!(ended.acknowledgements(), [0]);
    place.holds(kind.client(), &table, &["r00000"]).await;
}

/// The grant was there when the token was made out.
async fn revoked(place: &Place, kind: Kind) {
    let table = place.table(&format!("{} revoked", kind.client()), COLUMNS).await;
    let headers = place.headers(&table).await;
    place.admin.rows(&format!("REVOKE MODIFY ON TABLE {table} FROM administrator")).await;
    let ended = say(place, kind, &headers, vec![create_json(&table), json(0, &row(0).to_string())]).await;
    ended.with(Code::PermissionDenied, &["MODIFY", "GRANT MODIFY ON TABLE", "Error Code: 4024, Error State: 1."]);
    place.admin.rows(&format!("GRANT MODIFY ON TABLE {table} TO administrator")).await;
    place.holds(kind.client(), &table, &[] as &[&str]).await;
}

/// In a lakehouse of its own, whose tokens do not last: its tables could not be read through its APIs.
async fn expired(kind: Kind) {
    let options = LakehouseOptions { token_lifetime: Duration::ZERO, ..Default::default() };
    let data = tempfile::tempdir().unwrap();
    let lakehouse = crate::support::RunningLakehouse::start_with(data.path(), "127.0.0.1:0", options).await;
    let admin = crate::support::caller::Caller::administrator(&lakehouse).await;
    let table = "main.direct_write.products";
    let (_, answer) = admin.zerobus_token(table).await;
    let headers = [("authorization", format!("Bearer {}", answer["access_token"].as_str().unwrap()))];
    let channel = tonic::transport::Endpoint::from_shared(lakehouse.url.clone()).unwrap().connect().await.unwrap();
    let refused: Option<Status> = Raw::call(channel, kind, &headers).await.err();
    let refused = Ended { said: Vec::new(), status: refused.unwrap() };
    refused.with(Code::Unauthenticated, &["not known or has expired"]);
    lakehouse.stop().await;
    assert_eq!(crate::support::rows_on_disk(data.path(), table, 0).await.len(), 0);
}
