//! The same rows as protobuf, JSON and Arrow: ids, numbers, a time, and a payload that fills them up and does not compress well.

use std::sync::Arc;

use deltalake::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;

pub const TABLE: &str = "main.direct_write.bench";
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS main.direct_write.bench (id STRING, device STRING, site STRING, \
                       value DOUBLE, sequence BIGINT, event_time TIMESTAMP, payload STRING)";
/// Rows made once and sent again and again: making them would be measured otherwise.
pub const POOL_BYTES: usize = 32 << 20;

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Event {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub device: String,
    #[prost(string, tag = "3")]
    pub site: String,
    #[prost(double, tag = "4")]
    pub value: f64,
    #[prost(int64, tag = "5")]
    pub sequence: i64,
    #[prost(int64, tag = "6")]
    pub event_time: i64,
    #[prost(string, tag = "7")]
    pub payload: String,
}

impl Event {
    /// The row of that number, about `bytes` long as protobuf.
    pub fn new(number: u64, bytes: usize) -> Self {
        let mut random = StdRng::seed_from_u64(number);
        let mut event = Self {
            id: format!("{number:016x}"),
            device: format!("device-{:03}", number % 500),
            site: ["Berlin", "Lyon", "Oslo"][(number % 3) as usize].to_owned(),
            value: random.random_range(0.0..100.0),
            sequence: number as i64,
            event_time: 1_760_000_000_000_000 + number as i64 * 1000,
            payload: String::new(),
        };
        let alphabet = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
        let missing = bytes.saturating_sub(event.encoded_len() + 3);
        event.payload = (0..missing).map(|_| char::from(alphabet[random.random_range(0..alphabet.len())])).collect();
        event
    }
}

/// As a client announces it to the table.
pub fn descriptor() -> DescriptorProto {
    let fields = [
        ("id", Type::String),
        ("device", Type::String),
        ("site", Type::String),
        ("value", Type::Double),
        ("sequence", Type::Int64),
        ("event_time", Type::Int64),
        ("payload", Type::String),
    ];
    let field = fields.iter().zip(1..).map(|((name, kind), number)| FieldDescriptorProto {
        name: Some((*name).to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some((*kind).into()),
        ..Default::default()
    });
    DescriptorProto { name: Some("Event".to_owned()), field: field.collect(), ..Default::default() }
}

/// As delta-rs takes them.
pub fn arrow(events: &[Event]) -> RecordBatch {
    let text = |of: fn(&Event) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(events.iter().map(of))) };
    let times = TimestampMicrosecondArray::from_iter_values(events.iter().map(|event| event.event_time));
    let columns: [(&str, ArrayRef); 7] = [
        ("id", text(|event| &event.id)),
        ("device", text(|event| &event.device)),
        ("site", text(|event| &event.site)),
        ("value", Arc::new(Float64Array::from_iter_values(events.iter().map(|event| event.value)))),
        ("sequence", Arc::new(Int64Array::from_iter_values(events.iter().map(|event| event.sequence)))),
        ("event_time", Arc::new(times.with_timezone("UTC"))),
        ("payload", text(|event| &event.payload)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}
