//! What a workspace can answer instead of what was asked for.

use std::time::Duration;

/// Codes of failed statements (`ServiceErrorCode` of the SQL Statement Execution API) after which nothing was done.
/// `INTERNAL_ERROR`, `UNKNOWN`, `IO_ERROR` and the like prove nothing.
const PROOFS_OF_NOTHING: [&str; 6] =
    ["BAD_REQUEST", "NOT_FOUND", "ALREADY_EXISTS", "ABORTED", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED"];
/// Databricks' error class for what went wrong when the rows were already in the table.
const FAILED_AFTER_COMMIT: &str = "DELTA_POST_COMMIT_HOOK_FAILED";

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
        /// Whether there was a connection: then the request may have arrived.
        connected: bool,
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
    /// Too many requests, or not ready: 429, and 503 with a `Retry-After`. Nothing was begun.
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
    /// The workspace, or something in front of it, failed over the request: any other 5xx.
    #[error("the workspace failed ({status}: {message})")]
    ServerError {
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// A statement was accepted, and what became of it could not be found out.
    #[error("statement {statement_id} was accepted, and what became of it is not known ({detail})")]
    FateUnknown {
        /// The workspace's id of it.
        statement_id: String,
        /// Why not.
        detail: String,
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
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. } | Self::Busy { .. } | Self::ServerError { .. })
    }

    /// Whether what was asked for may have been done all the same: everything that does not prove the opposite. To ask
    /// again for what must be done once is then wrong.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Unreachable { connected, .. } => *connected,
            Self::Timeout { .. } | Self::ServerError { .. } | Self::FateUnknown { .. } | Self::Protocol(_) => true,
            // A failed statement commits nothing, unless it failed after its commit, or for reasons it does not know.
            Self::StatementFailed { code, message } => {
                !PROOFS_OF_NOTHING.contains(&code.as_str()) || message.contains(FAILED_AFTER_COMMIT)
            }
            Self::NotConfigured { .. }
            | Self::Unauthenticated(_)
            | Self::PermissionDenied(_)
            | Self::NotFound(_)
            | Self::Busy { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// From a request that got no answer.
    pub(super) fn from_request(error: &reqwest::Error, url: &str, timeout: Duration) -> Self {
        let connected = !error.is_connect() && !error.is_builder();
        if error.is_timeout() && connected {
            return Self::Timeout { after: timeout };
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        Self::Unreachable { url: url.to_owned(), detail: cause.to_string(), connected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement_failed(code: &str, message: &str) -> WorkspaceError {
        WorkspaceError::StatementFailed { code: code.to_owned(), message: message.to_owned() }
    }

    fn unreachable(connected: bool) -> WorkspaceError {
        WorkspaceError::Unreachable { url: String::new(), detail: String::new(), connected }
    }

    #[test]
    fn only_what_time_can_heal_is_retryable() {
        let busy = WorkspaceError::Busy { message: String::new(), retry_after: None };
        let broken = WorkspaceError::ServerError { status: 502, message: String::new() };
        for error in [busy, broken, unreachable(true), WorkspaceError::Timeout { after: Duration::ZERO }] {
            assert!(error.is_retryable(), "{error}");
        }
        for error in [
            WorkspaceError::NotConfigured { setting: "X" },
            WorkspaceError::Unauthenticated(String::new()),
            WorkspaceError::PermissionDenied(String::new()),
            WorkspaceError::NotFound(String::new()),
            statement_failed("", ""),
            WorkspaceError::FateUnknown { statement_id: String::new(), detail: String::new() },
            WorkspaceError::Refused { code: String::new(), message: String::new() },
            WorkspaceError::Protocol(String::new()),
        ] {
            assert!(!error.is_retryable(), "{error}");
        }
    }

    #[test]
    fn what_does_not_prove_that_nothing_happened_leaves_doubt() {
        for error in [
            unreachable(true),
            WorkspaceError::Timeout { after: Duration::ZERO },
            WorkspaceError::ServerError { status: 504, message: String::new() },
            WorkspaceError::FateUnknown { statement_id: String::new(), detail: String::new() },
            WorkspaceError::Protocol(String::new()),
            statement_failed("INTERNAL_ERROR", "the statement's task died"),
            statement_failed("CANCELED", ""),
            statement_failed("BAD_REQUEST", "[DELTA_POST_COMMIT_HOOK_FAILED] Committing to version 7 succeeded but"),
        ] {
            assert!(error.may_have_happened(), "{error}");
        }
        for error in [
            unreachable(false),
            WorkspaceError::Busy { message: String::new(), retry_after: None },
            WorkspaceError::PermissionDenied(String::new()),
            WorkspaceError::Refused { code: String::new(), message: String::new() },
            statement_failed("BAD_REQUEST", "[PARSE_SYNTAX_ERROR]"),
        ] {
            assert!(!error.may_have_happened(), "{error}");
        }
    }
}
