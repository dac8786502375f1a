//! Unity Catalog's answers, as far as they are read. What a workspace leaves out is empty.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Container, Grant, TableDetail, TableEntry, table_info};
use crate::model::{Column, TableName};

#[derive(Deserialize)]
pub(super) struct ColumnAnswer {
    #[serde(flatten)]
    pub(super) column: Column,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    partition_index: Option<i32>,
    #[serde(default)]
    mask: Option<serde_json::Value>,
}

#[derive(Deserialize)]
pub(super) struct TableAnswer {
    pub(super) full_name: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    pub(super) columns: Vec<ColumnAnswer>,
    #[serde(default)]
    table_type: Option<String>,
    #[serde(default)]
    data_source_format: Option<String>,
    #[serde(default)]
    storage_location: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    properties: Option<BTreeMap<String, String>>,
    #[serde(default)]
    row_filter: Option<serde_json::Value>,
}

impl TableAnswer {
    pub(super) fn detail(self, name: &TableName) -> TableDetail {
        let mut partitions: Vec<(i32, String)> = self
            .columns
            .iter()
            .filter_map(|column| Some((column.partition_index?, column.column.name.clone())))
            .collect();
        partitions.sort();
        let comments = self.columns.iter().filter_map(|column| {
            let comment = column.comment.clone().filter(|comment| !comment.is_empty())?;
            Some((column.column.name.clone(), comment))
        });
        TableDetail {
            column_comments: comments.collect(),
            partitioned_by: partitions.into_iter().map(|(_, name)| name).collect(),
            filtered: self.row_filter.is_some() || self.columns.iter().any(|column| column.mask.is_some()),
            table_type: self.table_type.unwrap_or_default(),
            format: self.data_source_format.unwrap_or_default(),
            storage_location: self.storage_location.unwrap_or_default(),
            comment: self.comment.unwrap_or_default(),
            owner: self.owner.unwrap_or_default(),
            properties: self.properties.unwrap_or_default(),
            info: table_info(name.clone(), self.columns.into_iter().map(|one| one.column).collect()),
        }
    }
}

/// One page of a listing.
pub(super) trait Listing {
    type Item: Ord;

    /// Adds the page's entries; also gives the token of the next page.
    fn add_to(self, items: Vec<Self::Item>) -> (Vec<Self::Item>, Option<String>);
}

#[derive(Deserialize)]
pub(super) struct ContainerAnswer {
    name: String,
    #[serde(default)]
    comment: Option<String>,
}

impl From<ContainerAnswer> for Container {
    fn from(answer: ContainerAnswer) -> Self {
        Self { name: answer.name, comment: answer.comment.unwrap_or_default() }
    }
}

#[derive(Deserialize)]
pub(super) struct CatalogsAnswer {
    #[serde(default)]
    catalogs: Vec<ContainerAnswer>,
    #[serde(default)]
    next_page_token: Option<String>,
}

impl Listing for CatalogsAnswer {
    type Item = Container;

    fn add_to(self, mut items: Vec<Container>) -> (Vec<Container>, Option<String>) {
        items.extend(self.catalogs.into_iter().map(Container::from));
        (items, self.next_page_token)
    }
}

#[derive(Deserialize)]
pub(super) struct SchemasAnswer {
    #[serde(default)]
    schemas: Vec<ContainerAnswer>,
    #[serde(default)]
    next_page_token: Option<String>,
}

impl Listing for SchemasAnswer {
    type Item = Container;

    fn add_to(self, mut items: Vec<Container>) -> (Vec<Container>, Option<String>) {
        items.extend(self.schemas.into_iter().map(Container::from));
        (items, self.next_page_token)
    }
}

#[derive(Deserialize)]
pub(super) struct TablesAnswer {
    #[serde(default)]
    pub(super) tables: Vec<TableAnswer>,
    #[serde(default)]
    next_page_token: Option<String>,
}

impl Listing for TablesAnswer {
    type Item = TableEntry;

    fn add_to(self, mut items: Vec<TableEntry>) -> (Vec<TableEntry>, Option<String>) {
        items.extend(self.tables.into_iter().filter_map(|table| {
            let full_name = table.full_name.unwrap_or_default();
            let name = table.name.or_else(|| full_name.rsplit('.').next().map(str::to_owned))?;
            Some(TableEntry {
                name,
                table_type: table.table_type.unwrap_or_default(),
                format: table.data_source_format.unwrap_or_default(),
            })
        }));
        (items, self.next_page_token)
    }
}

#[derive(Deserialize)]
pub(super) struct PermissionsAnswer {
    #[serde(default)]
    privilege_assignments: Vec<Assignment>,
}

#[derive(Deserialize)]
struct Assignment {
    #[serde(default)]
    principal: String,
    #[serde(default)]
    privileges: Vec<Privilege>,
}

#[derive(Deserialize)]
struct Privilege {
    #[serde(default)]
    privilege: String,
    #[serde(default)]
    inherited_from_type: Option<String>,
    #[serde(default)]
    inherited_from_name: Option<String>,
}

impl PermissionsAnswer {
    /// What is granted to `principal`; what its groups have may be said as the principal's or the group's.
    pub(super) fn grants_of(self, principal: &str) -> Vec<Grant> {
        let own = self.privilege_assignments.into_iter().filter(|one| one.principal == principal);
        own.flat_map(|one| one.privileges)
            .filter(|one| !one.privilege.is_empty())
            .map(|one| {
                let from = one.inherited_from_name.filter(|name| !name.is_empty());
                let kind = one.inherited_from_type.unwrap_or_default();
                Grant {
                    privilege: one.privilege.replace('_', " "),
                    inherited_from: from.map(|name| format!("{kind} {name}").trim().to_owned()),
                }
            })
            .collect()
    }
}
