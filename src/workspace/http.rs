//! Requests with a bearer token, and error answers read the way the workspace writes them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::auth::Scope;
use super::{Workspace, WorkspaceConfig, WorkspaceError};

/// No request takes longer: the platform's proxy may cut at 60 s, and statements are waited for 30 s at a time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(50);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// An idle connection is not used again after this. Servers and proxies close theirs after 30 s (the local lakehouse) or
/// 60 s (most load balancers); a request that meets the closing gets no answer, and whether it was carried out is unknown.
const IDLE: Duration = Duration::from_secs(20);
/// A file has so much more time.
const SLOWEST_UPLOAD_BYTES_PER_SECOND: u64 = 1 << 20;
/// A body is handed to the connection in parts of this size.
const PART_BYTES: usize = 64 << 10;

pub(super) fn client(config: &WorkspaceConfig) -> Result<reqwest::Client, WorkspaceError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("direct-write/", env!("CARGO_PKG_VERSION")));
    if config.local {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| WorkspaceError::Protocol(error.to_string()))
}

/// Hears that a request's last byte was handed to the connection.
pub type OnSent = Arc<dyn Fn() + Send + Sync>;

/// The error body of every workspace API.
#[derive(Debug, Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    message: String,
}

/// What a request carries.
pub(super) enum Content {
    Nothing,
    Json(Bytes),
    File(Bytes),
}

impl Content {
    fn timeout(&self) -> Duration {
        match self {
            Self::Nothing | Self::Json(_) => REQUEST_TIMEOUT,
            Self::File(bytes) => {
                REQUEST_TIMEOUT + Duration::from_secs(bytes.len() as u64 / SLOWEST_UPLOAD_BYTES_PER_SECOND)
            }
        }
    }
}

impl Workspace {
    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// GET with the principal's token.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, WorkspaceError> {
        self.get_as(Scope::Apis, path).await
    }

    /// GET with a token of that scope.
    pub(super) async fn get_as<T: DeserializeOwned>(&self, scope: Scope<'_>, path: &str) -> Result<T, WorkspaceError> {
        let url = &self.config.url;
        let answer = self.request_at(url, path, Method::GET, scope, Content::Nothing, Arc::new(|| ())).await?;
        self.read(answer).await
    }

    /// POST of JSON with a token of that scope; `on_sent` runs when the body's last byte went to the connection.
    pub(super) async fn post_as<T: DeserializeOwned>(
        &self,
        scope: Scope<'_>,
        path: &str,
        body: Bytes,
        on_sent: OnSent,
    ) -> Result<T, WorkspaceError> {
        let url = &self.config.url;
        let answer = self.request_at(url, path, Method::POST, scope, Content::Json(body), on_sent).await?;
        self.read(answer).await
    }

    /// Any request with the principal's token. Returns the answer, whatever its status.
    pub(super) async fn request(
        &self,
        method: Method,
        path: &str,
        content: Content,
        on_sent: OnSent,
    ) -> Result<Response, WorkspaceError> {
        self.request_at(&self.config.url, path, method, Scope::Apis, content, on_sent).await
    }

    /// Any request to `base`, which is an address without a slash at its end, with a token of that scope.
    pub(super) async fn request_at(
        &self,
        base: &str,
        path: &str,
        method: Method,
        scope: Scope<'_>,
        content: Content,
        on_sent: OnSent,
    ) -> Result<Response, WorkspaceError> {
        let timeout = content.timeout();
        let (body, content_type) = match content {
            Content::Nothing => (None, ""),
            Content::Json(bytes) => (Some(bytes), "application/json"),
            Content::File(bytes) => (Some(bytes), "application/octet-stream"),
        };
        // A person's token has nothing to be replaced with.
        let mut fresh_token_tried = matches!(scope, Scope::Statements) && self.is_on_behalf();
        loop {
            let token = self.token(scope).await?;
            let request = self.http.request(method.clone(), format!("{base}{path}"));
            let mut request = request.bearer_auth(&token).timeout(timeout);
            if let Some(rest) = body.clone() {
                let body = reqwest::Body::wrap(SentBody { rest, ended: false, on_sent: on_sent.clone() });
                request = request.header("content-type", content_type).body(body);
            }
            let answer = request.send().await.map_err(|error| WorkspaceError::from_request(&error, base, timeout))?;
            if answer.status() == StatusCode::UNAUTHORIZED && !fresh_token_tried {
                // The token was revoked or its issuer was restarted: what was refused was not carried out.
                self.tokens.forget(scope, &token).await;
                fresh_token_tried = true;
                continue;
            }
            return Ok(answer);
        }
    }

    /// Reads an answer: the value when it is a success, the error it names otherwise.
    pub(super) async fn read<T: DeserializeOwned>(&self, answer: Response) -> Result<T, WorkspaceError> {
        let bytes = self.succeeded(answer).await?;
        serde_json::from_slice(&bytes).map_err(|error| WorkspaceError::Protocol(error.to_string()))
    }

    /// The body of an answer that is a success; the error it names otherwise.
    pub(super) async fn succeeded(&self, answer: Response) -> Result<Bytes, WorkspaceError> {
        let status = answer.status();
        let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = answer.bytes().await.map_err(|error| self.unanswered(&error))?;
        if status.is_success() {
            return Ok(bytes);
        }
        let mut body: ErrorBody = serde_json::from_slice(&bytes).unwrap_or_default();
        if body.message.is_empty() {
            body.message = status.to_string();
        }
        let said = if body.error_code.is_empty() {
            body.message.clone()
        } else {
            format!("{}: {}", body.error_code, body.message)
        };
        let retry_after = retry_after.map(Duration::from_secs);
        Err(match status {
            StatusCode::UNAUTHORIZED => WorkspaceError::Unauthenticated(said),
            StatusCode::FORBIDDEN => WorkspaceError::PermissionDenied(said),
            StatusCode::NOT_FOUND => WorkspaceError::NotFound(body.message),
            // 507: the disk is full, and what does not fit is not taken.
            StatusCode::TOO_MANY_REQUESTS | StatusCode::INSUFFICIENT_STORAGE => {
                WorkspaceError::Busy { message: said, retry_after }
            }
            // Without the header it may come from a proxy that lost a workspace which had begun.
            StatusCode::SERVICE_UNAVAILABLE if retry_after.is_some() => {
                WorkspaceError::Busy { message: said, retry_after }
            }
            status if status.is_server_error() => {
                WorkspaceError::ServerError { status: status.as_u16(), message: said }
            }
            _ => {
                let code = if body.error_code.is_empty() { status.as_u16().to_string() } else { body.error_code };
                WorkspaceError::Refused { code, message: body.message }
            }
        })
    }

    pub(super) fn unanswered(&self, error: &reqwest::Error) -> WorkspaceError {
        WorkspaceError::from_request(error, &self.config.url, REQUEST_TIMEOUT)
    }
}

/// A body of known length that tells when its last byte was handed to the connection.
struct SentBody {
    rest: Bytes,
    /// Whether `on_sent` was told.
    ended: bool,
    on_sent: OnSent,
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PART_BYTES);
        let part = self.rest.split_to(length);
        if self.rest.is_empty() {
            self.ended = true;
            (self.on_sent)();
        }
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn parts(bytes: usize) -> (Vec<usize>, usize) {
        let told = Arc::new(AtomicUsize::new(0));
        let teller = told.clone();
        let on_sent: OnSent = Arc::new(move || {
            teller.fetch_add(1, Ordering::Relaxed);
        });
        let mut body = SentBody { rest: Bytes::from(vec![7; bytes]), ended: false, on_sent };
        let mut lengths = Vec::new();
        let mut context = Context::from_waker(std::task::Waker::noop());
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) {
            assert_eq!(told.load(Ordering::Relaxed), usize::from(body.is_end_stream()));
            lengths.push(frame.into_data().unwrap_or_default().len());
        }
        (lengths, told.load(Ordering::Relaxed))
    }

    #[test]
    fn a_body_goes_out_in_parts_and_tells_once_at_its_end() {
        assert_eq!(parts(2 * PART_BYTES + 1), (vec![PART_BYTES, PART_BYTES, 1], 1));
        assert_eq!(parts(PART_BYTES), (vec![PART_BYTES], 1));
        assert_eq!(parts(0), (vec![0], 1));
    }
}
