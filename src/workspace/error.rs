//! What a workspace can answer instead of what was asked for.

use std::time::Duration;

/// Why the workspace did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// A setting is missing.
    #[error("{setting} is not set")]
    NotConfigured {
        /// The environment variable.
        setting: &'static str,
    },
    /// No answer: refused, reset, no such host.
    #[error("{url} does not answer ({detail})")]
    Unreachable {
        /// Base address.
        url: String,
        /// The innermost cause.
        detail: String,
    },
    /// No answer in time.
    #[error("no answer within {} s", .after.as_secs())]
    Timeout {
        /// How long it was waited for.
        after: Duration,
    },
    /// The credentials were not accepted.
    #[error("the workspace refused the credentials ({0})")]
    Unauthenticated(String),
    /// The principal may not do that.
    #[error("the workspace refused it ({0})")]
    PermissionDenied(String),
    /// There is no such table, statement or path.
    #[error("{0}")]
    NotFound(String),
    /// Too many requests, or not ready: 429 and 503.
    #[error("the workspace is busy ({message})")]
    Busy {
        /// What it said.
        message: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// A statement was accepted and then failed, or was canceled.
    #[error("{code}: {message}")]
    StatementFailed {
        /// `error_code` of the status.
        code: String,
        /// `message` of the status.
        message: String,
    },
    /// Any other error answer.
    #[error("{code}: {message}")]
    Refused {
        /// `error_code`, or the HTTP status.
        code: String,
        /// `message`.
        message: String,
    },
    /// An answer that cannot be understood.
    #[error("unexpected answer from the workspace ({0})")]
    Protocol(String),
}

impl WorkspaceError {
    /// Whether the same request may succeed later without anything being changed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. } | Self::Busy { .. })
    }

    /// From a request that got no answer.
    pub(super) fn from_request(error: &reqwest::Error, url: &str, timeout: Duration) -> Self {
        if error.is_timeout() && !error.is_connect() {
            return Self::Timeout { after: timeout };
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        Self::Unreachable { url: url.to_owned(), detail: cause.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_time_can_heal_is_retryable() {
        let busy = WorkspaceError::Busy { message: String::new(), retry_after: None };
        let unreachable = WorkspaceError::Unreachable { url: String::new(), detail: String::new() };
        for error in [busy, unreachable, WorkspaceError::Timeout { after: Duration::ZERO }] {
            assert!(error.is_retryable(), "{error}");
        }
        for error in [
            WorkspaceError::NotConfigured { setting: "X" },
            WorkspaceError::Unauthenticated(String::new()),
            WorkspaceError::PermissionDenied(String::new()),
            WorkspaceError::NotFound(String::new()),
            WorkspaceError::StatementFailed { code: String::new(), message: String::new() },
            WorkspaceError::Refused { code: String::new(), message: String::new() },
            WorkspaceError::Protocol(String::new()),
        ] {
            assert!(!error.is_retryable(), "{error}");
        }
    }
}
