//! Lists: filtered, sorted, a page at a time.

use rusqlite::types::Type;
use rusqlite::{Connection, Row, named_params, params};

use super::HistoryError;
use super::store::Store;
use crate::model::{
    HistoryEntry, HistoryPage, HistoryQuery, HistoryRun, HistorySort, MOST_ENTRIES, RunState, TableName, WriterKind,
};

const FILTER: &str = "
    (:text = '%%' OR name LIKE :text ESCAPE '\\' OR table_name LIKE :text ESCAPE '\\'
        OR started_by LIKE :text ESCAPE '\\' OR id LIKE :text ESCAPE '\\')
    AND (:table IS NULL OR table_name = :table)
    AND (:state IS NULL OR state = :state)
    AND (:writer IS NULL OR EXISTS (SELECT 1 FROM run WHERE run.report_id = report.id AND run.kind = :writer))";

impl Store {
    pub(super) fn list(&mut self, query: &HistoryQuery) -> Result<HistoryPage, HistoryError> {
        self.run(|connection| {
            // One transaction: the count and the page are of the same moment.
            let transaction = connection.transaction()?;
            page(&transaction, query)
        })
    }
}

fn page(connection: &Connection, query: &HistoryQuery) -> rusqlite::Result<HistoryPage> {
    let text = format!("%{}%", query.text.trim().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    let table = query.table.as_ref().map(TableName::to_string);
    let (state, writer) = (query.state.map(RunState::name), query.writer.map(WriterKind::name));
    let total = connection.query_row(
        &format!("SELECT count(*) FROM report WHERE {FILTER}"),
        named_params! { ":text": text, ":table": table, ":state": state, ":writer": writer },
        |row| count(row, 0),
    )?;
    let column = match query.sort {
        HistorySort::Started => "started_at",
        HistorySort::Name => "name COLLATE NOCASE",
        HistorySort::RowsPerSecond => "rows_per_s",
    };
    let direction = if query.ascending { "ASC" } else { "DESC" };
    let size = query.page_size.clamp(1, MOST_ENTRIES);
    let mut statement = connection.prepare(&format!(
        "SELECT id, name, started_at, started_by, workspace, table_name, state, held FROM report
         WHERE {FILTER} ORDER BY {column} {direction}, id {direction} LIMIT :size OFFSET :skip"
    ))?;
    let parameters = named_params! {
        ":text": text, ":table": table, ":state": state, ":writer": writer,
        ":size": size, ":skip": i64::from(query.page) * i64::from(size),
    };
    let mut entries = statement.query_map(parameters, entry)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut runs_of = connection.prepare(
        "SELECT kind, writer, state, durable, missing, rows_per_s, durable_p50_ms, durable_p99_ms
         FROM run WHERE report_id = ?1 ORDER BY position",
    )?;
    for entry in &mut entries {
        entry.runs = runs_of.query_map(params![entry.id], run)?.collect::<rusqlite::Result<_>>()?;
    }
    Ok(HistoryPage { total, entries })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<HistoryEntry> {
    Ok(HistoryEntry {
        id: row.get(0)?,
        name: row.get(1)?,
        started_at: row.get(2)?,
        started_by: row.get(3)?,
        workspace: row.get(4)?,
        table: parsed(row, 5, |text| TableName::parse(text).ok())?,
        state: parsed(row, 6, RunState::parse)?,
        held: row.get(7)?,
        runs: Vec::new(),
    })
}

fn run(row: &Row<'_>) -> rusqlite::Result<HistoryRun> {
    Ok(HistoryRun {
        kind: parsed(row, 0, WriterKind::parse)?,
        writer: row.get(1)?,
        state: parsed(row, 2, RunState::parse)?,
        durable: count(row, 3)?,
        missing: count(row, 4)?,
        rows_per_s: row.get(5)?,
        durable_p50_ms: row.get(6)?,
        durable_p99_ms: row.get(7)?,
    })
}

/// SQLite's integers have a sign; counts do not.
fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

fn parsed<T>(row: &Row<'_>, column: usize, parse: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| {
        let reason = format!("'{text}' is not a word of this program");
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, reason.into())
    })
}
