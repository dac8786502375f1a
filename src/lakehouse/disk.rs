//! The object store under the Delta tables: local files that survive a power cut.
//!
//! `object_store`'s own local store never calls fsync, so a table written through it can lose acknowledged rows, or keep
//! a log entry that names a data file which is not there. Here a write returns only when the bytes *and* the directory
//! entry are on the disk. Because delta-rs writes a data file before the log entry that names it, the log never names a
//! file that a power cut could take away; nothing above this file has to think about fsync.

pub(crate) mod pages;
mod precedence;
mod staging;
mod upload;

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use deltalake::logstore::object_store::local::LocalFileSystem;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use futures::stream::BoxStream;
use staging::Staging;
use upload::DurableUpload;

pub(crate) use precedence::Precedence;
pub(crate) use staging::remove_leftovers;

/// Files from this size on, in bytes, are written around the page cache.
const LARGE: usize = 1 << 20;

/// Local files with fsync; see the module's text.
#[derive(Debug)]
pub(crate) struct DurableFiles {
    files: LocalFileSystem,
    precedence: Precedence,
}

impl DurableFiles {
    /// A store whose "/" is the file system's root, as delta-rs expects of a `file://` store.
    pub(crate) fn new(precedence: Precedence) -> Self {
        Self { files: LocalFileSystem::new(), precedence }
    }

    fn file_path(&self, location: &Path) -> Result<PathBuf> {
        self.files.path_to_filesystem(location)
    }
}

impl fmt::Display for DurableFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DurableFiles")
    }
}

/// Creates `folder` with its parents, each of them on the disk.
pub(crate) fn create_folders(folder: &FilePath) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    // The parent of `data` is the empty path, which no system call takes.
    let parent = folder.parent().map(|parent| if parent.as_os_str().is_empty() { FilePath::new(".") } else { parent });
    if let Some(parent) = parent {
        create_folders(parent)?;
    }
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    parent.map_or(Ok(()), sync_folder)
}

/// Makes the entries of `folder` (new, renamed or removed files) survive a power cut.
pub(crate) fn sync_folder(folder: &FilePath) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a small file anew, so that after a power cut it is either the new one or what was there before.
pub(crate) fn write_file(target: &FilePath, content: &[u8]) -> std::io::Result<()> {
    put_file(target, &PutPayload::from(content.to_vec()), false)
}

/// Writes a whole file so that after a power cut it is either there with all its bytes or not there.
fn put_file(target: &FilePath, parts: &PutPayload, create_only: bool) -> std::io::Result<()> {
    let mut staging = Staging::begin(target, parts.content_length() >= LARGE)?;
    staging.append(parts)?;
    staging.complete(target, create_only)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|source| Error::JoinError { source })?
}

fn failed(path: &FilePath, source: std::io::Error) -> Error {
    if source.kind() == std::io::ErrorKind::AlreadyExists {
        return Error::AlreadyExists { path: path.display().to_string(), source: Box::new(source) };
    }
    let source = format!("writing '{}': {source}", path.display());
    Error::Generic { store: "DurableFiles", source: source.into() }
}

#[async_trait]
impl ObjectStore for DurableFiles {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let create_only = match options.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return self.files.put_opts(location, payload, options).await,
        };
        let target = self.file_path(location)?;
        blocking(move || {
            put_file(&target, &payload, create_only).map_err(|source| failed(&target, source))?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn put_multipart_opts(&self, location: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(DurableUpload::begin(self.file_path(location)?, self.precedence.clone())))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.files.rename_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_version_is_written_once_and_leaves_no_staging_file() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = DurableFiles::new(Precedence::new());
        let path = Path::from_absolute_path(folder.path().join("_delta_log/0.json")).expect("path");
        let create = PutOptions { mode: PutMode::Create, ..Default::default() };
        store.put_opts(&path, PutPayload::from_static(b"one"), create.clone()).await.expect("first");
        let second = store.put_opts(&path, PutPayload::from_static(b"two"), create).await;
        assert!(matches!(second, Err(Error::AlreadyExists { .. })), "{second:?}");
        let names: Vec<_> = std::fs::read_dir(folder.path().join("_delta_log"))
            .expect("listing")
            .map(|entry| entry.expect("entry").file_name())
            .collect();
        assert_eq!(names, ["0.json"]);
        assert_eq!(std::fs::read(folder.path().join("_delta_log/0.json")).expect("read"), b"one");
    }

    #[tokio::test]
    async fn large_files_have_all_their_bytes_and_no_more() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = DurableFiles::new(Precedence::new());
        for length in [LARGE - 1, LARGE, LARGE + 1, 3 * LARGE + 4095, 8 << 20] {
            let bytes: Vec<u8> = (0..length).map(|place| (place % 251) as u8).collect();
            let path = Path::from_absolute_path(folder.path().join(length.to_string())).expect("path");
            let payload = PutPayload::from_iter(bytes.chunks(100_000).map(Bytes::copy_from_slice));
            store.put_opts(&path, payload, PutOptions::default()).await.expect("written");
            assert!(std::fs::read(folder.path().join(length.to_string())).expect("read") == bytes, "{length}");
        }
        assert_eq!(folder.path().read_dir().expect("listing").count(), 5, "no staging files are left");
    }

    #[tokio::test]
    async fn parts_of_any_size_are_one_file_and_a_given_up_upload_is_none() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = DurableFiles::new(Precedence::new());
        let whole: Vec<u8> = (0..(12 << 20) + 77).map(|place| (place % 251) as u8).collect();
        for size in [5 << 20, 1 << 20, 4096, 999_983, 16 << 20] {
            let path = Path::from_absolute_path(folder.path().join(size.to_string())).expect("path");
            let mut upload = store.put_multipart_opts(&path, Default::default()).await.expect("begun");
            let parts: Vec<_> =
                whole.chunks(size).map(|part| upload.put_part(Bytes::copy_from_slice(part).into())).collect();
            // Nobody promised to wait in order.
            for part in parts.into_iter().rev() {
                part.await.expect("part");
            }
            assert!(!folder.path().join(size.to_string()).exists(), "it has its name when it is whole");
            upload.complete().await.expect("complete");
            assert!(std::fs::read(folder.path().join(size.to_string())).expect("read") == whole, "{size}");
        }
        let path = Path::from_absolute_path(folder.path().join("empty")).expect("path");
        store.put_multipart_opts(&path, Default::default()).await.expect("begun").complete().await.expect("complete");
        assert_eq!(std::fs::read(folder.path().join("empty")).expect("read"), b"");

        let path = Path::from_absolute_path(folder.path().join("given-up")).expect("path");
        let mut upload = store.put_multipart_opts(&path, Default::default()).await.expect("begun");
        upload.put_part(Bytes::from(vec![1; 2 << 20]).into()).await.expect("part");
        upload.abort().await.expect("abort");
        drop(upload);
        while folder.path().read_dir().expect("listing").count() > 6 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        assert!(!folder.path().join("given-up").exists());
    }

    #[tokio::test]
    async fn only_what_a_crash_left_half_written_is_removed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let half = format!(".{}.tmp", uuid::Uuid::new_v4().simple());
        let others = [".hidden.tmp", "part-0.parquet", "x.tmp"];
        for name in others.into_iter().chain([half.as_str()]) {
            std::fs::write(folder.path().join(name), b"bytes").expect("write");
        }
        remove_leftovers(folder.path()).expect("removed");
        assert!(!folder.path().join(half).exists());
        assert!(others.into_iter().all(|name| folder.path().join(name).exists()));
        remove_leftovers(&folder.path().join("nowhere")).expect("nothing to do");
    }
}
