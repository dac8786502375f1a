//! Who asks, and what they may do.
//!
//! Inside Databricks Apps the platform's proxy signs people in and says who they are in headers; everywhere else those headers
//! are anybody's words, and the [server](crate::server) takes them off before anything else. Handlers take a [`Caller`] as an
//! argument, components and server functions ask [`Caller::current`]. Knows nothing of what is asked for.

mod roles;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use leptos::prelude::use_context;
use secrecy::SecretString;

pub use roles::{Party, Roles, Whom};

use crate::engine::{Actor, SqlPrincipal};
use crate::model::EdgeError;
use crate::server::edge::EdgeSettings;
use crate::server::router::AppState;
use crate::workspace::OnBehalf;

/// The header with the user's own token.
pub const TOKEN: &str = "x-forwarded-access-token";

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
    edge: Arc<EdgeSettings>,
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
    /// The user's own token, where the platform passes it on; it is never printed.
    pub token: Option<SecretString>,
    /// Groups of the workspace, as far as roles ask for them.
    pub groups: Vec<String>,
    /// Why the groups are not known.
    pub groups_problem: Option<String>,
}

impl Identity {
    /// Reads the platform's headers.
    pub fn of(headers: &HeaderMap) -> Self {
        let text =
            |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim().to_owned();
        let token = text(TOKEN);
        Self {
            email: text("x-forwarded-email"),
            user: text("x-forwarded-user"),
            preferred_name: text("x-forwarded-preferred-username"),
            token: (!token.is_empty()).then(|| SecretString::from(token)),
            groups: Vec::new(),
            groups_problem: None,
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
    /// Somebody at a port that behaves like that.
    pub fn new(identity: Identity, edge: Arc<EdgeSettings>) -> Self {
        Self { identity: Arc::new(identity), edge }
    }

    /// Who asks for the page or the server function that is being answered; nobody outside of one.
    pub fn current() -> Self {
        use_context::<Self>().or_else(|| use_context::<Parts>()?.extensions.get::<Self>().cloned()).unwrap_or_else(
            || {
                let edge = EdgeSettings { roles: Arc::new(Roles::of_nobody()), ..EdgeSettings::default() };
                Self::new(Identity::default(), Arc::new(edge))
            },
        )
    }

    /// In whose name the engine acts for them.
    pub fn actor(&self) -> Actor {
        let sql = match (self.edge.sql_on_behalf, &self.identity.token) {
            (false, _) => SqlPrincipal::App,
            (true, Some(token)) => SqlPrincipal::Person(OnBehalf::new(self.name(), token.clone())),
            (true, None) => SqlPrincipal::Missing,
        };
        Actor { name: self.name().to_owned(), sql }
    }

    /// The name to show and to keep; empty where nobody signs in.
    pub fn name(&self) -> &str {
        self.identity.name()
    }

    /// Whether they may.
    pub fn may(&self, permission: Permission) -> bool {
        self.edge.roles.allow(&self.identity, permission)
    }

    /// Goes on only for somebody who may.
    ///
    /// # Errors
    /// `ROLE_REQUIRED` with the setting that would change it. Nothing was done then.
    pub fn require(&self, permission: Permission) -> Result<(), EdgeError> {
        if self.may(permission) { Ok(()) } else { Err(self.edge.roles.refusal(&self.identity, permission)) }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Infallible;

    /// The one that the router found; without it, nobody.
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let found = parts.extensions.get::<Self>().cloned();
        Ok(found.unwrap_or_else(|| Self::new(Identity::default(), state.edge.clone())))
    }
}
