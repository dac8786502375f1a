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
//!                           grants: what the bearer may do
//!                             |    DataFusion reads, INSERT and COPY INTO rows     gRPC rows
//!                             |                       |                               |
//!                           store  ---  table:   Table::load                     Table::append
//!                             |                       |                               |
//!                    <data>/tables/c/s/t          data_files <-- committer <-- log: group commit, fsync; durable here
//!                             |                       |
//!                             |                    commits: one Delta commit; visible here    maintenance: OPTIMIZE, VACUUM
//!                             |                       |
//!                             `------ disk: every write fsynced
//! ```
//!
//! The data folder holds `tables/`, `volumes/`, `credentials.json` (the administrator's id and secret), `grants.json`
//! (the other principals, and who may do what) and `lakehouse.lock`.
//! Nothing here knows the web app; nobody but `main` starts it.

use std::path::Path;
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

mod background;
mod catalog;
mod columns;
mod commits;
mod committer;
mod data_files;
mod decode;
mod disk;
mod error;
mod files;
mod grants;
mod listen;
mod log;
mod maintenance;
mod metrics;
mod oidc;
mod private_file;
mod seed;
mod statements;
mod store;
mod table;
mod warehouses;
mod weather;
mod zerobus;

pub use error::{ApiError, LakehouseError};
pub use files::{FILE_BYTES, FileError, VolumePath, Volumes};
pub use grants::{Assignment, Change, Grants, NewPrincipal, PrincipalInfo, Privilege, Securable, SecurableKind};
pub use listen::TlsFiles;
pub use log::{LogOptions, QUEUE_BYTES, QUEUE_CALLS};
pub use oidc::{AuthError, Credentials, Oidc, TokenInfo};
pub use seed::{LANDING, PRODUCTS, TELEMETRY};
pub use statements::Statements;
pub use store::{Store, TableOptions};
pub use table::{StoreOptions, Table, TableDetails};
pub use weather::{CrashPoint, Event, Faults, Forecast, Weather};

/// The local lakehouse's workspace id: the first label of its Zerobus host, 127.0.0.1.
pub const WORKSPACE_ID: &str = "127";

/// How a lakehouse works.
#[derive(Clone, Debug)]
pub struct LakehouseOptions {
    /// How tables are written.
    pub store: StoreOptions,
    /// How long a Zerobus stream lives before its client has to open another; about as the service does it.
    pub stream_rotation: Duration,
    /// How long tokens are good, in whole seconds.
    pub token_lifetime: Duration,
    /// A certificate, to be served with TLS; without it in clear text.
    pub tls: Option<TlsFiles>,
    /// The weather; fair unless it is [changeable](Weather::changeable).
    pub weather: Weather,
}

impl Default for LakehouseOptions {
    fn default() -> Self {
        Self {
            store: StoreOptions::default(),
            stream_rotation: Duration::from_secs(15 * 60),
            token_lifetime: oidc::TOKEN_LIFETIME,
            tls: None,
            weather: Weather::default(),
        }
    }
}

/// An open lakehouse, not yet listening.
pub struct Lakehouse {
    options: LakehouseOptions,
    tls: Option<tokio_rustls::TlsAcceptor>,
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
    pub async fn open(data_dir: &Path, options: LakehouseOptions) -> Result<Self, LakehouseError> {
        let tls = options.tls.as_ref().map(TlsFiles::acceptor).transpose()?;
        let store = Store::open(data_dir, options.store, options.weather.clone())?;
        let credentials = Credentials::load_or_create(data_dir)?;
        let volumes = Volumes::open(data_dir)?;
        seed::seed(&store, &volumes).await?;
        // After the first tables were made: a new lakehouse grants its administrator to write to them.
        let grants = Grants::open(data_dir, store.clone(), &credentials.client_id)?;
        let statements = Statements::new(store.clone(), volumes.clone(), grants.clone())?;
        let oidc = Oidc::new(credentials, grants)
            .with_token_lifetime(options.token_lifetime)
            .with_weather(options.weather.clone())
            .served_with_tls(tls.is_some());
        Ok(Self { options, tls, store, volumes, oidc, statements, closing: CancellationToken::new() })
    }

    /// The tables.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The token endpoint, with the client's id and secret.
    pub fn oidc(&self) -> &Oidc {
        &self.oidc
    }

    /// The administrator's id and secret.
    pub fn credentials(&self) -> &Credentials {
        self.oidc.credentials()
    }

    /// Cancelled when the lakehouse begins to go down: long-lived streams end themselves on it.
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// All routes, HTTP and gRPC.
    pub fn router(&self) -> Router {
        let weather = self.options.weather.clone();
        let zerobus = zerobus::Config {
            store: self.store.clone(),
            oidc: self.oidc.clone(),
            stopping: self.closing(),
            rotation: self.options.stream_rotation,
        };
        Router::new()
            .merge(oidc::router(self.oidc.clone()))
            .merge(grants::router(self.oidc.clone()))
            .merge(catalog::router(self.store.clone(), self.oidc.clone()))
            .merge(statements::router(self.statements.clone(), self.oidc.clone()))
            .merge(warehouses::router(weather.clone(), self.oidc.clone()))
            .merge(files::router(self.volumes.clone(), self.oidc.clone()))
            .layer(middleware::from_fn_with_state(weather.clone(), weather::refuse))
            .merge(
                Router::new()
                    .route("/health", get(health))
                    .route("/metrics", get(metrics))
                    .with_state(self.store.clone()),
            )
            .merge(weather::router(weather))
            .merge(zerobus::router(zerobus))
    }

    /// Serves until `shutdown`, then stops accepting, lets open connections finish for up to 5 s, writes what is queued
    /// for the tables and returns.
    ///
    /// # Errors
    /// [`LakehouseError::Io`] when the listener cannot be used any more.
    pub async fn serve(
        self,
        listener: tokio::net::TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), LakehouseError> {
        let recovering = tokio::spawn({
            let store = self.store.clone();
            async move { store.recover().await }
        });
        listen::serve(self.router(), listener, self.tls.clone(), shutdown, self.closing.clone()).await;
        self.statements.close().await;
        recovering.abort();
        self.store.close().await;
        Ok(())
    }
}

/// Answers as long as the process does; `degraded` when a log segment was damaged, which the log of the process explains.
async fn health(State(store): State<Store>) -> Json<Value> {
    let damaged = store.metrics().damaged_segments.get();
    Json(json!({
        "status": if damaged == 0 { "healthy" } else { "degraded" },
        "app": "direct-write-lakehouse",
        "version": env!("CARGO_PKG_VERSION"),
        "workspace_id": WORKSPACE_ID,
        "damaged_segments": damaged,
    }))
}

async fn metrics(State(store): State<Store>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], store.metrics_text())
}
