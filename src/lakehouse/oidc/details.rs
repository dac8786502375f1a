//! `resource` and `authorization_details` of a token request: for which table, of which workspace, a Zerobus token is.
//!
//! Every client of the service asks for the same: USE CATALOG, USE SCHEMA, and SELECT and MODIFY on one table. Entries,
//! fields and privileges come in any order and with fields that are not known here; what asks for less or for more is
//! refused. Whether the privileges were granted is not asked here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::token::Refusal;
use crate::lakehouse::WORKSPACE_ID;
use crate::lakehouse::grants::{Privilege, Securable, SecurableKind};
use crate::model::TableName;

const DETAIL_TYPE: &str = "unity_catalog_privileges";
/// Newer clients name the operation; older ones leave it out.
const OPERATION: &str = "zerobuswrite";

#[derive(Deserialize)]
struct Detail {
    #[serde(rename = "type")]
    kind: String,
    privileges: Vec<String>,
    object_type: String,
    object_full_path: String,
    #[serde(default)]
    operations: Vec<String>,
}

/// The table that a token is asked for; `None` when it is for everything but Zerobus.
pub(super) fn zerobus_table(resource: Option<&str>, details: Option<&str>) -> Result<Option<TableName>, Refusal> {
    let expected = format!("api://databricks/workspaces/{WORKSPACE_ID}/zerobusDirectWriteApi");
    match (resource, details) {
        (None, None) => Ok(None),
        (Some(resource), _) if resource != expected => Err(Refusal::target(format!(
            "resource '{}' is not Zerobus of this workspace, {expected}. Clients take the id from the first label of the \
             Zerobus endpoint's host: write 127.0.0.1 there.",
            shortened(resource)
        ))),
        (Some(_), Some(details)) => read(details).map(Some),
        (None, Some(_)) => Err(Refusal::target(format!("resource is missing; send {expected}."))),
        (Some(_), None) => Err(Refusal::details("it is missing; a token for Zerobus is for one table")),
    }
}

fn read(details: &str) -> Result<TableName, Refusal> {
    let details: Vec<Detail> = serde_json::from_str(details)
        .map_err(|error| Refusal::details(format!("it is not the expected JSON list: {error}")))?;
    let mut asked: BTreeMap<Securable, BTreeSet<Privilege>> = BTreeMap::new();
    for detail in details {
        let (object, privileges) = read_detail(&detail)?;
        asked.entry(object).or_default().extend(privileges);
    }
    let mut tables = asked.keys().filter_map(|object| match object {
        Securable::Table(name) => Some(name.clone()),
        _ => None,
    });
    let (Some(table), None) = (tables.next(), tables.next()) else {
        return Err(Refusal::details("it needs an entry for one table; ask for a token for each"));
    };
    let needed = BTreeMap::from([
        (Securable::catalog_of(&table), BTreeSet::from([Privilege::UseCatalog])),
        (Securable::schema_of(&table), BTreeSet::from([Privilege::UseSchema])),
        (Securable::Table(table.clone()), BTreeSet::from([Privilege::Select, Privilege::Modify])),
    ]);
    if asked == needed {
        return Ok(table);
    }
    Err(Refusal::details(format!(
        "a token for Zerobus is for USE CATALOG on '{}', USE SCHEMA on '{}', SELECT and MODIFY on '{table}': no less and \
         no more",
        Securable::catalog_of(&table),
        Securable::schema_of(&table)
    )))
}

fn read_detail(detail: &Detail) -> Result<(Securable, Vec<Privilege>), Refusal> {
    let Detail { kind, privileges, object_type, object_full_path, operations } = detail;
    if kind != DETAIL_TYPE {
        return Err(Refusal::details(format!("type '{}' is not {DETAIL_TYPE}", shortened(kind))));
    }
    if let Some(other) = operations.iter().find(|operation| *operation != OPERATION) {
        return Err(Refusal::details(format!("operation '{}' is not {OPERATION}", shortened(other))));
    }
    let kind = SecurableKind::parse(object_type)
        .ok_or_else(|| Refusal::details(format!("unknown object_type '{}'", shortened(object_type))))?;
    let object = Securable::parse(kind, object_full_path).ok_or_else(|| {
        Refusal::details(format!("'{}' is not the full name of a {}", shortened(object_full_path), kind.sql()))
    })?;
    let privileges = privileges.iter().map(|name| {
        Privilege::parse(name).ok_or_else(|| Refusal::details(format!("unknown privilege '{}'", shortened(name))))
    });
    Ok((object, privileges.collect::<Result<_, _>>()?))
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}
