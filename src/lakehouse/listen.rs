//! HTTP/1.1, HTTP/2 with prior knowledge and gRPC on one port, with the windows of the real service.

use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What the real Zerobus service advertises; hyper's defaults are smaller and slow a stream down.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 32 << 20;
const CONCURRENT_STREAMS: u32 = 256;
/// More open connections than this wait in the kernel's backlog.
const MAX_CONNECTIONS: usize = 2048;
/// How long open connections may take to finish; a platform's SIGKILL comes at 15 s.
const GRACE: Duration = Duration::from_secs(8);
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Serves `app` until `shutdown`; cancels `closing` first, so that long-lived streams can end in good order.
pub(super) async fn serve(app: Router, listener: TcpListener, shutdown: CancellationToken, closing: CancellationToken) {
    let builder = builder();
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_ended) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _peer)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Out of file descriptors: without a pause this loop would spin until one is free.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let connection = connection(&builder, stream, app.clone());
        let watched = graceful.watch(connection.into_owned());
        connections.spawn(async move {
            if let Err(error) = watched.await {
                // Clients that go away in the middle are daily life.
                tracing::debug!(%error, "a connection ended with an error");
            }
        });
    }
    drop(listener);
    closing.cancel();
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!(open = connections.len(), "connections were cut: they did not finish within {GRACE:?}");
    }
    connections.shutdown().await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(CONCURRENT_STREAMS)
        .keep_alive_interval(KEEP_ALIVE);
    builder
}

type Connection<'b> =
    hyper_util::server::conn::auto::Connection<'b, TokioIo<TcpStream>, TowerToHyperService<Router>, TokioExecutor>;

fn connection(builder: &Builder<TokioExecutor>, stream: TcpStream, app: Router) -> Connection<'_> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
}
