//! OAuth client credentials, one token at a time, renewed before it expires.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Workspace, WorkspaceError};

/// A token is renewed this long before it expires, so that none expires on its way.
const RENEW_BEFORE: Duration = Duration::from_secs(120);

/// The current token. The lock is held while a new one is fetched: callers wait for the one request.
#[derive(Debug, Default)]
pub(super) struct TokenCache {
    current: Mutex<Option<Token>>,
}

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
    pub(super) async fn forget(&self, value: &str) {
        self.current.lock().await.take_if(|token| token.value == value);
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

impl Workspace {
    /// A token for the workspace's APIs.
    pub(super) async fn token(&self) -> Result<String, WorkspaceError> {
        let mut current = self.tokens.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.value.clone());
        }
        let answer = self.fetch_token().await?;
        let lifetime = Duration::from_secs(answer.expires_in);
        let renew_at = Instant::now() + lifetime.saturating_sub(RENEW_BEFORE);
        *current = Some(Token { value: answer.access_token.clone(), renew_at });
        Ok(answer.access_token)
    }

    /// Asks for a token now, to find out whether that works.
    ///
    /// # Errors
    /// [`WorkspaceError::NotConfigured`], [`WorkspaceError::Unauthenticated`], or no answer.
    pub async fn probe_token(&self) -> Result<(), WorkspaceError> {
        self.fetch_token().await.map(drop)
    }

    async fn fetch_token(&self) -> Result<TokenAnswer, WorkspaceError> {
        let credentials = self
            .config
            .credentials
            .as_ref()
            .ok_or(WorkspaceError::NotConfigured { setting: "DATABRICKS_CLIENT_ID" })?;
        let answer = self
            .http()
            .post(format!("{}/oidc/v1/token", self.config.url))
            .basic_auth(&credentials.client_id, Some(credentials.client_secret.expose_secret()))
            .form(&[("grant_type", "client_credentials"), ("scope", "all-apis")])
            .send()
            .await
            .map_err(|error| self.unanswered(&error))?;
        if answer.status().is_client_error() {
            let status = answer.status();
            return Err(WorkspaceError::Unauthenticated(format!("token endpoint: {status}")));
        }
        self.read(answer).await
    }
}
