//! Products, for a table with the columns of the product form. A product's name, category and sale depend on its key alone;
//! its price moves a little from record to record.

use arrow_schema::SchemaRef;
use rand_pcg::Pcg64Mcg;

use super::super::cells::{Cells, Values};
use super::chance::{Keys, below, mix};
use super::layout::{Known, RunIds, Slot, is_double, is_text, is_text_or_date, is_text_or_time, layout};
use super::{event_time, text};
use crate::model::{EdgeError, SourceKind, SourceSpec, TableInfo};

const CATEGORIES: [&str; 6] = ["electronics", "home", "sports", "books", "garden", "toys"];
const STYLES: [&str; 8] = ["Wireless", "Compact", "Classic", "Smart", "Portable", "Silent", "Modern", "Robust"];
const THINGS: [&str; 8] =
    ["Headphones", "Desk Lamp", "Running Shoes", "Cookbook", "Watering Can", "Puzzle", "Kettle", "Watch"];
/// 2025-01-01, the first day of the earliest sale, in days since 1970.
const FIRST_SALE: i64 = 20_089;
/// What wrote the records, in their column `source`: the same for every writer.
const SOURCE: &[u8] = b"generator";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    ProductId,
    Name,
    Price,
    Category,
    SaleStart,
    SaleStop,
    ProcessedAt,
    Source,
}

/// Makes products.
pub(super) struct Products {
    slots: Vec<Slot<Field>>,
    keys: Keys,
    seed: u64,
    pub(super) ids: RunIds,
}

impl Products {
    /// # Errors
    /// For a table without the columns of a product, or with others that must have a value.
    pub(super) fn new(
        spec: &SourceSpec,
        table: &TableInfo,
        schema: &SchemaRef,
        ids: RunIds,
    ) -> Result<Self, EdgeError> {
        let text = |name, value, required| Known { name, value, required, types: "STRING", takes: is_text };
        let day = |name, value| Known { name, value, required: false, types: "STRING or DATE", takes: is_text_or_date };
        let known = [
            text("product_id", Field::ProductId, true),
            text("product_name", Field::Name, true),
            Known { name: "product_price", value: Field::Price, required: true, types: "DOUBLE", takes: is_double },
            text("category", Field::Category, true),
            day("sale_start_date", Field::SaleStart),
            day("sale_stop_date", Field::SaleStop),
            Known {
                name: "processed_at",
                value: Field::ProcessedAt,
                required: false,
                types: "STRING or TIMESTAMP",
                takes: is_text_or_time,
            },
            text("source", Field::Source, false),
        ];
        let slots = layout(SourceKind::Products, table, schema, &known)?;
        Ok(Self { slots, keys: Keys::new(spec)?, seed: spec.seed, ids })
    }

    /// The name.
    pub(super) fn filled_column(&self) -> usize {
        self.slots.iter().position(|slot| *slot == Slot::Value(Field::Name)).unwrap_or_default()
    }

    /// The product with this ordinal, as another row.
    pub(super) fn push(&self, ordinal: u64, chance: &mut Pcg64Mcg, cells: &mut [Cells]) {
        let key = self.keys.draw(chance);
        let traits = mix(key);
        let pick =
            |words: &[&'static str], shift: u32| words[((traits >> shift) % words.len() as u64) as usize].as_bytes();
        let cents = 500 + (traits >> 24) % 50_000 + below(chance, 100);
        let first_day = FIRST_SALE + ((traits >> 48) % 365) as i64;
        let last_day = first_day + 14 + ((traits >> 40) % 60) as i64;
        let at = event_time(self.seed, ordinal, chance);
        for (slot, cells) in self.slots.iter().zip(cells) {
            match slot {
                Slot::RecordId => self.ids.push_record_id(ordinal, cells),
                Slot::RunId => self.ids.push_run_id(cells),
                Slot::Null => cells.push_null(),
                Slot::Value(Field::ProductId) => cells.push_bytes(|bytes| {
                    bytes.extend_from_slice(b"PROD");
                    text::push_six(bytes, key);
                }),
                Slot::Value(Field::Name) => cells.push_bytes(|bytes| {
                    bytes.extend_from_slice(pick(&STYLES, 0));
                    bytes.push(b' ');
                    bytes.extend_from_slice(pick(&THINGS, 8));
                }),
                Slot::Value(Field::Price) => cells.push_double(cents as f64 / 100.0),
                Slot::Value(Field::Category) => {
                    cells.push_bytes(|bytes| bytes.extend_from_slice(pick(&CATEGORIES, 16)))
                }
                Slot::Value(Field::SaleStart) => push_day(cells, first_day),
                Slot::Value(Field::SaleStop) => push_day(cells, last_day),
                Slot::Value(Field::ProcessedAt) => match cells.values {
                    Values::Bytes(_) => cells.push_bytes(|bytes| text::push_time(bytes, at)),
                    _ => cells.push_integer(at),
                },
                Slot::Value(Field::Source) => cells.push_bytes(|bytes| bytes.extend_from_slice(SOURCE)),
            }
        }
    }
}

fn push_day(cells: &mut Cells, day: i64) {
    match cells.values {
        Values::Bytes(_) => cells.push_bytes(|bytes| text::push_day(bytes, day)),
        _ => cells.push_integer(day),
    }
}
