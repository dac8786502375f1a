//! What a diagnosis asks a workspace: who we are, what time it is there, what a table, its grants and a warehouse are like.
//!
//! Every question only reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::Deserialize;

use super::auth::Scope;
use super::http::{Content, OnSent};
use super::statements::{Statement, StatementResult};
use super::{Workspace, WorkspaceError};
use crate::model::{Column, TableInfo, TableName};

/// Who a token stands for.
#[derive(Clone, Debug)]
pub struct PrincipalFacts {
    /// A service principal's client id.
    pub user_name: String,
    /// The name that people gave it.
    pub display_name: String,
    /// The workspace's number, where it says it.
    pub workspace_id: Option<String>,
}

/// A table as Unity Catalog describes it.
#[derive(Clone, Debug)]
pub struct TableFacts {
    /// Name and columns.
    pub info: TableInfo,
    /// `MANAGED`, `EXTERNAL`, `VIEW`, ...
    pub table_type: String,
    /// `DELTA`, ...
    pub format: String,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
}

/// A SQL warehouse.
#[derive(Clone, Debug, Deserialize)]
pub struct WarehouseFacts {
    /// What [`WorkspaceConfig::warehouse_id`](super::WorkspaceConfig::warehouse_id) names.
    pub id: String,
    /// The name that people gave it.
    #[serde(default)]
    pub name: String,
    /// `RUNNING`, `STOPPED`, `STARTING`, `STOPPING`, `DELETING`, `DELETED`.
    #[serde(default)]
    pub state: String,
}

#[derive(Deserialize)]
struct Me {
    #[serde(default, rename = "userName")]
    user_name: String,
    #[serde(default, rename = "displayName")]
    display_name: String,
}

#[derive(Deserialize)]
struct TableAnswer {
    #[serde(default)]
    table_type: String,
    #[serde(default)]
    data_source_format: String,
    #[serde(default)]
    properties: BTreeMap<String, String>,
    #[serde(default)]
    columns: Vec<Column>,
}

#[derive(Deserialize)]
struct Owned {
    #[serde(default)]
    owner: String,
}

#[derive(Deserialize)]
struct Warehouses {
    #[serde(default)]
    warehouses: Vec<WarehouseFacts>,
}

#[derive(Deserialize)]
struct Permissions {
    #[serde(default)]
    privilege_assignments: Vec<Assignment>,
}

#[derive(Deserialize)]
struct Assignment {
    #[serde(default)]
    privileges: Vec<PrivilegeAnswer>,
}

/// `permissions` has the names alone, `effective-permissions` says where each comes from.
#[derive(Deserialize)]
#[serde(untagged)]
enum PrivilegeAnswer {
    Name(String),
    WithOrigin { privilege: String },
}

impl Permissions {
    /// As SQL writes them: `USE CATALOG`.
    fn names(self) -> Vec<String> {
        let privileges = self.privilege_assignments.into_iter().flat_map(|assignment| assignment.privileges);
        let name = |privilege| match privilege {
            PrivilegeAnswer::Name(name) | PrivilegeAnswer::WithOrigin { privilege: name } => name.replace('_', " "),
        };
        privileges.map(name).collect()
    }
}

impl Workspace {
    /// Who the token stands for.
    ///
    /// # Errors
    /// Whatever the workspace answers.
    pub async fn principal(&self) -> Result<PrincipalFacts, WorkspaceError> {
        let answer = self.bare_get("/api/2.0/preview/scim/v2/Me").await?;
        let header = answer.headers().get("x-databricks-org-id");
        let workspace_id = header.and_then(|id| id.to_str().ok()).map(str::to_owned);
        let Me { user_name, display_name } = self.read(answer).await?;
        Ok(PrincipalFacts { user_name, display_name, workspace_id })
    }

    /// What time it is there, to the second; `None` when it does not say.
    ///
    /// # Errors
    /// When there is no answer; an answer of any status tells the time.
    pub async fn time(&self) -> Result<Option<DateTime<Utc>>, WorkspaceError> {
        let address = format!("{}/oidc/.well-known/oauth-authorization-server", self.config.url);
        let answer = self.http().get(address).send().await.map_err(|error| self.unanswered(&error))?;
        let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc()))
    }

    /// All there is to know of a table.
    ///
    /// # Errors
    /// As [`Workspace::table`].
    pub async fn table_facts(&self, name: &TableName) -> Result<TableFacts, WorkspaceError> {
        let answer: TableAnswer = self.get(&format!("/api/2.1/unity-catalog/tables/{name}")).await?;
        let mut columns = answer.columns;
        columns.sort_by_key(|column| column.position);
        Ok(TableFacts {
            info: TableInfo { name: name.clone(), columns },
            table_type: answer.table_type,
            format: answer.data_source_format,
            properties: answer.properties,
        })
    }

    /// What a principal was granted on the very object: `kind` is `table`, `volume`, `schema` or `catalog`.
    ///
    /// # Errors
    /// Whatever the workspace answers.
    pub async fn granted(&self, kind: &str, name: &str, principal: &str) -> Result<Vec<String>, WorkspaceError> {
        self.permissions("permissions", kind, name, principal).await
    }

    /// The same with what comes from the schema, the catalog and its groups.
    ///
    /// # Errors
    /// Whatever the workspace answers.
    pub async fn effective(&self, kind: &str, name: &str, principal: &str) -> Result<Vec<String>, WorkspaceError> {
        self.permissions("effective-permissions", kind, name, principal).await
    }

    async fn permissions(
        &self,
        which: &str,
        kind: &str,
        name: &str,
        principal: &str,
    ) -> Result<Vec<String>, WorkspaceError> {
        let path = format!("/api/2.1/unity-catalog/{which}/{kind}/{name}?principal={principal}");
        self.get::<Permissions>(&path).await.map(Permissions::names)
    }

    /// Who a table (`tables`) or a volume (`volumes`) belongs to; owners need no grants.
    ///
    /// # Errors
    /// Whatever the workspace answers.
    pub async fn owner(&self, kind: &str, name: &TableName) -> Result<String, WorkspaceError> {
        self.get::<Owned>(&format!("/api/2.1/unity-catalog/{kind}/{name}")).await.map(|owned| owned.owner)
    }

    /// A warehouse.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`], [`WorkspaceError::PermissionDenied`].
    pub async fn warehouse(&self, id: &str) -> Result<WarehouseFacts, WorkspaceError> {
        self.get(&format!("/api/2.0/sql/warehouses/{id}")).await
    }

    /// The warehouses that the principal may see.
    ///
    /// # Errors
    /// Whatever the workspace answers.
    pub async fn warehouses(&self) -> Result<Vec<WarehouseFacts>, WorkspaceError> {
        self.get::<Warehouses>("/api/2.0/sql/warehouses").await.map(|answer| answer.warehouses)
    }

    /// Runs a statement that must not take long: it is canceled when it has not ended within five seconds.
    ///
    /// # Errors
    /// As [`Workspace::execute`]; [`WorkspaceError::Timeout`] when it was canceled.
    pub async fn attempt(&self, text: &str) -> Result<StatementResult, WorkspaceError> {
        self.execute_at_once(&Statement::new(text)).await
    }

    /// The HTTP status with which the REST door of Zerobus answers a request that has no token and no record.
    ///
    /// # Errors
    /// When it does not answer, or its address is not known.
    pub async fn knock_at_rest_door(&self, table: &TableName) -> Result<u16, WorkspaceError> {
        let endpoint = self.zerobus_endpoint()?.trim_end_matches('/');
        let address = format!("{endpoint}/zerobus/v1/tables/{table}/insert");
        let request = self.http().post(address).header("content-type", "application/json").body("[]");
        let answer = request.send().await;
        answer.map(|answer| answer.status().as_u16()).map_err(|error| self.unanswered(&error))
    }

    /// Asks for a token to write to that table through Zerobus, anew or from the last time.
    ///
    /// # Errors
    /// [`WorkspaceError::PermissionDenied`] when a grant is missing.
    pub async fn probe_zerobus_token(&self, table: &TableName) -> Result<(), WorkspaceError> {
        self.token(Scope::Zerobus(table)).await.map(drop)
    }

    async fn bare_get(&self, path: &str) -> Result<reqwest::Response, WorkspaceError> {
        let unheard: OnSent = Arc::new(|| ());
        self.request(Method::GET, path, Content::Nothing, unheard).await
    }
}
