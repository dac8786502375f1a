//! Who asks, and what they may do.
//!
//! Inside Databricks Apps the platform's proxy signs people in and says who they are in headers; everywhere else those headers
//! are anybody's words, and [`trust_the_platform_only`](crate::server) takes them off. Handlers take a [`Caller`] as an argument,
//! components and server functions ask [`Caller::current`]. Knows nothing of what is asked for.

mod roles;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use leptos::prelude::use_context;

pub use roles::{Party, Roles, Whom};

use crate::model::EdgeError;
use crate::server::router::AppState;

/// What somebody may do beyond looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Write records, begin and stop runs, keep and forget reports.
    Run,
    /// What belongs to the operator: debug pages, the doctor's writes, DDL, keys.
    Administer,
}

/// Who sent a request.
#[derive(Clone, Debug)]
pub struct Caller {
    identity: Arc<Identity>,
    roles: Arc<Roles>,
}

/// What the platform says of a caller; all empty when it says nothing.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// E-mail address.
    pub email: String,
    /// The platform's id of the user.
    pub user: String,
    /// A name to show when there is no e-mail address.
    pub preferred_name: String,
    /// Groups of the workspace, as far as roles ask for them.
    pub groups: Vec<String>,
}

impl Identity {
    /// Reads the platform's headers.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim().to_owned();
        Self {
            email: text("x-forwarded-email"),
            user: text("x-forwarded-user"),
            preferred_name: text("x-forwarded-preferred-username"),
            groups: Vec::new(),
        }
    }

    /// Whether the platform names anybody.
    pub fn is_known(&self) -> bool {
        !self.name().is_empty()
    }

    /// The name to show and to keep: the e-mail address where there is one.
    pub fn name(&self) -> &str {
        [&self.email, &self.preferred_name, &self.user]
            .into_iter()
            .find(|one| !one.is_empty())
            .map_or("", String::as_str)
    }
}

impl Caller {
    /// Somebody, under these roles.
    pub fn new(identity: Identity, roles: Arc<Roles>) -> Self {
        Self { identity: Arc::new(identity), roles }
    }

    /// Who asks for the page or the server function that is being answered; nobody outside of one.
    pub fn current() -> Self {
        use_context::<Self>()
            .or_else(|| use_context::<Parts>()?.extensions.get::<Self>().cloned())
            .unwrap_or_else(|| Self::new(Identity::default(), Arc::new(Roles::of_nobody())))
    }

    /// The name to show and to keep; empty where nobody signs in.
    pub fn name(&self) -> &str {
        self.identity.name()
    }

    /// Whether they may.
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.allow(&self.identity, permission)
    }

    /// Goes on only for somebody who may.
    ///
    /// # Errors
    /// `ROLE_REQUIRED` with the setting that would change it. Nothing was done then.
    pub fn require(&self, permission: Permission) -> Result<(), EdgeError> {
        if self.may(permission) { Ok(()) } else { Err(self.roles.refusal(&self.identity, permission)) }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Infallible;

    /// The one that the router found; without it, what the headers say is all there is.
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let found = parts.extensions.get::<Self>().cloned();
        Ok(found.unwrap_or_else(|| Self::new(Identity::default(), state.edge.roles.clone())))
    }
}
