//! Workspaces for tests, of every room.

use axum::Router;
use secrecy::SecretString;

use super::{Credentials, Workspace, WorkspaceConfig};
use crate::model::TableName;

/// Settings of a workspace at that address that has a warehouse and credentials.
pub(crate) fn settings(url: impl Into<String>) -> WorkspaceConfig {
    WorkspaceConfig {
        url: url.into(),
        local: true,
        zerobus_endpoint: None,
        warehouse_id: Some("w".to_owned()),
        credentials: Some(Credentials { client_id: "c".to_owned(), client_secret: SecretString::from("s") }),
        write_volume: None,
        default_table: TableName::parse("a.b.c").unwrap(),
    }
}

/// Serves these answers for as long as the test runs; where they are.
pub(crate) async fn serve(answers: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, answers).await.unwrap() });
    url
}

/// A workspace that answers so.
pub(crate) async fn answering(answers: Router) -> Workspace {
    Workspace::new(settings(serve(answers).await)).unwrap()
}
