//! How the page's port behaves: whether the platform stands before it, who may do what, and its limits.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::api::caller::Roles;

/// How the page's port behaves.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// The program runs inside Databricks Apps: only then the platform's proxy is what sets the forwarded headers.
    pub inside_apps: bool,
    /// Who may do what.
    pub roles: Arc<Roles>,
    /// SQL statements of a caller run with the caller's own token, never with the app's.
    pub sql_on_behalf: bool,
    /// Requests that one caller may make in a minute, and at most at once; `None` for as many as they like.
    pub requests_per_minute: Option<NonZeroU32>,
    /// After this a request is answered that it took too long: proxies cut it soon after, without a word.
    pub patience: Duration,
    /// Proxies cut streams at their own time; the server ends one first and the browser comes back.
    pub longest_event_stream: Duration,
}

impl Default for EdgeSettings {
    /// As on one's own machine.
    fn default() -> Self {
        Self {
            inside_apps: false,
            roles: Arc::default(),
            sql_on_behalf: false,
            requests_per_minute: None,
            patience: Duration::from_secs(50),
            longest_event_stream: Duration::from_secs(100),
        }
    }
}
