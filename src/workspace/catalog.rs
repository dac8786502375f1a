//! Tables and their columns, from Unity Catalog.

use serde::Deserialize;

use super::{Workspace, WorkspaceError};
use crate::model::{Column, TableInfo, TableName};

#[derive(Deserialize)]
struct TableAnswer {
    full_name: Option<String>,
    #[serde(default)]
    columns: Vec<Column>,
}

#[derive(Deserialize)]
struct ListAnswer {
    #[serde(default)]
    tables: Vec<TableAnswer>,
}

impl Workspace {
    /// A table's columns, asked anew each time: they may change.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`] when there is no such table or it is hidden from the principal.
    pub async fn table(&self, name: &TableName) -> Result<TableInfo, WorkspaceError> {
        let answer: TableAnswer = self.get(&format!("/api/2.1/unity-catalog/tables/{name}")).await?;
        Ok(table_info(name.clone(), answer.columns))
    }

    /// The tables of the default table's schema that the principal may see, by name.
    ///
    /// # Errors
    /// Whatever the workspace answers.
    pub async fn tables(&self) -> Result<Vec<TableInfo>, WorkspaceError> {
        let default = &self.config.default_table;
        let path = format!(
            "/api/2.1/unity-catalog/tables?catalog_name={}&schema_name={}&max_results=50",
            default.catalog(),
            default.schema()
        );
        let answer: ListAnswer = self.get(&path).await?;
        let mut tables: Vec<TableInfo> = answer
            .tables
            .into_iter()
            .filter_map(|table| Some(table_info(TableName::parse(&table.full_name?).ok()?, table.columns)))
            .collect();
        tables.sort_by(|a, b| (&a.name != default, &a.name).cmp(&(&b.name != default, &b.name)));
        Ok(tables)
    }
}

fn table_info(name: TableName, mut columns: Vec<Column>) -> TableInfo {
    columns.sort_by_key(|column| column.position);
    TableInfo { name, columns }
}
