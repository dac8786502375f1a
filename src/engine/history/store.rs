//! The database: its schema by version, and one report at a time.
//!
//! A report is kept as the JSON it is exported as; the columns beside it are only for lists. The name in the column is the
//! one that counts: renaming leaves the JSON alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::{HistoryError, failure, shown};
use crate::engine::export;
use crate::model::{Report, RunReport};

/// How long a statement waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// What takes the schema from each version to the next; `user_version` counts those that were done. Never changed, only
/// added to.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE report (
        id TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        started_at TEXT NOT NULL,
        started_by TEXT NOT NULL,
        workspace TEXT NOT NULL,
        table_name TEXT NOT NULL,
        state TEXT NOT NULL,
        held INTEGER,
        rows_per_s REAL NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX report_started ON report (started_at, id);
    CREATE INDEX report_name ON report (name, id);
    CREATE INDEX report_rows_per_s ON report (rows_per_s, id);
    CREATE TABLE run (
        report_id TEXT NOT NULL REFERENCES report (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        writer TEXT NOT NULL,
        state TEXT NOT NULL,
        durable INTEGER NOT NULL,
        missing INTEGER NOT NULL,
        rows_per_s REAL NOT NULL,
        durable_p50_ms REAL,
        durable_p99_ms REAL,
        PRIMARY KEY (report_id, position)
    ) STRICT;
"];

/// An open database.
pub(super) struct Store {
    pub(super) connection: Connection,
    path: PathBuf,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, HistoryError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| HistoryError::Inaccessible { path: shown(path), reason: error.to_string() })?;
        }
        let connection = Connection::open(path).map_err(|error| failure(path, &error))?;
        let mut store = Self { connection, path: path.to_owned() };
        store.prepare().map_err(|error| failure(path, &error))?;
        store.migrate()?;
        Ok(store)
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(PATIENCE)?;
        self.connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        self.connection.pragma_update(None, "foreign_keys", true)
    }

    /// Brings the schema up to date. Immediate, so that two processes that start together do it one after the other.
    fn migrate(&mut self) -> Result<(), HistoryError> {
        let path = self.path.clone();
        let fail = |error: rusqlite::Error| failure(&path, &error);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(fail)?;
        let known = MIGRATIONS.len() as i64;
        if found > known {
            return Err(HistoryError::Newer { path: shown(&path), found, known });
        }
        for migration in &MIGRATIONS[usize::try_from(found).unwrap_or(0)..] {
            transaction.execute_batch(migration).map_err(fail)?;
        }
        if found < known {
            transaction.pragma_update(None, "user_version", known).map_err(fail)?;
        }
        transaction.commit().map_err(fail)
    }

    /// Runs statements and names the file when they fail.
    pub(super) fn run<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, HistoryError> {
        work(&mut self.connection).map_err(|error| failure(&self.path, &error))
    }

    pub(super) fn save(&mut self, report: &Report) -> Result<(), HistoryError> {
        let body = export::json(report)
            .map_err(|error| HistoryError::Failed(format!("the report cannot be written as JSON: {error}")))?;
        self.run(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute("DELETE FROM report WHERE id = ?1", params![report.id])?;
            transaction.execute(
                "INSERT INTO report (id, name, started_at, started_by, workspace, table_name, state, held, rows_per_s, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    report.id,
                    report.name,
                    report.started_at,
                    report.started_by,
                    report.workspace.name,
                    report.table.to_string(),
                    report.state().name(),
                    report.held(),
                    report.runs.iter().map(|run| run.throughput.rows_per_s).fold(0.0, f64::max),
                    body,
                ],
            )?;
            for (position, run) in report.runs.iter().enumerate() {
                insert_run(&transaction, &report.id, signed(position as u64), run)?;
            }
            transaction.commit()
        })
    }

    pub(super) fn get(&mut self, id: &str) -> Result<Option<Report>, HistoryError> {
        let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let found = self.run(|connection| {
            connection.query_row("SELECT name, body FROM report WHERE id = ?1", params![id], read).optional()
        })?;
        let Some((name, body)) = found else {
            return Ok(None);
        };
        let report = export::read_json(&body)
            .map_err(|error| HistoryError::Unreadable { id: id.to_owned(), reason: error.to_string() })?;
        Ok(Some(Report { name, ..report }))
    }

    pub(super) fn rename(&mut self, id: &str, name: &str) -> Result<bool, HistoryError> {
        self.run(|connection| connection.execute("UPDATE report SET name = ?2 WHERE id = ?1", params![id, name]))
            .map(|changed| changed > 0)
    }

    pub(super) fn delete(&mut self, id: &str) -> Result<bool, HistoryError> {
        self.run(|connection| connection.execute("DELETE FROM report WHERE id = ?1", params![id]))
            .map(|changed| changed > 0)
    }
}

/// SQLite's integers have a sign; no count comes near the largest.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn insert_run(connection: &Connection, report_id: &str, position: i64, run: &RunReport) -> rusqlite::Result<usize> {
    let durable = run.latency_ms.durable;
    let measured = (durable.count > 0).then_some(durable);
    connection.execute(
        "INSERT INTO run (report_id, position, kind, writer, state, durable, missing, rows_per_s, durable_p50_ms, durable_p99_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            report_id,
            position,
            run.options.kind.name(),
            run.writer,
            run.state.name(),
            signed(run.records.durable),
            signed(run.records.missing),
            run.throughput.rows_per_s,
            measured.map(|values| values.p50),
            measured.map(|values| values.p99),
        ],
    )
}
