//! Cells of many rows to Arrow arrays.

use std::sync::Arc;

use deltalake::arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, ListArray, MapArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use deltalake::arrow::buffer::{NullBuffer, OffsetBuffer};
use deltalake::arrow::datatypes::{DataType, Field, Fields, SchemaRef, TimeUnit};
use deltalake::arrow::record_batch::RecordBatch;

use super::{Cell, DecodeError, Row};

pub(super) fn to_batch(rows: &[Row], schema: &SchemaRef) -> Result<RecordBatch, DecodeError> {
    let arrays = schema.fields().iter().enumerate().map(|(index, field)| {
        let cells: Vec<&Cell> = rows.iter().map(|row| row.get(index).unwrap_or(&Cell::Null)).collect();
        array(&cells, field)
    });
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), arrays).map_err(|error| DecodeError::new("", error.to_string()))
}

fn array(cells: &[&Cell], field: &Field) -> Result<ArrayRef, DecodeError> {
    /// Cells of one kind to an array of options.
    macro_rules! values {
        ($pattern:pat => $value:expr) => {
            cells
                .iter()
                .map(|cell| match cell {
                    Cell::Null => Ok(None),
                    $pattern => Ok(Some($value)),
                    other => Err(DecodeError::new(field.name(), format!("{other:?} is not a {}", field.data_type()))),
                })
                .collect::<Result<Vec<_>, _>>()?
        };
    }
    macro_rules! integers {
        ($native:ty, $array:ty) => {
            Arc::new(<$array>::from(values!(Cell::Int(value) => <$native>::try_from(*value).map_err(|_| {
                DecodeError::new(field.name(), format!("{value} is out of range for {}", field.data_type()))
            })?)))
        };
    }
    Ok(match field.data_type() {
        DataType::Utf8 => Arc::new(StringArray::from(values!(Cell::Text(text) => text.as_str()))),
        DataType::Binary => Arc::new(BinaryArray::from(values!(Cell::Bytes(bytes) => bytes.as_slice()))),
        DataType::Boolean => Arc::new(BooleanArray::from(values!(Cell::Bool(value) => *value))),
        DataType::Int8 => integers!(i8, Int8Array),
        DataType::Int16 => integers!(i16, Int16Array),
        DataType::Int32 => integers!(i32, Int32Array),
        DataType::Int64 => integers!(i64, Int64Array),
        DataType::Date32 => integers!(i32, Date32Array),
        DataType::Float32 => Arc::new(Float32Array::from(values!(Cell::Float(value) => *value as f32))),
        DataType::Float64 => Arc::new(Float64Array::from(values!(Cell::Float(value) => *value))),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = TimestampMicrosecondArray::from(values!(Cell::Int(value) => *value));
            Arc::new(micros.with_timezone_opt(zone.clone()))
        }
        DataType::Decimal128(precision, scale) => {
            let decimals = Decimal128Array::from(values!(Cell::Decimal(value) => *value));
            let fitted = decimals.with_precision_and_scale(*precision, *scale);
            Arc::new(fitted.map_err(|error| DecodeError::new(field.name(), error.to_string()))?)
        }
        DataType::Struct(fields) => {
            let nulls = nulls_of(cells);
            let rows = values!(Cell::Struct(row) => row.as_slice());
            Arc::new(struct_array(&rows, fields, nulls, field)?)
        }
        DataType::List(item) => {
            let lists = values!(Cell::List(items) => items.as_slice());
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, <[Cell]>::len)));
            let items: Vec<&Cell> = lists.iter().flatten().flat_map(|list| list.iter()).collect();
            let list = ListArray::try_new(item.clone(), offsets, array(&items, item)?, nulls_of(cells));
            Arc::new(list.map_err(|error| DecodeError::new(field.name(), error.to_string()))?)
        }
        DataType::Map(entry, sorted) => {
            let maps = values!(Cell::Map(entries) => entries.as_slice());
            let offsets = OffsetBuffer::from_lengths(maps.iter().map(|map| map.map_or(0, <[_]>::len)));
            let entries: Vec<[Cell; 2]> = maps
                .iter()
                .flatten()
                .flat_map(|map| map.iter().map(|(key, value)| [key.clone(), value.clone()]))
                .collect();
            let DataType::Struct(fields) = entry.data_type() else {
                return Err(DecodeError::new(field.name(), "its map type has no entries"));
            };
            let rows: Vec<Option<&[Cell]>> = entries.iter().map(|entry| Some(entry.as_slice())).collect();
            let entries = struct_array(&rows, fields, None, field)?;
            let map = MapArray::try_new(entry.clone(), offsets, entries, nulls_of(cells), *sorted);
            Arc::new(map.map_err(|error| DecodeError::new(field.name(), error.to_string()))?)
        }
        other => return Err(DecodeError::new(field.name(), format!("columns of type {other} cannot be written yet"))),
    })
}

fn struct_array(
    rows: &[Option<&[Cell]>],
    fields: &Fields,
    nulls: Option<NullBuffer>,
    field: &Field,
) -> Result<StructArray, DecodeError> {
    let arrays = fields.iter().enumerate().map(|(index, child)| {
        let cells: Vec<&Cell> =
            rows.iter().map(|row| row.and_then(|row| row.get(index)).unwrap_or(&Cell::Null)).collect();
        array(&cells, child)
    });
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    StructArray::try_new_with_length(fields.clone(), arrays, nulls, rows.len())
        .map_err(|error| DecodeError::new(field.name(), error.to_string()))
}

fn nulls_of(cells: &[&Cell]) -> Option<NullBuffer> {
    let nulls = NullBuffer::from_iter(cells.iter().map(|cell| !matches!(cell, Cell::Null)));
    (nulls.null_count() > 0).then_some(nulls)
}

#[cfg(test)]
mod tests {
    use deltalake::arrow::datatypes::Schema;

    use super::*;

    #[test]
    fn nested_cells_become_nested_columns() {
        let list = DataType::List(Arc::new(Field::new("element", DataType::Utf8, true)));
        let inner = Fields::from(vec![Field::new("a", DataType::Int32, true), Field::new("b", list, true)]);
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("s", DataType::Struct(inner), true)]));
        let texts = Cell::List(vec![Cell::Text("x".into()), Cell::Null]);
        let rows = vec![vec![Cell::Struct(vec![Cell::Int(1), texts])], vec![Cell::Null]];
        let batch = to_batch(&rows, &schema).unwrap();
        assert_eq!(batch.num_rows(), 2);
        assert_eq!(batch.column(0).null_count(), 1);
    }

    #[test]
    fn a_required_column_must_have_a_value() {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("s", DataType::Utf8, false)]));
        assert!(to_batch(&[vec![Cell::Null]], &schema).is_err());
    }
}
