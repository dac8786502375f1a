//! Why a write failed, what is durable all the same, and what to do.

use std::time::Duration;

use databricks_zerobus_ingest_sdk::ZerobusError;
use tonic::Code;

use crate::workspace::WorkspaceError;

/// Why a writer could not make rows durable.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriterError {
    /// The workspace does not answer.
    #[error("{0}")]
    Unreachable(String),
    /// The workspace is there but takes no more for now.
    #[error("{message}")]
    Busy {
        /// What it said.
        message: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// No acknowledgement in time.
    #[error("{0}")]
    Timeout(String),
    /// The credentials were not accepted.
    #[error("{0}")]
    Unauthenticated(String),
    /// The principal lacks a grant.
    #[error("{0}")]
    PermissionDenied(String),
    /// There is no such table.
    #[error("{0}")]
    TableNotFound(String),
    /// The workspace does not take these rows, or not this way.
    #[error("{0}")]
    Rejected(String),
    /// A setting is missing.
    #[error("{0}")]
    NotConfigured(String),
    /// Anything else the workspace answered.
    #[error("{0}")]
    Failed(String),
}

impl WriterError {
    /// Whether the same rows may be taken later without anything being changed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Busy { .. } | Self::Timeout(_) | Self::Failed(_))
    }

    /// Whether a request that ended like this may have been carried out all the same.
    pub fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Timeout(_) | Self::Failed(_))
    }

    /// How long the workspace asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The same error with something more to say.
    pub(super) fn and(mut self, words: &str) -> Self {
        let message = match &mut self {
            Self::Unreachable(message)
            | Self::Busy { message, .. }
            | Self::Timeout(message)
            | Self::Unauthenticated(message)
            | Self::PermissionDenied(message)
            | Self::TableNotFound(message)
            | Self::Rejected(message)
            | Self::NotConfigured(message)
            | Self::Failed(message) => message,
        };
        message.push_str("; ");
        message.push_str(words);
        self
    }

    /// Databricks' name for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "UNAVAILABLE",
            Self::Busy { .. } => "TEMPORARILY_UNAVAILABLE",
            Self::Timeout(_) => "DEADLINE_EXCEEDED",
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::PermissionDenied(_) => "PERMISSION_DENIED",
            Self::TableNotFound(_) => "TABLE_DOES_NOT_EXIST",
            Self::Rejected(_) => "INVALID_ARGUMENT",
            Self::NotConfigured(_) => "NOT_CONFIGURED",
            Self::Failed(_) => "WRITE_FAILED",
        }
    }

    /// What to do next, a sentence.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "Start the workspace or check its address, then send again.",
            Self::Busy { .. } | Self::Timeout(_) => "Wait a little, then send again.",
            Self::Unauthenticated(_) => "Check DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET.",
            Self::PermissionDenied(_) => {
                "Grant USE CATALOG, USE SCHEMA, and SELECT and MODIFY explicitly on the table, to the principal."
            }
            Self::TableNotFound(_) => "Create the table or choose another.",
            Self::Rejected(_) => "Correct the rows, or choose another writer.",
            Self::NotConfigured(_) => "Set it and start again.",
            Self::Failed(_) => "Look at the table for the batch id before sending again.",
        }
    }
}

impl From<WorkspaceError> for WriterError {
    fn from(error: WorkspaceError) -> Self {
        let text = error.to_string();
        match error {
            WorkspaceError::NotConfigured { .. } => Self::NotConfigured(text),
            WorkspaceError::Unreachable { .. } => Self::Unreachable(text),
            WorkspaceError::Timeout { .. } => Self::Timeout(text),
            WorkspaceError::Unauthenticated(_) => Self::Unauthenticated(text),
            WorkspaceError::PermissionDenied(_) => Self::PermissionDenied(text),
            WorkspaceError::NotFound(_) => Self::TableNotFound(text),
            WorkspaceError::Busy { retry_after, .. } => Self::Busy { message: text, retry_after },
            WorkspaceError::StatementFailed { ref message, .. } if message.contains("TABLE_OR_VIEW_NOT_FOUND") => {
                Self::TableNotFound(text)
            }
            // Databricks' error classes for what a principal may not do.
            WorkspaceError::StatementFailed { ref message, .. }
                if ["INSUFFICIENT_PERMISSIONS", "PERMISSION_DENIED"].iter().any(|class| message.contains(class)) =>
            {
                Self::PermissionDenied(text)
            }
            // Somebody else's commit came between: the same statement may succeed now.
            WorkspaceError::StatementFailed { ref message, .. } if message.contains("DELTA_CONCURRENT") => {
                Self::Busy { message: text, retry_after: None }
            }
            WorkspaceError::StatementFailed { .. } | WorkspaceError::Refused { .. } => Self::Rejected(text),
            WorkspaceError::ServerError { .. } | WorkspaceError::FateUnknown { .. } | WorkspaceError::Protocol(_) => {
                Self::Failed(text)
            }
        }
    }
}

impl From<ZerobusError> for WriterError {
    fn from(error: ZerobusError) -> Self {
        let text = error.to_string();
        match &error {
            ZerobusError::CreateStreamError(status) | ZerobusError::StreamClosedError(status) => {
                let said = if status.message().is_empty() { text } else { status.message().to_owned() };
                match status.code() {
                    Code::NotFound => Self::TableNotFound(said),
                    Code::Unauthenticated => Self::Unauthenticated(said),
                    Code::PermissionDenied => Self::PermissionDenied(said),
                    Code::InvalidArgument | Code::OutOfRange | Code::Unimplemented => Self::Rejected(said),
                    Code::ResourceExhausted => Self::Busy { message: said, retry_after: None },
                    Code::DeadlineExceeded => Self::Timeout(said),
                    Code::Unavailable => Self::Unreachable(said),
                    _ => Self::Failed(said),
                }
            }
            ZerobusError::ChannelCreationError(_)
            | ZerobusError::FailedToEstablishTlsConnectionError
            | ZerobusError::TokenFetchError(_) => Self::Unreachable(text),
            ZerobusError::ConnectionTimeout(_) => Self::Timeout(text),
            ZerobusError::InvalidUCTokenError(_) => Self::Unauthenticated(text),
            ZerobusError::InvalidArgument(_)
            | ZerobusError::InvalidSchema { .. }
            | ZerobusError::InvalidTableName(_) => Self::Rejected(text),
            _ => Self::Failed(text),
        }
    }
}

/// A write that did not make all rows durable.
#[derive(Clone, Debug)]
pub struct WriteFailure {
    /// Why.
    pub error: WriterError,
    /// Rows that were acknowledged as durable before that.
    pub durable: u64,
    /// Rows that were handed over and not acknowledged: they may or may not be in the table.
    pub in_doubt: u64,
}

impl WriteFailure {
    /// A failure before anything was handed over.
    pub fn nothing_sent(error: impl Into<WriterError>) -> Self {
        Self { error: error.into(), durable: 0, in_doubt: 0 }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn every_variant_says_whether_waiting_helps() {
        let text = String::new;
        let healed_by_time = [
            WriterError::Unreachable(text()),
            WriterError::Busy { message: text(), retry_after: None },
            WriterError::Timeout(text()),
            WriterError::Failed(text()),
        ];
        assert!(healed_by_time.iter().all(WriterError::is_retryable));
        let final_ones = [
            WriterError::Unauthenticated(text()),
            WriterError::PermissionDenied(text()),
            WriterError::TableNotFound(text()),
            WriterError::Rejected(text()),
            WriterError::NotConfigured(text()),
        ];
        assert!(!final_ones.iter().any(WriterError::is_retryable));
    }

    #[test]
    fn statuses_of_a_stream_keep_their_meaning() {
        let cases = [
            (Status::not_found("t"), "TABLE_DOES_NOT_EXIST"),
            (Status::permission_denied("t"), "PERMISSION_DENIED"),
            (Status::unauthenticated("t"), "UNAUTHENTICATED"),
            (Status::invalid_argument("t"), "INVALID_ARGUMENT"),
            (Status::unavailable("t"), "UNAVAILABLE"),
            (Status::internal("t"), "WRITE_FAILED"),
        ];
        for (status, code) in cases {
            assert_eq!(WriterError::from(ZerobusError::CreateStreamError(status.clone())).code(), code);
            assert_eq!(WriterError::from(ZerobusError::StreamClosedError(status)).code(), code);
        }
    }

    #[test]
    fn statements_that_fail_say_what_would_help() {
        let cases = [
            ("[INSUFFICIENT_PERMISSIONS] User does not have MODIFY.", "PERMISSION_DENIED"),
            ("[TABLE_OR_VIEW_NOT_FOUND] The table cannot be found.", "TABLE_DOES_NOT_EXIST"),
            ("[DELTA_CONCURRENT_APPEND] Files were added.", "TEMPORARILY_UNAVAILABLE"),
            ("[CAST_INVALID_INPUT] The value cannot be cast.", "INVALID_ARGUMENT"),
        ];
        for (message, code) in cases {
            let failed =
                WorkspaceError::StatementFailed { code: "BAD_REQUEST".to_owned(), message: message.to_owned() };
            assert_eq!(WriterError::from(failed).code(), code, "{message}");
        }
    }
}
