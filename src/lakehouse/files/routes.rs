//! The Files API: files of volumes as raw bytes, directories as JSON, with the real API's paths, fields and error codes.
//!
//! | | `/api/2.0/fs/files/Volumes/...` | `/api/2.0/fs/directories/Volumes/...` |
//! |---|---|---|
//! | PUT | body to disk, 204; `overwrite=false`: 409 when there | made with its parents, 204 also when there |
//! | GET | the bytes; one `Range`, `If-Unmodified-Since` | a page of its contents |
//! | HEAD | length and time of last change | 200 or 404 |
//! | DELETE | 204 | 204 when empty, else 400 |
//!
//! GET and HEAD ask for READ VOLUME, PUT and DELETE for WRITE VOLUME, all before anything is read or kept.
//!
//! A percent-encoded slash is a slash: the official command line client sends whole paths that way. Nothing is decoded
//! twice.

use std::io::SeekFrom;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Extension, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use axum::{Json, Router, middleware};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;

use super::{Entry, FileError, VolumePath, Volumes, failed};
use crate::lakehouse::error::{ApiError, LakehouseError};
use crate::lakehouse::grants::{Grants, Privilege, Securable};
use crate::lakehouse::oidc::{Oidc, TokenInfo, require_bearer};

/// Entries of one page, as on the real API.
const PAGE: usize = 1000;
/// Bytes read from the disk at once.
const READ_BYTES: usize = 256 << 10;
/// Bytes of a refused upload that are read, and for how long: a client that still sends does not look at the answer.
const DRAIN_BYTES: usize = 64 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// The dates of HTTP headers.
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// The API's routes; each needs a bearer token.
pub fn router(volumes: Volumes, oidc: Oidc) -> Router {
    let files = Files { volumes, grants: oidc.grants().clone() };
    let file = put(upload).get(download).head(file_metadata).delete(remove_file);
    let folder = put(create_folder).get(list).head(folder_metadata).delete(remove_folder);
    Router::new()
        .route("/api/2.0/fs/files/{*path}", file)
        .route("/api/2.0/fs/directories/{*path}", folder)
        // Files are streamed to the disk and counted there.
        .layer(DefaultBodyLimit::disable())
        .route_layer(middleware::from_fn_with_state(oidc, require_bearer))
        .with_state(files)
}

/// What the routes work with.
#[derive(Clone)]
struct Files {
    volumes: Volumes,
    grants: Grants,
}

impl Files {
    /// The path of a request, when its caller has the privilege on the volume.
    fn allowed(&self, caller: &TokenInfo, privilege: Privilege, path: RawPath) -> Result<VolumePath, Refusal> {
        let Path(path) = path?;
        let path = VolumePath::parse(&format!("/{path}"))?;
        match self.grants.check(&caller.client_id, privilege, &Securable::Volume(path.volume().clone())) {
            Ok(()) => Ok(path),
            Err(LakehouseError::VolumeNotFound(name)) => Err(FileError::VolumeNotFound(name).into()),
            Err(error) => Err(Refusal::Request(error.into())),
        }
    }
}

/// Why a request was refused.
enum Refusal {
    /// The request itself is wrong.
    Request(ApiError),
    File(FileError),
}

impl From<FileError> for Refusal {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<PathRejection> for Refusal {
    fn from(error: PathRejection) -> Self {
        Self::Request(ApiError::invalid(error.body_text()))
    }
}

impl From<QueryRejection> for Refusal {
    fn from(error: QueryRejection) -> Self {
        Self::Request(ApiError::invalid(error.body_text()))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Request(error) => error.into_response(),
            Self::File(error) => error.into_response(),
        }
    }
}

type RawPath = Result<Path<String>, PathRejection>;

#[derive(Deserialize)]
struct UploadOptions {
    /// True when absent.
    overwrite: Option<bool>,
}

async fn upload(
    State(files): State<Files>,
    Extension(caller): Extension<TokenInfo>,
    path: RawPath,
    options: Result<Query<UploadOptions>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refusal> {
    let mut parts = body.into_data_stream();
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let volumes = &files.volumes;
    let received = async {
        let path = files.allowed(&caller, Privilege::WriteVolume, path)?;
        let overwrite = options?.0.overwrite.unwrap_or(true);
        if declared.is_some_and(|bytes| bytes > volumes.limit()) {
            return Err(FileError::TooLarge(volumes.limit(), path).into());
        }
        Ok::<_, Refusal>(receive(volumes, &path, overwrite, &mut parts).await?)
    };
    let received = received.await;
    if received.is_err() {
        drain(&mut parts).await;
    }
    received.map(|()| StatusCode::NO_CONTENT)
}

async fn receive(
    volumes: &Volumes,
    path: &VolumePath,
    overwrite: bool,
    parts: &mut BodyDataStream,
) -> Result<(), FileError> {
    let (upload, file) = blocking(volumes, path, move |volumes, path| volumes.begin(path, overwrite)).await?;
    let mut file = tokio::fs::File::from_std(file);
    let mut bytes = 0;
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_broken| FileError::Broken(path.clone()))?;
        bytes += part.len() as u64;
        if bytes > volumes.limit() {
            return Err(FileError::TooLarge(volumes.limit(), path.clone()));
        }
        file.write_all(&part).await.map_err(failed(path))?;
    }
    file.flush().await.map_err(failed(path))?;
    file.sync_all().await.map_err(failed(path))?;
    blocking(volumes, path, move |volumes, path| volumes.finish(upload, path, overwrite)).await
}

async fn drain(parts: &mut BodyDataStream) {
    let mut bytes = 0;
    let read = async {
        while let Some(Ok(part)) = parts.next().await {
            bytes += part.len();
            if bytes > DRAIN_BYTES {
                break;
            }
        }
    };
    // Who sends more or slower than this finds the connection closed.
    let _ = tokio::time::timeout(DRAIN_TIME, read).await;
}

async fn download(
    State(files): State<Files>,
    Extension(caller): Extension<TokenInfo>,
    path: RawPath,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let path = files.allowed(&caller, Privilege::ReadVolume, path)?;
    Ok(send(&files.volumes, &path, &headers).await?)
}

async fn send(volumes: &Volumes, path: &VolumePath, headers: &HeaderMap) -> Result<Response, FileError> {
    let file = blocking(volumes, path, |volumes, path| volumes.read(path)).await?;
    let mut file = tokio::fs::File::from_std(file);
    let metadata = file.metadata().await.map_err(failed(path))?;
    let length = metadata.len();
    let modified: DateTime<Utc> = metadata.modified().map_err(failed(path))?.into();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    // A client that resumes a download says which file it has begun.
    if text(header::IF_UNMODIFIED_SINCE)
        .and_then(|date| DateTime::parse_from_rfc2822(date).ok())
        .is_some_and(|date| modified.timestamp() > date.timestamp())
    {
        let message = format!("The file '{path}' has changed since; download it from the start.");
        return Ok(ApiError::new(StatusCode::PRECONDITION_FAILED, "FAILED_PRECONDITION", message).into_response());
    }
    let (status, first, wanted) = match text(header::RANGE).map(|range| byte_range(range, length)) {
        None | Some(Range::Whole) => (StatusCode::OK, 0, length),
        Some(Range::Part(first, last)) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Some(Range::Outside) => {
            let message = format!("The file '{path}' has {length} bytes; the range asks for others.");
            let error = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "INVALID_PARAMETER_VALUE", message);
            return Ok(([(header::CONTENT_RANGE, format!("bytes */{length}"))], error).into_response());
        }
    };
    if first > 0 {
        file.seek(SeekFrom::Start(first)).await.map_err(failed(path))?;
    }
    let bytes = ReaderStream::with_capacity(file.take(wanted), READ_BYTES);
    let mut response = (status, file_headers(wanted, modified), Body::from_stream(bytes)).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{length}", first + wanted - 1);
        response.headers_mut().extend(HeaderValue::from_str(&range).ok().map(|value| (header::CONTENT_RANGE, value)));
    }
    Ok(response)
}

fn file_headers(length: u64, modified: DateTime<Utc>) -> [(header::HeaderName, String); 4] {
    [
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::LAST_MODIFIED, modified.format(HTTP_DATE).to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
    ]
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// Not one range of bytes: the header is ignored, as RFC 9110 wants it.
    Whole,
    /// From the first byte to the last, both included.
    Part(u64, u64),
    /// Nothing that is there.
    Outside,
}

fn byte_range(header: &str, length: u64) -> Range {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Range::Whole;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first > last => Range::Whole,
        (Ok(first), _) if first >= length && (last.is_empty() || last.parse::<u64>().is_ok()) => Range::Outside,
        (Ok(first), Ok(last)) => Range::Part(first, last.min(length - 1)),
        (Ok(first), Err(_)) if last.is_empty() => Range::Part(first, length - 1),
        (Err(_), Ok(_)) if !first.is_empty() => Range::Whole,
        (Err(_), Ok(0)) => Range::Outside,
        (Err(_), Ok(_)) if length == 0 => Range::Outside,
        (Err(_), Ok(count)) => Range::Part(length.saturating_sub(count), length - 1),
        _ => Range::Whole,
    }
}

async fn file_metadata(
    State(files): State<Files>,
    Extension(caller): Extension<TokenInfo>,
    path: RawPath,
) -> Result<Response, Refusal> {
    let path = files.allowed(&caller, Privilege::ReadVolume, path)?;
    let entry = blocking(&files.volumes, &path, Volumes::entry).await?;
    let entry = entry.filter(|entry| !entry.is_folder).ok_or(FileError::FileNotFound(path))?;
    let modified = DateTime::from_timestamp_millis(entry.modified).unwrap_or_default();
    Ok((file_headers(entry.bytes, modified), Body::empty()).into_response())
}

async fn remove_file(
    State(files): State<Files>,
    Extension(caller): Extension<TokenInfo>,
    path: RawPath,
) -> Result<StatusCode, Refusal> {
    change(&files, &caller, path, Volumes::remove_file).await
}

async fn create_folder(
    State(files): State<Files>,
    Extension(caller): Extension<TokenInfo>,
    path: RawPath,
) -> Result<StatusCode, Refusal> {
    change(&files, &caller, path, Volumes::create_folder).await
}

async fn remove_folder(
    State(files): State<Files>,
    Extension(caller): Extension<TokenInfo>,
    path: RawPath,
) -> Result<StatusCode, Refusal> {
    change(&files, &caller, path, Volumes::remove_folder).await
}

async fn change(
    files: &Files,
    caller: &TokenInfo,
    path: RawPath,
    work: fn(&Volumes, &VolumePath) -> Result<(), FileError>,
) -> Result<StatusCode, Refusal> {
    let path = files.allowed(caller, Privilege::WriteVolume, path)?;
    blocking(&files.volumes, &path, work).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn folder_metadata(
    State(files): State<Files>,
    Extension(caller): Extension<TokenInfo>,
    path: RawPath,
) -> Result<StatusCode, Refusal> {
    let path = files.allowed(&caller, Privilege::ReadVolume, path)?;
    let entry = match blocking(&files.volumes, &path, Volumes::entry).await {
        Err(FileError::FileNotFound(path)) => Err(FileError::FolderNotFound(path)),
        other => other,
    };
    match entry? {
        Some(entry) if !entry.is_folder => Err(FileError::FolderNotFound(path).into()),
        _ => Ok(StatusCode::OK),
    }
}

#[derive(Deserialize)]
struct Page {
    page_size: Option<usize>,
    page_token: Option<String>,
}

async fn list(
    State(files): State<Files>,
    Extension(caller): Extension<TokenInfo>,
    path: RawPath,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let path = files.allowed(&caller, Privilege::ReadVolume, path)?;
    let Query(page) = page?;
    let after = page.page_token.filter(|token| !token.is_empty()).map(|token| {
        let name = URL_SAFE_NO_PAD.decode(&token).ok().and_then(|name| String::from_utf8(name).ok());
        let message = "page_token is not one that this directory has given; list it from the start";
        name.ok_or_else(|| Refusal::Request(ApiError::invalid(message)))
    });
    let after = after.transpose()?;
    let size = page.page_size.filter(|size| *size > 0).unwrap_or(PAGE).min(PAGE);
    let entries = blocking(&files.volumes, &path, Volumes::entries).await?;
    let mut rest = entries.iter().filter(|entry| after.as_ref().is_none_or(|after| entry.name > *after)).peekable();
    let contents: Vec<&Entry> = rest.by_ref().take(size).collect();
    let next = rest.peek().and(contents.last()).map(|last| URL_SAFE_NO_PAD.encode(&last.name));
    let contents: Vec<Value> = contents.into_iter().map(|entry| entry_json(&path, entry)).collect();
    let mut answer = json!({ "contents": contents });
    if let Some(next) = next {
        answer["next_page_token"] = next.into();
    }
    Ok(Json(answer))
}

fn entry_json(folder: &VolumePath, entry: &Entry) -> Value {
    let mut json = json!({
        "path": format!("{folder}/{}", entry.name),
        "is_directory": entry.is_folder,
        "last_modified": entry.modified,
        "name": entry.name,
    });
    if !entry.is_folder {
        json["file_size"] = entry.bytes.into();
    }
    json
}

/// Runs work on files where it may block.
async fn blocking<T: Send + 'static>(
    volumes: &Volumes,
    path: &VolumePath,
    work: impl FnOnce(&Volumes, &VolumePath) -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    let (volumes, owned) = (volumes.clone(), path.clone());
    let done = tokio::task::spawn_blocking(move || work(&volumes, &owned)).await;
    done.unwrap_or_else(|error| Err(failed(path)(std::io::Error::other(error))))
}

impl IntoResponse for FileError {
    fn into_response(self) -> Response {
        let (status, code, reason) = match &self {
            Self::BadPath { .. } => (StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", None),
            Self::VolumeNotFound(_) => (StatusCode::NOT_FOUND, "NOT_FOUND", None),
            Self::FileNotFound(_) => (StatusCode::NOT_FOUND, "NOT_FOUND", Some("FILES_API_FILE_NOT_FOUND")),
            Self::FolderNotFound(_) => (StatusCode::NOT_FOUND, "NOT_FOUND", Some("FILES_API_DIRECTORY_IS_NOT_FOUND")),
            Self::AlreadyExists(_) => (StatusCode::CONFLICT, "ALREADY_EXISTS", None),
            Self::NotEmpty(_) => {
                (StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", Some("FILES_API_DIRECTORY_IS_NOT_EMPTY"))
            }
            Self::TooLarge(..) => (StatusCode::PAYLOAD_TOO_LARGE, "REQUEST_TOO_LARGE", None),
            Self::Broken(_) => (StatusCode::BAD_REQUEST, "MALFORMED_REQUEST", None),
            Self::NoRoom(_) => (StatusCode::INSUFFICIENT_STORAGE, "RESOURCE_EXHAUSTED", None),
            Self::Io { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", None),
        };
        let mut body = json!({ "error_code": code, "message": self.to_string() });
        if let Some(reason) = reason {
            // Official clients tell these errors apart by the reason.
            body["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason,
                "domain": "filesystem.databricks.com",
            }]);
        }
        (status, Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_rfc_9110_has_them() {
        for (header, length, range) in [
            ("bytes=0-4", 10, Range::Part(0, 4)),
            ("bytes=5-", 10, Range::Part(5, 9)),
            ("bytes=5-100", 10, Range::Part(5, 9)),
            ("bytes=-3", 10, Range::Part(7, 9)),
            ("bytes=-30", 10, Range::Part(0, 9)),
            ("bytes=9-9", 10, Range::Part(9, 9)),
            ("bytes=10-", 10, Range::Outside),
            ("bytes=10-20", 10, Range::Outside),
            ("bytes=-0", 10, Range::Outside),
            ("bytes=0-", 0, Range::Outside),
            ("bytes=-5", 0, Range::Outside),
            ("bytes=5-4", 10, Range::Whole),
            ("bytes=0-1,3-4", 10, Range::Whole),
            ("bytes=a-b", 10, Range::Whole),
            ("bytes=-", 10, Range::Whole),
            ("lines=0-4", 10, Range::Whole),
            ("bytes=99999999999999999999-", 10, Range::Whole),
        ] {
            assert_eq!(byte_range(header, length), range, "{header} of {length}");
        }
    }
}
