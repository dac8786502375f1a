//! The form that takes a file: kept, then shown with its preview.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, post};

use super::show;
use crate::api::caller::Caller;
use crate::api::http::{receive_upload, status_of};
use crate::model::TableName;
use crate::server::router::AppState;
use crate::ui::composer::Sheet;
use crate::ui::sources::Source;

/// Bounded by the uploads themselves, which count what comes.
pub(super) fn route() -> MethodRouter<AppState> {
    post(upload).layer(DefaultBodyLimit::disable())
}

/// `POST /workbench/upload`
async fn upload(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    let received = receive_upload(&state, request, "").await;
    // Only what is a table's name gets into the address.
    let table = TableName::parse(&received.table).map(|table| table.to_string()).unwrap_or_default();
    match received.upload {
        Ok(upload) => {
            let address = format!("{}&upload={}&table={table}", Source::Upload.address(), upload.id);
            Redirect::to(&address).into_response()
        }
        Err(error) => {
            let status = status_of(&error);
            let sheet = Sheet::refused_upload(&state.engine, &table, error).await;
            show(&state, &caller, Source::Upload.address(), sheet, status).await
        }
    }
}
