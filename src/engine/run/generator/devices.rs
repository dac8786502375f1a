//! Telemetry: readings of devices at sites, for a table with the columns of `telemetry`.

use arrow_schema::SchemaRef;
use rand_pcg::Pcg64Mcg;

use super::super::cells::Cells;
use super::chance::{Keys, below, mix};
use super::layout::{Known, RunIds, Slot, is_double, is_long, is_text, is_time, layout};
use super::{event_time, text};
use crate::model::{EdgeError, SourceKind, SourceSpec, TableInfo};

/// Devices are spread over so many sites, always the same.
const SITES: u64 = 32;

/// What is measured: its name, its unit, and the range of its values in hundredths.
const METRICS: [(&str, &str, i64, i64); 8] = [
    ("temperature", "Cel", -2_000, 9_000),
    ("humidity", "%", 0, 10_000),
    ("pressure", "hPa", 95_000, 105_000),
    ("vibration", "mm/s", 0, 5_000),
    ("voltage", "V", 22_000, 24_000),
    ("current", "A", 0, 6_400),
    ("flow", "l/min", 0, 20_000),
    ("level", "m", 0, 1_200),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    DeviceId,
    Site,
    Metric,
    Value,
    Unit,
    EventTime,
    Sequence,
}

/// Makes readings.
pub(super) struct Devices {
    slots: Vec<Slot<Field>>,
    keys: Keys,
    seed: u64,
    pub(super) ids: RunIds,
}

impl Devices {
    /// # Errors
    /// For a table without the columns of a reading, or with others that must have a value.
    pub(super) fn new(
        spec: &SourceSpec,
        table: &TableInfo,
        schema: &SchemaRef,
        ids: RunIds,
    ) -> Result<Self, EdgeError> {
        let text = |name, value| Known { name, value, required: true, types: "STRING", takes: is_text };
        let known = [
            text("device_id", Field::DeviceId),
            text("site", Field::Site),
            text("metric", Field::Metric),
            text("unit", Field::Unit),
            Known { name: "value", value: Field::Value, required: true, types: "DOUBLE", takes: is_double },
            Known {
                name: "event_time",
                value: Field::EventTime,
                required: true,
                types: "TIMESTAMP or TIMESTAMP_NTZ",
                takes: is_time,
            },
            Known { name: "sequence", value: Field::Sequence, required: false, types: "BIGINT", takes: is_long },
        ];
        let slots = layout(SourceKind::Telemetry, table, schema, &known)?;
        Ok(Self { slots, keys: Keys::new(spec)?, seed: spec.seed, ids })
    }

    /// The unit, which is the shortest text.
    pub(super) fn filled_column(&self) -> usize {
        self.slots.iter().position(|slot| *slot == Slot::Value(Field::Unit)).unwrap_or_default()
    }

    /// The reading with this ordinal, as another row.
    #[inline]
    pub(super) fn push(&self, ordinal: u64, chance: &mut Pcg64Mcg, cells: &mut [Cells]) {
        let device = self.keys.draw(chance);
        let (metric, unit, lowest, highest) = METRICS[below(chance, METRICS.len() as u64) as usize];
        let hundredths = lowest + below(chance, (highest - lowest + 1).unsigned_abs()) as i64;
        let at = event_time(self.seed, ordinal, chance);
        for (slot, cells) in self.slots.iter().zip(cells) {
            match slot {
                Slot::RecordId => self.ids.push_record_id(ordinal, cells),
                Slot::RunId => self.ids.push_run_id(cells),
                Slot::Null => cells.push_null(),
                Slot::Value(Field::DeviceId) => cells.push_bytes(|bytes| {
                    bytes.extend_from_slice(b"device-");
                    text::push_six(bytes, device);
                }),
                Slot::Value(Field::Site) => cells.push_bytes(|bytes| {
                    bytes.extend_from_slice(b"site-");
                    text::push_two(bytes, mix(device) % SITES);
                }),
                Slot::Value(Field::Metric) => cells.push_bytes(|bytes| bytes.extend_from_slice(metric.as_bytes())),
                Slot::Value(Field::Unit) => cells.push_bytes(|bytes| bytes.extend_from_slice(unit.as_bytes())),
                Slot::Value(Field::Value) => cells.push_double(hundredths as f64 / 100.0),
                Slot::Value(Field::EventTime) => cells.push_integer(at),
                Slot::Value(Field::Sequence) => cells.push_integer(ordinal as i64),
            }
        }
    }
}
