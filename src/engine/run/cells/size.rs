//! How long the values of a row are as JSON, as Zerobus takes it: times are whole microseconds, binary is base64.
//!
//! Near enough to fill records up to a size: escapes are not counted, and numbers are taken to have two decimals at most.

use arrow_schema::DataType;

use super::{Cells, Values};

/// Bytes of the record's own syntax: names, quotes, colons, commas and the braces.
pub(in crate::engine::run) fn json_frame(cells: &[Cells]) -> usize {
    1 + cells.iter().map(|cells| cells.field.name().len() + "\"\":,".len()).sum::<usize>()
}

impl Cells {
    /// Bytes of the last row's value.
    pub(in crate::engine::run) fn last_json_len(&self) -> usize {
        match self.len() {
            0 => 0,
            rows => self.json_len(rows - 1),
        }
    }

    pub(super) fn json_len(&self, row: usize) -> usize {
        if !self.nulls.is_valid(row) {
            return "null".len();
        }
        match &self.values {
            Values::Boolean(bits) => {
                if bits.get_bit(row) {
                    "true".len()
                } else {
                    "false".len()
                }
            }
            Values::Byte(values) => whole(values[row].into()),
            Values::Short(values) => whole(values[row].into()),
            Values::Int(_) if *self.field.data_type() == DataType::Date32 => "\"2026-01-31\"".len(),
            Values::Int(values) => whole(values[row].into()),
            Values::Long(values) => whole(values[row].into()),
            Values::Float(values) => hundredths(values[row].into()),
            Values::Double(values) => hundredths(values[row]),
            Values::Decimal(values) => whole(values[row]) + "\"\".".len(),
            Values::Bytes(spans) => {
                let len = spans.ends.len_at(row);
                "\"\"".len() + if *self.field.data_type() == DataType::Binary { len.div_ceil(3) * 4 } else { len }
            }
            Values::List(ends, items) => {
                let commas = ends.len_at(row).saturating_sub(1);
                "[]".len() + commas + ends.at(row).map(|item| items.json_len(item)).sum::<usize>()
            }
            Values::Map(ends, entries) => {
                let (keys, values) = &**entries;
                let commas = ends.len_at(row).saturating_sub(1);
                let entry = |at| keys.json_len(at) + ":".len() + values.json_len(at);
                "{}".len() + commas + ends.at(row).map(entry).sum::<usize>()
            }
            Values::Struct(children) => {
                json_frame(children) + children.iter().map(|child| child.json_len(row)).sum::<usize>()
            }
        }
    }
}

impl super::Ends {
    fn at(&self, row: usize) -> std::ops::Range<usize> {
        self.0[row] as usize..self.0[row + 1] as usize
    }

    fn len_at(&self, row: usize) -> usize {
        self.at(row).len()
    }
}

fn whole(number: i128) -> usize {
    usize::from(number < 0) + number.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1
}

fn hundredths(number: f64) -> usize {
    let hundredths = (number * 100.0).round() as i128;
    let decimals = if hundredths % 10 == 0 { ".0".len() } else { ".00".len() };
    usize::from(hundredths < 0 && hundredths > -100) + whole(hundredths / 100) + decimals
}
