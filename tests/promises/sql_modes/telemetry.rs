//! Telemetry that was made to be damaged on its way.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use direct_write::model::TableInfo;
use direct_write::writer::arrow_schema;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// Texts that were made to be taken for something else, and any others.
fn nasty(random: &mut StdRng) -> String {
    const PIECES: [&str; 26] = [
        "'",
        "''",
        "\\",
        "\\'",
        "\"",
        "`",
        "\n",
        "\r\n",
        "\t",
        ";",
        "--",
        "/*",
        "*/",
        ":p0",
        "?",
        "${spark.sql.ansi.enabled}",
        "$",
        "{",
        "}",
        "%s",
        "\\u0041",
        "\\n",
        "é😀\u{2028}",
        "'); DROP TABLE main.direct_write.telemetry; --",
        "NULL",
        " ",
    ];
    let count = random.random_range(0..6);
    (0..count)
        .map(|_| {
            if random.random_range(0..4) == 0 {
                char::from_u32(random.random_range(1..0x11_0000)).unwrap_or('x').to_string()
            } else {
                PIECES[random.random_range(0..PIECES.len())].to_owned()
            }
        })
        .collect()
}

/// Telemetry with extreme values; `sequence` counts from `first`.
pub fn telemetry(table: &TableInfo, run: &str, first: i64, rows: usize, random: &mut StdRng) -> RecordBatch {
    const DOUBLES: [f64; 10] =
        [0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1];
    // The years 1 and 9999, and the microseconds around 1970.
    const TIMES: [i64; 6] = [-62_135_596_800_000_000, 253_402_300_799_999_999, -1, 0, 1, 1_763_900_000_123_456];
    let ids: Vec<String> = (0..rows).map(|row| format!("{run}-{:012x}", first + row as i64)).collect();
    let maybe = |value: String| if value.len() % 7 == 3 { None } else { Some(value) };
    let texts: Vec<Vec<Option<String>>> = (0..4).map(|_| (0..rows).map(|_| maybe(nasty(random))).collect()).collect();
    let values: Vec<Option<f64>> = (0..rows)
        .map(|row| match row % 3 {
            0 => DOUBLES.get(row / 3 % 11).copied(),
            _ => Some(f64::from_bits(random.random::<u64>())),
        })
        .collect();
    let times: Vec<Option<i64>> = (0..rows).map(|row| TIMES.get(row % 7).copied()).collect();
    let sequences = (0..rows).map(|row| match row % 50 {
        7 => i64::MIN,
        8 => i64::MAX,
        _ => first + row as i64,
    });
    let text = |index: usize| -> ArrayRef { Arc::new(StringArray::from(texts[index].clone())) };
    let columns: Vec<ArrayRef> = vec![
        text(0),
        text(1),
        text(2),
        Arc::new(Float64Array::from(values)),
        text(3),
        Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
        Arc::new(StringArray::from(ids)),
        Arc::new(StringArray::from(vec![run; rows])),
        Arc::new(Int64Array::from_iter_values(sequences)),
    ];
    RecordBatch::try_new(arrow_schema(table).unwrap(), columns).unwrap()
}

/// What a SELECT of the telemetry should answer, with the numbers as [`bits`] and the times in microseconds.
pub fn expected(batch: &RecordBatch) -> Vec<Value> {
    let text = |column: usize, row: usize| -> Value {
        let column = batch.column(column).as_any().downcast_ref::<StringArray>().unwrap();
        column.is_valid(row).then(|| column.value(row)).into()
    };
    let values = batch.column(3).as_any().downcast_ref::<Float64Array>().unwrap();
    let times = batch.column(5).as_any().downcast_ref::<TimestampMicrosecondArray>().unwrap();
    let sequences = batch.column(8).as_any().downcast_ref::<Int64Array>().unwrap();
    (0..batch.num_rows())
        .map(|row| {
            let value = values.is_valid(row).then(|| bits(values.value(row)));
            let time = times.is_valid(row).then(|| times.value(row).to_string());
            json!([
                text(6, row),
                text(7, row),
                text(0, row),
                text(1, row),
                text(2, row),
                value,
                text(4, row),
                time,
                sequences.value(row).to_string()
            ])
        })
        .collect()
}

/// A number by which two are the same only when they are, but for the kinds of NaN.
pub fn bits(value: f64) -> String {
    if value.is_nan() { "NaN".to_owned() } else { format!("{:016x}", value.to_bits()) }
}
