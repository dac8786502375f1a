//! Who is in which group: the workspace's SCIM API.
//!
//! A user's own token always tells its groups. With the app's own principal they are told only where that principal administers the
//! workspace: for everybody else the list of users has names and nothing more.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::files::escape;
use super::{Workspace, WorkspaceError};

#[derive(Deserialize)]
struct Users {
    #[serde(rename = "Resources", default)]
    resources: Vec<User>,
}

#[derive(Deserialize)]
struct User {
    #[serde(rename = "userName", default)]
    user_name: String,
    groups: Option<Vec<Group>>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    display: String,
}

impl Workspace {
    /// The names of the groups that a user is in: asked with the user's own token where there is one.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`] when the workspace does not know the user or does not tell; no answer or a refusal.
    pub async fn groups_of(&self, email: &str, token: Option<&SecretString>) -> Result<Vec<String>, WorkspaceError> {
        let user = match token {
            Some(token) => self.me(token).await?,
            None => self.user(email).await?,
        };
        let groups = user.groups.ok_or_else(|| {
            WorkspaceError::NotFound(format!(
                "the workspace does not tell this app which groups {email} is in; let users authorise the app, or name users \
                 instead of groups"
            ))
        })?;
        Ok(groups.into_iter().map(|group| group.display).filter(|name| !name.is_empty()).collect())
    }

    async fn me(&self, token: &SecretString) -> Result<User, WorkspaceError> {
        let request = self.http().request(Method::GET, format!("{}/api/2.0/preview/scim/v2/Me", self.config.url));
        let answer = request.bearer_auth(token.expose_secret()).send().await;
        let mut user: User = self.read(answer.map_err(|error| self.unanswered(&error))?).await?;
        // Whoever is in no group may be told nothing of groups.
        user.groups.get_or_insert_default();
        Ok(user)
    }

    async fn user(&self, email: &str) -> Result<User, WorkspaceError> {
        let unknown = || WorkspaceError::NotFound(format!("the workspace knows no user {email}"));
        // The filter is a language of its own: a quote would end the name.
        if email.contains(['"', '\\']) {
            return Err(unknown());
        }
        let filter = escape(&format!("userName eq \"{email}\""), "-._~");
        let path = format!("/api/2.0/preview/scim/v2/Users?attributes=userName,groups&filter={filter}");
        let users: Users = self.get(&path).await?;
        users.resources.into_iter().find(|user| user.user_name.eq_ignore_ascii_case(email)).ok_or_else(unknown)
    }
}
