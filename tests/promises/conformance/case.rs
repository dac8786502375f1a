//! What a well-behaved client does, and what must come of it: the same for every client in every language.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::places::{COLUMNS, Place, Places};

/// All kinds of column.
const EVERYTHING: &str = "id STRING, flag BOOLEAN, tiny TINYINT, small SMALLINT, medium INT, large BIGINT, \
    single FLOAT, twice DOUBLE, price DECIMAL(20,4), day DATE, moment TIMESTAMP, wall_clock TIMESTAMP_NTZ, \
    octets BINARY, tags ARRAY<STRING>, numbers ARRAY<BIGINT>, counts MAP<STRING, BIGINT>, names MAP<INT, STRING>, \
    place STRUCT<city: STRING, at: STRUCT<lat: DOUBLE, lon: DOUBLE>, marks: ARRAY<INT>>, \
    lines ARRAY<STRUCT<sku: STRING, quantity: INT, price: DECIMAL(10,2)>>";

/// Who opens the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Administrator,
    WrongSecret,
    /// A principal without a grant.
    Nobody,
}

/// What must come of a case.
pub enum Expected {
    /// Every row is there, once; after a reconnect at least once.
    Written,
    /// The calls before this one are there, and this one is refused for its field.
    Refused { call: usize },
    /// The stream is not opened.
    NotOpened,
    /// The rows of [`everything`], as SQL shows them.
    Everything,
}

/// A case.
pub struct Case {
    pub name: &'static str,
    pub columns: &'static str,
    /// Rows by call. A call of one row is written as a single record.
    pub calls: Vec<Vec<Value>>,
    pub who: Who,
    /// Whether each call is waited for before the next is made, with a pause.
    pub slowly: bool,
    /// Whether the lakehouse ends streams meanwhile.
    pub rotating: bool,
    /// Whether the stream is to be there: otherwise its table is not.
    pub table_exists: bool,
    pub expected: Expected,
}

/// What a client met with.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub opened: bool,
    /// Calls that it knows to be acknowledged.
    pub acknowledged: usize,
    pub error: Option<String>,
    /// Whether it would not try again.
    #[serde(default)]
    pub is_final: bool,
}

/// All cases. Batches and Arrow go together, so a client without batches leaves those cases out.
pub fn all() -> Vec<Case> {
    let case = |name, calls, expected| Case {
        name,
        columns: COLUMNS,
        calls,
        who: Who::Administrator,
        slowly: false,
        rotating: false,
        table_exists: true,
        expected,
    };
    let single = |count: usize| (0..count).map(|index| vec![row(index)]).collect::<Vec<_>>();
    let batches = (0..10).map(|batch| (batch * 25..(batch + 1) * 25).map(row).collect()).collect();
    let mut spoiled = single(3);
    spoiled.push(vec![json!({ "id": "bad", "price": "free" })]);
    let mut spoiled_batch: Vec<Vec<Value>> = vec![vec![row(0), row(1)]];
    spoiled_batch.push(vec![row(2), json!({ "id": "bad", "price": "free" }), row(3)]);
    vec![
        case("single records are written", single(100), Expected::Written),
        case("batches are written", batches, Expected::Written),
        case("a stream without a record closes well", Vec::new(), Expected::Written),
        Case {
            slowly: true,
            ..case("a bad record is named, those before it are kept", spoiled, Expected::Refused { call: 3 })
        },
        Case {
            slowly: true,
            ..case(
                "a bad record in a batch is named, the batch is left out",
                spoiled_batch,
                Expected::Refused { call: 1 },
            )
        },
        Case {
            table_exists: false,
            ..case("an unknown table is not found and not made", single(1), Expected::NotOpened)
        },
        Case { who: Who::WrongSecret, ..case("a wrong secret is refused", single(1), Expected::NotOpened) },
        Case { who: Who::Nobody, ..case("a missing grant is refused with 4024", single(1), Expected::NotOpened) },
        Case {
            slowly: true,
            rotating: true,
            ..case("streams that are rotated lose nothing", single(80), Expected::Written)
        },
        Case {
            columns: EVERYTHING,
            ..case("all column types arrive as they were", everything(), Expected::Everything)
        },
    ]
}

impl Case {
    /// Where it takes place.
    pub fn place<'a>(&self, places: &'a Places, with_tls: bool) -> &'a Place {
        match (self.rotating, with_tls) {
            (false, false) => &places.calm,
            (true, false) => &places.rotating,
            (false, true) => &places.calm_tls,
            (true, true) => &places.rotating_tls,
        }
    }

    /// Makes its table for a client, if it is to have one.
    pub async fn table(&self, place: &Place, client: &str) -> String {
        if !self.table_exists {
            return "main.conformance.nowhere".to_owned();
        }
        place.table(&format!("{client} {}", self.name), self.columns).await
    }

    pub fn has_batches(&self) -> bool {
        self.calls.iter().any(|call| call.len() > 1)
    }

    /// Asserts that what came of it is what must. `says` are the words of a refusal that this client passes on.
    pub async fn judge(&self, place: &Place, client: &str, table: &str, report: &Report, says: &[&str]) {
        let text = report.error.as_deref().unwrap_or_default();
        let all_said = says.iter().all(|word| text.contains(word));
        match self.expected {
            Expected::Written => {
                // The SDK's Arrow streams say so, and that nothing is lost by it, when they are closed while they are rotated.
                let in_rotation = self.rotating && text.contains("Server requested graceful stream rotation");
                assert!(report.opened && (report.error.is_none() || in_rotation), "{report:?}");
                assert_eq!(report.acknowledged, self.calls.len(), "calls acknowledged");
                if self.rotating {
                    let mut found = place.ids(client, table).await;
                    found.dedup();
                    assert_eq!(found, self.ids(self.calls.len()), "each record at least once");
                } else {
                    place.holds(client, table, &self.ids(self.calls.len())).await;
                }
            }
            Expected::Refused { call } => {
                assert!(report.opened && report.error.is_some(), "{report:?}");
                assert_eq!(report.acknowledged, call, "calls acknowledged; {text}");
                assert!(all_said, "{says:?} are not in '{text}'");
                place.holds(client, table, &self.ids(call)).await;
            }
            Expected::NotOpened => {
                assert!(!report.opened && report.is_final, "{report:?}");
                assert!(all_said, "{says:?} are not in '{text}'");
                if self.table_exists {
                    place.holds(client, table, &[] as &[&str]).await;
                } else {
                    let tables = place.admin.rows("SHOW TABLES IN main.conformance").await.to_string();
                    assert!(!tables.contains("nowhere"), "{tables}");
                }
            }
            Expected::Everything => {
                assert!(report.opened && report.error.is_none(), "{report:?}");
                place.holds(client, table, &["extreme", "full", "null"]).await;
                let select = format!("SELECT * FROM {table} WHERE id NOT LIKE '~%' ORDER BY id");
                let found = place.admin.rows(&select).await;
                let expected = shown(client.ends_with("proto") || client.ends_with("persistent"));
                for (found, expected) in found.as_array().unwrap().iter().zip(expected.as_array().unwrap()) {
                    assert_eq!(found, expected);
                }
            }
        }
    }

    fn ids(&self, calls: usize) -> Vec<String> {
        let rows = self.calls.iter().take(calls).flatten();
        rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// An ordinary row.
pub fn row(index: usize) -> Value {
    json!({ "id": format!("r{index:05}"), "price": format!("{}.25", index), "amount": index })
}

/// Days, microseconds, base64 and decimals as text are what the service's types ask for.
fn everything() -> Vec<Vec<Value>> {
    let full = json!({
        "id": "full", "flag": true, "tiny": -7, "small": 300, "medium": 70000, "large": 5_000_000_000_i64,
        "single": 1.5, "twice": -2.25, "price": "1234.5600", "day": 20089, "moment": 1_735_689_600_123_456_i64,
        "wall_clock": 1_735_689_600_000_001_i64, "octets": "AAH/", "tags": ["a", "b"], "numbers": [1, -2],
        "counts": { "x": 1 }, "names": { "7": "seven" },
        "place": { "city": "Zürich", "at": { "lat": 47.5, "lon": 8.5 }, "marks": [3, 1] },
        "lines": [{ "sku": "A", "quantity": 2, "price": "9.90" }, { "sku": "B", "quantity": null, "price": null }],
    });
    let extreme = json!({
        "id": "extreme", "flag": false, "tiny": -128, "small": 32767, "medium": i32::MIN, "large": i64::MAX,
        "single": 16_777_216.0, "twice": 1e300, "price": "-9999999999999999.9999", "day": -1, "moment": -1,
        "wall_clock": 0, "octets": "", "tags": [], "numbers": [], "counts": {}, "names": {},
        "place": { "city": "", "at": null, "marks": [] }, "lines": [],
    });
    vec![vec![full], vec![extreme], vec![json!({ "id": "null" })]]
}

/// What SQL shows of [`everything`]. Protobuf has no NULL for what is repeated: there it is empty.
fn shown(empty_for_null: bool) -> Value {
    let (list, map) = if empty_for_null { (json!("[]"), json!("{}")) } else { (Value::Null, Value::Null) };
    json!([
        [
            "extreme",
            "false",
            "-128",
            "32767",
            "-2147483648",
            "9223372036854775807",
            "16777216.0",
            "1e300",
            "-9999999999999999.9999",
            "1969-12-31",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00.000",
            "",
            "[]",
            "[]",
            "{}",
            "{}",
            "{\"city\":\"\",\"at\":null,\"marks\":[]}",
            "[]"
        ],
        [
            "full",
            "true",
            "-7",
            "300",
            "70000",
            "5000000000",
            "1.5",
            "-2.25",
            "1234.5600",
            "2025-01-01",
            "2025-01-01T00:00:00.123Z",
            "2025-01-01T00:00:00.000",
            "AAH/",
            "[\"a\",\"b\"]",
            "[1,-2]",
            "{\"x\":1}",
            "{\"7\":\"seven\"}",
            "{\"city\":\"Zürich\",\"at\":{\"lat\":47.5,\"lon\":8.5},\"marks\":[3,1]}",
            "[{\"sku\":\"A\",\"quantity\":2,\"price\":9.90},{\"sku\":\"B\",\"quantity\":null,\"price\":null}]"
        ],
        [
            "null", null, null, null, null, null, null, null, null, null, null, null, null, list, list, map, map, null,
            list
        ],
    ])
}
