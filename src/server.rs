//! Composition: configuration -> engine -> router -> serve until told to stop.
//!
//! Only `main` binds sockets; everything here takes its listener and its stop signal.

pub mod config;
mod deadline;
pub mod edge;
pub mod groups;
mod guard;
mod headers;
mod identity;
mod measure;
mod pages;
mod rate;
mod refusal;
pub mod router;
mod security;
mod statics;
pub mod surroundings;
pub mod telemetry;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use std::future::IntoFuture;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::edge::EdgeSettings;
use crate::engine::Engine;

/// Databricks Apps ends a program 15 s after SIGTERM: submissions get this long, then streams are closed.
const DRAIN: Duration = Duration::from_secs(8);

/// Serves the page and the API until `shutdown`, then lets what is under way come to its end.
///
/// # Errors
/// When the listener fails.
pub async fn run(
    listener: TcpListener,
    engine: Arc<Engine>,
    site: leptos::config::LeptosOptions,
    edge: EdgeSettings,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let app = router::router(engine.clone(), site, edge, shutdown.clone());
    // Whoever is not named by the platform is told apart by address.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, app).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let server = tokio::spawn(served.into_future());
    if let Ok(uploads) = engine.uploads() {
        tokio::spawn({
            let (uploads, stop) = (uploads.clone(), shutdown.clone());
            async move { uploads.keep_sweeping(stop).await }
        });
    }
    shutdown.cancelled().await;
    let unfinished = engine.drain(DRAIN).await;
    if unfinished > 0 {
        tracing::warn!(unfinished, "stopped with submissions that are not known to be durable");
    }
    // Keep-alive connections of browsers may stay open for ever; answers have had their time.
    match tokio::time::timeout(Duration::from_secs(2), server).await {
        Ok(joined) => joined.map_err(std::io::Error::other)?,
        Err(_) => Ok(()),
    }
}
