//! The REST door of Zerobus Ingest: records as a JSON array, answered when they are durable.

use bytes::Bytes;
use reqwest::Method;

use super::auth::Scope;
use super::http::{Content, OnSent};
use super::{Workspace, WorkspaceError};
use crate::model::TableName;

impl Workspace {
    /// Where Zerobus Ingest listens, with scheme.
    ///
    /// # Errors
    /// [`WorkspaceError::NotConfigured`] when it is not known.
    pub fn zerobus_endpoint(&self) -> Result<&str, WorkspaceError> {
        let endpoint = self.config.zerobus_endpoint.as_deref();
        endpoint.ok_or(WorkspaceError::NotConfigured { setting: "DIRECT_WRITE_ZEROBUS_ENDPOINT" })
    }

    /// Writes the records of a JSON array, all or none of them, and returns when they are durable; `on_sent` runs when the
    /// last byte went to the connection.
    ///
    /// # Errors
    /// [`WorkspaceError::Refused`] for records that do not fit the table, [`WorkspaceError::PermissionDenied`] without the
    /// grants that Zerobus wants.
    pub async fn insert_records(&self, table: &TableName, array: Bytes, on_sent: OnSent) -> Result<(), WorkspaceError> {
        let endpoint = self.zerobus_endpoint()?.trim_end_matches('/');
        let path = format!("/zerobus/v1/tables/{table}/insert");
        let content = Content::Json(array);
        let answer = self.request_at(endpoint, &path, Method::POST, Scope::Zerobus(table), content, on_sent).await?;
        self.succeeded(answer).await.map(drop)
    }
}
