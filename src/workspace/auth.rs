//! OAuth client credentials: one token for the APIs and one for each table written through Zerobus, renewed before they
//! expire.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Workspace, WorkspaceError};
use crate::model::TableName;

/// A token is renewed this long before it expires, or at half its life if that is later, so that none expires on its way.
const RENEW_BEFORE: Duration = Duration::from_secs(120);

/// What a token is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'a> {
    /// The workspace's APIs.
    Apis,
    /// SQL statements: as the APIs, or in the name of the person whose they are.
    Statements,
    /// Writing to a table through Zerobus.
    Zerobus(&'a TableName),
}

/// The current tokens.
#[derive(Debug, Default)]
pub(super) struct TokenCache {
    apis: Slot,
    tables: std::sync::Mutex<HashMap<TableName, Arc<Slot>>>,
}

/// The lock is held while a new token is fetched: callers wait for the one request.
type Slot = Mutex<Option<Token>>;

struct Token {
    value: String,
    renew_at: Instant,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("renew_at", &self.renew_at).finish_non_exhaustive()
    }
}

impl TokenCache {
    /// Drops `value` unless somebody has replaced it meanwhile.
    pub(super) async fn forget(&self, scope: Scope<'_>, value: &str) {
        let forget = async |slot: &Slot| drop(slot.lock().await.take_if(|token| token.value == value));
        match scope {
            Scope::Apis | Scope::Statements => forget(&self.apis).await,
            Scope::Zerobus(table) => forget(&self.slot(table)).await,
        }
    }

    fn slot(&self, table: &TableName) -> Arc<Slot> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.entry(table.clone()).or_default().clone()
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

/// RFC 6749, section 5.2.
#[derive(Default, Deserialize)]
struct TokenRefusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Workspace {
    /// A token that is not about to expire.
    pub(super) async fn token(&self, scope: Scope<'_>) -> Result<String, WorkspaceError> {
        match scope {
            Scope::Statements if self.person.is_some() => {
                // Nobody renews it here: it came with a request, and another comes with the next.
                Ok(self.person.as_ref().map(|person| person.token.expose_secret().to_owned()).unwrap_or_default())
            }
            Scope::Apis | Scope::Statements => self.token_in(&self.tokens.apis, scope).await,
            Scope::Zerobus(table) => self.token_in(&self.tokens.slot(table), scope).await,
        }
    }

    async fn token_in(&self, slot: &Slot, scope: Scope<'_>) -> Result<String, WorkspaceError> {
        let mut current = slot.lock().await;
        if let Some(token) = current.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.value.clone());
        }
        let answer = self.fetch_token(scope).await?;
        let lifetime = Duration::from_secs(answer.expires_in);
        let renew_at = Instant::now() + lifetime.saturating_sub(RENEW_BEFORE).max(lifetime / 2);
        *current = Some(Token { value: answer.access_token.clone(), renew_at });
        Ok(answer.access_token)
    }

    /// Asks for a token now, to find out whether that works.
    ///
    /// # Errors
    /// [`WorkspaceError::NotConfigured`], [`WorkspaceError::Unauthenticated`], or no answer.
    pub async fn probe_token(&self) -> Result<(), WorkspaceError> {
        self.fetch_token(Scope::Apis).await.map(drop)
    }

    async fn fetch_token(&self, scope: Scope<'_>) -> Result<TokenAnswer, WorkspaceError> {
        let credentials = self
            .config
            .credentials
            .as_ref()
            .ok_or(WorkspaceError::NotConfigured { setting: "DATABRICKS_CLIENT_ID" })?;
        let mut form = vec![("grant_type", "client_credentials".to_owned()), ("scope", "all-apis".to_owned())];
        if let Scope::Zerobus(table) = scope {
            form.push(("resource", self.zerobus_resource()?));
            form.push(("authorization_details", zerobus_details(table)));
        }
        let answer = self
            .http()
            .post(format!("{}/oidc/v1/token", self.config.url))
            .basic_auth(&credentials.client_id, Some(credentials.client_secret.expose_secret()))
            .form(&form)
            .send()
            .await
            .map_err(|error| self.unanswered(&error))?;
        let status = answer.status();
        if !status.is_client_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return self.read(answer).await;
        }
        let refusal: TokenRefusal = answer.json().await.unwrap_or_default();
        let said = format!("token endpoint: {status} {} {}", refusal.error, refusal.error_description);
        let said = said.trim_end().to_owned();
        if refusal.error.is_empty() && matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            // Not OAuth's words: something that is no workspace answers there.
            return Err(WorkspaceError::NotFound(said));
        }
        Err(if status == StatusCode::FORBIDDEN || refusal.error == "access_denied" {
            WorkspaceError::PermissionDenied(said)
        } else {
            WorkspaceError::Unauthenticated(said)
        })
    }

    /// The workspace's id is the first label of the Zerobus host (ZEROBUS facts).
    fn zerobus_resource(&self) -> Result<String, WorkspaceError> {
        let endpoint = self.zerobus_endpoint()?;
        let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host);
        let workspace = host.split('.').next().unwrap_or_default();
        Ok(format!("api://databricks/workspaces/{workspace}/zerobusDirectWriteApi"))
    }
}

/// What a token for Zerobus is for (ZEROBUS facts): no less and no more.
fn zerobus_details(table: &TableName) -> String {
    let kind = "unity_catalog_privileges";
    let (catalog, schema) = (table.catalog(), format!("{}.{}", table.catalog(), table.schema()));
    json!([
        {"type": kind, "privileges": ["USE CATALOG"], "object_type": "CATALOG", "object_full_path": catalog},
        {"type": kind, "privileges": ["USE SCHEMA"], "object_type": "SCHEMA", "object_full_path": schema},
        {
            "type": kind,
            "privileges": ["SELECT", "MODIFY"],
            "object_type": "TABLE",
            "object_full_path": table.to_string(),
            "operations": ["zerobuswrite"],
        },
    ])
    .to_string()
}

#[cfg(test)]
mod tests;
