//! Files in volumes: the Files API.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;

use super::http::{Content, OnSent};
use super::{Workspace, WorkspaceError};
use crate::model::TableName;

/// A file or folder in a volume; displayed as `/Volumes/catalog/schema/volume/...`, as SQL has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumePath {
    text: String,
}

impl VolumePath {
    /// The volume itself.
    pub fn of(volume: &TableName) -> Self {
        Self { text: format!("/Volumes/{}/{}/{}", volume.catalog(), volume.schema(), volume.table()) }
    }

    /// What is called `name` in this folder; characters that could mean another place become `_`.
    pub fn join(&self, name: &str) -> Self {
        let plain = |letter: char| if letter.is_control() || "/\\".contains(letter) { '_' } else { letter };
        let name: String = name.chars().map(plain).collect();
        let name = if matches!(name.as_str(), "" | "." | "..") { "_" } else { name.as_str() };
        Self { text: format!("{}/{name}", self.text) }
    }

    /// The path in an address.
    fn escaped(&self) -> String {
        escape(&self.text, "-._~/")
    }
}

/// A text in an address (RFC 3986): letters and digits and what is in `plain` as they are, the rest escaped.
pub(super) fn escape(text: &str, plain: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        let letter = char::from(byte);
        if letter.is_ascii_alphanumeric() || plain.contains(letter) {
            escaped.push(letter);
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

impl fmt::Display for VolumePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FileEntry {
    /// Its own name.
    pub name: String,
    /// Whether it is a folder.
    #[serde(default)]
    pub is_directory: bool,
    /// Bytes of a file; 0 for a folder.
    #[serde(default)]
    pub file_size: u64,
}

#[derive(Deserialize)]
struct ListAnswer {
    #[serde(default)]
    contents: Vec<FileEntry>,
    #[serde(default)]
    next_page_token: String,
}

impl Workspace {
    /// Writes a file, in place of one that may be there, and makes the folders it is in. A file is there as a whole or not
    /// at all, so writing it again is harmless. `on_sent` runs when its last byte went to the connection.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`] when there is no such volume.
    pub async fn put_file(&self, path: &VolumePath, content: Bytes, on_sent: OnSent) -> Result<(), WorkspaceError> {
        let address = format!("/api/2.0/fs/files{}?overwrite=true", path.escaped());
        let answer = self.request(Method::PUT, &address, Content::File(content), on_sent).await?;
        self.succeeded(answer).await.map(drop)
    }

    /// The bytes a file has.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`] when there is no such file; [`WorkspaceError::Protocol`] when the answer does not say.
    pub async fn file_size(&self, path: &VolumePath) -> Result<u64, WorkspaceError> {
        let answer = self.bare(Method::HEAD, &format!("/api/2.0/fs/files{}", path.escaped())).await?;
        let length = answer.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
        self.succeeded(answer).await?;
        length.ok_or_else(|| WorkspaceError::Protocol(format!("the size of {path} is missing")))
    }

    /// Removes a file.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`] when there is no such file.
    pub async fn delete_file(&self, path: &VolumePath) -> Result<(), WorkspaceError> {
        let answer = self.bare(Method::DELETE, &format!("/api/2.0/fs/files{}", path.escaped())).await?;
        self.succeeded(answer).await.map(drop)
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`] when there is no such folder, [`WorkspaceError::Refused`] when it is not empty.
    pub async fn delete_folder(&self, path: &VolumePath) -> Result<(), WorkspaceError> {
        let answer = self.bare(Method::DELETE, &format!("/api/2.0/fs/directories{}", path.escaped())).await?;
        self.succeeded(answer).await.map(drop)
    }

    /// The files and folders in a folder.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`] when there is no such folder.
    pub async fn list_folder(&self, path: &VolumePath) -> Result<Vec<FileEntry>, WorkspaceError> {
        let address = format!("/api/2.0/fs/directories{}", path.escaped());
        let mut entries = Vec::new();
        let mut page_token = String::new();
        loop {
            let answer: ListAnswer = self.get(&format!("{address}?page_token={page_token}")).await?;
            entries.extend(answer.contents);
            if answer.next_page_token.is_empty() {
                return Ok(entries);
            }
            page_token = escape(&answer.next_page_token, "-._~");
        }
    }

    async fn bare(&self, method: Method, address: &str) -> Result<reqwest::Response, WorkspaceError> {
        self.request(method, address, Content::Nothing, Arc::new(|| ())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_its_folder_and_is_escaped_in_addresses() {
        let volume = VolumePath::of(&TableName::parse("main.direct_write.landing").unwrap());
        assert_eq!(volume.to_string(), "/Volumes/main/direct_write/landing");
        for (name, expected) in [("a/../b", "a_.._b"), ("..", "_"), ("", "_"), (".", "_"), ("x\\y\n", "x_y_")] {
            assert_eq!(volume.join(name).to_string(), format!("{volume}/{expected}"), "{name:?}");
        }
        let file = volume.join("50 % ü?#.json");
        assert_eq!(file.escaped(), "/Volumes/main/direct_write/landing/50%20%25%20%C3%BC%3F%23.json");
    }
}
