//! A report as CSV: a row for each run, or a row for each point of each run's course. Columns are only ever added at the end.
//!
//! Text that a spreadsheet would run as a formula (it begins with `=`, `+`, `-` or `@`) gets an apostrophe in front.

use crate::model::{Report, RunReport, SeriesPoint};

/// A cell and the name of its column.
type Cell = (String, String);

/// A row for each run.
///
/// # Errors
/// None that a report could cause; the writer's signature.
pub fn runs_csv(report: &Report) -> Result<String, csv::Error> {
    table(report.runs.iter().map(|run| run_cells(report, run)))
}

/// A row for each point of the course of each run.
///
/// # Errors
/// As [`runs_csv`].
pub fn series_csv(report: &Report) -> Result<String, csv::Error> {
    table(report.runs.iter().flat_map(|run| run.series.iter().map(move |point| point_cells(run, point))))
}

fn table(rows: impl Iterator<Item = Vec<Cell>>) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (index, row) in rows.enumerate() {
        if index == 0 {
            writer.write_record(row.iter().map(|(name, _)| name))?;
        }
        writer.write_record(row.iter().map(|(_, value)| value))?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Text from people and services.
fn text(name: &str, text: &str) -> Cell {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    (name.to_owned(), if formula { format!("'{text}") } else { text.to_owned() })
}

fn value(name: &str, value: impl ToString) -> Cell {
    (name.to_owned(), value.to_string())
}

/// Empty when it was not measured.
fn measured(name: &str, measured: Option<f64>) -> Cell {
    (name.to_owned(), measured.map(|value| value.to_string()).unwrap_or_default())
}

fn run_cells(report: &Report, run: &RunReport) -> Vec<Cell> {
    let (options, records) = (run.options, run.records);
    let mut cells = vec![
        text("comparison_id", &report.id),
        text("name", &report.name),
        text("started_at", &run.started_at),
        text("workspace", &report.workspace.name),
        value("table", &report.table),
        text("run_id", &run.run_id),
        text("writer", &run.writer),
        value("kind", options.kind),
        value("streams", options.streams),
        value("batch", options.batch),
        value("in_flight", options.in_flight),
        value("state", run.state.name()),
        value("sent", records.sent),
        value("durable", records.durable),
        value("failed", records.failed),
        value("in_doubt", records.in_doubt),
        value("visible", records.visible),
        value("missing", records.missing),
        value("duplicates", records.duplicates),
        value("duplicates_sent", records.duplicates_sent),
        value("elapsed_ms", run.elapsed_ms),
        value("connect_ms", run.connect_ms),
        value("rows_per_s", run.throughput.rows_per_s),
        value("bytes_per_s", run.throughput.bytes_per_s),
    ];
    for (stage, percentiles) in run.latency_ms.stages() {
        cells.push(value(&format!("{stage}_count"), percentiles.count));
        for (name, milliseconds) in percentiles.values() {
            cells.push(measured(&format!("{stage}_{name}_ms"), (percentiles.count > 0).then_some(milliseconds)));
        }
    }
    cells.extend([
        value("most_in_flight", run.most_in_flight),
        value("retries", run.retries),
        value("errors", run.errors.iter().map(|error| error.count).sum::<u64>()),
        value("bytes", run.usage.bytes),
        value("calls", run.usage.calls),
        value("warehouse_ms", run.usage.warehouse_ms),
    ]);
    cells
}

fn point_cells(run: &RunReport, point: &SeriesPoint) -> Vec<Cell> {
    vec![
        text("run_id", &run.run_id),
        text("writer", &run.writer),
        value("at_ms", point.at_ms),
        value("rows_per_s", point.rows_per_s),
        value("bytes_per_s", point.bytes_per_s),
        measured("durable_p50_ms", point.durable_p50_ms),
        measured("durable_p99_ms", point.durable_p99_ms),
        measured("visible_p50_ms", point.visible_p50_ms),
        measured("visible_p99_ms", point.visible_p99_ms),
        value("in_flight", point.in_flight),
        value("errors", point.errors),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Percentiles, example};

    fn read(text: &str) -> (csv::StringRecord, Vec<csv::StringRecord>) {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let head = reader.headers().unwrap().clone();
        (head, reader.records().map(Result::unwrap).collect())
    }

    fn cell<'a>((head, rows): &'a (csv::StringRecord, Vec<csv::StringRecord>), row: usize, name: &str) -> &'a str {
        &rows[row][head.iter().position(|one| one == name).unwrap()]
    }

    #[test]
    fn a_row_for_each_run() {
        let mut report = example::report();
        report.name = "=HYPERLINK(\"http://x\"), twice".to_owned();
        report.runs[1].latency_ms.visible = Percentiles::default();
        let table = read(&runs_csv(&report).unwrap());
        assert_eq!(table.1.len(), 4);
        assert_eq!(cell(&table, 0, "writer"), "zerobus");
        assert_eq!(cell(&table, 0, "durable_p99_ms"), report.runs[0].latency_ms.durable.p99.to_string());
        assert_eq!(cell(&table, 0, "name"), "'=HYPERLINK(\"http://x\"), twice");
        assert_eq!(cell(&table, 1, "visible_p50_ms"), "", "not measured is empty, not zero");
        assert_eq!(cell(&table, 2, "warehouse_ms"), "6300");
    }

    #[test]
    fn a_row_for_each_point() {
        let report = example::report();
        let table = read(&series_csv(&report).unwrap());
        assert_eq!(table.1.len(), 240);
        assert_eq!(cell(&table, 35, "durable_p50_ms"), "", "silence is empty");
        assert_eq!(cell(&table, 60, "writer"), "zerobus-rest");
    }
}
