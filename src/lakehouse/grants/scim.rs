//! Users and groups as SCIM shows them: as much as it takes to find out which groups somebody is in.
//!
//! A principal with an e-mail address for a name is a user, and the address its user name; any other's is its client id. As in a
//! workspace, everybody learns their own groups, and only the administrator those of others.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::scim_id;
use super::{Grants, PrincipalInfo, find};
use crate::lakehouse::error::{ApiError, LakehouseError};
use crate::lakehouse::oidc::TokenInfo;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The group of the administrator, which nobody can change.
const ADMINS: &str = "admins";
/// All of them are in memory and in one file.
const MOST_GROUPS: usize = 1000;
const NAME_CHARS: usize = 255;

/// The routes, without the check of tokens.
pub(super) fn routes() -> Router<Grants> {
    Router::new()
        .route("/api/2.0/preview/scim/v2/Me", get(me))
        .route("/api/2.0/preview/scim/v2/Users", get(users))
        .route("/api/2.0/preview/scim/v2/Groups", post(create_group))
        .route("/api/2.0/preview/scim/v2/Groups/{id}", delete(delete_group))
}

#[derive(Deserialize)]
struct Asked {
    filter: Option<String>,
}

#[derive(Deserialize)]
struct NewGroup {
    #[serde(rename = "displayName")]
    display_name: String,
    #[serde(default)]
    members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    value: String,
}

async fn me(State(grants): State<Grants>, Extension(caller): Extension<TokenInfo>) -> Result<Json<Value>, ApiError> {
    let principal = grants.principal(&caller.client_id)?;
    let mut shown = user(&principal);
    shown["groups"] = grants.groups_json(&principal.client_id);
    Ok(Json(shown))
}

/// All users, or the one that `filter=userName eq "..."` asks for.
async fn users(
    State(grants): State<Grants>,
    Extension(caller): Extension<TokenInfo>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, ApiError> {
    let wanted = asked.filter.as_deref().map(|filter| {
        let name = filter.strip_prefix("userName eq \"").and_then(|rest| rest.strip_suffix('"'));
        name.ok_or_else(|| ApiError::invalid(format!("'{filter}' is not supported; write userName eq \"...\"")))
    });
    let wanted = wanted.transpose()?;
    let found = grants.principals().into_iter();
    let found = found.filter(|one| wanted.is_none_or(|wanted| user_name(one).eq_ignore_ascii_case(wanted)));
    let users: Vec<Value> = found
        .map(|principal| {
            let mut shown = user(&principal);
            if grants.is_administrator(&caller.client_id) {
                shown["groups"] = grants.groups_json(&principal.client_id);
            }
            shown
        })
        .collect();
    Ok(Json(json!({ "schemas": [LIST], "totalResults": users.len(), "Resources": users })))
}

async fn create_group(
    State(grants): State<Grants>,
    Extension(caller): Extension<TokenInfo>,
    body: Result<Json<NewGroup>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    grants.check_administrator(&caller.client_id, "make groups")?;
    let Json(group) = body.map_err(|error| ApiError::new(error.status(), "MALFORMED_REQUEST", error.body_text()))?;
    let members = group.members.into_iter().map(|member| member.value).collect::<Vec<_>>();
    grants.create_group(&group.display_name, &members)?;
    let shown = json!({ "schemas": [GROUP], "id": scim_id(&group.display_name), "displayName": group.display_name });
    Ok((StatusCode::CREATED, Json(shown)))
}

async fn delete_group(
    State(grants): State<Grants>,
    Extension(caller): Extension<TokenInfo>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    grants.check_administrator(&caller.client_id, "delete groups")?;
    grants.delete_group(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

fn user(principal: &PrincipalInfo) -> Value {
    json!({
        "schemas": [USER],
        "id": scim_id(&principal.client_id),
        "userName": user_name(principal),
        "displayName": principal.name,
        "active": true,
    })
}

fn user_name(principal: &PrincipalInfo) -> &str {
    if principal.name.contains('@') { &principal.name } else { &principal.client_id }
}

impl Grants {
    fn groups_json(&self, client_id: &str) -> Value {
        let state = self.state();
        let own = state.groups.iter().filter(|(_, members)| members.contains(client_id)).map(|(name, _)| name.as_str());
        let admins = (state.administrator == client_id).then_some(ADMINS);
        let groups = admins.into_iter().chain(own);
        groups.map(|name| json!({ "display": name, "value": scim_id(name), "type": "direct" })).collect()
    }

    /// Makes a group of principals, each by name, client id or SCIM id.
    fn create_group(&self, name: &str, members: &[String]) -> Result<(), LakehouseError> {
        let refuse = |why: String| Err(LakehouseError::InvalidArgument(format!("{why} Nothing was changed.")));
        if name.trim().is_empty() || name.trim() != name || name.chars().count() > NAME_CHARS || name == ADMINS {
            return refuse(format!("A group cannot be called '{name}'."));
        }
        self.change_state(|state| {
            if state.groups.contains_key(name) {
                return refuse(format!("There is a group '{name}' already."));
            }
            if state.groups.len() >= MOST_GROUPS {
                return refuse(format!("There are {MOST_GROUPS} groups already."));
            }
            let by_id = |id: &str| state.principals.keys().find(|client_id| scim_id(client_id) == id).cloned();
            let members = members.iter().map(|member| match by_id(member) {
                Some(client_id) => Ok(client_id),
                None => find(state, member).map(|principal| principal.client_id),
            });
            let members = members.collect::<Result<_, _>>()?;
            state.groups.insert(name.to_owned(), members);
            Ok(())
        })
    }

    fn delete_group(&self, id: &str) -> Result<(), LakehouseError> {
        self.change_state(|state| {
            let before = state.groups.len();
            state.groups.retain(|name, _| scim_id(name) != id);
            if state.groups.len() < before {
                return Ok(());
            }
            Err(LakehouseError::InvalidArgument(format!("There is no group with the id '{id}'; nothing was changed.")))
        })
    }
}
