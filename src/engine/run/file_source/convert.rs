//! Values that were found good become cells.

use arrow_schema::DataType;
use serde_json::Value;

use super::super::cells::{Cells, Values};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::{CalendarDate, local_micros, timestamp_micros};
use crate::writer::key_of;

/// Adds a record's value to its column; nothing and `null` are NULL.
///
/// # Errors
/// For a value that the column does not take, which the validation would have refused.
pub(super) fn push_json(cells: &mut Cells, value: Option<&Value>) -> Result<(), String> {
    let value = match value {
        None | Some(Value::Null) => {
            cells.push_null();
            return Ok(());
        }
        Some(value) => value,
    };
    push_value(cells, value).ok_or_else(|| format!("column {} does not take {value}", cells.field().name()))
}

fn push_value(cells: &mut Cells, value: &Value) -> Option<()> {
    let (data_type, values) = cells.parts();
    match values {
        Values::List(_, items) => {
            for item in value.as_array()? {
                push_json(items, Some(item)).ok()?;
            }
            cells.end_items();
            return Some(());
        }
        Values::Map(_, entries) => {
            let (keys, values) = &mut **entries;
            for (key, value) in value.as_object()? {
                push_json(keys, Some(&key_of(key, keys.field().data_type())?)).ok()?;
                push_json(values, Some(value)).ok()?;
            }
            cells.end_items();
            return Some(());
        }
        Values::Struct(children) => {
            let fields = value.as_object()?;
            for child in children {
                let value = fields.get(child.field().name());
                push_json(child, value).ok()?;
            }
        }
        Values::Boolean(bits) => bits.append(value.as_bool()?),
        Values::Byte(values) => values.push(i8::try_from(value.as_i64()?).ok()?),
        Values::Short(values) => values.push(i16::try_from(value.as_i64()?).ok()?),
        Values::Int(values) if *data_type == DataType::Date32 => {
            values.push(CalendarDate::parse(value.as_str()?)?.days_since_epoch());
        }
        Values::Int(values) => values.push(i32::try_from(value.as_i64()?).ok()?),
        Values::Long(values) if *data_type == DataType::Int64 => values.push(value.as_i64()?),
        Values::Long(values) => {
            let is_local = matches!(data_type, DataType::Timestamp(_, None));
            let read = |text: &str| timestamp_micros(text).or_else(|| local_micros(text).filter(|_| is_local));
            values.push(value.as_i64().or_else(|| read(value.as_str()?))?);
        }
        Values::Float(values) => values.push(value.as_f64()? as f32),
        Values::Double(values) => values.push(value.as_f64()?),
        Values::Decimal(values) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            values.push(decimal(&text, data_type)?);
        }
        Values::Bytes(spans) if *data_type == DataType::Utf8 => match value.as_str() {
            Some(text) => spans.push(|bytes| bytes.extend_from_slice(text.as_bytes())),
            // Of all columns of text only VARIANT takes what is none: its JSON.
            None => spans.push(|bytes| bytes.extend_from_slice(value.to_string().as_bytes())),
        },
        Values::Bytes(spans) => {
            let decoded = STANDARD.decode(value.as_str()?).ok()?;
            spans.push(|bytes| bytes.extend_from_slice(&decoded));
        }
    }
    cells.filled();
    Some(())
}

/// A decimal's digits without the point, as many behind it as the column has.
fn decimal(text: &str, data_type: &DataType) -> Option<i128> {
    let DataType::Decimal128(_, scale) = data_type else { return None };
    let scale = usize::try_from(*scale).ok()?;
    let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    // Zeros beyond the scale say nothing; other digits there were refused.
    let fraction = fraction.get(..scale).unwrap_or(fraction);
    let number: i128 = format!("{whole}{fraction:0<scale$}").parse().ok()?;
    Some(if is_negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits() {
        let of = |text: &str| decimal(text, &DataType::Decimal128(38, 2));
        for (text, expected) in [("1.5", 150), ("-0.10", -10), ("12", 1200), ("1.500", 150), ("007.25", 725), ("0", 0)]
        {
            assert_eq!(of(text), Some(expected), "{text}");
        }
        let widest = format!("-{}.99", "9".repeat(36));
        assert_eq!(of(&widest), Some(1 - 10_i128.pow(38)));
    }
}
