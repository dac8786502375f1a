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

use super::{Workspace, WorkspaceConfig, WorkspaceError};

/// No request takes longer: the platform's proxy may cut at 60 s, and statements are waited for 30 s at a time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(50);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn client(config: &WorkspaceConfig) -> Result<reqwest::Client, WorkspaceError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
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

impl Workspace {
    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// GET with the principal's token.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, WorkspaceError> {
        self.call(Method::GET, path, None, Arc::new(|| ())).await
    }

    /// POST of JSON with the principal's token; `on_sent` runs when the body's last byte went to the connection.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Bytes,
        on_sent: OnSent,
    ) -> Result<T, WorkspaceError> {
        self.call(Method::POST, path, Some(body), on_sent).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        on_sent: OnSent,
    ) -> Result<T, WorkspaceError> {
        let mut fresh_token_tried = false;
        loop {
            let token = self.token().await?;
            let mut request =
                self.http.request(method.clone(), format!("{}{path}", self.config.url)).bearer_auth(&token);
            if let Some(body) = body.clone() {
                let body = SentBody { bytes: Some(body), on_sent: on_sent.clone() };
                request = request.header("content-type", "application/json").body(reqwest::Body::wrap(body));
            }
            let answer = request.send().await.map_err(|error| self.unanswered(&error))?;
            if answer.status() == StatusCode::UNAUTHORIZED && !fresh_token_tried {
                // The token was revoked or its issuer was restarted: what was refused was not carried out.
                self.tokens.forget(&token).await;
                fresh_token_tried = true;
                continue;
            }
            return self.read(answer).await;
        }
    }

    /// Reads an answer: the value when it is a success, the error it names otherwise.
    pub(super) async fn read<T: DeserializeOwned>(&self, answer: Response) -> Result<T, WorkspaceError> {
        let status = answer.status();
        let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = answer.bytes().await.map_err(|error| self.unanswered(&error))?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| WorkspaceError::Protocol(error.to_string()));
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
        Err(match status {
            StatusCode::UNAUTHORIZED => WorkspaceError::Unauthenticated(said),
            StatusCode::FORBIDDEN => WorkspaceError::PermissionDenied(said),
            StatusCode::NOT_FOUND => WorkspaceError::NotFound(body.message),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                WorkspaceError::Busy { message: said, retry_after: retry_after.map(Duration::from_secs) }
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
    bytes: Option<Bytes>,
    on_sent: OnSent,
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.bytes.take().map(|bytes| {
            (self.on_sent)();
            Ok(Frame::data(bytes))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
