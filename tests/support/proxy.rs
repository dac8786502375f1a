//! A proxy as it may stand before the app: it says who people are, holds answers back, cuts long ones and drops connections.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use bytes::BytesMut;
use futures::StreamExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

/// What the proxy does to answers.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// Holds an answer back until so many bytes have come, or all of it; 0 passes everything on at once.
    pub holds_back: usize,
    /// Cuts an answer after that.
    pub cuts_after: Option<Duration>,
    /// Says that this person is signed in.
    pub email: Option<&'static str>,
}

/// A running proxy.
pub struct Proxy {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: String,
    manner: Manner,
    http: reqwest::Client,
    /// Answers that are dropped before they begin.
    drops: AtomicU32,
    cuts: AtomicU32,
    /// The `Last-Event-ID` of every request for events.
    resumed: Mutex<Vec<Option<String>>>,
}

type Refused = Box<dyn std::error::Error + Send + Sync>;
type Piece = Result<Bytes, std::io::Error>;

impl Proxy {
    pub async fn before(upstream: &str, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let redirects = reqwest::redirect::Policy::none();
        let inner = Arc::new(Inner {
            upstream: upstream.to_owned(),
            manner,
            http: reqwest::Client::builder().no_proxy().redirect(redirects).build().unwrap(),
            drops: AtomicU32::new(0),
            cuts: AtomicU32::new(0),
            resumed: Mutex::default(),
        });
        tokio::spawn({
            let inner = inner.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let inner = inner.clone();
                    let service = service_fn(move |request| {
                        let inner = inner.clone();
                        async move { inner.pass(request).await }
                    });
                    let connection = hyper::server::conn::http1::Builder::new();
                    // A connection that is dropped on purpose is no news.
                    tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
                }
            }
        });
        Self { url, inner }
    }

    /// Drops the connection of the next requests.
    pub fn drop_next(&self, requests: u32) {
        self.inner.drops.store(requests, Ordering::SeqCst);
    }

    /// Answers that were cut.
    pub fn cuts(&self) -> u32 {
        self.inner.cuts.load(Ordering::SeqCst)
    }

    /// The `Last-Event-ID` of every request for events.
    pub fn resumed(&self) -> Vec<Option<String>> {
        self.inner.resumed.lock().unwrap().clone()
    }
}

impl Inner {
    async fn pass(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Refused> {
        if self.drops.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err("dropped".into());
        }
        let (parts, body) = request.into_parts();
        if parts.uri.path().ends_with("/events") {
            let resumed = parts.headers.get("last-event-id").map(|id| id.to_str().unwrap().to_owned());
            self.resumed.lock().unwrap().push(resumed);
        }
        let body = axum::body::to_bytes(Body::new(body), 1 << 26).await?;
        let headers = self.passed_on(&parts.headers);
        let address = format!("{}{}", self.upstream, parts.uri);
        let sent = self.http.request(parts.method, address).headers(headers).body(body).send();
        let deadline = self.manner.cuts_after.map(|after| Instant::now() + after);
        let Some(answer) = before(deadline, sent).await else {
            self.cuts.fetch_add(1, Ordering::SeqCst);
            return Ok(timed_out());
        };
        let answer = answer?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for hop in ["transfer-encoding", "content-length", "connection"] {
            headers.remove(hop);
        }
        let (sender, mut pieces) = mpsc::channel(4);
        tokio::spawn(self.clone().pump(answer, deadline, sender));
        // A proxy that holds back holds the head back, too.
        let first = match pieces.recv().await {
            Some(Err(_)) => return Ok(timed_out()),
            first => first,
        };
        let pieces = futures::stream::iter(first).chain(ReceiverStream::new(pieces));
        let mut response = Response::new(Body::from_stream(pieces));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// Hands an answer on in the proxy's manner, until it ends, is cut, or nobody reads it any more.
    async fn pump(self: Arc<Self>, mut answer: reqwest::Response, deadline: Option<Instant>, to: mpsc::Sender<Piece>) {
        let mut held = BytesMut::new();
        loop {
            let piece = match before(deadline, answer.chunk()).await {
                Some(Ok(Some(piece))) => piece,
                Some(Ok(None)) => {
                    let _ = to.send(Ok(held.freeze())).await;
                    return;
                }
                came => {
                    self.cuts.fetch_add(u32::from(came.is_none()), Ordering::SeqCst);
                    // What was held back is lost.
                    let _ = to.send(Err(std::io::Error::other("cut"))).await;
                    return;
                }
            };
            held.extend_from_slice(&piece);
            if held.len() >= self.manner.holds_back && to.send(Ok(held.split().freeze())).await.is_err() {
                return;
            }
        }
    }

    /// As the platform's proxy: what a browser says of itself is replaced.
    fn passed_on(&self, headers: &HeaderMap) -> HeaderMap {
        let mut passed: HeaderMap = headers
            .iter()
            .filter(|(name, _)| !name.as_str().starts_with("x-forwarded-") && *name != "host")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if let Some(host) = headers.get("host") {
            passed.insert(HeaderName::from_static("x-forwarded-host"), host.clone());
            passed.insert(HeaderName::from_static("x-forwarded-proto"), HeaderValue::from_static("https"));
        }
        if let Some(email) = self.manner.email {
            passed.insert(HeaderName::from_static("x-forwarded-email"), HeaderValue::from_static(email));
        }
        passed
    }
}

/// What comes in time.
async fn before<T>(deadline: Option<Instant>, coming: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, coming).await.ok(),
        None => Some(coming.await),
    }
}

fn timed_out() -> Response<Body> {
    let mut response = Response::new(Body::from("upstream request timeout"));
    *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
    response
}
