//! Bad records: JSON objects with the ids of their ordinals, plausible values, and one thing that breaks a rule of the table.

use serde_json::{Map, Value, json};

use super::chance::{below, of_record};
use super::layout::RunIds;
use crate::model::{Column, ColumnType, TableInfo};
use crate::writer::{RunColumns, run_columns};

/// Added to the seed, so that what is wrong with a record has nothing to do with what would have been right.
const OTHER_CHANCE: u64 = 0x5b01;

/// Makes bad records for one table.
pub(super) struct Spoiler {
    columns: Vec<Column>,
    ids: RunColumns,
}

impl Spoiler {
    pub(super) fn new(table: &TableInfo) -> Self {
        Self { columns: table.columns.clone(), ids: run_columns(table) }
    }

    /// The bad record of an ordinal.
    pub(super) fn record(&self, seed: u64, ordinal: u64, ids: &RunIds) -> Value {
        let mut chance = of_record(seed ^ OTHER_CHANCE, ordinal);
        let mut fields = Map::new();
        for (index, column) in self.columns.iter().enumerate() {
            let value = if self.ids.record_id == Some(index) {
                Some(String::from_utf8_lossy(&ids.record.id(ordinal)).into_owned().into())
            } else if self.ids.run_id == Some(index) {
                Some(Value::from(&*ids.run))
            } else {
                plausible(column, below(&mut chance, 100))
            };
            if let Some(value) = value {
                fields.insert(column.name.clone(), value);
            }
        }
        let targets: Vec<&Column> = (0..self.columns.len())
            .filter(|index| self.ids.record_id != Some(*index) && self.ids.run_id != Some(*index))
            .map(|index| &self.columns[index])
            .collect();
        // One of the columns, or one that there is not.
        match targets.get(below(&mut chance, targets.len() as u64 + 1) as usize) {
            Some(column) => spoil(&mut fields, column, below(&mut chance, 2) == 0),
            None => {
                fields.insert(self.no_column(), json!(1));
            }
        }
        Value::Object(fields)
    }

    /// A name that no column has.
    fn no_column(&self) -> String {
        let mut name = "no_such_column".to_owned();
        while self.columns.iter().any(|column| column.name == name) {
            name.push('_');
        }
        name
    }
}

fn plausible(column: &Column, number: u64) -> Option<Value> {
    Some(match column.kind() {
        ColumnType::String => json!(format!("{} {number}", column.name)),
        ColumnType::Boolean => json!(number < 50),
        ColumnType::Byte | ColumnType::Short | ColumnType::Int | ColumnType::Long => json!(number),
        ColumnType::Float | ColumnType::Double => json!(number as f64 / 4.0),
        ColumnType::Decimal { .. } => json!("0"),
        ColumnType::Date => json!("2026-01-31"),
        ColumnType::Timestamp | ColumnType::TimestampNtz => json!("2026-01-31T12:00:00Z"),
        ColumnType::Variant => json!({ "number": number }),
        ColumnType::Binary => json!("AAH/"),
        ColumnType::Other => return None,
    })
}

/// Breaks a rule of the column. The one validation refuses each of these values for its type.
fn spoil(fields: &mut Map<String, Value>, column: &Column, leave_out: bool) {
    if leave_out && !column.nullable {
        fields.remove(&column.name);
        return;
    }
    let value = match column.kind() {
        ColumnType::String => json!(404),
        ColumnType::Boolean => json!("maybe"),
        ColumnType::Byte => json!(1_000),
        ColumnType::Short => json!(100_000),
        ColumnType::Int => json!(10_000_000_000_i64),
        ColumnType::Long => json!("many"),
        ColumnType::Float | ColumnType::Double => json!("n/a"),
        ColumnType::Decimal { .. } => json!("1,5"),
        ColumnType::Date => json!("2026-02-30"),
        ColumnType::Timestamp | ColumnType::TimestampNtz => json!("yesterday"),
        ColumnType::Variant => json!("{"),
        ColumnType::Binary | ColumnType::Other => json!("?"),
    };
    fields.insert(column.name.clone(), value);
}
