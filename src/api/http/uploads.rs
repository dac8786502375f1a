//! Files for machines and for the page's form: streamed into the data folder, never whole in memory.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::engine::{Arriving, UploadError, Uploads};
use crate::model::{EdgeError, TableName, Upload};
use crate::server::router::AppState;

/// How long the next bytes may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes behind the limit that are read and thrown away, because a browser that still sends does not read the answer.
const MOST_WASTED: u64 = 1_000_000_000;
/// The longest name of a table, in bytes.
const LONGEST_TABLE: usize = 1_024;

/// The route under `/api/v1/uploads`; its body is bounded by the uploads themselves.
pub fn routes() -> axum::Router<AppState> {
    axum::Router::new().route("/api/v1/uploads", post(upload).layer(DefaultBodyLimit::disable()))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct UploadQuery {
    /// Preview it for this table.
    table: String,
    /// How the file is called, when the body is the file itself.
    name: String,
}

/// Takes a file: as the body, or in a form as the field `file` (or `pasted`), with the field `table`.
///
/// # Errors
/// 400 for a body that breaks off or holds no records, 404 for the table, 413 over 100 MB, 429 when too many arrive. Nothing of
/// it is kept then.
async fn upload(
    State(state): State<AppState>,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Result<Response, EdgeError> {
    let Received { upload, table } = receive_upload(&state, request, &query.name).await;
    let upload = upload?;
    let table = if query.table.is_empty() { table } else { query.table };
    let preview = match preview(&state, &upload.id, &table).await {
        Ok(preview) => preview,
        Err(error) => {
            state.engine.uploads()?.forget(&upload.id).await;
            return Err(error);
        }
    };
    let body = json!({ "id": upload.id, "name": upload.name, "bytes": upload.bytes, "preview": preview });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

async fn preview(state: &AppState, id: &str, table: &str) -> Result<Value, EdgeError> {
    if table.is_empty() {
        return Ok(Value::Null);
    }
    let table = TableName::parse(table).map_err(|error| {
        EdgeError::new(
            "INVALID_PARAMETER_VALUE",
            format!("table: {error}. Nothing of the upload was kept. Send it again."),
        )
    })?;
    let (_, preview) = state.engine.preview_upload(id, std::collections::BTreeMap::new(), &table).await?;
    Ok(json!(preview))
}

/// What came with a request.
pub struct Received {
    /// The file, or why it is not kept.
    pub upload: Result<Upload, EdgeError>,
    /// The table that the form names; empty when it names none.
    pub table: String,
}

/// Takes the file of a request, called `name` when the body is the file itself.
pub async fn receive_upload(state: &AppState, request: Request, name: &str) -> Received {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = kind.starts_with("multipart/form-data");
    let mut table = String::new();
    let uploads = match state.engine.uploads() {
        Ok(uploads) => uploads,
        Err(error) => return Received { upload: Err(error), table },
    };
    let upload = if is_form {
        match Multipart::from_request(request, state).await {
            Ok(mut form) => from_form(uploads, &mut form, &mut table).await,
            Err(error) => Err(UploadError::Broken(error.body_text())),
        }
    } else {
        from_body(uploads, request.into_body(), name).await
    };
    Received { upload: upload.map_err(EdgeError::from), table }
}

/// Something that comes in pieces.
trait Pieces {
    async fn next_piece(&mut self) -> Result<Option<Bytes>, UploadError>;
}

impl Pieces for BodyDataStream {
    async fn next_piece(&mut self) -> Result<Option<Bytes>, UploadError> {
        let piece = in_time(self.next()).await?;
        piece.transpose().map_err(|error| UploadError::Broken(error.to_string()))
    }
}

impl Pieces for Field<'_> {
    async fn next_piece(&mut self) -> Result<Option<Bytes>, UploadError> {
        loop {
            let piece = in_time(self.chunk()).await?.map_err(|error| UploadError::Broken(error.body_text()))?;
            // A field with nothing in it, a file that was not chosen, may come as one empty piece.
            if piece.as_ref().is_none_or(|piece| !piece.is_empty()) {
                return Ok(piece);
            }
        }
    }
}

async fn in_time<T>(coming: impl Future<Output = T>) -> Result<T, UploadError> {
    let silent = |_| UploadError::Broken(format!("nothing came for {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, coming).await.map_err(silent)
}

async fn from_body(uploads: &Uploads, body: Body, name: &str) -> Result<Upload, UploadError> {
    let mut pieces = body.into_data_stream();
    let first = pieces.next_piece().await?.ok_or(UploadError::Empty)?;
    take(uploads.begin(name).await?, first, &mut pieces).await
}

/// The first of the form's `file` and `pasted` that has anything in it.
async fn from_form(uploads: &Uploads, form: &mut Multipart, table: &mut String) -> Result<Upload, UploadError> {
    let mut taken = None;
    loop {
        let next = in_time(form.next_field()).await?.map_err(|error| UploadError::Broken(error.body_text()))?;
        let Some(mut field) = next else { break };
        match field.name().unwrap_or_default() {
            "table" => *table = short_text(&mut field).await?,
            // Behind the one that was chosen; a name that was typed counts more.
            "table.other" => {
                let other = short_text(&mut field).await?;
                if !other.trim().is_empty() {
                    *table = other.trim().to_owned();
                }
            }
            "file" | "pasted" if taken.is_none() => {
                let name = field.file_name().unwrap_or("pasted").to_owned();
                if let Some(first) = field.next_piece().await? {
                    taken = Some(take(uploads.begin(&name).await?, first, &mut field).await?);
                }
            }
            // One is enough: a file goes before pasted text.
            "file" | "pasted" => break,
            other => {
                let other: String = other.chars().take(80).collect();
                return Err(UploadError::Broken(format!("there is no field '{other}'")));
            }
        }
    }
    taken.ok_or(UploadError::Empty)
}

async fn short_text(field: &mut Field<'_>) -> Result<String, UploadError> {
    let mut text = Vec::new();
    while let Some(piece) = field.next_piece().await? {
        text.extend_from_slice(&piece);
        if text.len() > LONGEST_TABLE {
            return Err(UploadError::Broken("the table's name is too long".to_owned()));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

async fn take(mut arriving: Arriving, first: Bytes, pieces: &mut impl Pieces) -> Result<Upload, UploadError> {
    let mut piece = Some(first);
    while let Some(bytes) = piece {
        if let Err(error) = arriving.write(&bytes).await {
            drop(arriving);
            waste(pieces).await;
            return Err(error);
        }
        piece = pieces.next_piece().await?;
    }
    arriving.finish().await
}

/// Reads on to the end, within reason.
async fn waste(pieces: &mut impl Pieces) {
    let mut wasted = 0;
    while let Ok(Some(piece)) = pieces.next_piece().await {
        wasted += piece.len() as u64;
        if wasted > MOST_WASTED {
            return;
        }
    }
}
