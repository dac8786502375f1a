//! Client of a workspace: where tables live. A Databricks workspace or the local lakehouse, and this room
//! cannot tell which: only addresses and credentials differ.
//!
//! Knows HTTP, tokens and the answers of the APIs (PLATFORM facts); knows nothing of writers or runs.

mod auth;
mod catalog;
mod directory;
mod error;
mod files;
mod http;
mod ingest;
mod look;
mod statements;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;

use secrecy::SecretString;

pub use catalog::{Container, Grant, Listed, TableDetail, TableEntry};
pub use error::WorkspaceError;
pub use files::{FileEntry, VolumePath};
pub use http::OnSent;
pub use look::{PrincipalFacts, TableFacts, WarehouseFacts};
pub use statements::{Parameter, Statement, StatementResult};

use crate::model::{TableName, WorkspaceBadge};

/// Addresses and credentials of a workspace.
#[derive(Clone, Debug)]
pub struct WorkspaceConfig {
    /// Base address with scheme and without a slash at the end.
    pub url: String,
    /// Whether it is the embedded lakehouse: proxies of the environment are then not used.
    pub local: bool,
    /// Address of Zerobus Ingest, with scheme; `None` when its region is not configured.
    pub zerobus_endpoint: Option<String>,
    /// The SQL warehouse that statements run on.
    pub warehouse_id: Option<String>,
    /// Service principal and its secret; `None` when not configured.
    pub credentials: Option<Credentials>,
    /// The table that is used when none is named; its schema is the one that is listed.
    pub default_table: TableName,
    /// The volume, `catalog.schema.volume`, for files on their way into a table; `None` when none is configured.
    pub write_volume: Option<TableName>,
}

/// A service principal.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Its client id.
    pub client_id: String,
    /// Its secret; never printed.
    pub client_secret: SecretString,
}

/// A workspace that can be asked.
#[derive(Clone, Debug)]
pub struct Workspace {
    config: WorkspaceConfig,
    http: reqwest::Client,
    tokens: Arc<auth::TokenCache>,
    /// Whose SQL statements these are, if not the service principal's.
    person: Option<OnBehalf>,
}

/// A person in whose name SQL statements run.
#[derive(Clone, Debug)]
pub struct OnBehalf {
    name: String,
    token: SecretString,
}

impl OnBehalf {
    /// Somebody with a token of theirs; it is never printed.
    pub fn new(name: &str, token: SecretString) -> Self {
        Self { name: name.to_owned(), token }
    }

    /// The name to show.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Workspace {
    /// A client; connects to nothing yet.
    ///
    /// # Errors
    /// [`WorkspaceError::Protocol`] when the TLS roots of the system cannot be read.
    pub fn new(config: WorkspaceConfig) -> Result<Self, WorkspaceError> {
        Ok(Self { http: http::client(&config)?, tokens: Arc::default(), person: None, config })
    }

    /// The same workspace, whose SQL statements run in a person's name; everything else stays the service principal's.
    pub fn on_behalf_of(&self, person: OnBehalf) -> Self {
        Self { person: Some(person), ..self.clone() }
    }

    fn is_on_behalf(&self) -> bool {
        self.person.is_some()
    }

    /// Addresses and credentials.
    pub fn config(&self) -> &WorkspaceConfig {
        &self.config
    }

    /// What the page says of it.
    pub fn badge(&self) -> WorkspaceBadge {
        let host = self.config.url.split_once("://").map_or(self.config.url.as_str(), |(_, host)| host);
        WorkspaceBadge {
            name: if self.config.local { "Local lakehouse".to_owned() } else { host.to_owned() },
            local: self.config.local,
            url: self.config.url.clone(),
            principal: match (&self.person, &self.config.credentials) {
                (Some(person), _) => person.name.clone(),
                (None, Some(credentials)) => credentials.client_id.clone(),
                (None, None) => String::new(),
            },
        }
    }
}
