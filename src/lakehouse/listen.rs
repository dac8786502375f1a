//! HTTP/1.1, HTTP/2 with prior knowledge and gRPC on one port, with the windows of the real service; with TLS when there is
//! a certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::error::LakehouseError;

/// What the real Zerobus service advertises; hyper's defaults are smaller and slow a stream down.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 32 << 20;
const CONCURRENT_STREAMS: u32 = 256;
/// More open connections than this wait in the kernel's backlog.
const MAX_CONNECTIONS: usize = 2048;
/// How long open connections may take to finish; a platform's SIGKILL comes at 15 s.
const GRACE: Duration = Duration::from_secs(5);
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long a client has for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A certificate and its key, in PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, with those that vouch for it behind it.
    pub certificates: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl TlsFiles {
    /// # Errors
    /// [`LakehouseError::InvalidArgument`] in a sentence when a file cannot be read or they do not belong together.
    pub(super) fn acceptor(&self) -> Result<TlsAcceptor, LakehouseError> {
        let bad = |path: &Path, error: &dyn std::fmt::Display| {
            LakehouseError::InvalidArgument(format!("TLS cannot be served with '{}': {error}.", path.display()))
        };
        let read = CertificateDer::pem_file_iter(&self.certificates).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let certificates = read.map_err(|error| bad(&self.certificates, &error))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| bad(&self.key, &error))?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key);
        let mut config = config.map_err(|error| bad(&self.certificates, &error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Serves `app` until `shutdown`; cancels `closing` first, so that long-lived streams can end in good order.
pub(super) async fn serve(
    app: Router,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shutdown: CancellationToken,
    closing: CancellationToken,
) {
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
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let (builder, app, watcher, tls) = (builder.clone(), app.clone(), graceful.watcher(), tls.clone());
        connections.spawn(async move {
            let ended = match tls {
                None => serve_connection(&builder, stream, app, watcher).await,
                Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                    Ok(Ok(stream)) => serve_connection(&builder, stream, app, watcher).await,
                    Ok(Err(error)) => Err(error.into()),
                    Err(_late) => Err("the TLS handshake took too long".into()),
                },
            };
            if let Err(error) = ended {
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

async fn serve_connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    builder: &Builder<TokioExecutor>,
    stream: S,
    app: Router,
    watcher: Watcher,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    watcher.watch(connection.into_owned()).await
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use crate::lakehouse::Lakehouse;

    use super::*;

    struct Running {
        address: std::net::SocketAddr,
        shutdown: CancellationToken,
        closing: CancellationToken,
        task: tokio::task::JoinHandle<Result<(), crate::lakehouse::LakehouseError>>,
        _folder: tempfile::TempDir,
    }

    async fn start() -> Running {
        let folder = tempfile::tempdir().expect("temporary folder");
        let lakehouse =
            Lakehouse::open(folder.path(), crate::lakehouse::LakehouseOptions::default()).await.expect("open");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let (shutdown, closing) = (CancellationToken::new(), lakehouse.closing());
        let task = tokio::spawn(lakehouse.serve(listener, shutdown.clone()));
        Running { address, shutdown, closing, task, _folder: folder }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn http_1_is_answered_and_shutdown_ends_idle_connections() {
        let running = start().await;
        let mut stream = TcpStream::connect(running.address).await.expect("connect");
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("send");
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.expect("read");
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("healthy"), "{answer}");

        running.shutdown.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(5), running.task).await;
        ended.expect("an idle connection does not hold the shutdown up").expect("task").expect("served");
        assert!(running.closing.is_cancelled());
        assert!(TcpStream::connect(running.address).await.is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn http_2_without_tls_has_the_real_services_windows() {
        let running = start().await;
        let mut stream = TcpStream::connect(running.address).await.expect("connect");
        // The client's preface and an empty SETTINGS frame.
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("send");
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.expect("frame head");
        assert_eq!(head[3], 4, "the first frame is SETTINGS");
        let mut body = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
        stream.read_exact(&mut body).await.expect("settings");
        let settings: HashMap<u16, u32> = body
            .chunks_exact(6)
            .map(|entry| {
                (u16::from_be_bytes([entry[0], entry[1]]), u32::from_be_bytes([entry[2], entry[3], entry[4], entry[5]]))
            })
            .collect();
        // 3: SETTINGS_MAX_CONCURRENT_STREAMS, 4: SETTINGS_INITIAL_WINDOW_SIZE
        assert_eq!((settings.get(&3), settings.get(&4)), (Some(&256), Some(&(2 << 20))));
        running.shutdown.cancel();
        running.task.await.expect("task").expect("served");
    }
}
