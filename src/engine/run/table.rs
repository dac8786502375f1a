//! What a run asks its table: how many of its rows are there, by chunks of record ids.
//!
//! Record ids sort by ordinal and end in hexadecimal digits, so a prefix of an id is a chunk of 16, 256 or 4,096 records. Knows
//! how the question is put as SQL; what follows from the answer is decided elsewhere.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;

use super::ids;
use crate::model::TableInfo;
use crate::workspace::{Statement, Workspace, WorkspaceError};
use crate::writer::run_columns;

/// What a table has of a chunk of a run's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct ChunkCount {
    /// The chunk's first ordinal, a multiple of its size.
    pub(in crate::engine) first: u64,
    /// Different record ids.
    pub(in crate::engine) ids: u64,
    /// Rows.
    pub(in crate::engine) rows: u64,
}

/// A run's table, as far as the run's own rows go.
#[async_trait]
pub(in crate::engine) trait RunTable: Send + Sync {
    /// Counts this run's rows with these ordinals, by chunks of `chunk` ordinals: 1, 16, 256 or 4,096. Chunks without rows are
    /// left out; with 1 the answer has each id.
    ///
    /// # Errors
    /// Whatever the workspace answers.
    async fn chunk_counts(&self, ordinals: Range<u64>, chunk: u64) -> Result<Vec<ChunkCount>, WorkspaceError>;
}

/// A table of a workspace, asked by SQL.
pub(in crate::engine) struct WorkspaceTable {
    workspace: Arc<Workspace>,
    /// Quoted names.
    table: String,
    run_column: String,
    run_id: String,
    seed: u64,
}

impl WorkspaceTable {
    /// The rows of one run in `table`.
    ///
    /// # Errors
    /// Why the table cannot be asked for them, a sentence.
    pub(in crate::engine) fn new(
        workspace: &Arc<Workspace>,
        table: &TableInfo,
        run_id: &str,
        seed: u64,
    ) -> Result<Self, String> {
        let columns = run_columns(table);
        let name = &table.name;
        if columns.record_id.is_none() {
            return Err(format!("{name} has no text column record_id, so its rows cannot be told apart."));
        }
        let Some(run_column) = columns.run_id.map(|index| quoted(&table.columns[index].name)) else {
            return Err(format!(
                "{name} has no text column run_id or batch_id, so the rows of this run cannot be found."
            ));
        };
        if workspace.warehouse_id().is_err() {
            return Err("DATABRICKS_WAREHOUSE_ID is not set, so the table cannot be asked.".to_owned());
        }
        let (workspace, run_id) = (workspace.clone(), run_id.to_owned());
        Ok(Self { workspace, table: name.quoted(), run_column, run_id, seed })
    }

    fn question(&self, ordinals: &Range<u64>, chunk: u64) -> Statement {
        let mut statement = Statement::default();
        let mut bind = |value: String| statement.bind(Some(value), "STRING");
        let run = bind(self.run_id.clone());
        let from = bind(ids::record_id(self.seed, ordinals.start));
        let to = bind(ids::record_id(self.seed, ordinals.end));
        let prefix = format!("substr(record_id, 1, {})", ids::RECORD_ID_LENGTH - digits(chunk));
        let Self { table, run_column, .. } = self;
        statement.text = format!(
            "SELECT {prefix} AS chunk, count(DISTINCT record_id) AS ids, count(*) AS all_rows FROM {table} \
             WHERE {run_column} = {run} AND record_id >= {from} AND record_id < {to} GROUP BY {prefix}"
        );
        statement
    }
}

#[async_trait]
impl RunTable for WorkspaceTable {
    async fn chunk_counts(&self, ordinals: Range<u64>, chunk: u64) -> Result<Vec<ChunkCount>, WorkspaceError> {
        let result = self.workspace.execute(&self.question(&ordinals, chunk)).await?;
        let counts = result.rows.iter().map(|row| {
            read_count(row, self.seed, chunk)
                .ok_or_else(|| WorkspaceError::Protocol(format!("a count of rows came back as {row:?}")))
        });
        counts.collect()
    }
}

fn read_count(row: &[Option<String>], seed: u64, chunk: u64) -> Option<ChunkCount> {
    let [Some(prefix), Some(ids), Some(rows)] = row else { return None };
    // The digits that the prefix leaves out are those of the chunk's first record: zeros.
    let first = ids::ordinal_of(seed, &format!("{prefix}{}", "0".repeat(digits(chunk))))?;
    Some(ChunkCount { first, ids: ids.parse().ok()?, rows: rows.parse().ok()? })
}

/// Hexadecimal digits that tell the records of a chunk apart.
fn digits(chunk: u64) -> usize {
    chunk.ilog2() as usize / 4
}

fn quoted(column: &str) -> String {
    format!("`{}`", column.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Column;
    use crate::workspace::WorkspaceConfig;
    use crate::workspace::testing::settings;

    fn table(columns: &[&str]) -> TableInfo {
        TableInfo::of(columns.iter().map(|name| Column::of(name, "string")))
    }

    fn workspace(warehouse_id: Option<&str>) -> Arc<Workspace> {
        let warehouse_id = warehouse_id.map(str::to_owned);
        Arc::new(Workspace::new(WorkspaceConfig { warehouse_id, ..settings("http://127.0.0.1:1") }).unwrap())
    }

    #[test]
    fn chunks_are_prefixes_of_ids_and_values_are_bound() {
        let products = table(&["record_id", "batch_id"]);
        let asked = WorkspaceTable::new(&workspace(Some("w")), &products, "run", 7).unwrap().question(&(0..4096), 256);
        assert!(asked.text.starts_with("SELECT substr(record_id, 1, 19) AS chunk"), "{}", asked.text);
        assert!(asked.text.contains("`batch_id` = :p0 AND record_id >= :p1 AND record_id < :p2"), "{}", asked.text);
        let values: Vec<_> = asked.parameters.iter().filter_map(|one| one.value.clone()).collect();
        assert_eq!(values, ["run", "00000007-000000000000", "00000007-000000001000"]);
    }

    #[test]
    fn counts_are_read_back_as_ordinals() {
        let row = |cells: [&str; 3]| cells.map(|cell| Some(cell.to_owned())).to_vec();
        let expected = |first| Some(ChunkCount { first, ids: 3, rows: 4 });
        assert_eq!(read_count(&row(["00000007-00000000001", "3", "4"]), 7, 16), expected(0x10));
        assert_eq!(read_count(&row(["00000007-00000000001f", "3", "4"]), 7, 1), expected(0x1f));
        assert_eq!(read_count(&row(["00000007-000000001", "3", "4"]), 7, 4096), expected(0x1000));
        for bad in [["00000007-00000000001f", "3", ""], ["other", "3", "4"]] {
            assert_eq!(read_count(&row(bad), 7, 1), None);
        }
    }

    #[test]
    fn a_table_that_cannot_be_asked_says_why() {
        let problem = |columns: &[&str], warehouse| {
            let asked = WorkspaceTable::new(&workspace(warehouse), &table(columns), "run", 7);
            asked.err().unwrap_or_default()
        };
        assert_eq!(problem(&["run_id", "record_id"], Some("w")), "");
        assert!(problem(&["run_id"], Some("w")).contains("no text column record_id"));
        assert!(problem(&["record_id"], Some("w")).contains("no text column run_id or batch_id"));
        assert!(problem(&["run_id", "record_id"], None).contains("DATABRICKS_WAREHOUSE_ID"));
    }
}
