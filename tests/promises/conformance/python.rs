//! The official Python SDKs: a process for each kind of stream goes through the cases and says what it met with.

use std::sync::Arc;

use arrow_flight::{FlightData, SchemaAsIpc};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deltalake::arrow::ipc::writer::IpcWriteOptions;
use prost::Message;
use prost_types::DescriptorProto;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::case::{Case, Expected, Report, Who, all};
use super::places::Places;
use super::shape::Shape;
use super::sheet::{Cell, Verdict, judged};
use crate::support::python_of;

/// A script, the environment it runs in and a format it writes.
#[derive(Clone, Copy)]
struct Python {
    name: &'static str,
    environment: &'static str,
    script: &'static str,
    format: &'static str,
}

impl Python {
    const ALL: [Self; 5] = [
        Self::current("Python proto", "proto"),
        Self::current("Python JSON", "json"),
        Self::current("Python Arrow", "arrow"),
        Self::pure("Python-0.2 proto", "proto"),
        Self::pure("Python-0.2 JSON", "json"),
    ];

    const fn current(name: &'static str, format: &'static str) -> Self {
        Self { name, environment: "python", script: "conformance_client.py", format }
    }

    /// The one in pure Python: TLS only, and single records only.
    const fn pure(name: &'static str, format: &'static str) -> Self {
        Self { name, environment: "python-0.2", script: "conformance_client_0_2.py", format }
    }

    fn is_pure(self) -> bool {
        self.environment == "python-0.2"
    }

    fn says(self, case: &Case) -> Vec<&'static str> {
        match (case.who, case.table_exists, case.has_batches()) {
            // It passes the answer's status on and not its text.
            (Who::WrongSecret, ..) if self.is_pure() => vec!["401"],
            (Who::Nobody, ..) if self.is_pure() => vec!["400"],
            (Who::WrongSecret, ..) => vec!["invalid_client"],
            (Who::Nobody, ..) => vec!["Error Code: 4024, Error State: 1."],
            (_, false, _) => vec!["nowhere"],
            _ if self.format == "arrow" => vec!["field 'price'", "row "],
            (_, _, true) => vec!["offset 1, record 1: field 'price'"],
            (_, _, false) => vec!["offset 3, record 0: field 'price'"],
        }
    }
}

pub fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let column = |python: Python| {
        let places = Arc::clone(places);
        Cell::column(python.name, async move { column(python, places).await })
    };
    Python::ALL.into_iter().map(column).collect()
}

async fn column(python: Python, places: Arc<Places>) -> Vec<(String, Verdict)> {
    let cases: Vec<Case> = all().into_iter().filter(|case| !(python.is_pure() && case.has_batches())).collect();
    let mut plan = Vec::new();
    let mut tables = Vec::new();
    for case in &cases {
        let place = case.place(&places, python.is_pure());
        let table = case.table(place, python.name).await;
        plan.push(planned(case, place, &table).await);
        tables.push(table);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    std::fs::write(&file, json!({ "format": python.format, "cases": plan }).to_string()).unwrap();
    let root = folder.path().join("authorities.pem");
    let authority = |place: &super::places::Place| std::fs::read_to_string(place.root.as_ref().unwrap()).unwrap();
    std::fs::write(&root, authority(&places.calm_tls) + &authority(&places.rotating_tls)).unwrap();
    let root = root.to_string_lossy();
    let variables = [("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", root.as_ref()), ("REQUESTS_CA_BUNDLE", root.as_ref())];
    let said = python_of(python.environment, python.script, &[&file.to_string_lossy()], &variables).await;
    // The SDK's own log comes first.
    let reports: Vec<Report> = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(reports.len(), cases.len());

    let mut column = Vec::new();
    for ((case, table), mut report) in cases.into_iter().zip(tables).zip(reports) {
        // What it raises does not always say whether it is final; that it raised at once instead of trying again does.
        report.is_final |= python.is_pure() && matches!(case.expected, Expected::NotOpened);
        let (name, places) = (case.name.to_owned(), Arc::clone(&places));
        let judging = async move {
            let place = case.place(&places, python.is_pure());
            case.judge(place, python.name, &table, &report, &python.says(&case)).await;
        };
        column.push((name, judged(judging).await));
    }
    column
}

/// What the script needs to know of a case.
async fn planned(case: &Case, place: &super::places::Place, table: &str) -> Value {
    let caller = if case.who == Who::Nobody { &place.nobody } else { &place.admin };
    let secret = if case.who == Who::WrongSecret { "wrong" } else { caller.client_secret.expose_secret() };
    let columns = if case.table_exists { table } else { "main.direct_write.products" };
    let mut shape = Shape::of(place, columns).await;
    as_proto2(&mut shape.descriptor);
    let schema: FlightData = SchemaAsIpc::new(&shape.arrow, &IpcWriteOptions::default()).into();
    json!({
        "url": place.url,
        "table": table,
        "client_id": caller.client_id,
        "client_secret": secret,
        "calls": if case.table_exists { json!(case.calls) } else { json!([]) },
        "slowly": case.slowly,
        "descriptor": STANDARD.encode(shape.descriptor.encode_to_vec()),
        "schema": STANDARD.encode(&schema.data_header),
    })
}

/// Python's pool of descriptors takes the word `optional` of proto3 in files of proto3 only.
fn as_proto2(message: &mut DescriptorProto) {
    message.field.iter_mut().for_each(|field| field.proto3_optional = None);
    message.nested_type.iter_mut().for_each(as_proto2);
}
