//! The generator: records that depend on the seed and their ordinal alone, so that any of them can be made at any time, by
//! any number of batches, byte for byte the same but for the run id.
//!
//! Makes columns directly: no text is allocated for a record. Bad records are made as JSON, which is what the one validation
//! reads; the table's rules decide what is bad.

mod chance;
mod columns;
mod devices;
mod layout;
mod products;
mod spoiled;
mod text;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use rand::RngCore;

use super::Generated;
use super::cells::{Cells, cells_of, finish_batch, json_frame};
use super::generated::push_ordinal;
use crate::model::{EdgeError, FieldError, SourceKind, SourceSpec, TableInfo};
use crate::writer::arrow_schema;
use chance::{Share, of_record};
use layout::RunIds;
use spoiled::Spoiler;

/// Microseconds of 2026-01-01T00:00:00Z. The event time of a record is this, plus up to 30 days by the seed, plus a
/// millisecond for each ordinal before it, plus less than a millisecond by chance: times never go back and never repeat.
const FIRST_EVENT: i64 = 1_767_225_600_000_000;
/// Records that are made to find out how large they are without being filled up.
const SAMPLES: u64 = 64;
/// Rows that room is made for beforehand.
const MOST_ROOM: u64 = 100_000;

/// Makes the records of a source.
pub struct Generator {
    seed: u64,
    schema: SchemaRef,
    cells: Vec<Cells>,
    maker: Maker,
    filling: Option<Filling>,
    bad: Share,
    /// Of the good records.
    duplicates: Share,
    spoiler: Spoiler,
}

/// Makes rows of one kind.
enum Maker {
    Devices(devices::Devices),
    Products(products::Products),
    Columns(columns::Columns),
}

/// The text column that makes records as large as was asked for.
struct Filling {
    column: usize,
    /// Bytes of a record as JSON.
    target: usize,
    /// Bytes of that which are no values.
    frame: usize,
}

impl Generator {
    /// A generator for `table`; every record carries `run_id` in the table's column for it.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when the table does not take this kind of records, has columns that cannot be made, or when
    /// its records are larger than was asked for. Nothing was written then.
    pub fn new(spec: &SourceSpec, table: &TableInfo, run_id: &str) -> Result<Self, EdgeError> {
        let schema = arrow_schema(table).map_err(|error| {
            EdgeError::new(error.code(), format!("{error}. Nothing was written. Choose another table."))
        })?;
        let ids = RunIds::new(spec.seed, run_id);
        let maker = match spec.kind {
            SourceKind::Telemetry => Maker::Devices(devices::Devices::new(spec, table, &schema, ids)?),
            SourceKind::Products => Maker::Products(products::Products::new(spec, table, &schema, ids)?),
            SourceKind::Columns => Maker::Columns(columns::Columns::new(spec, table, &schema, ids)?),
            SourceKind::File => {
                let message = "A file is read, not generated. Nothing was written.";
                return Err(EdgeError::new("INVALID_PARAMETER_VALUE", message));
            }
        };
        let cells = cells_of(&schema).map_err(|error| defect(&error))?;
        // Bad records are never sent twice, so that the share of all becomes a larger one of the good.
        let of_good = if spec.bad < 1.0 { spec.duplicates / (1.0 - spec.bad) } else { 0.0 };
        let mut generator = Self {
            seed: spec.seed,
            schema,
            cells,
            maker,
            filling: None,
            bad: Share::new(spec.bad, spec.seed),
            duplicates: Share::new(of_good, spec.seed.wrapping_add(1)),
            spoiler: Spoiler::new(table),
        };
        if let Some(target) = spec.record_bytes {
            generator.filling = Some(generator.fill_up_to(target as usize)?);
        }
        Ok(generator)
    }

    /// The records with the ordinals from `first_ordinal` on, `count` of them. Those that are sent twice make more rows, bad
    /// ones fewer.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` for a batch of more than 2 GiB of text, which no checked plan asks for.
    pub fn batch(&mut self, first_ordinal: u64, count: u64) -> Result<Generated, EdgeError> {
        let room = count.min(MOST_ROOM) as usize;
        self.cells.iter_mut().for_each(|cells| cells.reserve(room));
        let mut ordinals = Vec::new();
        let mut bad = Vec::new();
        let mut duplicates = 0;
        for ordinal in first_ordinal..first_ordinal.saturating_add(count) {
            if self.bad.takes(ordinal) {
                bad.push((ordinal, self.spoiler.record(self.seed, ordinal, self.run_ids())));
                continue;
            }
            self.push(ordinal);
            push_ordinal(&mut ordinals, ordinal);
            if self.duplicates.takes(ordinal - self.bad.before(ordinal)) {
                self.push(ordinal);
                push_ordinal(&mut ordinals, ordinal);
                duplicates += 1;
            }
        }
        let records = self.finish().map_err(|error| defect(&error))?;
        Ok(Generated { records, ordinals, bad, duplicates })
    }

    fn run_ids(&self) -> &RunIds {
        match &self.maker {
            Maker::Devices(maker) => &maker.ids,
            Maker::Products(maker) => &maker.ids,
            Maker::Columns(maker) => &maker.ids,
        }
    }

    #[inline]
    fn push(&mut self, ordinal: u64) {
        let mut chance = of_record(self.seed, ordinal);
        match &self.maker {
            Maker::Devices(maker) => maker.push(ordinal, &mut chance, &mut self.cells),
            Maker::Products(maker) => maker.push(ordinal, &mut chance, &mut self.cells),
            Maker::Columns(maker) => maker.push(ordinal, &mut chance, &mut self.cells),
        }
        if let Some(Filling { column, target, frame }) = self.filling {
            let missing = target.saturating_sub(frame + values_len(&self.cells));
            if let super::cells::Values::Bytes(spans) = &mut self.cells[column].values {
                spans.extend_last(|bytes| text::push_filler(bytes, missing, &mut chance));
            }
        }
    }

    fn finish(&mut self) -> Result<RecordBatch, arrow_schema::ArrowError> {
        let rows = self.cells.first().map_or(0, Cells::len);
        finish_batch(&self.schema, &mut self.cells, rows)
    }

    /// Looks at records as they are, to say at once when they are too large already.
    fn fill_up_to(&mut self, target: usize) -> Result<Filling, EdgeError> {
        let refuse = |message: String| {
            let error = FieldError::new("source.record_bytes", "range", message, Some(&target.into()));
            Err(EdgeError::invalid(vec![error]))
        };
        let column = match &self.maker {
            Maker::Devices(maker) => Some(maker.filled_column()),
            Maker::Products(maker) => Some(maker.filled_column()),
            Maker::Columns(maker) => maker.filled_column(),
        };
        let Some(column) = column else {
            return refuse(
                "The table has no text column to fill up: it needs one more than those for ids and the key.".to_owned(),
            );
        };
        let frame = json_frame(&self.cells);
        let mut largest = 0;
        for ordinal in 0..SAMPLES {
            self.push(ordinal);
            largest = largest.max(frame + values_len(&self.cells));
        }
        self.finish().map_err(|error| defect(&error))?;
        if largest > target {
            return refuse(format!(
                "A record of this table has up to {largest} bytes by itself; ask for at least as many."
            ));
        }
        Ok(Filling { column, target, frame })
    }
}

/// Bytes of the values of the row that was pushed last.
fn values_len(cells: &[Cells]) -> usize {
    cells.iter().map(Cells::last_json_len).sum()
}

/// When a record happened, in microseconds since 1970.
fn event_time(seed: u64, ordinal: u64, chance: &mut impl RngCore) -> i64 {
    const SECONDS_OF_30_DAYS: u64 = 30 * 86_400;
    let of_seed = (chance::mix(seed) % SECONDS_OF_30_DAYS) as i64 * 1_000_000;
    FIRST_EVENT + of_seed + (ordinal as i64) * 1_000 + chance::below(chance, 1_000) as i64
}

fn defect(error: &arrow_schema::ArrowError) -> EdgeError {
    EdgeError::new("INTERNAL_ERROR", format!("The generator could not make a batch: {error}. Ask for smaller batches."))
}

#[cfg(test)]
mod tests;
