//! Unity Catalog's grants over HTTP (`permissions`, `effective-permissions`), with who the caller is.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Assignment, Change, Grants, Privilege, Securable, SecurableKind};
use crate::lakehouse::error::ApiError;
use crate::lakehouse::oidc::{Oidc, TokenInfo, require_bearer};

/// The routes; each needs a bearer token.
pub fn router(oidc: Oidc) -> Router {
    let grants = oidc.grants().clone();
    Router::new()
        .route("/api/2.1/unity-catalog/permissions/{kind}/{full_name}", get(permissions).patch(change))
        .route("/api/2.1/unity-catalog/effective-permissions/{kind}/{full_name}", get(effective))
        .merge(super::scim::routes())
        .route_layer(middleware::from_fn_with_state(oidc, require_bearer))
        .with_state(grants)
}

/// Answers come on one page, which a client that asks for pages takes as the last.
#[derive(Deserialize)]
struct Asked {
    principal: Option<String>,
}

#[derive(Deserialize)]
struct Changes {
    #[serde(default)]
    changes: Vec<PermissionsChange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionsChange {
    principal: String,
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

async fn permissions(
    State(grants): State<Grants>,
    Extension(caller): Extension<TokenInfo>,
    Path((kind, full_name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, ApiError> {
    let on = securable(&kind, &full_name)?;
    let assignments = grants.assignments(&caller.client_id, &on, asked.principal.as_deref(), false)?;
    Ok(Json(direct(&assignments)))
}

async fn change(
    State(grants): State<Grants>,
    Extension(caller): Extension<TokenInfo>,
    Path((kind, full_name)): Path<(String, String)>,
    body: Result<Json<Changes>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let on = securable(&kind, &full_name)?;
    let Json(body) = body.map_err(|error| ApiError::new(error.status(), "MALFORMED_REQUEST", error.body_text()))?;
    grants.check_owner(&caller.client_id, &on)?;
    let changes = body.changes.into_iter().map(|change| {
        let (add, remove) = (privileges(&change.add)?, privileges(&change.remove)?);
        Ok(Change { principal: change.principal, add, remove })
    });
    grants.change(&on, &changes.collect::<Result<Vec<_>, ApiError>>()?)?;
    Ok(Json(direct(&grants.assignments(&caller.client_id, &on, None, false)?)))
}

async fn effective(
    State(grants): State<Grants>,
    Extension(caller): Extension<TokenInfo>,
    Path((kind, full_name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, ApiError> {
    let on = securable(&kind, &full_name)?;
    let assignments = grants.assignments(&caller.client_id, &on, asked.principal.as_deref(), true)?;
    let assignments: Vec<Value> = assignments
        .iter()
        .map(|Assignment { principal, privileges }| {
            let privileges: Vec<Value> =
                privileges.iter().map(|(privilege, from)| origin(*privilege, from, &on)).collect();
            json!({ "principal": principal, "privileges": privileges })
        })
        .collect();
    Ok(Json(json!({ "privilege_assignments": assignments })))
}

/// A workspace's ids of principals and groups are numbers; this one is always the same for a client id or name.
pub(super) fn scim_id(client_id: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, client_id.as_bytes());
    let number = digest.as_ref().iter().take(6).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    number.to_string()
}

fn direct(assignments: &[Assignment]) -> Value {
    let assignments: Vec<Value> = assignments
        .iter()
        .map(|Assignment { principal, privileges }| {
            let privileges: Vec<Privilege> = privileges.iter().map(|(privilege, _)| *privilege).collect();
            json!({ "principal": principal, "privileges": privileges })
        })
        .collect();
    json!({ "privilege_assignments": assignments })
}

fn origin(privilege: Privilege, from: &Securable, on: &Securable) -> Value {
    if from == on {
        return json!({ "privilege": privilege });
    }
    json!({
        "privilege": privilege,
        "inherited_from_type": from.kind(),
        "inherited_from_name": from.to_string(),
    })
}

fn securable(kind: &str, full_name: &str) -> Result<Securable, ApiError> {
    let kind = SecurableKind::parse(kind).ok_or_else(|| {
        ApiError::invalid(format!("'{kind}' has no grants here: write catalog, schema, table or volume"))
    })?;
    Securable::parse(kind, full_name)
        .ok_or_else(|| ApiError::invalid(format!("'{full_name}' is not the full name of a {}", kind.sql())))
}

fn privileges(names: &[String]) -> Result<Vec<Privilege>, ApiError> {
    let read = |name: &String| {
        Privilege::parse(name).ok_or_else(|| ApiError::invalid(format!("'{name}' is not a privilege known here")))
    };
    names.iter().map(read).collect()
}
