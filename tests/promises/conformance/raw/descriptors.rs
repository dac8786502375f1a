//! Descriptors that a stream cannot be opened with, and one that only looks so.

use std::sync::Arc;

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};
use tonic::Code;

use super::{Kind, Raw, Said, create_proto, proto};
use crate::conformance::places::{COLUMNS, Place, Places};
use crate::conformance::sheet::Cell;

/// A descriptor, and why it is refused.
struct Misfit {
    case: &'static str,
    columns: &'static str,
    descriptor: Vec<u8>,
    words: &'static [&'static str],
}

pub(super) fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for kind in Kind::BOTH {
        for misfit in misfits() {
            let places = Arc::clone(places);
            cells.push(Cell::new(kind.client(), misfit.case, async move { misfit.play(&places.calm, kind).await }));
        }
        let places = Arc::clone(places);
        let case = "a nested type is found although its package is lost";
        cells.push(Cell::new(kind.client(), case, async move { packaged(&places.calm, kind).await }));
    }
    cells
}

fn misfits() -> Vec<Misfit> {
    let of = |fields: Vec<FieldDescriptorProto>| message("Row", fields).encode_to_vec();
    let misfit = |case, descriptor, words| Misfit { case, columns: COLUMNS, descriptor, words };
    let id = || field("id", 1, Type::String);
    let repeated = FieldDescriptorProto { label: Some(Label::Repeated.into()), ..id() };
    let elsewhere =
        FieldDescriptorProto { type_name: Some(".shop.Address".to_owned()), ..field("id", 1, Type::Message) };
    let long = field(&"c".repeat(20_000), 1, Type::String);
    vec![
        misfit("the descriptor is missing", Vec::new(), &["descriptor_proto is missing"]),
        misfit("the descriptor is of arbitrary bytes", vec![0xff; 30], &["descriptor_proto cannot be decoded"]),
        misfit("the descriptor is cut off", of(vec![id()])[..8].to_vec(), &["descriptor_proto cannot be decoded"]),
        misfit(
            "the descriptor is not self-contained",
            of(vec![elsewhere]),
            &["not self-contained", "Address", "Error Code: 4033, Error State: 1."],
        ),
        misfit(
            "a field of the descriptor is no column",
            of(vec![id(), field("colour", 2, Type::String)]),
            &["field 'colour': the table has no such column"],
        ),
        misfit(
            "a field of the descriptor is of another type",
            of(vec![id(), field("amount", 2, Type::String)]),
            &["field 'amount'", "does not fit a column of type INT"],
        ),
        misfit("a field of the descriptor is repeated", of(vec![repeated]), &["field 'id'", "repeated", "STRING"]),
        misfit(
            "a field number comes twice in the descriptor",
            of(vec![id(), field("amount", 1, Type::Int32)]),
            &["descriptor_proto", "number"],
        ),
        Misfit {
            case: "the descriptor lacks a column that must have a value",
            columns: "id STRING, amount INT NOT NULL",
            descriptor: of(vec![id()]),
            words: &["field 'amount'", "must have a value"],
        },
        misfit(
            "the descriptor's fault is too long for a header",
            of(vec![long]),
            &["bytes left out", "no such column"],
        ),
    ]
}

impl Misfit {
    async fn play(self, place: &Place, kind: Kind) {
        let table = place.table(&format!("{} {}", kind.client(), self.case), self.columns).await;
        let mut stream = Raw::call(place.channel().await, kind, &place.headers(&table).await).await.unwrap();
        stream.send(create_proto(&table, &self.descriptor)).await;
        stream.send(proto(0, b"\x0a\x01x")).await;
        stream.finish();
        let ended = stream.heard_out().await;
        ended.with(Code::InvalidArgument, self.words);
        assert_eq!(ended.said, [], "nothing is said before it");
        if self.columns == COLUMNS {
            place.holds(kind.client(), &table, &[] as &[&str]).await;
        }
    }
}

async fn packaged(place: &Place, kind: Kind) {
    let name = format!("{} packaged", kind.client());
    let table = place.table(&name, "id STRING, place STRUCT<city: STRING>").await;
    let mut descriptor = message("Row", vec![field("id", 1, Type::String)]);
    descriptor.field.push(FieldDescriptorProto {
        type_name: Some(".shop.v1.Row.Place".to_owned()),
        ..field("place", 2, Type::Message)
    });
    descriptor.nested_type.push(message("Place", vec![field("city", 1, Type::String)]));
    let mut stream = Raw::call(place.channel().await, kind, &place.headers(&table).await).await.unwrap();
    stream.send(create_proto(&table, &descriptor.encode_to_vec())).await;
    stream.send(proto(0, b"\x0a\x01x\x12\x06\x0a\x04Bern")).await;
    stream.finish();
    let ended = stream.heard_out().await;
    ended.with(Code::Ok, &[]);
    assert!(matches!(ended.said.as_slice(), [Said::Created(_), Said::Acknowledged(0)]), "{ended:?}");
    place.holds(kind.client(), &table, &["x"]).await;
    let found = place.admin.rows(&format!("SELECT place FROM {table} WHERE id = 'x'")).await;
    assert_eq!(found[0][0], r#"{"city":"Bern"}"#);
}

fn message(name: &str, field: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some(name.to_owned()), field, ..Default::default() }
}

fn field(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        ..Default::default()
    }
}
