//! The local lakehouse: an embedded workspace that speaks a Databricks workspace's network protocols over real Delta
//! tables on disk. Whoever talks to it needs other addresses and credentials than for a workspace, and nothing else.
//!
//! ```text
//!                          one port, HTTP/1.1 and HTTP/2 without TLS
//!                                          |
//!   /oidc/v1/token  /api/2.1/unity-catalog  /api/2.0/sql/statements  /api/2.0/fs  databricks.zerobus.Zerobus
//!        oidc              catalog                statements            files         zerobus (gRPC)
//!          \                  |                       |    |              |              /
//!           `---- bearer -----+-----------------------+----|--------------+-------------'
//!                             |                       |    `-- COPY INTO -'
//!                             |           DataFusion reads, INSERT, COPY INTO and gRPC rows
//!                             |                       |
//!                           store  ----  Table::append and Table::load (the ways for rows)
//!                             |                       |
//!                    <data>/tables/c/s/t          appender: group commit, one Parquet file + one Delta commit
//!                             |                       |
//!                             `------ disk: every write fsynced
//! ```
//!
//! The data folder holds `tables/`, `volumes/`, `credentials.json` (the one client's id and secret) and
//! `lakehouse.lock`.
//! Nothing here knows the web app; nobody but `main` starts it.

use std::path::Path;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

mod appender;
mod catalog;
mod columns;
mod decode;
mod disk;
mod error;
mod files;
mod listen;
mod oidc;
mod seed;
mod statements;
mod store;
mod zerobus;

pub use appender::{QUEUE_BYTES, QUEUE_CALLS};
pub use error::{ApiError, LakehouseError};
pub use files::{FILE_BYTES, FileError, VolumePath, Volumes};
pub use oidc::{AuthError, Credentials, Oidc, TokenInfo};
pub use seed::{LANDING, PRODUCTS, TELEMETRY};
pub use statements::Statements;
pub use store::{Store, Table, TableDetails, TableOptions};

/// The local lakehouse's workspace id: the first label of its Zerobus host, 127.0.0.1.
pub const WORKSPACE_ID: &str = "127";

/// An open lakehouse, not yet listening.
pub struct Lakehouse {
    store: Store,
    volumes: Volumes,
    oidc: Oidc,
    statements: Statements,
    closing: CancellationToken,
}

impl Lakehouse {
    /// Opens the lakehouse in a data folder; makes the folder, its credentials and the first tables when they are not
    /// there.
    ///
    /// # Errors
    /// [`LakehouseError`] with one sentence on what keeps the folder from being used.
    pub async fn open(data_dir: &Path) -> Result<Self, LakehouseError> {
        let store = Store::open(data_dir)?;
        let credentials = Credentials::load_or_create(data_dir)?;
        let volumes = Volumes::open(data_dir)?;
        seed::seed(&store, &volumes).await?;
        let statements = Statements::new(store.clone(), volumes.clone())?;
        Ok(Self { store, volumes, oidc: Oidc::new(credentials), statements, closing: CancellationToken::new() })
    }

    /// The tables.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The token endpoint, with the client's id and secret.
    pub fn oidc(&self) -> &Oidc {
        &self.oidc
    }

    /// The one client's id and secret.
    pub fn credentials(&self) -> &Credentials {
        self.oidc.credentials()
    }

    /// Cancelled when the lakehouse begins to go down: long-lived streams end themselves on it.
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// All routes, HTTP and gRPC.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/health", get(health))
            .merge(oidc::router(self.oidc.clone()))
            .merge(catalog::router(self.store.clone(), self.oidc.clone()))
            .merge(statements::router(self.statements.clone(), self.oidc.clone()))
            .merge(files::router(self.volumes.clone(), self.oidc.clone()))
            .merge(zerobus::router(self.store.clone(), self.oidc.clone(), self.closing()))
    }

    /// Serves until `shutdown`, then stops accepting, lets open connections finish for up to 8 s, writes what is queued
    /// for the tables and returns.
    ///
    /// # Errors
    /// [`LakehouseError::Io`] when the listener cannot be used any more.
    pub async fn serve(
        self,
        listener: tokio::net::TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), LakehouseError> {
        listen::serve(self.router(), listener, shutdown, self.closing.clone()).await;
        self.statements.close().await;
        self.store.close().await;
        Ok(())
    }
}

async fn health() -> Json<Value> {
    Json(json!({
        "status": "healthy",
        "app": "direct-write-lakehouse",
        "version": env!("CARGO_PKG_VERSION"),
        "workspace_id": WORKSPACE_ID,
    }))
}
