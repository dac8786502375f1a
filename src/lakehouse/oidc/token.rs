//! `POST /oidc/v1/token`: who asks, what for, and the token or the refusal in OAuth's form.

use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::details::zerobus_table;
use super::{Oidc, now};
use crate::lakehouse::error::LakehouseError;
use crate::lakehouse::weather::EVERYWHERE;

const FORM_BYTES: usize = 64 << 10;

/// The token endpoint's route.
pub fn router(oidc: Oidc) -> Router {
    Router::new()
        .route("/oidc/v1/token", post(token))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .route("/oidc/.well-known/oauth-authorization-server", get(discovery))
        .with_state(oidc)
}

/// Where the token endpoint is (RFC 8414): the Databricks SDKs ask before they log in. Addressed as the client addressed us.
async fn discovery(State(oidc): State<Oidc>, uri: Uri, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    // HTTP/2 has the host in the address, HTTP/1.1 in a header.
    let header = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = uri.authority().map(|authority| authority.as_str()).or(header);
    let host = host.ok_or_else(|| Refusal::request("The Host header is missing."))?;
    let issuer = format!("{}://{host}/oidc", if oidc.with_tls { "https" } else { "http" });
    Ok(Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "token_endpoint": format!("{issuer}/v1/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["token"],
    })))
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    resource: Option<String>,
    authorization_details: Option<String>,
}

/// Why there is no token: OAuth's error code, and a sentence. Every one is final to the service's clients, as each but
/// `server_error` has a 4xx status.
#[derive(Debug)]
pub(super) struct Refusal {
    error: &'static str,
    description: String,
}

impl Refusal {
    fn request(description: impl Into<String>) -> Self {
        Self { error: "invalid_request", description: description.into() }
    }

    fn client(description: &str) -> Self {
        Self { error: "invalid_client", description: description.to_owned() }
    }

    /// RFC 8707's code for a wrong `resource`.
    pub(super) fn target(description: String) -> Self {
        Self { error: "invalid_target", description }
    }

    /// RFC 9396's code for wrong `authorization_details`.
    pub(super) fn details(why: impl std::fmt::Display) -> Self {
        Self { error: "invalid_authorization_details", description: format!("authorization_details: {why}.") }
    }
}

impl From<LakehouseError> for Refusal {
    fn from(error: LakehouseError) -> Self {
        let code = if matches!(error, LakehouseError::Denied(_)) { "access_denied" } else { "server_error" };
        Self { error: code, description: error.to_string() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        (status, Json(json!({ "error": self.error, "error_description": self.description }))).into_response()
    }
}

async fn token(
    State(oidc): State<Oidc>,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Result<Response, Refusal> {
    let Form(form) = form.map_err(|error| Refusal::request(error.body_text()))?;
    let client_id = authenticate(&oidc, &headers, &form).await?;
    if oidc.weather.at(EVERYWHERE).denies_tokens() {
        let description = format!("Service principal {client_id} is disabled in this workspace.");
        return Err(Refusal { error: "access_denied", description });
    }
    match form.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            let description = "Only grant_type=client_credentials is supported.".to_owned();
            return Err(Refusal { error: "unsupported_grant_type", description });
        }
        None => return Err(Refusal::request("grant_type is missing; send client_credentials.")),
    }
    let table = zerobus_table(form.resource.as_deref(), form.authorization_details.as_deref())?;
    if let Some(table) = &table {
        match oidc.inner.grants.check_zerobus_grants(&client_id, table) {
            // Whoever may use the schema hears it from the stream, as from the service.
            Ok(()) | Err(LakehouseError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let lifetime = oidc.token_lifetime.as_secs();
    let body = json!({
        "access_token": oidc.issue(&client_id, table, now().as_secs() + lifetime),
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": form.scope.as_deref().unwrap_or("all-apis"),
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// The client id, if the secret is its own.
async fn authenticate(oidc: &Oidc, headers: &HeaderMap, form: &TokenRequest) -> Result<String, Refusal> {
    let client = basic_client(headers).or_else(|| form.client_id.clone().zip(form.client_secret.clone()));
    let Some((client_id, secret)) = client else {
        return Err(Refusal::client("Send the client id and secret with HTTP Basic."));
    };
    let (oidc, id) = (oidc.clone(), client_id.clone());
    // Hashing takes milliseconds of computing.
    let checked = tokio::task::spawn_blocking(move || oidc.is_client(&id, &secret)).await;
    match checked {
        Ok(true) => Ok(client_id),
        Ok(false) => Err(Refusal::client("Client authentication failed: unknown client id or wrong secret.")),
        Err(_) => Err(Refusal { error: "server_error", description: "The secret could not be checked.".to_owned() }),
    }
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
