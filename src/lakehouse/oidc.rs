//! `POST /oidc/v1/token`: OAuth client credentials, as a workspace's token endpoint answers them.
//!
//! There is one client, made at first start and kept in `<data>/credentials.json` (mode 0600). Tokens carry
//! what they stand for, signed with the client's secret: like those of the service they outlive a restart, which clients
//! with an open stream count on, and nothing has to be remembered. Secrets and tokens have no `Debug`.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::disk::sync_folder;
use super::error::{ApiError, LakehouseError};
use crate::model::TableName;

/// How long a token is good.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
const FORM_BYTES: usize = 64 << 10;

/// The lakehouse's client.
#[derive(Clone)]
pub struct Credentials {
    /// A UUID, not secret.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// The token endpoint and the tokens it gave out. Clones share them.
#[derive(Clone)]
pub struct Oidc {
    inner: Arc<Inner>,
}

struct Inner {
    credentials: Credentials,
    /// Signs tokens.
    key: ring::hmac::Key,
}

/// What a good token stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenInfo {
    /// The client it was given to.
    pub client_id: String,
    /// The table it may write to; `None` when it was asked for without `authorization_details`.
    pub table: Option<TableName>,
    /// When it ends, in seconds since 1970.
    pub expires_at: u64,
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// There is no `Authorization: Bearer` header.
    #[error("No bearer token came with the request. Get one from /oidc/v1/token.")]
    Missing,
    /// The token was never given out, has ended, or was given out before a restart.
    #[error("The bearer token is not known or has expired. Get a new one from /oidc/v1/token.")]
    Unknown,
}

impl Oidc {
    /// An endpoint for one client.
    pub fn new(credentials: Credentials) -> Self {
        let secret = credentials.client_secret.expose_secret().as_bytes();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        Self { inner: Arc::new(Inner { credentials, key }) }
    }

    /// The client's id and secret.
    pub fn credentials(&self) -> &Credentials {
        &self.inner.credentials
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
        if info.expires_at > now() { Ok(info) } else { Err(AuthError::Unknown) }
    }

    /// What a token says, if it was signed here.
    fn verify(&self, token: &str) -> Option<TokenInfo> {
        let (claims, signature) = token.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        ring::hmac::verify(&self.inner.key, claims.as_bytes(), &signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }

    fn issue(&self, table: Option<TableName>, expires_at: u64) -> String {
        let info = TokenInfo { client_id: self.inner.credentials.client_id.clone(), table, expires_at };
        let claims = URL_SAFE_NO_PAD.encode(json!(info).to_string());
        let signature = ring::hmac::sign(&self.inner.key, claims.as_bytes());
        format!("{claims}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn is_client(&self, client_id: &str, secret: &str) -> bool {
        let credentials = &self.inner.credentials;
        // Both are always compared, each without a shortcut at the first difference.
        let id = same_bytes(client_id.as_bytes(), credentials.client_id.as_bytes());
        let secret = same_bytes(secret.as_bytes(), credentials.client_secret.expose_secret().as_bytes());
        id & secret
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Compares in a time that depends on the lengths only.
fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    let differences = left.iter().zip(right).fold(0_u8, |seen, (left, right)| seen | (left ^ right));
    (left.len() == right.len()) & (std::hint::black_box(differences) == 0)
}

fn random_text() -> Result<String, LakehouseError> {
    let mut bytes = [0_u8; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| {
        LakehouseError::InvalidArgument(format!("The operating system gave no random bytes: {error}"))
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[derive(Serialize, Deserialize)]
struct CredentialsFile {
    client_id: String,
    client_secret: String,
}

const CREDENTIALS_FILE: &str = "credentials.json";

impl Credentials {
    /// Reads `<data>/credentials.json`, or makes it with a new id and secret.
    ///
    /// # Errors
    /// [`LakehouseError::Io`] when the file cannot be read or written, or is damaged.
    pub fn load_or_create(data: &Path) -> Result<Self, LakehouseError> {
        let path = data.join(CREDENTIALS_FILE);
        if !path.exists() {
            let file = CredentialsFile { client_id: uuid::Uuid::new_v4().to_string(), client_secret: random_text()? };
            write_private(&path, &file).map_err(LakehouseError::io(&path, "Writing"))?;
        }
        Self::read(data)
    }

    /// Reads `<data>/credentials.json`.
    ///
    /// # Errors
    /// [`LakehouseError::Io`] when the file is not there, cannot be read, or is damaged.
    pub fn read(data: &Path) -> Result<Self, LakehouseError> {
        let path = data.join(CREDENTIALS_FILE);
        let bytes = std::fs::read(&path).map_err(LakehouseError::io(&path, "Reading"))?;
        // The content stays out of the message: it may be the secret.
        let file: CredentialsFile = serde_json::from_slice(&bytes).map_err(|_| {
            let cause = std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not the JSON written here");
            LakehouseError::io(&path, "Reading")(cause)
        })?;
        Ok(Self { client_id: file.client_id, client_secret: file.client_secret.into() })
    }
}

/// Writes the file so that nobody else can ever read it and a crash leaves it whole or absent.
fn write_private(path: &Path, file: &CredentialsFile) -> std::io::Result<()> {
    let staging = path.with_extension("json.tmp");
    match std::fs::remove_file(&staging) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&staging)?;
    out.write_all(serde_json::to_string_pretty(file)?.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(&staging, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// The token endpoint's route.
pub fn router(oidc: Oidc) -> Router {
    Router::new().route("/oidc/v1/token", post(token)).layer(DefaultBodyLimit::max(FORM_BYTES)).with_state(oidc)
}

/// Middleware for the routes that need a token; puts the [`TokenInfo`] into the request's extensions.
pub(crate) async fn require_bearer(State(oidc): State<Oidc>, mut request: Request, next: Next) -> Response {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match oidc.check_bearer(header) {
        Ok(info) => {
            request.extensions_mut().insert(info);
            next.run(request).await
        }
        Err(error) => ApiError::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", error.to_string()).into_response(),
    }
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    authorization_details: Option<String>,
}

/// One entry of `authorization_details`; unknown fields are allowed, unknown shapes are not.
#[derive(Deserialize)]
struct AuthorizationDetail {
    #[serde(rename = "type")]
    kind: String,
    privileges: Vec<String>,
    object_type: String,
    object_full_path: String,
}

async fn token(
    State(oidc): State<Oidc>,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Response {
    match grant(&oidc, &headers, form) {
        Ok((token, scope)) => {
            let body = json!({
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": TOKEN_LIFETIME.as_secs(),
                "scope": scope,
            });
            ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
        }
        Err((error, description)) => {
            let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
            (status, Json(json!({ "error": error, "error_description": description }))).into_response()
        }
    }
}

type Refusal = (&'static str, String);

fn grant(
    oidc: &Oidc,
    headers: &HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Result<(String, String), Refusal> {
    let Form(form) = form.map_err(|error| ("invalid_request", error.body_text()))?;
    let client = basic_client(headers).or_else(|| form.client_id.zip(form.client_secret));
    let Some((client_id, secret)) = client else {
        return Err(("invalid_client", "Send the client id and secret with HTTP Basic.".to_owned()));
    };
    if !oidc.is_client(&client_id, &secret) {
        return Err(("invalid_client", "Client authentication failed: unknown client id or wrong secret.".to_owned()));
    }
    match form.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(("unsupported_grant_type", "Only grant_type=client_credentials is supported.".to_owned()));
        }
        None => return Err(("invalid_request", "grant_type is missing; send client_credentials.".to_owned())),
    }
    let table = form.authorization_details.as_deref().map(bound_table).transpose()?;
    let token = oidc.issue(table.flatten(), now() + TOKEN_LIFETIME.as_secs());
    Ok((token, form.scope.unwrap_or_else(|| "all-apis".to_owned())))
}

fn basic_client(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (client_id, secret) = text.split_once(':')?;
    Some((client_id.to_owned(), secret.to_owned()))
}

/// The table a token is asked for: the entry of type TABLE. The order of entries and of fields does not matter.
fn bound_table(details: &str) -> Result<Option<TableName>, Refusal> {
    let refuse = |why: String| ("invalid_request", format!("authorization_details: {why}"));
    let details: Vec<AuthorizationDetail> =
        serde_json::from_str(details).map_err(|error| refuse(format!("not the expected JSON list: {error}")))?;
    let mut table = None;
    for detail in details {
        if detail.kind != "unity_catalog_privileges" || detail.privileges.is_empty() {
            return Err(refuse("each entry needs type unity_catalog_privileges and privileges".to_owned()));
        }
        match detail.object_type.as_str() {
            "CATALOG" | "SCHEMA" => {}
            "TABLE" if table.is_none() => {
                let name = TableName::parse(&detail.object_full_path).map_err(|error| refuse(error.to_string()))?;
                table = Some(name);
            }
            "TABLE" => return Err(refuse("a token is for one table".to_owned())),
            other => return Err(refuse(format!("unknown object_type '{other}'"))),
        }
    }
    Ok(table)
}

#[cfg(test)]
#[path = "oidc/tests.rs"]
mod tests;
