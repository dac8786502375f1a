//! OAuth client credentials, as a workspace's token endpoint answers them, and the tokens it gives out.
//!
//! Tokens carry what they stand for, signed with the administrator's secret: like those of the service they outlive a
//! restart, which clients with an open stream count on, and nothing has to be remembered. A token that was asked for
//! with `authorization_details` is for writing to that one table through Zerobus and for nothing else; any other is for
//! everything but Zerobus. What its principal may do is asked of the grants each time. Secrets and tokens have no
//! `Debug`.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::ApiError;
use super::grants::Grants;
use super::weather::Weather;
use crate::model::TableName;

mod credentials;
mod details;
mod token;

pub use credentials::Credentials;
pub use token::router;

/// How long a token is good unless it is set otherwise, as on the service.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// Requests under this path come with tokens for one table.
const ZEROBUS_PATH: &str = "/zerobus/";

/// The token endpoint and the tokens it gave out. Clones share them.
#[derive(Clone)]
pub struct Oidc {
    inner: Arc<Inner>,
    token_lifetime: Duration,
    weather: Weather,
    with_tls: bool,
}

struct Inner {
    credentials: Credentials,
    grants: Grants,
    /// Signs tokens.
    key: ring::hmac::Key,
}

/// What a good token stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenInfo {
    /// The principal it was given to.
    pub client_id: String,
    /// The table it may write to through Zerobus; `None` when it was asked for without `authorization_details`.
    pub table: Option<TableName>,
    /// When it ends, in seconds since 1970.
    pub expires_at: u64,
    /// When it was given out, in microseconds since 1970.
    pub issued_at: u64,
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// There is no `Authorization: Bearer` header.
    #[error("No bearer token came with the request. Get one from /oidc/v1/token.")]
    Missing,
    /// The token was never given out, has ended, or its principal was dropped.
    #[error("The bearer token is not known or has expired. Get a new one from /oidc/v1/token.")]
    Unknown,
}

impl Oidc {
    /// An endpoint for the administrator and the principals of `grants`.
    pub fn new(credentials: Credentials, grants: Grants) -> Self {
        let secret = credentials.client_secret.expose_secret().as_bytes();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        Self {
            inner: Arc::new(Inner { credentials, grants, key }),
            token_lifetime: TOKEN_LIFETIME,
            weather: Weather::default(),
            with_tls: false,
        }
    }

    /// Gives out tokens that are good for so long, in whole seconds.
    #[must_use]
    pub fn with_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Lets the weather end tokens before their time.
    #[must_use]
    pub fn with_weather(mut self, weather: Weather) -> Self {
        self.weather = weather;
        self
    }

    /// Says whether clients reach the endpoint with TLS.
    #[must_use]
    pub fn served_with_tls(mut self, with_tls: bool) -> Self {
        self.with_tls = with_tls;
        self
    }

    /// The administrator's id and secret.
    pub fn credentials(&self) -> &Credentials {
        &self.inner.credentials
    }

    /// What the principals may do.
    pub fn grants(&self) -> &Grants {
        &self.inner.grants
    }

    /// Checks the value of an `Authorization` header.
    ///
    /// # Errors
    /// [`AuthError`] when there is no token or it is not good.
    pub fn check_bearer(&self, authorization: Option<&str>) -> Result<TokenInfo, AuthError> {
        let (scheme, token) = authorization.and_then(|value| value.split_once(' ')).ok_or(AuthError::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(AuthError::Missing);
        }
        let info = self.verify(token.trim()).ok_or(AuthError::Unknown)?;
        let good = info.expires_at > now().as_secs()
            && info.issued_at >= self.weather.tokens_from()
            && self.inner.grants.knows(&info.client_id);
        if good { Ok(info) } else { Err(AuthError::Unknown) }
    }

    /// What a token says, if it was signed here.
    fn verify(&self, token: &str) -> Option<TokenInfo> {
        let (claims, signature) = token.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        ring::hmac::verify(&self.inner.key, claims.as_bytes(), &signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }

    fn issue(&self, client_id: &str, table: Option<TableName>, expires_at: u64) -> String {
        let issued_at = u64::try_from(now().as_micros()).unwrap_or(u64::MAX);
        let info = TokenInfo { client_id: client_id.to_owned(), table, expires_at, issued_at };
        let claims = URL_SAFE_NO_PAD.encode(json!(info).to_string());
        let signature = ring::hmac::sign(&self.inner.key, claims.as_bytes());
        format!("{claims}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Whether that is the client's secret; takes as long for a client that does not exist.
    fn is_client(&self, client_id: &str, secret: &str) -> bool {
        let credentials = &self.inner.credentials;
        // Both are always compared, each without a shortcut at the first difference.
        let id = same_bytes(client_id.as_bytes(), credentials.client_id.as_bytes());
        let same = same_bytes(secret.as_bytes(), credentials.client_secret.expose_secret().as_bytes());
        (id & same) || self.inner.grants.is_secret_of(client_id, secret)
    }
}

/// Since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Compares in a time that depends on the lengths only.
fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    let differences = left.iter().zip(right).fold(0_u8, |seen, (left, right)| seen | (left ^ right));
    (left.len() == right.len()) & (std::hint::black_box(differences) == 0)
}

/// Middleware for the routes that need a token; puts the [`TokenInfo`] into the request's extensions.
pub(crate) async fn require_bearer(State(oidc): State<Oidc>, mut request: Request, next: Next) -> Response {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let info = match oidc.check_bearer(header) {
        Ok(info) => info,
        Err(error) => {
            return ApiError::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", error.to_string()).into_response();
        }
    };
    if let Some(table) = info.table.as_ref().filter(|_| !request.uri().path().starts_with(ZEROBUS_PATH)) {
        let message = format!(
            "The token is for writing to '{table}' through Zerobus and for nothing else. Ask for one without \
             authorization_details."
        );
        return ApiError::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message).into_response();
    }
    request.extensions_mut().insert(info);
    next.run(request).await
}

#[cfg(test)]
#[path = "oidc/tests.rs"]
mod tests;
