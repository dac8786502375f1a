//! What the page's port was told: whether the platform stands before it, and who may do what.

use std::sync::Arc;

use crate::api::caller::Roles;

/// How the page's port behaves.
#[derive(Clone, Debug, Default)]
pub struct EdgeSettings {
    /// The program runs inside Databricks Apps: only then the platform's proxy is what sets the forwarded headers.
    pub inside_apps: bool,
    /// Who may do what.
    pub roles: Arc<Roles>,
}
