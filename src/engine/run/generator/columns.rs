//! Records for any table, made from the types of its columns.
//!
//! The first text column that is no id carries the key. One value in sixteen of a nullable column is NULL, but for lists and
//! maps: they have one to three items and none is NULL, because protobuf cannot tell an empty list from none, and every
//! writer is to carry the same records.

use arrow_schema::{DataType, SchemaRef};
use rand::RngCore;
use rand_pcg::Pcg64Mcg;

use super::super::cells::{Cells, Values};
use super::chance::{Keys, below};
use super::layout::{RunIds, Slot};
use super::{event_time, text};
use crate::model::{ColumnType, EdgeError, FieldError, SourceKind, SourceSpec, TableInfo};
use crate::writer::run_columns;

/// 2020-01-01 in days since 1970, and how many days from then on are taken.
const DAYS: (i64, u64) = (18_262, 2_400);
/// One value in so many is NULL where it may be.
const NULL_ONE_IN: u64 = 16;
/// Digits of decimals, when the column has room for as many.
const MOST_DIGITS: u32 = 15;

/// What goes into a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// Text that begins with the column's name and ends with the key.
    Key,
    /// The record's event time.
    EventTime,
    /// JSON, for a VARIANT.
    Json,
    /// Text of at most so many characters, for VARCHAR and CHAR.
    Short(usize),
    /// A value of the column's type.
    Any,
}

/// Makes rows by the types of columns.
pub(super) struct Columns {
    slots: Vec<Slot<Field>>,
    keys: Keys,
    seed: u64,
    /// What a key begins with.
    key_name: Box<[u8]>,
    /// The column that is filled up; it is never NULL.
    filled: Option<usize>,
    pub(super) ids: RunIds,
}

impl Columns {
    /// # Errors
    /// For a map whose keys cannot be told apart by counting, and for a skew without a column for keys.
    pub(super) fn new(
        spec: &SourceSpec,
        table: &TableInfo,
        schema: &SchemaRef,
        ids: RunIds,
    ) -> Result<Self, EdgeError> {
        let run = run_columns(table);
        let is_id = |index| run.record_id == Some(index) || run.run_id == Some(index);
        let fields = schema.fields();
        let is_variant = |index: usize| table.columns[index].kind() == ColumnType::Variant;
        let most_characters = |index: usize| table.columns[index].most_characters();
        let is_text = |index: usize| {
            *fields[index].data_type() == DataType::Utf8 && !is_variant(index) && most_characters(index).is_none()
        };
        let texts: Vec<usize> = (0..fields.len()).filter(|index| !is_id(*index) && is_text(*index)).collect();
        let (key, filled) = (texts.first().copied(), texts.get(1..).and_then(<[usize]>::last).copied());
        let mut errors: Vec<FieldError> = fields
            .iter()
            .zip(&table.columns)
            .filter(|(field, _)| !can_be_made(field.data_type()))
            .map(|(field, column)| {
                let message = "Keys of maps can be text, whole numbers, days or times.";
                FieldError::new(
                    format!("table.{}", field.name()),
                    "type",
                    message,
                    Some(&column.type_text.as_str().into()),
                )
            })
            .collect();
        if key.is_none() && spec.key_skew > 0.0 {
            let message = "The table has no text column for keys, besides those for ids.";
            errors.push(FieldError::new("source.key_skew", "not_an_option", message, Some(&spec.key_skew.into())));
        }
        if !errors.is_empty() {
            return Err(EdgeError {
                error_code: "INVALID_PARAMETER_VALUE".to_owned(),
                message: format!(
                    "Records of {} cannot be made for {}. Nothing was written. Choose another table or source.",
                    SourceKind::Columns.name(),
                    table.name
                ),
                details: errors,
            });
        }
        let slot = |index: usize| match fields[index].data_type() {
            _ if !is_id(index) && most_characters(index).is_some() => {
                Slot::Value(Field::Short(most_characters(index).unwrap_or_default()))
            }
            _ if run.record_id == Some(index) => Slot::RecordId,
            _ if run.run_id == Some(index) => Slot::RunId,
            _ if key == Some(index) => Slot::Value(Field::Key),
            DataType::Timestamp(..) => Slot::Value(Field::EventTime),
            _ if is_variant(index) => Slot::Value(Field::Json),
            _ => Slot::Value(Field::Any),
        };
        let filled = filled.filter(|_| spec.record_bytes.is_some());
        let slots = (0..fields.len()).map(slot).collect();
        let key_name = key.map_or_else(Box::default, |index| format!("{}-", fields[index].name()).into_bytes().into());
        Ok(Self { slots, keys: Keys::new(spec)?, seed: spec.seed, key_name, filled, ids })
    }

    /// The last text column that is neither id nor key, when records are to be filled up.
    pub(super) fn filled_column(&self) -> Option<usize> {
        self.filled
    }

    /// The row with this ordinal, as another row.
    pub(super) fn push(&self, ordinal: u64, chance: &mut Pcg64Mcg, cells: &mut [Cells]) {
        let key = self.keys.draw(chance);
        let at = event_time(self.seed, ordinal, chance);
        for (index, (slot, cells)) in self.slots.iter().zip(cells).enumerate() {
            match slot {
                Slot::RecordId => self.ids.push_record_id(ordinal, cells),
                Slot::RunId => self.ids.push_run_id(cells),
                Slot::Null => cells.push_null(),
                Slot::Value(Field::Key) => cells.push_bytes(|bytes| {
                    bytes.extend_from_slice(&self.key_name);
                    text::push_six(bytes, key);
                }),
                Slot::Value(Field::EventTime) => cells.push_integer(at),
                Slot::Value(Field::Json) => push_json(cells, chance),
                Slot::Value(Field::Short(most)) => push_short(cells, *most, chance),
                Slot::Value(Field::Any) if self.filled == Some(index) => push_value(cells, chance),
                Slot::Value(Field::Any) => push_or_null(cells, chance),
            }
        }
    }
}

fn push_short(cells: &mut Cells, most: usize, chance: &mut Pcg64Mcg) {
    if cells.field().is_nullable() && below(chance, NULL_ONE_IN) == 0 {
        return cells.push_null();
    }
    let length = most.min(8 + below(chance, 9) as usize);
    cells.push_bytes(|bytes| text::push_filler(bytes, length, chance));
}

fn push_json(cells: &mut Cells, chance: &mut Pcg64Mcg) {
    if cells.field().is_nullable() && below(chance, NULL_ONE_IN) == 0 {
        return cells.push_null();
    }
    let number = below(chance, 1_000_001);
    cells.push_bytes(|bytes| {
        bytes.extend_from_slice(b"{\"number\":");
        text::push_number(bytes, number);
        bytes.push(b'}');
    });
}

/// Whether a value of the type can be made: all but maps of keys that are neither text nor countable.
fn can_be_made(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) => can_be_made(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| can_be_made(field.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(parts) if parts.len() == 2 => {
                can_be_key(parts[0].data_type()) && can_be_made(parts[1].data_type())
            }
            _ => false,
        },
        _ => true,
    }
}

fn can_be_key(data_type: &DataType) -> bool {
    use DataType::{Date32, Int8, Int16, Int32, Int64, Timestamp, Utf8};
    matches!(data_type, Utf8 | Int8 | Int16 | Int32 | Int64 | Date32 | Timestamp(..))
}

fn push_or_null(cells: &mut Cells, chance: &mut Pcg64Mcg) {
    let may_be_null = cells.field().is_nullable() && !matches!(cells.values, Values::List(..) | Values::Map(..));
    if may_be_null && below(chance, NULL_ONE_IN) == 0 {
        cells.push_null();
    } else {
        push_value(cells, chance);
    }
}

fn push_value(cells: &mut Cells, chance: &mut Pcg64Mcg) {
    let (data_type, values) = cells.parts();
    match values {
        Values::Boolean(bits) => bits.append(below(chance, 2) == 1),
        Values::Byte(values) => values.push(below(chance, 101) as i8),
        Values::Short(values) => values.push(below(chance, 10_001) as i16),
        Values::Int(values) if *data_type == DataType::Date32 => {
            values.push((DAYS.0 + below(chance, DAYS.1) as i64) as i32);
        }
        Values::Int(values) => values.push(below(chance, 1_000_000_001) as i32),
        Values::Long(values) if *data_type == DataType::Int64 => values.push(below(chance, 1_000_000_000_001) as i64),
        Values::Long(values) => {
            const SECONDS_OF_A_DAY: i64 = 86_400;
            let second = (DAYS.0 + below(chance, DAYS.1) as i64) * SECONDS_OF_A_DAY + below(chance, 86_400) as i64;
            values.push(second * 1_000_000);
        }
        // Quarters are the same in 32 and 64 bits, and have a short text in both.
        Values::Float(values) => values.push(below(chance, 40_001) as f32 / 4.0 - 5_000.0),
        Values::Double(values) => values.push((below(chance, 200_000_001) as f64 - 1e8) / 100.0),
        Values::Decimal(values) => values.push(decimal(data_type, chance)),
        Values::Bytes(spans) if *data_type == DataType::Binary => spans.push(|bytes| {
            bytes.extend_from_slice(&chance.next_u64().to_le_bytes());
            bytes.extend_from_slice(&chance.next_u64().to_le_bytes());
        }),
        Values::Bytes(spans) => spans.push(|bytes| {
            let length = 8 + below(chance, 9) as usize;
            text::push_filler(bytes, length, chance);
        }),
        Values::List(_, items) => {
            for _item in 0..1 + below(chance, 3) {
                push_value(items, chance);
            }
            return cells.end_items();
        }
        Values::Map(_, entries) => {
            let (keys, values) = &mut **entries;
            for entry in 0..1 + below(chance, 3) {
                push_counted(keys, entry);
                push_value(values, chance);
            }
            return cells.end_items();
        }
        Values::Struct(children) => children.iter_mut().for_each(|child| push_or_null(child, chance)),
    }
    cells.filled();
}

/// The key of a map's n-th entry.
fn push_counted(cells: &mut Cells, number: u64) {
    match &mut cells.values {
        Values::Byte(values) => values.push(number as i8),
        Values::Short(values) => values.push(number as i16),
        Values::Int(values) => values.push(number as i32),
        Values::Long(values) => values.push(number as i64),
        Values::Bytes(spans) => spans.push(|bytes| {
            bytes.extend_from_slice(b"key-");
            text::push_number(bytes, number);
        }),
        _ => return,
    }
    cells.filled();
}

fn decimal(data_type: &DataType, chance: &mut Pcg64Mcg) -> i128 {
    let digits = match data_type {
        DataType::Decimal128(precision, _) => u32::from(*precision).min(MOST_DIGITS),
        _ => 1,
    };
    let end = 10_u64.pow(digits);
    i128::from(below(chance, 2 * end - 1)) - i128::from(end - 1)
}
