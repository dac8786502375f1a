//! Catalogs, schemas, tables and their columns, from Unity Catalog: what the principal can see of them.
//!
//! Listings follow the page tokens up to [`MOST_PAGES`] pages; where there is more, they say so.

mod answers;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::{Workspace, WorkspaceError};
use crate::model::{Column, TableInfo, TableName};
use answers::{CatalogsAnswer, Listing, PermissionsAnswer, SchemasAnswer, TableAnswer, TablesAnswer};

/// Pages of a listing that are asked for; the rest is left out, and the answer says so.
const MOST_PAGES: usize = 20;
/// Entries asked for with each page, of tables the most that Unity Catalog gives.
const PAGE: usize = 50;

/// What a listing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// By name.
    pub items: Vec<T>,
    /// Whether there are more that were not asked for.
    pub more: bool,
}

/// A catalog or schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Container {
    /// Its own name.
    pub name: String,
    /// Its comment, empty without one.
    pub comment: String,
}

/// A table in a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableEntry {
    /// Its own name.
    pub name: String,
    /// `MANAGED`, `EXTERNAL`, `VIEW`, ...
    pub table_type: String,
    /// `DELTA`, ...; empty for views.
    pub format: String,
}

/// A table with everything the catalog says of it.
#[derive(Clone, Debug)]
pub struct TableDetail {
    /// Name and columns.
    pub info: TableInfo,
    /// `MANAGED`, `EXTERNAL`, `VIEW`, ...; empty when it is not said.
    pub table_type: String,
    /// `DELTA`, ...; empty when it is not said.
    pub format: String,
    /// Where its files are.
    pub storage_location: String,
    /// Its comment, empty without one.
    pub comment: String,
    /// Who it belongs to.
    pub owner: String,
    /// Its `TBLPROPERTIES`.
    pub properties: BTreeMap<String, String>,
    /// Comments of columns, by name.
    pub column_comments: BTreeMap<String, String>,
    /// Columns that hold the table's partitions apart, in order.
    pub partitioned_by: Vec<String>,
    /// Whether rows or columns are hidden from some readers.
    pub filtered: bool,
}

/// A privilege, and the object it was granted on when that is not the one asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// `SELECT`, `USE SCHEMA`, ...
    pub privilege: String,
    /// Such as `SCHEMA main.sales`; `None` for a grant on the object itself.
    pub inherited_from: Option<String>,
}

impl Workspace {
    /// A table's columns, asked anew each time: they may change.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`] when there is no such table or it is hidden from the principal.
    pub async fn table(&self, name: &TableName) -> Result<TableInfo, WorkspaceError> {
        let answer: TableAnswer = self.get(&format!("/api/2.1/unity-catalog/tables/{name}")).await?;
        Ok(table_info(name.clone(), answer.columns.into_iter().map(|one| one.column).collect()))
    }

    /// A table with everything the catalog says of it.
    ///
    /// # Errors
    /// As [`Self::table`].
    pub async fn table_detail(&self, name: &TableName) -> Result<TableDetail, WorkspaceError> {
        let answer: TableAnswer = self.get(&format!("/api/2.1/unity-catalog/tables/{name}")).await?;
        Ok(answer.detail(name))
    }

    /// The tables of the default table's schema that the principal may see, by name, with their columns; the first page of
    /// them.
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
        let answer: TablesAnswer = self.get(&path).await?;
        let mut tables: Vec<TableInfo> = answer
            .tables
            .into_iter()
            .filter_map(|table| {
                let name = TableName::parse(table.full_name.as_deref()?).ok()?;
                Some(table_info(name, table.columns.into_iter().map(|one| one.column).collect()))
            })
            .collect();
        tables.sort_by(|a, b| (&a.name != default, &a.name).cmp(&(&b.name != default, &b.name)));
        Ok(tables)
    }

    /// The catalogs that the principal may see.
    ///
    /// # Errors
    /// Whatever the workspace answers.
    pub async fn catalogs(&self) -> Result<Listed<Container>, WorkspaceError> {
        self.listed::<CatalogsAnswer>("/api/2.1/unity-catalog/catalogs?").await
    }

    /// The schemas of a catalog that the principal may see.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`], or [`WorkspaceError::PermissionDenied`] for who may not use the catalog.
    pub async fn schemas(&self, catalog: &str) -> Result<Listed<Container>, WorkspaceError> {
        let path = format!("/api/2.1/unity-catalog/schemas?catalog_name={}&", encoded(catalog));
        self.listed::<SchemasAnswer>(&path).await
    }

    /// The tables and views of a schema that the principal may see, without their columns.
    ///
    /// # Errors
    /// As [`Self::schemas`].
    pub async fn tables_of(&self, catalog: &str, schema: &str) -> Result<Listed<TableEntry>, WorkspaceError> {
        let (catalog, schema) = (encoded(catalog), encoded(schema));
        let path = format!(
            "/api/2.1/unity-catalog/tables?catalog_name={catalog}&schema_name={schema}&omit_columns=true&omit_properties=true&"
        );
        self.listed::<TablesAnswer>(&path).await
    }

    /// What the principal may do with a table, by its own grants and those on what holds the table.
    ///
    /// # Errors
    /// [`WorkspaceError::PermissionDenied`] where grants are not shown to the principal, and whatever the workspace answers.
    pub async fn grants_on(&self, table: &TableName) -> Result<Vec<Grant>, WorkspaceError> {
        let principal = self.badge().principal;
        let path =
            format!("/api/2.1/unity-catalog/effective-permissions/table/{table}?principal={}", encoded(&principal));
        let answer: PermissionsAnswer = self.get(&path).await?;
        let mut grants = answer.grants_of(&principal);
        grants.sort();
        grants.dedup();
        Ok(grants)
    }

    /// Follows the page tokens of a listing. A page may be empty and have one behind it.
    async fn listed<L: Listing + DeserializeOwned>(&self, path: &str) -> Result<Listed<L::Item>, WorkspaceError> {
        let mut items = Vec::new();
        let mut token = String::new();
        for _page in 0..MOST_PAGES {
            let page = if token.is_empty() { String::new() } else { format!("&page_token={}", encoded(&token)) };
            let answer: L = self.get(&format!("{path}max_results={PAGE}{page}")).await?;
            let next;
            (items, next) = answer.add_to(items);
            match next {
                Some(next) if !next.is_empty() && next != token => token = next,
                _ => {
                    items.sort();
                    return Ok(Listed { items, more: false });
                }
            }
        }
        items.sort();
        Ok(Listed { items, more: true })
    }
}

fn table_info(name: TableName, mut columns: Vec<Column>) -> TableInfo {
    columns.sort_by_key(|column| column.position);
    TableInfo { name, columns }
}

/// A value in the query of an address.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_an_address_stay_what_they_are() {
        assert_eq!(encoded("main-1.a_b~"), "main-1.a_b~");
        assert_eq!(encoded("a b&c=ü"), "a%20b%26c%3D%C3%BC");
    }
}
