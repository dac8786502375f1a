//! What can go wrong inside the lakehouse, and how an HTTP answer says it.
//!
//! Every message says what failed, what was kept and what to do next. Codes are those of the Databricks APIs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use deltalake::DeltaTableError;
use serde_json::json;

use crate::model::TableName;

/// A failure inside the lakehouse.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LakehouseError {
    /// There is no such table; the lakehouse never creates one by itself.
    #[error("Table '{0}' does not exist. Create it with CREATE TABLE, or check the name.")]
    NotFound(TableName),
    /// There is no such catalog.
    #[error("Catalog '{0}' does not exist. Create it with CREATE CATALOG.")]
    CatalogNotFound(String),
    /// There is no such schema.
    #[error("Schema '{0}' does not exist. Create it with CREATE SCHEMA.")]
    SchemaNotFound(String),
    /// A table of that name is already there.
    #[error("Table '{0}' already exists; nothing was changed. Drop it first, or use IF NOT EXISTS.")]
    AlreadyExists(TableName),
    /// There is no such volume.
    #[error("Volume '{0}' does not exist. Create it with CREATE VOLUME, or check the name.")]
    VolumeNotFound(TableName),
    /// There is no principal of that name or client id.
    #[error("Principal '{0}' does not exist. Create it with CREATE SERVICE PRINCIPAL, or check the name or client id.")]
    PrincipalNotFound(String),
    /// A principal of that name is already there.
    #[error("Service principal '{0}' already exists; nothing was changed. Drop it first, or use IF NOT EXISTS.")]
    PrincipalExists(String),
    /// The caller may not do that; the text says what would help.
    #[error("{0}")]
    Denied(String),
    /// The caller asked for something that cannot be done.
    #[error("{0}")]
    InvalidArgument(String),
    /// The rows did not become durable: none of this call's rows are in the table.
    #[error("Writing to '{table}' failed, none of these rows were kept: {cause}. Send them again.")]
    NotWritten {
        /// The table.
        table: TableName,
        /// What the storage layer said.
        cause: Arc<str>,
    },
    /// The disk is full; none of this call's rows were kept.
    #[error(
        "The disk is full: rows for '{0}' are not taken, none of these were kept. Free some space and send them again."
    )]
    Full(TableName),
    /// A persistent stream's offsets have to go on without a gap; another connection may be writing to it.
    #[error(
        "Stream {stream}: offset {expected} was expected, {came} came; nothing was kept. Resume the stream to learn where it stands."
    )]
    OutOfOrder {
        /// The stream.
        stream: uuid::Uuid,
        /// The offset that comes next.
        expected: i64,
        /// The offset that came.
        came: i64,
    },
    /// The table has what was to be written already.
    #[error("Table '{table}' has this already ({application}); nothing was written.")]
    AlreadyApplied {
        /// The table.
        table: TableName,
        /// The application that had counted it.
        application: String,
    },
    /// It is not known whether the rows became durable.
    #[error("It is unknown whether these rows reached '{table}': {cause}. Look for their ids before sending again.")]
    Unknown {
        /// The table.
        table: TableName,
        /// What the storage layer said.
        cause: Arc<str>,
    },
    /// The table's log or data could not be read or written.
    #[error("{action} table '{table}' failed: {cause}")]
    Table {
        /// The table.
        table: TableName,
        /// What was being done: "Opening", "Creating", ...
        action: &'static str,
        /// What delta-rs said.
        cause: Arc<DeltaTableError>,
    },
    /// A file or folder could not be used.
    #[error("{action} '{}' failed: {cause}. Check its permissions and the free space.", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// What the operating system said.
        cause: Arc<std::io::Error>,
    },
    /// A file of the lakehouse's own is not as it was written.
    #[error("'{}' is damaged: {what}. Nothing was changed. Restore it from a copy, or remove it to begin anew.", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// In what way.
        what: String,
    },
    /// Another process works in the same data folder.
    #[error(
        "The data folder '{}' is already used by another running process. Stop that process or choose another folder.",
        .0.display()
    )]
    Busy(PathBuf),
    /// The table takes no more rows.
    #[error(
        "Table '{0}' takes no more rows: it was dropped or the lakehouse is shutting down. None of these were kept."
    )]
    Closed(TableName),
}

impl LakehouseError {
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |cause| Self::Io { path: path.to_owned(), action, cause: Arc::new(cause) }
    }

    pub(crate) fn table(name: &TableName, action: &'static str) -> impl FnOnce(DeltaTableError) -> Self {
        move |cause| Self::Table { table: name.clone(), action, cause: Arc::new(cause) }
    }
}

/// An error answer of the REST API: `{"error_code", "message"}`.
#[derive(Clone, Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    /// 400 `INVALID_PARAMETER_VALUE`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)
    }

    /// Any status and code.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error_code": self.code, "message": self.message }))).into_response()
    }
}

impl From<LakehouseError> for ApiError {
    fn from(error: LakehouseError) -> Self {
        let (status, code) = match &error {
            LakehouseError::NotFound(_) => (StatusCode::NOT_FOUND, "TABLE_DOES_NOT_EXIST"),
            LakehouseError::CatalogNotFound(_) => (StatusCode::NOT_FOUND, "CATALOG_DOES_NOT_EXIST"),
            LakehouseError::SchemaNotFound(_) => (StatusCode::NOT_FOUND, "SCHEMA_DOES_NOT_EXIST"),
            LakehouseError::VolumeNotFound(_) => (StatusCode::NOT_FOUND, "VOLUME_DOES_NOT_EXIST"),
            LakehouseError::PrincipalNotFound(_) => (StatusCode::NOT_FOUND, "PRINCIPAL_DOES_NOT_EXIST"),
            LakehouseError::PrincipalExists(_) => (StatusCode::CONFLICT, "RESOURCE_ALREADY_EXISTS"),
            LakehouseError::Denied(_) => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
            LakehouseError::AlreadyExists(_) => (StatusCode::CONFLICT, "TABLE_ALREADY_EXISTS"),
            LakehouseError::OutOfOrder { .. } | LakehouseError::AlreadyApplied { .. } => {
                (StatusCode::CONFLICT, "ABORTED")
            }
            LakehouseError::Full(_) => (StatusCode::INSUFFICIENT_STORAGE, "RESOURCE_EXHAUSTED"),
            LakehouseError::InvalidArgument(_) => (StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE"),
            LakehouseError::Busy(_) | LakehouseError::Closed(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE")
            }
            LakehouseError::NotWritten { .. }
            | LakehouseError::Unknown { .. }
            | LakehouseError::Table { .. }
            | LakehouseError::Damaged { .. }
            | LakehouseError::Io { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
        };
        Self::new(status, code, error.to_string())
    }
}
