//! The browser's half of the wire: what the server sends, read from one parsed [`Value`].
//!
//! The server writes and reads these types by serde's derives, which make a parser for each type; the browser has one
//! parser, for [`Value`], and takes the fields out of that. A test below holds the two halves to each other.
//! What it saves is in docs/decisions/0002-wasm-diet.md.

use serde_json::{Map, Value};

use super::{
    Column, EdgeError, FieldError, PlanPreview, Records, RowsPage, Stage, StageReport, StageState, SubmissionSnapshot,
    SubmissionState, TableInfo, TableName, WorkbenchInfo, WorkspaceBadge, WriterCard, WriterKind, WriterState,
};

/// A type that the server sends.
pub trait Receive: Sized {
    /// Reads it; `None` when the value has another shape.
    fn receive(value: &Value) -> Option<Self>;
}

/// Reads JSON text.
pub fn receive<T: Receive>(text: &str) -> Option<T> {
    T::receive(&serde_json::from_str(text).ok()?)
}

/// Reads a field of an object; one that is not there is read as null.
pub fn field<T: Receive>(object: &Map<String, Value>, name: &str) -> Option<T> {
    T::receive(object.get(name).unwrap_or(&Value::Null))
}

/// An object of those fields, to be sent or kept.
pub fn object(fields: Vec<(&str, Value)>) -> Value {
    let mut object = Map::new();
    for (name, value) in fields {
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

/// Reads structs whose fields are named on the wire as they are here; the compiler finds one that is forgotten.
macro_rules! receive_structs {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl $crate::model::receive::Receive for $name {
            fn receive(value: &serde_json::Value) -> Option<Self> {
                let object = value.as_object()?;
                Some(Self { $($field: $crate::model::receive::field(object, stringify!($field))?),* })
            }
        }
    )*};
}
pub(crate) use receive_structs;

/// Reads enums that are one word on the wire.
macro_rules! receive_words {
    ($($name:ident { $($word:literal => $variant:ident),* $(,)? })*) => {$(
        impl Receive for $name {
            fn receive(value: &Value) -> Option<Self> {
                match value.as_str()? {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}

receive_structs! {
    FieldError { path, rule, message, came }
    EdgeError { error_code, message, details }
    WorkspaceBadge { name, local, url, principal }
    Column { name, type_name, type_text, type_json, nullable, position }
    TableInfo { name, columns }
    WorkbenchInfo { workspace, writers, tables, asked, problem }
    Records { received, durable, failed, visible }
    StageReport { stage, state, took_us, note }
    RowsPage { columns, rows, total }
    PlanPreview { summary, plan }
    SubmissionSnapshot {
        id, sequence, state, finished, writer, table, workspace, started_at, records, payload_bytes, stages,
        processing_us, record_ids, error, answer,
    }
}

receive_words! {
    Stage {
        "validated" => Validated, "encoded" => Encoded, "sent" => Sent, "durable" => Durable, "visible" => Visible,
    }
    StageState {
        "waiting" => Waiting, "active" => Active, "done" => Done, "failed" => Failed, "unknown" => Unknown,
    }
    SubmissionState { "running" => Running, "succeeded" => Succeeded, "failed" => Failed }
}

mod live;

impl Receive for WriterKind {
    fn receive(value: &Value) -> Option<Self> {
        Self::parse(value.as_str()?)
    }
}

impl Receive for WriterCard {
    fn receive(value: &Value) -> Option<Self> {
        let card = value.as_object()?;
        let state = match card.get("state")?.as_str()? {
            "ready" => WriterState::Ready,
            "unavailable" => {
                WriterState::Unavailable { reason: field(card, "reason")?, remedy: field(card, "remedy")? }
            }
            _ => return None,
        };
        Some(Self { kind: field(card, "kind")?, state })
    }
}

impl Receive for TableName {
    fn receive(value: &Value) -> Option<Self> {
        Self::parse(value.as_str()?).ok()
    }
}

impl<T: Receive> Receive for Option<T> {
    fn receive(value: &Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::receive(value).map(Some) }
    }
}

impl<T: Receive> Receive for Vec<T> {
    fn receive(value: &Value) -> Option<Self> {
        let values = value.as_array()?;
        let mut all = Self::with_capacity(values.len());
        for value in values {
            all.push(T::receive(value)?);
        }
        Some(all)
    }
}

impl Receive for Value {
    fn receive(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl Receive for String {
    fn receive(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Receive for bool {
    fn receive(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Receive for f64 {
    fn receive(value: &Value) -> Option<Self> {
        value.as_f64()
    }
}

impl Receive for u64 {
    fn receive(value: &Value) -> Option<Self> {
        value.as_u64()
    }
}

impl Receive for u32 {
    fn receive(value: &Value) -> Option<Self> {
        value.as_u64()?.try_into().ok()
    }
}

impl Receive for i32 {
    fn receive(value: &Value) -> Option<Self> {
        value.as_i64()?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::json;

    use super::*;

    fn arrives_as_it_was_sent<T: Serialize + Receive + PartialEq + std::fmt::Debug>(sent: &T) {
        let text = serde_json::to_string(sent).unwrap();
        assert_eq!(receive::<T>(&text).as_ref(), Some(sent), "{text}");
    }

    fn problem() -> EdgeError {
        EdgeError::invalid(vec![FieldError::new("items[0].a", "type", "Wrong.", Some(&json!({"b": [1, "ä\n\""]})))])
    }

    fn badge() -> WorkspaceBadge {
        WorkspaceBadge { name: "Local".into(), local: true, url: "http://a".into(), principal: String::new() }
    }

    fn table() -> TableName {
        TableName::parse("a.b.c").unwrap()
    }

    #[test]
    fn what_the_workbench_needs_arrives() {
        let column = Column { position: 3, ..Column::of("price", "decimal(10,2) not null") };
        let unavailable = WriterState::Unavailable { reason: "no".into(), remedy: "do".into() };
        let cards = WriterKind::ALL
            .into_iter()
            .flat_map(|kind| [WriterState::Ready, unavailable.clone()].map(|state| WriterCard { kind, state }));
        arrives_as_it_was_sent(&WorkbenchInfo {
            asked: Some(table()),
            workspace: badge(),
            writers: cards.collect(),
            tables: vec![TableInfo { name: table(), columns: vec![column] }],
            problem: Some(problem()),
        });
    }

    #[test]
    fn every_state_of_a_submission_arrives() {
        let states =
            [StageState::Waiting, StageState::Active, StageState::Done, StageState::Failed, StageState::Unknown];
        let report = |(stage, state)| StageReport { stage, state, took_us: Some(u64::MAX), note: Some("why".into()) };
        for state in [SubmissionState::Running, SubmissionState::Succeeded, SubmissionState::Failed] {
            arrives_as_it_was_sent(&SubmissionSnapshot {
                id: "one".into(),
                sequence: 7,
                state,
                finished: true,
                writer: WriterKind::Sql,
                table: table(),
                workspace: badge(),
                started_at: "2026-01-01T00:00:00Z".into(),
                records: Records { received: 3, durable: 2, failed: 1, visible: None },
                payload_bytes: 1,
                stages: Stage::ALL.into_iter().zip(states).map(report).collect(),
                processing_us: 2,
                record_ids: vec!["r".into()],
                error: Some(problem()),
                answer: Some(json!({"status": "success", "price": 499.99, "none": null})),
            });
        }
    }

    #[test]
    fn rows_arrive_and_another_shape_is_refused() {
        let page = RowsPage { columns: vec!["a".into()], rows: vec![vec![None], vec![Some("1".into())]], total: 2 };
        arrives_as_it_was_sent(&page);
        for other in ["", "null", "[]", "{}", r#"{"columns": ["a"], "rows": [[1]], "total": 1}"#] {
            assert_eq!(receive::<RowsPage>(other), None, "{other}");
        }
        assert_eq!(receive::<WriterKind>(r#""carrier-pigeon""#), None);
    }
}
